//! What the system says about a file, to tell later whether it is still the same without reading it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A change within this time of the one before it may leave the same time on a file: clocks of file systems tick as slowly
/// as every 10 ms.
const TICK: Duration = Duration::from_millis(50);

/// The same on file systems that count whole seconds.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// Which file or directory it is, whatever is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// The state of a file. It changes with every write, and with every file that takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    identity: Identity,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    /// Of what a path leads to. Nothing when nothing is there, or nothing that may be seen.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Stamp {
    /// As [`Identity::at`].
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            identity: Identity::of(metadata),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether its times are whole seconds: the next change may come within the same one.
    pub(crate) fn is_coarse(&self) -> bool {
        self.changed.1 == 0
    }

    /// Whether the next change will show.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let since_1970 = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        let changed = since_1970.map(|(seconds, nanoseconds)| Duration::new(seconds, nanoseconds));
        let changed = changed.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        let tick = if self.is_coarse() { COARSE_TICK } else { TICK };
        changed.and_then(|changed| now.duration_since(changed).ok()).is_some_and(|age| age > tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_settled_when_its_clock_has_ticked() {
        let identity = Identity { device: 1, inode: 1 };
        let settled = |changed, milliseconds| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
            Stamp { identity, bytes: 0, modified: changed, changed }.is_settled(now)
        };
        assert!(!settled((100, 1_000_000), 100_040) && settled((100, 1_000_000), 100_060));
        assert!(!settled((100, 0), 101_900) && settled((100, 0), 102_100), "whole seconds");
        assert!(!settled((100, 1_000_000), 99_000), "the clock was set back");
    }
}
