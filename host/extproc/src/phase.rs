//! The phases of one processing stream, and what each message does in each of them.
//!
//! | phase | request headers | request body | request trailers | any response message |
//! |---|---|---|---|---|
//! | `Start` | LLM call: `Collecting`, answered now unless duplex; without a body `Deciding`. Else answered, `Passing` | as in `Collecting` | answered, `Passing` | answered, `Passing` |
//! | `Collecting` | error | held; when it is the whole, `Deciding`; over a limit refused, `Done` | the body is whole: `Deciding` | answered, the request is given up, `Passing` |
//! | `Deciding` | no message is read until the decision is there; then `Passing`, or `Done` with an immediate response | | | |
//! | `Passing` | error | answered | answered | answered, headers of a success with the decision's additions |
//! | `Done` | ignored | ignored | ignored | ignored |
//!
//! When a body is the whole, and how it is answered, depends on its mode:
//!
//! | request body mode | the whole | answered with |
//! |---|---|---|
//! | none | buffered is asked for; where that is not granted, the call passes | |
//! | buffered | the one message, with or without end flag | edits and, if changed, the body with its length |
//! | buffered partial | the one message if it has the end flag; else it passes | the same without the length |
//! | streamed | the message with the end flag, or the one that completes the JSON object or shows that there is none | every piece before with nothing, the last with the whole |
//! | duplex | end flag or trailers | the held answer to the headers, the body in pieces, the answer to the trailers |
//!
//! Modes come from the first message. The mode override that goes out beside the first answer to headers may be ignored,
//! so nothing here depends on it: what arrives decides. Messages are never counted, since gateways and HTTP versions differ
//! in how many they make of one body. In particular a buffered body without end flag is answered at once, because a gateway
//! that sends trailers behind it waits for that answer first; an empty piece with the flag that follows instead gets an
//! answer that changes nothing.

use crate::{
    admission::{Lease, Place, Shed},
    attached::Attached,
    body::Held,
    decide::Decider,
    document::{Document, Expects},
    encoding::{Coded, Encoding, Undecodable},
    headers::{self, CONTENT_ENCODING, View},
    limits::{Limits, Telling},
    modes::{BodyMode, Modes, Wanted},
    observe::{Decoded, Outcome, Undecided},
    proto::{HttpBody, HttpHeaders, ProcessingRequest, ProcessingResponse, processing_request::Request},
    reply::{self, Direction, Edits, Replies},
};
use bytes::Bytes;
use tonic::Status;
use trackside_protocol::Endpoint;
use trackside_routing::{Answer, Forward, Headers, Incoming, SELECTED_MODEL};

mod passing;

/// Where a stream stands.
#[derive(Debug, Default)]
enum Phase {
    /// Nothing has come.
    #[default]
    Start,
    /// An LLM call whose body is not complete.
    Collecting(Collecting),
    /// An LLM call that waits for its decision.
    Deciding(Waiting),
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
    document: Document,
    encoding: Option<Encoding>,
    /// Pieces were answered with nothing in their place, so the body has to be sent whole.
    withheld: bool,
}

/// What became of the request headers.
#[derive(Debug)]
enum Shown {
    /// They never came: the gateway skips them.
    No,
    /// They are answered.
    Answered,
    /// They are answered, and a body was asked for that may never come.
    Asked,
    /// Their answer, with these edits at least, waits for the decision.
    Held(Edits),
}

/// A complete request.
#[derive(Debug)]
struct Waiting {
    headers: Shown,
    body: Bytes,
    encoding: Option<Encoding>,
    /// The body has to be sent even if the decision does not change it.
    due: bool,
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

/// What the gateway still has to send, and may fail to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    Nothing,
    /// A body that comes when the gateway has it all.
    Body,
    /// A body whose pieces come one by one.
    Pieces,
}

/// Something to be counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    Shed(Shed),
    Undecided(Undecided),
    Coded(Option<Encoding>, Decoded),
    Answered(u16),
}

/// A request that can be decided about once its body is decoded.
#[derive(Debug)]
pub(crate) struct Complete {
    pub(crate) incoming: Incoming,
    pub(crate) encoding: Option<Encoding>,
}

/// The state of one stream.
#[derive(Debug)]
pub(crate) struct Machine {
    phase: Phase,
    modes: Modes,
    /// Bodies whose end has come; further pieces are repetitions.
    request_ended: bool,
    response_ended: bool,
    /// The request body was taken for whole before its end came, so only blanks may follow.
    sealed: bool,
    /// A mode override went out.
    asked: bool,
    /// The longest body that is held, bytes.
    limit: usize,
    telling: Telling,
    lease: Lease,
    place: Place,
    attached: Attached,
    notes: Vec<Note>,
}

impl Machine {
    pub(crate) fn new(limits: &Limits, place: Place, attached: Attached) -> Machine {
        Machine {
            phase: Phase::Start,
            modes: Modes::UNTOLD,
            request_ended: false,
            response_ended: false,
            sealed: false,
            asked: false,
            limit: limits.body_bytes,
            telling: limits.telling,
            lease: place.lease(),
            place,
            attached,
            notes: Vec::new(),
        }
    }

    /// Takes a message. A request that comes back is complete: its answer goes to [`Machine::decided`] before the next
    /// message is taken.
    ///
    /// # Errors
    /// The gateway breaks the protocol, or uses a body mode that is not supported. The stream has to end with the status.
    pub(crate) fn on(
        &mut self,
        mut message: ProcessingRequest,
        decider: &impl Decider,
        out: &mut Replies,
    ) -> Result<Option<Complete>, Status> {
        if let (Phase::Start, Some(config)) = (&self.phase, message.protocol_config) {
            self.modes = Modes::of(config)?;
        }
        if message.observability_mode {
            self.phase = Phase::Done(Outcome::Observed);
        }
        if let Phase::Start | Phase::Collecting(_) = self.phase {
            self.attached.take(&mut message);
        }
        let Some(request) = message.request else { return Ok(None) };
        match (std::mem::take(&mut self.phase), request) {
            (Phase::Done(outcome), _) => self.phase = Phase::Done(outcome),
            (Phase::Deciding(_), _) => return Err(Status::internal("a message was taken before the decision")),
            (Phase::Start, Request::RequestHeaders(headers)) => return Ok(self.open(headers, decider, out)),
            (Phase::Start, Request::RequestBody(piece)) => return Ok(self.begin(piece, out)),
            (Phase::Collecting(held), Request::RequestBody(piece)) => return Ok(self.collect(held, piece, out)),
            (Phase::Collecting(held), Request::RequestTrailers(_)) if held.unseen().is_none() => {
                return Ok(self.end_by_trailers(held, out));
            }
            (Phase::Collecting(held), message) => {
                // The gateway answers by itself, or shows no body. In duplex it no longer waits for anything of the request.
                self.request_ended |= matches!(held.headers, Shown::Held(_));
                self.notes.extend(held.unseen().map(Note::Undecided));
                self.pass(message, Vec::new(), out)?;
            }
            (Phase::Start, message) => self.pass(message, Vec::new(), out)?,
            (Phase::Passing(add), message) => self.pass(message, add, out)?,
        }
        Ok(None)
    }

    /// What has to come next for the request to be complete.
    pub(crate) fn awaited(&self) -> Awaited {
        match &self.phase {
            Phase::Collecting(held) if held.unseen().is_some() => Awaited::Nothing,
            Phase::Collecting(_) if matches!(self.modes.request, BodyMode::Duplex | BodyMode::Streamed) => {
                Awaited::Pieces
            }
            Phase::Collecting(_) => Awaited::Body,
            _ => Awaited::Nothing,
        }
    }

    /// Whether the gateway may lose patience with the decision: in duplex it waits without a limit.
    pub(crate) fn may_be_cut_off(&self) -> bool {
        self.modes.request != BodyMode::Duplex
    }

    /// How the stream ended, if it ends now with nothing left in `out`.
    pub(crate) fn outcome(&self) -> Outcome {
        match &self.phase {
            Phase::Start | Phase::Passing(_) => Outcome::Completed,
            Phase::Collecting(held) if held.unseen().is_some() => Outcome::Completed,
            Phase::Collecting(_) | Phase::Deciding(_) => Outcome::Cancelled,
            Phase::Done(outcome) => *outcome,
        }
    }

    /// What there is to count since the last call, or at the end of the stream.
    pub(crate) fn notes(&mut self) -> impl Iterator<Item = Note> + '_ {
        self.notes.drain(..)
    }

    /// Why nothing was decided, when the stream ends now.
    pub(crate) fn unseen(&self) -> Option<Undecided> {
        if let Phase::Collecting(held) = &self.phase { held.unseen() } else { None }
    }

    /// Bytes of bodies that are held.
    pub(crate) fn held(&self) -> usize {
        self.lease.bytes()
    }

    /// Lets go of what only the answers held, once they are out, and tells what is held now.
    pub(crate) fn settle(&mut self) -> usize {
        if !matches!(self.phase, Phase::Collecting(_) | Phase::Deciding(_)) {
            self.lease.release();
        }
        self.held()
    }

    fn open(&mut self, message: HttpHeaders, decider: &impl Decider, out: &mut Replies) -> Option<Complete> {
        let view = View::of(&message);
        let Ok(mut edits) = view.distrust() else {
            self.refuse(431, "the request has too many x-vsr- headers", "too_many_headers", out);
            return None;
        };
        self.request_ended = message.end_of_stream;
        let is_call = !matches!(view.endpoint(), Endpoint::Other);
        let hidden = self.modes.request == BodyMode::None && !self.request_ended;
        if !is_call || hidden && (!self.modes.can_ask() || view.coded() == Coded::Unknown) {
            self.notes.extend(is_call.then_some(Note::Undecided(Undecided::NoBody)));
            self.answer_headers(Direction::Request, edits, Wanted::Nothing, out);
            self.phase = Phase::Passing(Vec::new());
            return None;
        }
        let encoding = self.admit(view.coded(), out)?;
        if self.modes.request == BodyMode::Streamed && encoding.is_some() {
            // Behind the first piece it is too late for header edits, so the body is decoded in any case.
            edits.remove.push(CONTENT_ENCODING.to_owned());
        }
        let (id, request) = headers::take(message);
        if self.request_ended || self.modes.request == BodyMode::Duplex {
            let held = Collecting::new(id, request, Shown::Held(edits), encoding);
            if self.request_ended {
                return Some(self.decide(held, Last::Headers));
            }
            self.phase = Phase::Collecting(held);
            return None;
        }
        // Envoy lets a partial body go on before it heeds what the answer to it says of the route, so this has to be said here.
        edits.clear_route_cache |= self.modes.request == BodyMode::Partial && decider.clears_route_cache();
        let (wanted, shown) = if hidden { (Wanted::Body, Shown::Asked) } else { (Wanted::Request, Shown::Answered) };
        self.answer_headers(Direction::Request, edits, wanted, out);
        self.phase = Phase::Collecting(Collecting::new(id, request, shown, encoding));
        None
    }

    /// Begins with a body, as gateways do that skip the request headers.
    fn begin(&mut self, piece: HttpBody, out: &mut Replies) -> Option<Complete> {
        let encoding = self.admit(Coded::Plain, out)?;
        self.collect(Collecting::new(headers::new_id(), Headers::default(), Shown::No, encoding), piece, out)
    }

    /// Lets an LLM call in, and tells how its body is encoded. One whose body cannot be read is refused: the model that it
    /// asks for is in there, and to pass it on would be to let anybody past the rules.
    fn admit(&mut self, coded: Coded, out: &mut Replies) -> Option<Option<Encoding>> {
        if self.place.extra {
            self.shed(Shed::Streams, out);
            return None;
        }
        match coded {
            Coded::Plain => Some(None),
            Coded::As(encoding) => Some(Some(encoding)),
            Coded::Unknown => {
                self.notes.push(Note::Coded(None, Decoded::Unsupported));
                let message = "the content-encoding of the request is none of gzip, deflate, br, zstd";
                self.refuse(415, message, "unsupported_encoding", out);
                None
            }
        }
    }

    fn collect(&mut self, mut held: Collecting, piece: HttpBody, out: &mut Replies) -> Option<Complete> {
        if piece.body.len() > self.limit.saturating_sub(held.body.len()) {
            self.too_large(out);
            return None;
        }
        if let Err(why) = self.lease.grow(piece.body.len()) {
            self.shed(why, out);
            return None;
        }
        let streamed = self.modes.request == BodyMode::Streamed;
        let complete = streamed && held.encoding.is_none() && held.document.take(&piece.body) == Expects::Nothing;
        held.body.push(piece.body);
        self.request_ended = piece.end_of_stream;
        self.sealed = complete && !piece.end_of_stream;
        match (self.modes.request, piece.end_of_stream || complete) {
            (_, true) | (BodyMode::Buffered | BodyMode::None, false) => return Some(self.decide(held, Last::Body)),
            (BodyMode::Partial, false) => {
                self.notes.push(Note::Undecided(Undecided::PartialBody));
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

    fn end_by_trailers(&mut self, held: Collecting, out: &mut Replies) -> Option<Complete> {
        if held.withheld {
            // The answer to trailers cannot carry a body, so the pieces taken out would be lost.
            let message = "the request body ended with trailers before its JSON object was complete";
            self.refuse(400, message, "incomplete_body", out);
            return None;
        }
        self.request_ended = true;
        Some(self.decide(held, Last::Trailers))
    }

    fn decide(&mut self, held: Collecting, last: Last) -> Complete {
        let Collecting { id, request, headers, body, encoding, withheld, .. } = held;
        let body = body.finish();
        let waiting = Waiting { headers, body: body.clone(), encoding, due: withheld, withheld, last };
        self.phase = Phase::Deciding(waiting);
        let (metadata, profile) = std::mem::take(&mut self.attached).finish();
        Complete { incoming: Incoming { metadata, profile, ..Incoming::new(id, request, body) }, encoding }
    }

    /// An empty lease of the room that this stream's bodies take.
    pub(crate) fn lease(&self) -> Lease {
        self.place.lease()
    }

    /// The body of the complete request was decoded; `lease` holds it.
    pub(crate) fn decoded(&mut self, body: &Bytes, lease: Lease) {
        self.lease.absorb(lease);
        let Phase::Deciding(request) = &mut self.phase else { return };
        self.notes.push(Note::Coded(request.encoding, Decoded::Whole));
        if self.modes.request == BodyMode::Streamed {
            request.body = body.clone();
            request.due = true;
        }
    }

    /// The body of the complete request could not be decoded.
    pub(crate) fn undecodable(&mut self, why: Undecodable, out: &mut Replies) {
        if let Phase::Deciding(request) = &self.phase {
            self.notes.push(Note::Coded(request.encoding, why.into()));
        }
        match why {
            Undecodable::Corrupt => {
                self.refuse(400, "the request body does not fit its content-encoding", "invalid_encoding", out);
            }
            Undecodable::TooLarge => self.too_large(out),
            Undecodable::Shed(why) => self.shed(why, out),
        }
    }

    /// Takes the decision about the request that [`Machine::on`] gave out.
    pub(crate) fn decided(&mut self, answer: Answer, out: &mut Replies) {
        let Phase::Deciding(request) = std::mem::take(&mut self.phase) else { return };
        match answer {
            Answer::Forward(forward) => self.forward(request, forward, out),
            Answer::Respond(reply) => self.end_with(reply::immediate(reply), out),
        }
    }

    fn forward(&mut self, request: Waiting, forward: Forward, out: &mut Replies) {
        let Forward { body, set_headers, remove_headers, clear_route_cache, response_headers, .. } = forward;
        let mut edits = Edits { set: set_headers, remove: remove_headers, clear_route_cache };
        let body = body.or_else(|| request.due.then(|| request.body.clone()));
        if body.is_some() && request.encoding.is_some() && self.modes.request != BodyMode::Streamed {
            edits.remove.push(CONTENT_ENCODING.to_owned());
        }
        let late = request.headers.late_edits();
        let length_counts = !matches!(request.headers, Shown::No) && self.modes.request_has_length();
        let add = if self.telling == Telling::Decision { response_headers } else { Vec::new() };
        let wanted = if add.is_empty() { Wanted::Nothing } else { Wanted::ResponseHeaders };
        self.phase = Phase::Passing(add);
        if let Shown::Held(distrust) = request.headers {
            edits.also(distrust);
            self.answer_headers(Direction::Request, std::mem::take(&mut edits), wanted, out);
        }
        edits.also(late);
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
            (Last::Body, _) => {
                if let (Some(body), true) = (&body, length_counts) {
                    edits.set.push(("content-length".to_owned(), body.len().to_string()));
                }
                // Behind a piece that went on the headers are gone too, and edits would be counted as errors.
                let mut common = if request.withheld { Edits::default().common() } else { edits.common() };
                common.body_mutation = body.and_then(reply::replace);
                out.push_back(reply::body(Direction::Request, common));
            }
        }
    }

    /// Answers headers, and beside the first such answer asks for no more than is wanted.
    fn answer_headers(&mut self, direction: Direction, edits: Edits, wanted: Wanted, out: &mut Replies) {
        let mut answer = reply::headers(direction, edits.common());
        if !std::mem::replace(&mut self.asked, true) {
            answer.mode_override = self.modes.ask_only_for(wanted, self.telling);
        }
        out.push_back(answer);
    }

    /// Refuses the request because its body stopped coming.
    pub(crate) fn stalled(&mut self, out: &mut Replies) {
        self.refuse(408, "the request body did not arrive in time", "request_timeout", out);
    }

    fn too_large(&mut self, out: &mut Replies) {
        let message = format!("the request body is longer than {} bytes", self.limit);
        self.refuse(413, &message, "request_too_large", out);
    }

    fn shed(&mut self, why: Shed, out: &mut Replies) {
        self.notes.push(Note::Shed(why));
        self.end_with(reply::overloaded(), out);
    }

    fn refuse(&mut self, status: u16, message: &str, code: &'static str, out: &mut Replies) {
        self.end_with(reply::refuse(status, message, code), out);
    }

    fn end_with(&mut self, immediate: ProcessingResponse, out: &mut Replies) {
        out.push_back(immediate);
        self.phase = Phase::Done(Outcome::Answered);
    }
}

impl Collecting {
    fn new(id: String, request: Headers, headers: Shown, encoding: Option<Encoding>) -> Collecting {
        let (body, document) = (Held::default(), Document::default());
        Collecting { id, request, headers, body, document, encoding, withheld: false }
    }

    /// What there is to say if nothing more comes: a body that was asked for and not shown.
    fn unseen(&self) -> Option<Undecided> {
        matches!(self.headers, Shown::Asked).then_some(Undecided::NoBody)
    }
}

impl Shown {
    /// What an answer to the body has to do about headers that were never shown.
    fn late_edits(&self) -> Edits {
        match self {
            Shown::No => Edits { remove: vec![SELECTED_MODEL.to_owned()], ..Edits::default() },
            Shown::Answered | Shown::Asked | Shown::Held(_) => Edits::default(),
        }
    }
}
