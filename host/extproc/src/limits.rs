//! What the service allows itself and its gateways.

use std::time::Duration;

/// The longest message that is read, bytes. It has to be above the gateway's own buffer limit: a longer message fails
/// the stream.
pub const MESSAGE_LIMIT: usize = 64 << 20;

/// Bounds of the service.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest request body that is held for a decision, bytes; a longer one is refused with 413. A compressed body
    /// must keep to it before and after it is decoded.
    pub body_bytes: usize,
    /// The longest pause between two pieces of a body that comes piece by piece; then the request is refused with 408.
    pub body_pause: Duration,
    /// The longest time that a body may take as a whole, from the opening of its stream; then the same.
    pub body_time: Duration,
    /// The longest time that a decision may take from the complete body on. It is shortened to what the gateway allows,
    /// where it says so. What has not been decided by then is left to whoever decides.
    pub decision: Duration,
    /// Bytes of request bodies that all streams together may hold; a request for which there is no room is refused with
    /// 503.
    pub held_bytes: usize,
    /// Streams that may be open at once; an LLM call on one more is refused with 503.
    pub streams: usize,
    /// What is told on answers that come back from upstreams.
    pub telling: Telling,
    /// From the wish to shut down until no more connections are taken. Health is already `NOT_SERVING`, so that gateways
    /// can move away first: a request that finds the port closed fails.
    pub notice: Duration,
    /// After that, how long open streams may take to end. Then those whose request is on its way are released, and the
    /// others fail.
    pub drain: Duration,
}

/// Whether the decision's headers are set on answers from upstreams. What is not wanted of an answer is not asked for,
/// where the gateway lets that be chosen, and each phase less is felt in its throughput.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// They are set on successful answers.
    #[default]
    Decision,
    /// They are not. An upstream's own headers of these names pass then where answers are not shown.
    Nothing,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: MESSAGE_LIMIT,
            body_pause: Duration::from_secs(60),
            body_time: Duration::from_secs(600),
            decision: Duration::from_millis(150),
            held_bytes: 1 << 30,
            streams: 10_000,
            telling: Telling::Decision,
            notice: Duration::from_secs(3),
            drain: Duration::from_secs(25),
        }
    }
}
