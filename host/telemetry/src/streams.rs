//! What happens on processing streams and on the connections below them, one method for each thing.

use crate::Metrics;
use std::time::Duration;

impl Metrics {
    /// A processing stream opened.
    pub fn stream_opened(&self) {
        self.streams.open.add([], 1);
    }

    /// A message came in on a processing stream.
    pub fn stream_message(&self, kind: &str) {
        self.streams.messages.add([kind], 1);
    }

    /// A processing stream that opened has ended, `open` later.
    pub fn stream_closed(&self, outcome: &str, open: Duration) {
        self.streams.open.add([], -1);
        self.streams.finished.add([outcome], 1);
        self.streams.lifetime.time([outcome], open);
    }

    /// A phase of a stream took so long: `collecting` a body, `deciding`, or handling a message, by its kind.
    pub fn stream_phase(&self, phase: &str, took: Duration) {
        self.streams.phases.time([phase], took);
    }

    /// Bytes of a body went by: `request_received`, `request_sent`, `response_received` or `response_sent`.
    pub fn body_bytes(&self, direction: &str, bytes: usize) {
        self.streams.bytes.add([direction], u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// So many bytes of bodies more are held for decisions, or fewer.
    pub fn body_held(&self, change: i64) {
        self.streams.held.add([], change);
    }

    /// A body came compressed, and was `decoded`, `passed` or refused for a reason.
    pub fn body_encoding(&self, encoding: &str, outcome: &str) {
        self.streams.encodings.add([encoding, outcome], 1);
    }

    /// A request was refused because there is no room for it now.
    pub fn shed(&self, reason: &str) {
        self.streams.shed.add([reason], 1);
    }

    /// An LLM call went on without a decision, because its body was never shown: `partial_body` or `no_body`.
    pub fn undecided(&self, reason: &str) {
        self.streams.undecided.add([reason], 1);
    }

    /// A gateway tried to connect over TLS: `ok`, `failed`, `timeout` or `shed`.
    pub fn tls_handshake(&self, outcome: &str) {
        self.streams.handshakes.add([outcome], 1);
    }

    /// Changed certificate files were looked at: `ok`, or `failed` and the ones before still serve.
    pub fn tls_reload(&self, outcome: &str) {
        self.streams.certificates.add([outcome], 1);
    }
}
