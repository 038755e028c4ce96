//! The real `trackside` executable, serving.

use crate::{place, process::Process, scrape};
use serde_json::Value;
use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One router at a time in a test run: components are bounded in time, and on a small machine a second router with its
/// gateway and its clients would take that time away. Routers that many tests share run throughout, and only while one of
/// these tests does they are busy.
static TURN: RwLock<()> = RwLock::const_new(());

/// Tests are not about how fast the machine is: decisions have more time than users would give them, save where a test says
/// otherwise.
const DEADLINE: &str = "--decision-deadline";

/// Waits until no test has a router of its own, and keeps it that way.
pub(crate) async fn visit() -> RwLockReadGuard<'static, ()> {
    TURN.read().await
}

/// A running router.
#[derive(Debug)]
pub struct Trackside {
    process: Process,
    config: PathBuf,
    flags: Vec<OsString>,
    pub extproc: SocketAddr,
    pub api: SocketAddr,
    pub metrics: SocketAddr,
    _turn: Option<RwLockWriteGuard<'static, ()>>,
}

impl Trackside {
    /// Starts it on free ports, once the one before has ended.
    pub async fn start(config: &Path) -> Trackside {
        Trackside::start_with(config, &[]).await
    }

    /// The same with more flags.
    pub async fn start_with(config: &Path, flags: &[OsString]) -> Trackside {
        let turn = TURN.write().await;
        let router = Trackside::start_beside(config, flags, "127.0.0.1:0").await;
        Trackside { _turn: Some(turn), ..router }
    }

    /// Starts another one with the same configuration and flags, where the gateway looks for this one.
    pub async fn start_again(&self) -> Trackside {
        Trackside::start_beside(&self.config, &self.flags, &self.extproc.to_string()).await
    }

    /// Starts one beside others, with ExtProc at this address.
    pub async fn start_beside(config: &Path, flags: &[OsString], extproc: &str) -> Trackside {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--config".into(), config.into()];
        for (port, address) in [("--extproc", extproc), ("--api", "127.0.0.1:0"), ("--metrics", "127.0.0.1:0")] {
            arguments.extend([port.into(), address.into()]);
        }
        if !flags.iter().any(|flag| flag == DEADLINE) {
            arguments.extend([DEADLINE.into(), "20s".into()]);
        }
        arguments.extend_from_slice(flags);
        let binary = place::trackside();
        // A cache of the tests' own, so that they neither trust nor touch that of the user.
        let cache = binary.with_file_name("test-cache").into_os_string();
        let process = Process::start("trackside", binary.as_os_str(), &arguments, &[("XDG_CACHE_HOME", cache)]);
        let [extproc, api, metrics] = process.wait_for("listening", listening).await;
        let (config, flags) = (config.to_owned(), flags.to_vec());
        Trackside { process, config, flags, extproc, api, metrics, _turn: None }
    }

    /// Its counters and histograms, as Prometheus reads them.
    pub fn metrics(&self) -> String {
        let (status, page) = scrape::get(self.metrics, "/metrics").expect("the metrics page answers");
        assert_eq!(status, 200, "{page}");
        page
    }

    /// Waits until a metric, summed over the series with these labels, is as it should be.
    pub async fn until(&self, name: &str, labels: &[&str], right: impl Fn(f64) -> bool) {
        let value = || scrape::metric(&self.metrics(), name, labels);
        self.process.poll(name, || right(value()).then_some(())).await;
    }

    /// What `look` gives once it gives something; see [`Process::poll`].
    pub async fn poll<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        self.process.poll(what, look).await
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        self.process.ended().await;
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
