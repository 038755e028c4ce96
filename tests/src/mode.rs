//! The ways in which a gateway may be set up, each a listener of the same Envoy.

/// How Envoy sends one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    None,
    Buffered,
    Streamed,
    FullDuplexStreamed,
}

impl Body {
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Body::None => "NONE",
            Body::Buffered => "BUFFERED",
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
}

const LARGE: u32 = 64 << 20;

/// The filter as AIBrix's sample and the AI Gateway's patch set it up.
pub const AIBRIX: Mode = Mode {
    name: "aibrix",
    request: Body::Buffered,
    response: Body::Buffered,
    mode_override: Override::Allowed,
    buffer_limit: 4 << 20,
};

/// Every mode that Trackside serves in full: how it gets request bodies, times how it gets answers.
pub const MODES: [Mode; 7] = [
    AIBRIX,
    mode("buffered", Body::Buffered, Body::None),
    mode("buffered-both", Body::Buffered, Body::Buffered),
    mode("buffered-streamed", Body::Buffered, Body::Streamed),
    mode("duplex", Body::FullDuplexStreamed, Body::None),
    mode("duplex-buffered", Body::FullDuplexStreamed, Body::Buffered),
    mode("duplex-both", Body::FullDuplexStreamed, Body::FullDuplexStreamed),
];

const fn mode(name: &'static str, request: Body, response: Body) -> Mode {
    Mode { name, request, response, mode_override: Override::Ignored, buffer_limit: LARGE }
}

impl Mode {
    /// Whether Envoy holds an answer back until its end.
    pub fn holds_answers(&self) -> bool {
        self.response == Body::Buffered && self.mode_override == Override::Ignored
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
    /// Every mode over HTTP/1 and HTTP/2.
    pub fn all() -> impl Iterator<Item = Way> {
        MODES.into_iter().flat_map(|mode| [Http::One, Http::Two].map(|http| Way { mode, http }))
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} over HTTP/{}", self.mode.name, if self.http == Http::One { 1 } else { 2 })
    }
}
