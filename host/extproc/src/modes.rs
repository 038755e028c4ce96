//! How bodies are sent to us, and asking for less.

use crate::{
    limits::Telling,
    proto::{BodySendMode, HeaderSendMode, ProcessingMode, ProtocolConfiguration},
};
use tonic::Status;

/// How one body is sent, and with that how it wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyMode {
    /// Not at all.
    None,
    /// In one message, which is the whole whatever its end flag says: the flag is missing when trailers follow.
    Buffered,
    /// In one message, which is the whole only if it says so.
    Partial,
    /// Piece by piece, each waiting for its answer.
    Streamed,
    /// Piece by piece, none waiting; every byte that shall go on has to be sent back.
    Duplex,
}

impl BodyMode {
    fn of(number: i32) -> Result<BodyMode, Status> {
        match BodySendMode::try_from(number) {
            Ok(BodySendMode::None) => Ok(BodyMode::None),
            Ok(BodySendMode::Buffered) => Ok(BodyMode::Buffered),
            Ok(BodySendMode::BufferedPartial) => Ok(BodyMode::Partial),
            Ok(BodySendMode::Streamed) => Ok(BodyMode::Streamed),
            Ok(BodySendMode::FullDuplexStreamed) => Ok(BodyMode::Duplex),
            Ok(BodySendMode::Grpc) | Err(_) => {
                Err(Status::unimplemented(format!("body mode {number} is not supported")))
            }
        }
    }

    fn wire(self) -> BodySendMode {
        match self {
            BodyMode::None => BodySendMode::None,
            BodyMode::Buffered => BodySendMode::Buffered,
            BodyMode::Partial => BodySendMode::BufferedPartial,
            BodyMode::Streamed => BodySendMode::Streamed,
            BodyMode::Duplex => BodySendMode::FullDuplexStreamed,
        }
    }
}

/// The two body modes of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modes {
    pub(crate) request: BodyMode,
    pub(crate) response: BodyMode,
}

impl Modes {
    /// What a gateway that does not tell its modes is taken for. Such gateways are older than the duplex mode, and
    /// outside it answers look alike in all modes.
    pub(crate) const UNTOLD: Modes = Modes { request: BodyMode::Buffered, response: BodyMode::Buffered };

    pub(crate) fn of(config: ProtocolConfiguration) -> Result<Modes, Status> {
        Ok(Modes {
            request: BodyMode::of(config.request_body_mode)?,
            response: BodyMode::of(config.response_body_mode)?,
        })
    }

    /// Whether a request body that is not shown can be asked for: where the response is duplex, overrides are ignored.
    pub(crate) fn can_ask(self) -> bool {
        self.response != BodyMode::Duplex
    }

    /// Whether the gateway keeps the length that the client told, so that it has to be corrected.
    pub(crate) fn request_has_length(self) -> bool {
        matches!(self.request, BodyMode::Buffered | BodyMode::None)
    }

    /// Asks for what is still wanted of an exchange, to be sent beside an answer to headers, unless that is what comes
    /// anyway. A gateway may ignore it, so nothing may rely on it. A duplex response is left alone: no gateway can change it.
    ///
    /// Every field is filled, since an absent body mode means none, and an absent header mode the gateway's built-in
    /// default in older gateways.
    pub(crate) fn ask_only_for(self, wanted: Wanted, telling: Telling) -> Option<ProcessingMode> {
        let response_headers = match telling {
            Telling::Decision => HeaderSendMode::Send,
            Telling::Nothing => HeaderSendMode::Skip,
        };
        let as_it_comes = self.response == BodyMode::None && response_headers == HeaderSendMode::Send;
        if self.response == BodyMode::Duplex
            || as_it_comes && matches!(wanted, Wanted::Request | Wanted::ResponseHeaders)
        {
            return None;
        }
        let (request, response_headers) = match wanted {
            Wanted::Body => (BodyMode::Buffered, response_headers),
            Wanted::Request => (self.request, response_headers),
            Wanted::ResponseHeaders => (self.unasked_request(), HeaderSendMode::Send),
            Wanted::Nothing => (self.unasked_request(), HeaderSendMode::Skip),
        };
        // Piece by piece, trailers are the only sign that a body which has them is complete.
        let request_trailers = match request {
            BodyMode::Streamed | BodyMode::Duplex => HeaderSendMode::Send,
            BodyMode::None | BodyMode::Buffered | BodyMode::Partial => HeaderSendMode::Skip,
        };
        Some(ProcessingMode {
            request_header_mode: HeaderSendMode::Send.into(),
            response_header_mode: response_headers.into(),
            request_body_mode: request.wire().into(),
            response_body_mode: BodySendMode::None.into(),
            request_trailer_mode: request_trailers.into(),
            response_trailer_mode: HeaderSendMode::Skip.into(),
        })
    }

    fn unasked_request(self) -> BodyMode {
        if self.request == BodyMode::Duplex { BodyMode::Duplex } else { BodyMode::None }
    }
}

/// What is still wanted of an exchange when its first headers are answered. The response body never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The request body, which is not shown as things are, and the response headers.
    Body,
    /// The rest of the request, and the response headers.
    Request,
    /// The response headers alone.
    ResponseHeaders,
    /// No more.
    Nothing,
}
