//! A real Envoy with one listener per mode.

use crate::{
    bootstrap::{self, Backends},
    mode::MODES,
    place,
    process::Process,
    scrape,
};
use serde_json::Value;
use std::{collections::HashMap, ffi::OsString, net::SocketAddr};
use tempfile::TempDir;

/// What must stay 0: each counts a mistake of the processor.
const MISTAKES: [&str; 4] =
    ["spurious_msgs_received", "rejected_header_mutations", "streams_failed", "clear_route_cache_ignored"];

/// A running Envoy. When it is dropped, its counters of protocol mistakes must be 0, else the test fails.
#[derive(Debug)]
pub struct Envoy {
    _process: Process,
    admin: SocketAddr,
    listeners: HashMap<String, SocketAddr>,
    _folder: TempDir,
}

impl Envoy {
    /// Starts it in front of the backends. `None` when it is not installed and the test is to be skipped.
    pub async fn start(backends: &Backends) -> Option<Envoy> {
        let binary = place::envoy()?;
        let folder = TempDir::new().expect("a temporary folder can be made");
        let config = folder.path().join("bootstrap.json");
        let admin = folder.path().join("admin");
        std::fs::write(&config, bootstrap::render(backends).to_string()).expect("the bootstrap can be written");
        let flags = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warn", "-c"];
        let mut arguments: Vec<OsString> = flags.map(Into::into).to_vec();
        arguments.extend([config.into(), "--admin-address-path".into(), (&admin).into()]);
        let process = Process::start("envoy", binary.as_os_str(), &arguments, &[]);
        let admin = process.poll("an admin address", || std::fs::read_to_string(&admin).ok()?.parse().ok()).await;
        let ready = || scrape::get(admin, "/ready").is_ok_and(|(status, _)| status == 200).then_some(());
        process.poll("being ready", ready).await;
        let (_, listeners) = scrape::get(admin, "/listeners?format=json").expect("the admin page answers");
        Some(Envoy { _process: process, admin, listeners: addresses(&listeners), _folder: folder })
    }

    /// Where the listener of a mode is.
    pub fn listener(&self, mode: &str) -> SocketAddr {
        self.listeners[mode]
    }

    /// A counter of the external processing filter, over all listeners.
    pub fn counter(&self, name: &str) -> u64 {
        let (_, page) = scrape::get(self.admin, "/stats?filter=ext_proc").expect("the admin page answers");
        let line = |mode: &str| format!("http.{mode}.ext_proc.{name}: ");
        let value = |mode: &str| page.lines().find_map(|text| text.strip_prefix(&line(mode))?.parse::<u64>().ok());
        MODES.iter().map(|mode| value(mode.name).unwrap_or_else(|| panic!("envoy has no counter {name}"))).sum()
    }
}

fn addresses(listeners: &str) -> HashMap<String, SocketAddr> {
    let listeners: Value = serde_json::from_str(listeners).expect("the list of listeners is JSON");
    let listeners = listeners["listener_statuses"].as_array().expect("it is a list").iter();
    let address = |listener: &Value| -> Option<(String, SocketAddr)> {
        let socket = &listener["local_address"]["socket_address"];
        let port = u16::try_from(socket["port_value"].as_u64()?).ok()?;
        Some((listener["name"].as_str()?.to_owned(), SocketAddr::new(socket["address"].as_str()?.parse().ok()?, port)))
    };
    listeners.map(|listener| address(listener).expect("a listener has a name and an address")).collect()
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let counted = MISTAKES.map(|name| (name, self.counter(name)));
            assert!(counted.iter().all(|(_, count)| *count == 0), "envoy counted mistakes: {counted:?}");
        }
    }
}
