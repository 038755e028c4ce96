//! How the command line says it.

use super::WatchBy;
use clap::{Args, ValueEnum};
use std::time::Duration;
use trackside_config::parse_duration;

/// How changed files are noticed.
// The group's own name would be that of the arguments it is part of.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// How changes of the configuration, of components and of models are noticed: by the file system's events, by looking
    /// at the files (where events do not come, as on some network file systems), or not at all (SIGHUP and the API work
    /// all the same).
    #[arg(long = "watch", value_name = "HOW", env = "TRACKSIDE_WATCH", default_value = "events")]
    how: How,
    /// How often the files are looked at with --watch poll.
    #[arg(
        long = "watch-interval", value_name = "DURATION", env = "TRACKSIDE_WATCH_INTERVAL", default_value = "2s",
        value_parser = interval,
    )]
    interval: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    Events,
    Poll,
    Off,
}

pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let found =
        parse_duration(text).filter(|time| (Duration::from_millis(10)..=Duration::from_hours(1)).contains(time));
    found.ok_or_else(|| "expected a time from 10ms to 1h, such as 500ms or 2s".to_owned())
}

impl Arguments {
    /// What was asked for.
    pub(crate) fn by(&self) -> WatchBy {
        match self.how {
            How::Events => WatchBy::Events,
            How::Poll => WatchBy::Poll(self.interval),
            How::Off => WatchBy::Off,
        }
    }
}
