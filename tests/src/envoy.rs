//! A real Envoy with one listener per mode.

use crate::{
    bootstrap::{self, Backends},
    mode::Mode,
    place,
    process::Process,
    scrape,
};
use serde_json::Value;
use std::{collections::HashMap, ffi::OsString, net::SocketAddr};
use tempfile::TempDir;

/// What must stay 0: each counts a mistake of the processor.
pub const MISTAKES: [&str; 4] =
    ["spurious_msgs_received", "rejected_header_mutations", "streams_failed", "clear_route_cache_ignored"];

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: SocketAddr,
    listeners: HashMap<String, SocketAddr>,
    _folder: TempDir,
}

impl Envoy {
    /// Starts it in front of the backends, with these listeners. `None` when it is not installed and the test is to be
    /// skipped.
    pub async fn start(backends: &Backends, modes: &[Mode]) -> Option<Envoy> {
        let binary = place::envoy()?;
        let folder = TempDir::new().expect("a temporary folder can be made");
        let config = folder.path().join("bootstrap.json");
        let admin = folder.path().join("admin");
        std::fs::write(&config, bootstrap::render(backends, modes).to_string()).expect("the bootstrap can be written");
        let flags = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warn", "-c"];
        let mut arguments: Vec<OsString> = flags.map(Into::into).to_vec();
        arguments.extend([config.into(), "--admin-address-path".into(), (&admin).into()]);
        let process = Process::start("envoy", binary.as_os_str(), &arguments, &[]);
        let admin = process.poll("an admin address", || std::fs::read_to_string(&admin).ok()?.parse().ok()).await;
        let ready = || scrape::get(admin, "/ready").is_ok_and(|(status, _)| status == 200).then_some(());
        process.poll("being ready", ready).await;
        let (_, listeners) = scrape::get(admin, "/listeners?format=json").expect("the admin page answers");
        Some(Envoy { process, admin, listeners: addresses(&listeners), _folder: folder })
    }

    /// Where the listener of a mode is.
    pub fn listener(&self, mode: &str) -> SocketAddr {
        *self.listeners.get(mode).unwrap_or_else(|| panic!("this envoy has no listener {mode}"))
    }

    /// A counter of one listener, such as `ext_proc.streams_started`.
    pub fn counter(&self, mode: &str, name: &str) -> u64 {
        let [value] = self.counters(mode, [name]);
        value
    }

    /// Counters of one listener.
    pub fn counters<const N: usize>(&self, mode: &str, names: [&str; N]) -> [u64; N] {
        let (_, page) =
            scrape::get(self.admin, &format!("/stats?filter=http.{mode}\\.")).expect("the admin page answers");
        names.map(|name| {
            let line = format!("http.{mode}.{name}: ");
            let value = page.lines().find_map(|text| text.strip_prefix(&line)?.parse().ok());
            value.unwrap_or_else(|| panic!("envoy has no counter {name} for {mode}:\n{page}"))
        })
    }

    /// Waits until a counter of one listener is this large.
    pub async fn until(&self, mode: &str, name: &str, at_least: u64) {
        self.process.poll(name, || (self.counter(mode, name) >= at_least).then_some(())).await;
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
