//! How far a download has come: a line that is redrawn where somebody watches, and one line for each file elsewhere.

use super::megabytes;
use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

/// Time between two drawings.
const PAUSE: Duration = Duration::from_millis(100);
const BAR: usize = 24;

/// One file on its way.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    file: &'a str,
    length: Option<u64>,
    done: u64,
    /// What has come since `started`.
    fresh: u64,
    started: Instant,
    drawn: Option<Instant>,
    watched: bool,
}

impl<'a> Progress<'a> {
    /// `done` bytes were here before.
    pub(super) fn start(file: &'a str, done: u64, length: Option<u64>) -> Self {
        Self { file, length, done, fresh: 0, started: Instant::now(), drawn: None, watched: stderr().is_terminal() }
    }

    pub(super) fn advance(&mut self, bytes: u64) {
        self.done = self.done.saturating_add(bytes);
        self.fresh = self.fresh.saturating_add(bytes);
        if self.watched && self.drawn.is_none_or(|drawn| drawn.elapsed() >= PAUSE) {
            self.drawn = Some(Instant::now());
            eprint!("\r{}", self.line());
        }
    }

    pub(super) fn finish(self) {
        if self.watched {
            eprintln!("\r{}", self.line());
        } else {
            eprintln!("{}  {}", self.file, megabytes(self.done));
        }
    }

    fn line(&self) -> String {
        let rate = self.fresh as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let rate = format!("{}/s", megabytes(rate as u64));
        // Blanks at the end cover what a longer line before has left.
        match self.length.filter(|length| *length > 0) {
            Some(length) => {
                let share = self.done as f64 / length as f64;
                let bar = "#".repeat(((share * BAR as f64) as usize).min(BAR));
                let size = format!("{} of {}", megabytes(self.done), megabytes(length));
                format!("{:<28} [{bar:<BAR$}] {:>3.0} %  {size}  {rate}   ", self.file, share * 100.0)
            }
            None => format!("{:<28} {}  {rate}   ", self.file, megabytes(self.done)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_share_and_sizes_and_never_more_than_a_whole_bar() {
        let mut progress = Progress::start("model.safetensors", 500_000, Some(2_000_000));
        progress.advance(500_000);
        let line = progress.line();
        assert!(line.contains("[############            ]  50 %  1.0 MB of 2.0 MB"), "{line}");
        progress.advance(9_000_000);
        assert!(progress.line().contains("[########################]"), "{}", progress.line());
        let unknown = Progress::start("config.json", 0, None).line();
        assert!(unknown.contains("0.0 MB") && !unknown.contains('['), "{unknown}");
    }
}
