//! The thread that turns what was seen into spans and sends them.

use super::context::{Context, Ids};
use super::otlp::{self, Anchor, ExportRequest, Resource, ResourceSpans, Scope, ScopeSpans};
use super::span::{Span, Value};
use super::transport::{DestinationError, SendError, Transport};
use super::{Sampler, Settings};
use crate::Metrics;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

/// Most traces that wait to be sent. At about a kilobyte each this is two megabytes.
const WAITING: usize = 2048;
/// Most traces in one batch: collectors refuse messages of more than 4 MiB.
const BATCH: usize = 256;
/// How long a batch may wait for more.
const DELAY: Duration = Duration::from_secs(1);
/// How long the thread sleeps before it looks for more. A thread that waited for each trace would have to be woken by the
/// request that it belongs to.
const LINGER: Duration = Duration::from_millis(50);
/// The longest that the end of the process waits for the collector.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was seen of one request, from which its spans are built later.
pub trait Trace: Send + 'static {
    /// The trace, and its spans: the first covers all others, and each comes after the one that it is a part of.
    fn spans(self) -> (Context, Vec<Span>);
}

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The destination cannot be used.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// The system gives no thread.
    #[error("no thread for traces")]
    Thread(#[from] std::io::Error),
}

enum Message<T> {
    End(T),
    Stop,
}

/// The near end: takes traces without ever waiting, and drops and counts them when too many wait already.
#[derive(Debug)]
pub struct Tracer<T> {
    sender: SyncSender<Message<T>>,
    sampler: Sampler,
    ids: Arc<Ids>,
    metrics: Arc<Metrics>,
}

/// Sends what still waits when it is dropped, for two seconds at most.
#[derive(Debug)]
pub struct Flush<T> {
    sender: SyncSender<Message<T>>,
    stopped: Receiver<()>,
}

impl<T: Trace> Tracer<T> {
    /// Starts the thread. The collector need not be there yet.
    ///
    /// # Errors
    /// When the destination makes no sense, or the system gives no thread.
    pub fn start(settings: Settings, version: &str, metrics: Arc<Metrics>) -> Result<(Self, Flush<T>), StartError> {
        let Settings { destination, sampler, timeout, resource } = settings;
        let ids = Arc::new(Ids::default());
        let exporter = Exporter {
            transport: Transport::new(destination)?,
            timeout,
            resource: resource.iter().map(|(key, value)| otlp::attribute(key, Value::Text(value.clone()))).collect(),
            scope: Scope { name: "trackside".to_owned(), version: version.to_owned() },
            ids: Arc::clone(&ids),
            metrics: Arc::clone(&metrics),
            reached: Reached::Unknown,
        };
        let (sender, receiver) = sync_channel(WAITING);
        let (stop, stopped) = channel();
        std::thread::Builder::new().name("traces".to_owned()).spawn(move || {
            exporter.run(&receiver);
            // Nobody listens once the process has lost its patience.
            let _ = stop.send(());
        })?;
        Ok((Self { sender: sender.clone(), sampler, ids, metrics }, Flush { sender, stopped }))
    }

    /// The trace that a request belongs to: the one that its `traceparent` names, or a new one. `None` when it is not
    /// kept, and nothing need be remembered of the request.
    #[must_use]
    pub fn begin(&self, traceparent: Option<&str>) -> Option<Context> {
        Context::begin(traceparent, self.sampler, &self.ids)
    }

    /// A request has ended, and this was seen of it.
    pub fn end(&self, trace: T) {
        if self.sender.try_send(Message::End(trace)).is_err() {
            self.metrics.traces("dropped", 1);
        }
    }
}

/// What is known about the collector: a change is told once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    Unknown,
    Yes,
    No,
}

struct Exporter {
    transport: Transport,
    timeout: Duration,
    resource: Vec<otlp::KeyValue>,
    scope: Scope,
    ids: Arc<Ids>,
    metrics: Arc<Metrics>,
    reached: Reached,
}

impl Exporter {
    fn run<T: Trace>(mut self, receiver: &Receiver<Message<T>>) {
        let mut stop = false;
        while !stop {
            let (batch, last) = collect(receiver);
            stop = last;
            if !batch.is_empty() {
                let timeout = if last { self.timeout.min(PATIENCE * 3 / 4) } else { self.timeout };
                self.send(batch, timeout);
            }
        }
    }

    fn send<T: Trace>(&mut self, batch: Vec<T>, timeout: Duration) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let anchor = Anchor::now();
        let spans = batch.into_iter().flat_map(|trace| {
            let (context, spans) = trace.spans();
            otlp::spans(context, spans, &self.ids, anchor)
        });
        let scope_spans = vec![ScopeSpans { scope: Some(self.scope.clone()), spans: spans.collect() }];
        let resource = Some(Resource { attributes: self.resource.clone() });
        let request = ExportRequest { resource_spans: vec![ResourceSpans { resource, scope_spans }] };
        match self.transport.send(request, timeout) {
            Ok(answer) => {
                self.metrics.traces("sent", count);
                let refused = answer.partial_success.filter(|partial| partial.rejected_spans > 0);
                if let Some(partial) = refused {
                    let (spans, reason) = (partial.rejected_spans, partial.error_message);
                    tracing::warn!(event = "spans_refused", spans, reason);
                }
                self.tell(None);
            }
            Err(error) => {
                self.metrics.traces("failed", count);
                self.tell(Some(&error));
            }
        }
    }

    /// Tells the log when the collector is lost, and when it is there again: not with every batch.
    fn tell(&mut self, error: Option<&SendError>) {
        match (error, self.reached) {
            (Some(error), Reached::Unknown | Reached::Yes) => {
                let reason = std::error::Error::source(error).map(ToString::to_string);
                tracing::warn!(event = "traces_not_sent", %error, reason, "traces are dropped until it answers");
            }
            (None, Reached::No) => tracing::info!(event = "traces_sent_again"),
            _ => {}
        }
        self.reached = if error.is_some() { Reached::No } else { Reached::Yes };
    }
}

/// Waits for a trace, and a little longer for others. Tells also whether nothing comes after them.
fn collect<T>(receiver: &Receiver<Message<T>>) -> (Vec<T>, bool) {
    let Ok(Message::End(first)) = receiver.recv() else { return (Vec::new(), true) };
    let mut batch = vec![first];
    let full = Instant::now() + DELAY;
    loop {
        while batch.len() < BATCH {
            match receiver.try_recv() {
                Ok(Message::End(trace)) => batch.push(trace),
                Ok(Message::Stop) | Err(TryRecvError::Disconnected) => return (batch, true),
                Err(TryRecvError::Empty) => break,
            }
        }
        if batch.len() >= BATCH || Instant::now() >= full {
            return (batch, false);
        }
        std::thread::sleep(LINGER);
    }
}

impl<T> Drop for Flush<T> {
    fn drop(&mut self) {
        let patience = Instant::now() + PATIENCE;
        while let Err(TrySendError::Full(_)) = self.sender.try_send(Message::Stop) {
            if Instant::now() > patience {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // When the time is up the traces are lost, as they would be without waiting.
        let _ = self.stopped.recv_timeout(patience.saturating_duration_since(Instant::now()));
    }
}
