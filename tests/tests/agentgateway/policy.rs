//! How an external processor can be set up in agentgateway.

use trackside_extproc::proto::{BodySendMode, HeaderSendMode, ProcessingMode, ProtocolConfiguration};

/// How one body is shown. There is no piece-by-piece mode with an answer to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    None,
    Buffered,
    Partial,
    Duplex,
}

/// Whether something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    Yes,
    Skip,
}

/// The `processingOptions` of a policy, and how much of a body the gateway buffers.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub request: Body,
    pub response: Body,
    pub request_headers: Send,
    pub response_headers: Send,
    pub overrides: bool,
    pub buffer: usize,
    /// A later revision sends a buffered body without end flag and an empty message with it behind.
    pub end_apart: bool,
}

impl Policy {
    pub const fn new(request: Body, response: Body) -> Policy {
        Policy {
            request,
            response,
            request_headers: Send::Yes,
            response_headers: Send::Yes,
            overrides: false,
            buffer: 2 << 20,
            end_apart: false,
        }
    }

    pub const fn overridable(self) -> Policy {
        Policy { overrides: true, ..self }
    }

    /// What rides on the first message.
    pub fn told(&self) -> ProtocolConfiguration {
        ProtocolConfiguration {
            request_body_mode: self.request.wire().into(),
            response_body_mode: self.response.wire().into(),
            send_body_without_waiting_for_header_response: false,
        }
    }

    /// Follows the override beside an answer to request headers. A side that is duplex stays so, and the mode that does
    /// not exist is ignored.
    pub fn follow(&mut self, asked: &ProcessingMode) {
        if !self.overrides {
            return;
        }
        for (side, number) in
            [(&mut self.request, asked.request_body_mode), (&mut self.response, asked.response_body_mode)]
        {
            if let (Body::None | Body::Buffered | Body::Partial, Some(body)) = (*side, Body::read(number)) {
                *side = body;
            }
        }
        if asked.response_header_mode == i32::from(HeaderSendMode::Skip) {
            self.response_headers = Send::Skip;
        }
    }
}

impl Body {
    fn wire(self) -> BodySendMode {
        match self {
            Body::None => BodySendMode::None,
            Body::Buffered => BodySendMode::Buffered,
            Body::Partial => BodySendMode::BufferedPartial,
            Body::Duplex => BodySendMode::FullDuplexStreamed,
        }
    }

    fn read(number: i32) -> Option<Body> {
        match BodySendMode::try_from(number).ok()? {
            BodySendMode::None => Some(Body::None),
            BodySendMode::Buffered => Some(Body::Buffered),
            BodySendMode::BufferedPartial => Some(Body::Partial),
            BodySendMode::FullDuplexStreamed => Some(Body::Duplex),
            BodySendMode::Streamed | BodySendMode::Grpc => None,
        }
    }
}
