//! The ways in which a gateway may be set up, each a listener of the same Envoy.

use Body::{Buffered, BufferedPartial, FullDuplexStreamed, None, Streamed};
use Override::{Allowed, Ignored};

/// How Envoy sends one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    None,
    Buffered,
    BufferedPartial,
    Streamed,
    FullDuplexStreamed,
}

impl Body {
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Body::None => "NONE",
            Body::Buffered => "BUFFERED",
            Body::BufferedPartial => "BUFFERED_PARTIAL",
            Body::Streamed => "STREAMED",
            Body::FullDuplexStreamed => "FULL_DUPLEX_STREAMED",
        }
    }
}

/// Whether Trackside may ask a listener for fewer phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    Allowed,
    Ignored,
}

/// What sets a listener apart besides its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// Request headers are not shown.
    RequestHeadersSkipped,
    /// Headers of answers are not shown.
    ResponseHeadersSkipped,
    /// Trailers are shown in every mode.
    TrailersSent,
    /// Overrides are allowed, but only one is listed that nobody asks for.
    OtherOverridesListed,
    /// Pieces of the body come while the answer to the headers is still due.
    BodyNotHeldBack,
    /// The exchange is shown, and answers are ignored.
    Observed,
    /// `x-selected-model` is not among the headers that are shown.
    SelectionHidden,
    /// A header that may not be changed fails the request instead of being left out.
    ForbiddenEditsFail,
    /// Attributes of the request and two metadata namespaces go along.
    Attached,
    /// The stream names the profile `support`.
    Profiled,
    /// Two Tracksides, one behind the other.
    Twice,
    /// A gateway plugin as AIBrix has it comes behind.
    BeforeAibrix,
    /// Upgrades and tunnels are let through.
    Upgrades,
    /// A message waits for its answer for 200 ms only.
    Hurried,
    /// A request passes when the processor fails.
    FailsOpen,
    /// Nobody listens where the processor should be.
    NoProcessor,
}

/// One way to set up the external processor.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Name of the listener, and of its counters.
    pub name: &'static str,
    pub request: Body,
    pub response: Body,
    pub mode_override: Override,
    /// What the listener may hold of one body, bytes.
    pub buffer_limit: u32,
    pub twists: &'static [Twist],
}

const LARGE: u32 = 80 << 20;
/// A buffer limit that tests pass on purpose, bytes.
pub const SMALL: u32 = 64 << 10;

/// The filter as AIBrix's sample and the AI Gateway's patch set it up.
pub const AIBRIX: Mode = Mode { buffer_limit: 4 << 20, ..allowing("aibrix", Buffered, Buffered) };

/// Every pair of body modes that differs for Trackside: how it gets requests, times how it gets answers.
pub const MODES: [Mode; 19] = [
    AIBRIX,
    mode("buffered", Buffered, None),
    mode("buffered_both", Buffered, Buffered),
    mode("buffered_streamed", Buffered, Streamed),
    mode("buffered_duplex", Buffered, FullDuplexStreamed),
    allowing("buffered_streamed_override", Buffered, Streamed),
    mode("partial", BufferedPartial, None),
    mode("partial_both", BufferedPartial, BufferedPartial),
    mode("duplex", FullDuplexStreamed, None),
    mode("duplex_buffered", FullDuplexStreamed, Buffered),
    mode("duplex_streamed", FullDuplexStreamed, Streamed),
    mode("duplex_both", FullDuplexStreamed, FullDuplexStreamed),
    allowing("duplex_override", FullDuplexStreamed, Buffered),
    mode("streamed", Streamed, None),
    mode("streamed_both", Streamed, Streamed),
    allowing("streamed_override", Streamed, Buffered),
    mode("none", None, None),
    mode("none_streamed", None, Streamed),
    allowing("none_override", None, Buffered),
];

/// Listeners that are set apart by one thing, with nothing that makes a request fail.
pub const TWISTED: [Mode; 32] = [
    with("request_headers_skipped", Buffered, Buffered, &[Twist::RequestHeadersSkipped]),
    with("response_headers_skipped", Buffered, Buffered, &[Twist::ResponseHeadersSkipped]),
    with("response_headers_skipped_duplex", FullDuplexStreamed, None, &[Twist::ResponseHeadersSkipped]),
    with("trailers_buffered", Buffered, Buffered, &[Twist::TrailersSent]),
    with("trailers_partial", BufferedPartial, BufferedPartial, &[Twist::TrailersSent]),
    with("trailers_streamed", Streamed, Streamed, &[Twist::TrailersSent]),
    with("trailers_none", None, None, &[Twist::TrailersSent]),
    Mode { mode_override: Allowed, ..with("listed", Buffered, Buffered, &[Twist::OtherOverridesListed]) },
    Mode {
        mode_override: Allowed,
        ..with("listed_duplex", FullDuplexStreamed, Buffered, &[Twist::OtherOverridesListed])
    },
    allowing("duplex_both_override", FullDuplexStreamed, FullDuplexStreamed),
    with("streamed_early", Streamed, Streamed, &[Twist::BodyNotHeldBack]),
    with("observed", Streamed, Streamed, &[Twist::Observed]),
    with("hidden", Buffered, None, &[Twist::SelectionHidden]),
    with("hidden_duplex", FullDuplexStreamed, None, &[Twist::SelectionHidden]),
    with("strict", Buffered, Buffered, &[Twist::ForbiddenEditsFail]),
    with("attached", Buffered, Buffered, &[Twist::Attached]),
    with("attached_duplex", FullDuplexStreamed, None, &[Twist::Attached]),
    with("profiled", Buffered, Buffered, &[Twist::Profiled]),
    with("profiled_duplex", FullDuplexStreamed, None, &[Twist::Profiled]),
    with("twice", Buffered, Buffered, &[Twist::Twice]),
    with("twice_duplex", FullDuplexStreamed, None, &[Twist::Twice]),
    with("before_aibrix", Buffered, Buffered, &[Twist::BeforeAibrix]),
    Mode { mode_override: Allowed, ..with("upgrades", Buffered, Buffered, &[Twist::Upgrades]) },
    with("upgrades_none", None, None, &[Twist::Upgrades]),
    with("upgrades_duplex", FullDuplexStreamed, FullDuplexStreamed, &[Twist::Upgrades]),
    allowing("counted", Buffered, Buffered),
    mode("counted_ignored", Buffered, Buffered),
    allowing("counted_duplex", FullDuplexStreamed, Buffered),
    Mode { buffer_limit: SMALL, ..mode("small", Buffered, Buffered) },
    Mode { buffer_limit: SMALL, ..mode("small_partial", BufferedPartial, None) },
    Mode { buffer_limit: SMALL, ..mode("small_partial_both", BufferedPartial, BufferedPartial) },
    Mode { buffer_limit: SMALL, ..mode("small_duplex", FullDuplexStreamed, FullDuplexStreamed) },
];

/// Listeners at which requests are made to fail.
pub const FAILING: [Mode; 7] = [
    with("closed", Buffered, Buffered, &[]),
    with("open", Buffered, Buffered, &[Twist::FailsOpen]),
    with("closed_duplex", FullDuplexStreamed, None, &[]),
    with("closed_streamed", Streamed, None, &[]),
    with("absent_closed", Buffered, Buffered, &[Twist::NoProcessor]),
    with("absent_open", Buffered, Buffered, &[Twist::NoProcessor, Twist::FailsOpen]),
    with("hurried", Buffered, Buffered, &[Twist::Hurried]),
];

const fn mode(name: &'static str, request: Body, response: Body) -> Mode {
    with(name, request, response, &[])
}

const fn with(name: &'static str, request: Body, response: Body, twists: &'static [Twist]) -> Mode {
    Mode { name, request, response, mode_override: Ignored, buffer_limit: LARGE, twists }
}

const fn allowing(name: &'static str, request: Body, response: Body) -> Mode {
    Mode { mode_override: Allowed, ..mode(name, request, response) }
}

impl Mode {
    /// The listener with a name.
    pub fn named(name: &str) -> Mode {
        let all = MODES.iter().chain(&TWISTED).chain(&FAILING);
        *all.clone().find(|mode| mode.name == name).unwrap_or_else(|| panic!("no listener is called {name}"))
    }

    /// Whether it is set apart by this.
    pub fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }

    /// How request bodies come to Trackside once it has asked for what it needs.
    pub fn shown(&self) -> Body {
        if self.request == None && self.mode_override == Allowed { Buffered } else { self.request }
    }

    /// Whether Envoy holds an answer back until its end. It lets nobody override full duplex modes.
    pub fn holds_answers(&self) -> bool {
        let changes = self.mode_override == Allowed && self.request != FullDuplexStreamed;
        matches!(self.response, Buffered | BufferedPartial) && (!changes || self.has(Twist::OtherOverridesListed))
    }
}

/// What a client speaks to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    One,
    Two,
}

/// One way into the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub mode: Mode,
    pub http: Http,
}

impl Way {
    /// The listener with this name over HTTP/1.
    pub fn http1(name: &str) -> Way {
        Way { mode: Mode::named(name), http: Http::One }
    }

    /// The listener with this name over HTTP/2.
    pub fn http2(name: &str) -> Way {
        Way { mode: Mode::named(name), http: Http::Two }
    }

    /// The listener with this name over each.
    pub fn both(name: &str) -> [Way; 2] {
        [Way::http1(name), Way::http2(name)]
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} over HTTP/{}", self.mode.name, if self.http == Http::One { 1 } else { 2 })
    }
}
