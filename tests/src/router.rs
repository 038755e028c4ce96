//! The real `trackside` executable, serving.

use crate::{place, process::Process, scrape};
use serde_json::Value;
use std::{ffi::OsString, net::SocketAddr, path::Path};
use tokio::sync::{Mutex, MutexGuard};

/// One router at a time in a test run: components are bounded in time, and on a small machine a second router with its
/// gateway and its clients would take that time away.
static TURN: Mutex<()> = Mutex::const_new(());

/// A running router.
#[derive(Debug)]
pub struct Trackside {
    process: Process,
    pub extproc: SocketAddr,
    pub api: SocketAddr,
    pub metrics: SocketAddr,
    _turn: MutexGuard<'static, ()>,
}

impl Trackside {
    /// Starts it on free ports, once the one before has ended.
    pub async fn start(config: &Path) -> Trackside {
        Trackside::start_with(config, &[]).await
    }

    /// The same with more flags.
    pub async fn start_with(config: &Path, flags: &[OsString]) -> Trackside {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--config".into(), config.into()];
        for port in ["--extproc", "--api", "--metrics"] {
            arguments.extend([port.into(), "127.0.0.1:0".into()]);
        }
        arguments.extend_from_slice(flags);
        let binary = place::trackside();
        let turn = TURN.lock().await;
        // A cache of the tests' own, so that they neither trust nor touch that of the user.
        let cache = binary.with_file_name("test-cache").into_os_string();
        let process = Process::start("trackside", binary.as_os_str(), &arguments, &[("XDG_CACHE_HOME", cache)]);
        let [extproc, api, metrics] = process.wait_for("listening", listening).await;
        Trackside { process, extproc, api, metrics, _turn: turn }
    }

    /// Its counters and histograms, as Prometheus reads them.
    pub fn metrics(&self) -> String {
        let (status, page) = scrape::get(self.metrics, "/metrics").expect("the metrics page answers");
        assert_eq!(status, 200, "{page}");
        page
    }

    /// Processor time that it has used.
    pub fn cpu(&self) -> std::time::Duration {
        self.process.cpu()
    }

    /// Memory that it holds now, bytes.
    pub fn resident(&self) -> u64 {
        self.process.resident()
    }
}

fn listening(line: &str) -> Option<[SocketAddr; 3]> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = |name: &str| line[name].as_str().and_then(|text| text.parse().ok());
    (line["event"] == "listening").then(|| Some([address("extproc")?, address("api")?, address("metrics")?]))?
}
