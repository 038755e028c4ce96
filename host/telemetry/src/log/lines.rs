//! Lines on their way to standard error.

use crate::Metrics;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// Most lines that wait. At a few hundred bytes each this is a megabyte or two.
const WAITING: usize = 4096;
/// Most bytes for one write.
const BATCH: usize = 64 * 1024;
/// How long the first line of a batch waits for others. A sender that finds the thread asleep in here need not wake it,
/// which under steady traffic would cost more than the line itself.
const LINGER: Duration = Duration::from_millis(5);
/// The longest that the end of the process waits for a reader of standard error.
const PATIENCE: Duration = Duration::from_secs(1);

enum Line {
    Write(Vec<u8>),
    Stop,
}

/// The near end: takes lines without ever waiting, and drops and counts them when too many wait already.
#[derive(Debug)]
pub(super) struct Lines {
    sender: SyncSender<Line>,
    metrics: Arc<Metrics>,
}

/// Writes what still waits when it is dropped.
#[derive(Debug)]
pub struct Flush {
    sender: SyncSender<Line>,
    stopped: Receiver<()>,
}

impl Lines {
    pub(super) fn start(metrics: Arc<Metrics>, to: impl Write + Send + 'static) -> io::Result<(Self, Flush)> {
        let (sender, receiver) = sync_channel(WAITING);
        let (stop, stopped) = channel();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            write_lines(&receiver, to);
            // Nobody listens once the process has lost its patience.
            let _ = stop.send(());
        })?;
        Ok((Self { sender: sender.clone(), metrics }, Flush { sender, stopped }))
    }
}

fn write_lines(lines: &Receiver<Line>, mut to: impl Write) {
    let mut batch = Vec::new();
    while let Ok(mut line) = lines.recv() {
        if matches!(line, Line::Write(_)) {
            std::thread::sleep(LINGER);
        }
        let stop = loop {
            match line {
                Line::Write(bytes) => batch.extend_from_slice(&bytes),
                Line::Stop => break true,
            }
            match lines.try_recv() {
                Ok(next) if batch.len() < BATCH => line = next,
                Ok(Line::Write(bytes)) => {
                    batch.extend_from_slice(&bytes);
                    break false;
                }
                Ok(Line::Stop) => break true,
                Err(_) => break false,
            }
        };
        // A closed standard error leaves nobody to tell.
        let _ = to.write_all(&batch).and_then(|()| to.flush());
        batch.clear();
        if stop {
            return;
        }
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.sender.try_send(Line::Write(line.to_vec())).is_err() {
            self.metrics.log_dropped();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let patience = Instant::now() + PATIENCE;
        while let Err(TrySendError::Full(_)) = self.sender.try_send(Line::Stop) {
            if Instant::now() > patience {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // When the time is up the lines are lost, as they would be without waiting.
        let _ = self.stopped.recv_timeout(PATIENCE);
    }
}
