//! What passes: everything that no decision is awaited for.

use super::{Machine, Note, Phase};
use crate::{
    headers::View,
    modes::{BodyMode, Wanted},
    proto::{HttpBody, HttpHeaders, processing_request::Request},
    reply::{self, Direction, Edits, Replies},
};
use tonic::Status;

impl Machine {
    pub(super) fn pass(
        &mut self,
        message: Request,
        add: Vec<(String, String)>,
        out: &mut Replies,
    ) -> Result<(), Status> {
        self.phase = Phase::Passing(add);
        match message {
            Request::RequestHeaders(_) => return Err(Status::invalid_argument("request headers came too late")),
            Request::RequestBody(piece) => self.pass_request_body(piece, out),
            Request::ResponseBody(piece) => self.pass_body(Direction::Response, piece, out),
            Request::RequestTrailers(_) => self.pass_trailers(Direction::Request, out),
            Request::ResponseTrailers(_) => self.pass_trailers(Direction::Response, out),
            Request::ResponseHeaders(headers) => self.pass_response_headers(&headers, out),
        }
        Ok(())
    }

    fn pass_request_body(&mut self, piece: HttpBody, out: &mut Replies) {
        if self.sealed && !piece.body.trim_ascii().is_empty() {
            // The decision was about the first object alone; an upstream might read the second.
            self.refuse(400, "the request body goes on behind its JSON object", "invalid_json", out);
        } else {
            self.pass_body(Direction::Request, piece, out);
        }
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
        let view = View::of(message);
        let status = view.status();
        self.notes.extend(status.map(Note::Answered));
        let mut edits = Edits::default();
        if let Phase::Passing(add) = &mut self.phase
            && status.is_some_and(|status| (200..300).contains(&status))
        {
            edits.set = std::mem::take(add);
        }
        let forged = view.forged();
        edits.remove = forged.into_iter().filter(|name| !edits.set.iter().any(|(set, _)| set == name)).collect();
        self.answer_headers(Direction::Response, edits, Wanted::Request, out);
    }

    fn side(&mut self, direction: Direction) -> (BodyMode, &mut bool) {
        match direction {
            Direction::Request => (self.modes.request, &mut self.request_ended),
            Direction::Response => (self.modes.response, &mut self.response_ended),
        }
    }
}
