//! The phases of one processing stream, and what each message does in each of them.
//!
//! | phase | request headers | request body | request trailers | any response message |
//! |---|---|---|---|---|
//! | `Start` | LLM call: `Collecting`, answered now unless duplex; without a body `Deciding`. Else answered, `Passing` | as in `Collecting` | answered, `Passing` | answered, `Passing` |
//! | `Collecting` | error | held; when it is the whole, `Deciding`; over the limit refused, `Done` | the body is whole: `Deciding` | answered, the request is given up, `Passing` |
//! | `Deciding` | no message is read until the decision is there; then `Passing`, or `Done` with an immediate response | | | |
//! | `Passing` | error | answered | answered | answered, headers of a success with the decision's additions |
//! | `Done` | ignored | ignored | ignored | ignored |
//!
//! When a body is the whole, and how it is answered, depends on its mode:
//!
//! | request body mode | the whole | answered with |
//! |---|---|---|
//! | buffered | the one message, with or without end flag | edits and, if changed, the body with its length |
//! | buffered partial | the one message if it has the end flag; else it passes | the same without the length |
//! | streamed | the message with the end flag | every piece before with nothing, the last with the whole |
//! | duplex | end flag or trailers | the held answer to the headers, the body in pieces, the answer to the trailers |
//!
//! Modes come from the first message. The mode override that goes out beside the first answer to headers may be ignored,
//! so nothing here depends on it: what arrives decides. Messages are never counted, since gateways and HTTP versions differ
//! in how many they make of one body.

use crate::{
    body::Held,
    headers::{self, SELECTED_MODEL, View},
    modes::{BodyMode, Modes, Wanted},
    observe::Outcome,
    proto::{HttpBody, HttpHeaders, ProcessingRequest, ProcessingResponse, processing_request::Request},
    reply::{self, Direction, Edits, Replies},
};
use bytes::Bytes;
use tonic::Status;
use trackside_protocol::Endpoint;
use trackside_routing::{Answer, Forward, Headers, Incoming};

/// Where a stream stands.
#[derive(Debug, Default)]
enum Phase {
    /// Nothing has come.
    #[default]
    Start,
    /// An LLM call whose body is not complete.
    Collecting(Collecting),
    /// An LLM call that waits for its decision.
    Deciding(Undecided),
    /// Everything passes; the headers are added to a successful response.
    Passing(Vec<(String, String)>),
    /// Nothing is answered any more.
    Done(Outcome),
}

#[derive(Debug)]
struct Collecting {
    id: String,
    request: Headers,
    headers: Shown,
    body: Held,
    /// Pieces were answered with nothing in their place, so the body has to be sent whole.
    withheld: bool,
}

/// What became of the request headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// They never came: the gateway skips them.
    No,
    /// They are answered.
    Answered,
    /// Their answer waits for the decision.
    Held {
        /// The client wrote the header that routes are chosen by.
        names_a_model: bool,
    },
}

#[derive(Debug)]
struct Undecided {
    headers: Shown,
    body: Bytes,
    withheld: bool,
    last: Last,
}

/// The message that completed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Headers,
    Body,
    Trailers,
}

/// The state of one stream.
#[derive(Debug)]
pub(crate) struct Machine {
    phase: Phase,
    modes: Modes,
    /// Bodies whose end has come; further pieces are repetitions.
    request_ended: bool,
    response_ended: bool,
    /// A mode override went out.
    asked: bool,
    /// The longest body that is held, bytes.
    limit: usize,
}

impl Machine {
    pub(crate) fn new(limit: usize) -> Machine {
        Machine {
            phase: Phase::Start,
            modes: Modes::UNTOLD,
            request_ended: false,
            response_ended: false,
            asked: false,
            limit,
        }
    }

    /// Takes a message. A request that comes back is complete: its answer goes to [`Machine::decided`] before the next
    /// message is taken.
    ///
    /// # Errors
    /// The gateway breaks the protocol, or uses a body mode that is not supported. The stream has to end with the status.
    pub(crate) fn on(&mut self, message: ProcessingRequest, out: &mut Replies) -> Result<Option<Incoming>, Status> {
        if let (Phase::Start, Some(config)) = (&self.phase, message.protocol_config) {
            self.modes = Modes::of(config)?;
        }
        if message.observability_mode {
            self.phase = Phase::Done(Outcome::Observed);
        }
        let Some(request) = message.request else { return Ok(None) };
        match (std::mem::take(&mut self.phase), request) {
            (Phase::Done(outcome), _) => self.phase = Phase::Done(outcome),
            (Phase::Deciding(_), _) => return Err(Status::internal("a message was taken before the decision")),
            (Phase::Start, Request::RequestHeaders(headers)) => return Ok(self.open(headers, out)),
            (Phase::Start, Request::RequestBody(piece)) => {
                let held = Collecting::new(headers::new_id(), Headers::default(), Shown::No);
                return Ok(self.collect(held, piece, out));
            }
            (Phase::Collecting(held), Request::RequestBody(piece)) => return Ok(self.collect(held, piece, out)),
            (Phase::Collecting(held), Request::RequestTrailers(_)) => return Ok(self.end_by_trailers(held, out)),
            (Phase::Collecting(held), response) => {
                // The gateway answers by itself. In duplex it no longer waits for anything of the request.
                self.request_ended |= matches!(held.headers, Shown::Held { .. });
                self.pass(response, Vec::new(), out)?;
            }
            (Phase::Start, message) => self.pass(message, Vec::new(), out)?,
            (Phase::Passing(add), message) => self.pass(message, add, out)?,
        }
        Ok(None)
    }

    /// Whether an answer is being held back until more messages come.
    pub(crate) fn holds_the_gateway(&self) -> bool {
        matches!(&self.phase, Phase::Collecting(held) if matches!(held.headers, Shown::Held { .. }))
    }

    /// Refuses the request because its body stopped coming.
    pub(crate) fn stalled(&mut self, out: &mut Replies) {
        self.refuse(408, "the request body did not arrive in time", "request_timeout", out);
    }

    /// How the stream ended, if it ends now with nothing left in `out`.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.phase {
            Phase::Start | Phase::Passing(_) => Outcome::Completed,
            Phase::Collecting(_) | Phase::Deciding(_) => Outcome::Cancelled,
            Phase::Done(outcome) => outcome,
        }
    }

    fn open(&mut self, message: HttpHeaders, out: &mut Replies) -> Option<Incoming> {
        let view = View::of(&message);
        let names_a_model = view.names_a_model();
        let is_call = !matches!(view.endpoint(), Endpoint::Other);
        if message.end_of_stream {
            self.request_ended = true;
            if is_call {
                let (id, request) = headers::take(message);
                let held = Collecting::new(id, request, Shown::Held { names_a_model });
                return Some(self.decide(held, Last::Headers));
            }
        }
        let collects = is_call && self.modes.request != BodyMode::None;
        if collects && self.modes.request == BodyMode::Duplex {
            let (id, request) = headers::take(message);
            self.phase = Phase::Collecting(Collecting::new(id, request, Shown::Held { names_a_model }));
            return None;
        }
        let wanted = if collects { Wanted::Request } else { Wanted::Nothing };
        self.answer_headers(Direction::Request, without_selection(names_a_model), wanted, out);
        self.phase = if collects {
            let (id, request) = headers::take(message);
            Phase::Collecting(Collecting::new(id, request, Shown::Answered))
        } else {
            Phase::Passing(Vec::new())
        };
        None
    }

    fn collect(&mut self, mut held: Collecting, piece: HttpBody, out: &mut Replies) -> Option<Incoming> {
        if held.body.push(piece.body, self.limit).is_err() {
            let message = format!("the request body is longer than {} bytes", self.limit);
            self.refuse(413, &message, "request_too_large", out);
            return None;
        }
        self.request_ended = piece.end_of_stream;
        match (self.modes.request, piece.end_of_stream) {
            (_, true) | (BodyMode::Buffered | BodyMode::None, false) => return Some(self.decide(held, Last::Body)),
            (BodyMode::Partial, false) => {
                out.push_back(reply::body(Direction::Request, held.headers.late_edits().common()));
                self.phase = Phase::Passing(Vec::new());
            }
            (BodyMode::Streamed, false) => {
                let mut common = held.headers.late_edits().common();
                common.body_mutation = reply::replace(Bytes::new());
                out.push_back(reply::body(Direction::Request, common));
                held.withheld = true;
                self.phase = Phase::Collecting(held);
            }
            (BodyMode::Duplex, false) => self.phase = Phase::Collecting(held),
        }
        None
    }

    fn end_by_trailers(&mut self, held: Collecting, out: &mut Replies) -> Option<Incoming> {
        if held.withheld {
            // The answer to trailers cannot carry a body, so the pieces taken out would be lost.
            let message = "a request with trailers cannot be routed in this body mode";
            self.refuse(400, message, "unsupported_trailers", out);
            return None;
        }
        self.request_ended = true;
        Some(self.decide(held, Last::Trailers))
    }

    fn decide(&mut self, held: Collecting, last: Last) -> Incoming {
        let Collecting { id, request, headers, body, withheld } = held;
        let body = body.finish();
        self.phase = Phase::Deciding(Undecided { headers, body: body.clone(), withheld, last });
        Incoming::new(id, request, body)
    }

    /// Takes the decision about the request that [`Machine::on`] gave out.
    pub(crate) fn decided(&mut self, answer: Answer, out: &mut Replies) {
        let Phase::Deciding(request) = std::mem::take(&mut self.phase) else { return };
        match answer {
            Answer::Forward(forward) => self.forward(request, forward, out),
            Answer::Respond(reply) => self.end_with(reply::immediate(reply), out),
        }
    }

    fn forward(&mut self, request: Undecided, forward: Forward, out: &mut Replies) {
        let Forward { body, set_headers, remove_headers, clear_route_cache, response_headers, .. } = forward;
        let mut edits = Edits { set: set_headers, remove: remove_headers, clear_route_cache };
        let wanted = if response_headers.is_empty() { Wanted::Nothing } else { Wanted::ResponseHeaders };
        self.phase = Phase::Passing(response_headers);
        if let Shown::Held { names_a_model } = request.headers {
            edits.also(without_selection(names_a_model));
            self.answer_headers(Direction::Request, std::mem::take(&mut edits), wanted, out);
        }
        edits.also(request.headers.late_edits());
        match (request.last, self.modes.request) {
            // Gateways take no body beside an answer to headers; a request without one stays without.
            (Last::Headers, _) => {}
            (last, BodyMode::Duplex) => {
                out.extend(reply::stream(Direction::Request, body.unwrap_or(request.body), last == Last::Body));
                if last == Last::Trailers {
                    out.push_back(reply::trailers(Direction::Request));
                }
            }
            (Last::Trailers, _) => out.push_back(reply::trailers(Direction::Request)),
            (Last::Body, mode) => {
                let body = body.or_else(|| request.withheld.then_some(request.body));
                if let (Some(body), BodyMode::Buffered, Shown::Answered) = (&body, mode, request.headers) {
                    edits.set.push(("content-length".to_owned(), body.len().to_string()));
                }
                // Behind a piece that went on the headers are gone too, and edits would be counted as errors.
                let mut common = if request.withheld { Edits::default().common() } else { edits.common() };
                common.body_mutation = body.and_then(reply::replace);
                out.push_back(reply::body(Direction::Request, common));
            }
        }
    }

    fn pass(&mut self, message: Request, add: Vec<(String, String)>, out: &mut Replies) -> Result<(), Status> {
        self.phase = Phase::Passing(add);
        match message {
            Request::RequestHeaders(_) => return Err(Status::invalid_argument("request headers came too late")),
            Request::RequestBody(piece) => self.pass_body(Direction::Request, piece, out),
            Request::ResponseBody(piece) => self.pass_body(Direction::Response, piece, out),
            Request::RequestTrailers(_) => self.pass_trailers(Direction::Request, out),
            Request::ResponseTrailers(_) => self.pass_trailers(Direction::Response, out),
            Request::ResponseHeaders(headers) => self.pass_response_headers(&headers, out),
        }
        Ok(())
    }

    fn pass_body(&mut self, direction: Direction, piece: HttpBody, out: &mut Replies) {
        let (mode, ended) = self.side(direction);
        if std::mem::replace(ended, *ended || piece.end_of_stream) {
            return;
        }
        if mode == BodyMode::Duplex {
            out.extend(reply::stream(direction, piece.body, piece.end_of_stream));
        } else {
            out.push_back(reply::body(direction, Edits::default().common()));
        }
    }

    fn pass_trailers(&mut self, direction: Direction, out: &mut Replies) {
        let (mode, ended) = self.side(direction);
        if !(mode == BodyMode::Duplex && std::mem::replace(ended, true)) {
            out.push_back(reply::trailers(direction));
        }
    }

    fn pass_response_headers(&mut self, message: &HttpHeaders, out: &mut Replies) {
        self.response_ended = message.end_of_stream;
        let mut edits = Edits::default();
        if let Phase::Passing(add) = &mut self.phase
            && View::of(message).is_success()
        {
            edits.set = std::mem::take(add);
        }
        self.answer_headers(Direction::Response, edits, Wanted::Request, out);
    }

    /// Answers headers, and beside the first such answer asks for no more than is wanted.
    fn answer_headers(&mut self, direction: Direction, edits: Edits, wanted: Wanted, out: &mut Replies) {
        let mut answer = reply::headers(direction, edits.common());
        if !std::mem::replace(&mut self.asked, true) {
            answer.mode_override = self.modes.ask_only_for(wanted);
        }
        out.push_back(answer);
    }

    fn refuse(&mut self, status: u16, message: &str, code: &str, out: &mut Replies) {
        self.end_with(reply::refuse(status, "invalid_request_error", message, code), out);
    }

    fn end_with(&mut self, immediate: ProcessingResponse, out: &mut Replies) {
        out.push_back(immediate);
        self.phase = Phase::Done(Outcome::Answered);
    }

    fn side(&mut self, direction: Direction) -> (BodyMode, &mut bool) {
        match direction {
            Direction::Request => (self.modes.request, &mut self.request_ended),
            Direction::Response => (self.modes.response, &mut self.response_ended),
        }
    }
}

impl Collecting {
    fn new(id: String, request: Headers, headers: Shown) -> Collecting {
        Collecting { id, request, headers, body: Held::default(), withheld: false }
    }
}

impl Shown {
    /// What an answer to the body has to do about headers that were never shown.
    fn late_edits(self) -> Edits {
        if self == Shown::No { without_selection(false) } else { Edits::default() }
    }
}

/// Takes the header away that routes are chosen by, whether or not it can be seen: gateways may hide headers from us. If it
/// was there, a route may have been chosen by it already.
fn without_selection(names_a_model: bool) -> Edits {
    Edits { set: Vec::new(), remove: vec![SELECTED_MODEL.to_owned()], clear_route_cache: names_a_model }
}
