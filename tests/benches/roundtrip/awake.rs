//! Cores that stay awake. On a virtual machine a core without work is handed back to the host, and to get it again for the
//! next message takes tens of microseconds: longer than what is measured here, and different from one hour to the next.

use std::{fs, io};

/// How long the kernel looks for work before it hands back a core, nanoseconds.
const SETTING: &str = "/sys/module/haltpoll/parameters/guest_halt_poll_ns";
/// What the kernel takes where nobody sets anything.
const USUAL: &str = "200000";

/// Keeps the cores awake until it is dropped.
pub(crate) struct Awake {
    before: String,
}

impl Awake {
    /// Nothing where the machine has no such setting, or grants nobody to change it.
    pub(crate) fn keep() -> Option<Awake> {
        let before = fs::read_to_string(SETTING).ok()?;
        set(USUAL).ok()?;
        Some(Awake { before })
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let Err(error) = set(self.before.trim()) {
            eprintln!("{SETTING} is no longer {}: {error}", self.before.trim());
        }
    }
}

fn set(value: &str) -> io::Result<()> {
    fs::write(SETTING, value)
}
