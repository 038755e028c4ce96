//! What `trackside serve` allows itself and its gateways.

use clap::{Args, ValueEnum};
use std::time::Duration;
use trackside_config::parse_duration;
use trackside_extproc::{Limits, MESSAGE_LIMIT, Telling};

/// The bounds of the ExtProc service.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Bounds {
    /// How long a decision may take once a request is complete, such as 150ms or 2s; then the default model gets it. A
    /// gateway waits 200ms where nobody set it another time; for more, its max_message_timeout has to be longer than this.
    #[arg(long, value_name = "TIME", default_value = "150ms", value_parser = time)]
    decision_deadline: Duration,
    /// Longest request body, bytes, before and after it is decoded; a longer one is refused with 413. Without it, what the
    /// configuration says (global.router.streamed_body), or else as much as one message may carry.
    #[arg(long, value_name = "BYTES", value_parser = body_bytes)]
    max_body_bytes: Option<usize>,
    /// Longest pause inside a request body that comes piece by piece; then it is refused with 408.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    body_pause: Duration,
    /// Longest time that a request body may take as a whole; then the same. Without it, what the configuration says, or
    /// else 600s.
    #[arg(long, value_name = "TIME", value_parser = time)]
    body_time: Option<Duration>,
    /// Bytes of request bodies that are held at once; a request for which there is no room is refused with 503.
    #[arg(long, value_name = "BYTES", default_value_t = defaults().held_bytes)]
    max_held_bytes: usize,
    /// Streams that are open at once; an LLM call on one more is refused with 503.
    #[arg(long, value_name = "COUNT", default_value_t = defaults().streams)]
    max_streams: usize,
    /// What is told on answers that come back from upstreams. With "none", a gateway that allows mode overrides does not
    /// show them at all, which saves a round trip per request.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = ResponseHeaders::Decision)]
    response_headers: ResponseHeaders,
}

/// The headers that are set on answers from upstreams.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ResponseHeaders {
    /// Those that tell the decision (x-vsr-...).
    Decision,
    /// None.
    None,
}

impl Bounds {
    /// All bounds. `body_bytes` and `body_time` are what the configuration says.
    pub(super) fn limits(&self, body_bytes: Option<u64>, body_time: Option<Duration>) -> Limits {
        let configured = body_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        Limits {
            body_bytes: self.max_body_bytes.or(configured).unwrap_or(defaults().body_bytes).min(MESSAGE_LIMIT),
            body_pause: self.body_pause,
            body_time: self.body_time.or(body_time).unwrap_or(defaults().body_time),
            decision: self.decision_deadline,
            held_bytes: self.max_held_bytes,
            streams: self.max_streams,
            telling: match self.response_headers {
                ResponseHeaders::Decision => Telling::Decision,
                ResponseHeaders::None => Telling::Nothing,
            },
            ..defaults()
        }
    }
}

fn defaults() -> Limits {
    Limits::default()
}

fn body_bytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes) if (1..=MESSAGE_LIMIT).contains(&bytes) => Ok(bytes),
        _ => Err(format!("expected a number from 1 to {MESSAGE_LIMIT}, the longest message that is read")),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a time such as 150ms or 2s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_fits_into_a_message() {
        assert_eq!(body_bytes("10"), Ok(10));
        assert!(["0", "x", "67108865"].iter().all(|text| body_bytes(text).is_err()));
    }
}
