//! Which cores this process has, and how threads are kept on some of them.

use std::{fs, process::Command};

/// As the kernel numbers them.
pub fn allowed() -> Vec<usize> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0");
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// Keeps this thread, and those that it starts from now on, on the cores.
pub fn pin(cores: &[usize]) {
    let thread = fs::read_link("/proc/thread-self").unwrap_or_default();
    let thread = thread.file_name().unwrap_or_default();
    let list = cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let pinned = Command::new("taskset").args(["--pid", "--cpu-list", &list]).arg(thread).output();
    if !pinned.is_ok_and(|output| output.status.success()) {
        println!("taskset does not work here: not kept on core {list}");
    }
}

/// The share of the time since it began in which this thread had a core, of the time in which it wanted one.
pub fn share() -> Option<f64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut times = stat.split_whitespace().map_while(|part| part.parse::<f64>().ok());
    let (ran, waited) = (times.next()?, times.next()?);
    Some(ran / (ran + waited))
}
