//! The compiler ends with the router, however that one ends.

use crate::forge;
use crate::site::{MISBEHAVING, Site, guest};
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A component that takes the compiler long enough to be met at work. It is a new one each time, which no cache holds.
fn slow() -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_nanos();
    let slow = forge::slow_to_compile(guest(MISBEHAVING), 5_000);
    forge::with_custom_section(&slow, "now", &now.to_le_bytes())
}

/// Sends a signal to the router while something is compiled.
async fn compiler_ends_with(signal: &str) {
    let site = Site::start().await;
    site.drop_in(MISBEHAVING, &slow());
    let compiler = site.router.poll("the compiler", || compiler_of(&site)).await;
    site.router.signal(signal);
    let sent = Instant::now();
    site.router.ended().await;
    while compiler_runs(compiler) {
        assert!(sent.elapsed() < Duration::from_secs(20), "the compiler goes on after {signal}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn command_line(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()
}

fn compiler_runs(pid: u32) -> bool {
    command_line(pid).is_some_and(|line| line.contains("compile-component"))
}

/// The compiler whose parent was started with a file of this site.
fn compiler_of(site: &Site) -> Option<u32> {
    let pids = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let folder = site.folder();
    pids.filter(|pid| compiler_runs(*pid)).find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        parent.and_then(command_line).is_some_and(|line| line.contains(&folder))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compiler_is_killed_with_the_router() {
    compiler_ends_with("KILL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_stops_does_not_wait_for_the_compiler() {
    compiler_ends_with("TERM").await;
}
