//! One stream: messages in, answers out, decisions in between.

use crate::{
    admission::Admission,
    attached::Attached,
    decide::{Decider, Live},
    encoding,
    limits::Limits,
    observe::{Flow, MessageKind, Observer, Outcome},
    phase::{Awaited, Complete, Machine, Note},
    proto::{ProcessingRequest, ProcessingResponse},
    reply::{self, Replies},
    turn,
};
use futures_util::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tonic::{Code, Request, Status, Streaming};

/// How long gateways wait for an answer where nobody set them another time. A decision that may take longer needs leave.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a decision leaves of the time that the gateway waits, for the way there and back.
const MARGIN: Duration = Duration::from_millis(50);

/// A stream in progress. It is polled inside the answer stream itself, without a task of its own, so it is dropped wherever
/// it stands when the gateway resets the stream, which is how gateways end finished and abandoned streams alike. What has to
/// happen at the end therefore happens in its `Drop`.
pub(crate) struct Conversation<L: Live, O: Observer> {
    inbound: Streaming<ProcessingRequest>,
    live: Arc<L>,
    decider: Option<Arc<L::Decider>>,
    machine: Machine,
    replies: Replies,
    /// A decision that begins when what stands in `replies` is out.
    next: Option<(Complete, Instant)>,
    /// What is to be told of the decision when what stands in `replies` is out.
    untold: Option<<L::Decider as Decider>::Untold>,
    /// Turns true when the server will wait no longer.
    closing: watch::Receiver<bool>,
    limits: Arc<Limits>,
    observer: Arc<O>,
    opened: Instant,
    /// When the gateway gives the stream up, if it says so.
    until: Option<Instant>,
    held: usize,
    ended: bool,
    failed: Option<Code>,
}

impl<L: Live, O: Observer> Conversation<L, O> {
    pub(crate) fn new(
        request: Request<Streaming<ProcessingRequest>>,
        live: Arc<L>,
        observer: Arc<O>,
        (limits, admission): (Arc<Limits>, &Arc<Admission>),
        closing: watch::Receiver<bool>,
    ) -> Conversation<L, O> {
        observer.opened();
        let opened = Instant::now();
        let timeout = request.metadata().get("grpc-timeout").and_then(|value| grpc_timeout(value.as_bytes()));
        let attached = Attached::of(request.metadata());
        Conversation {
            inbound: request.into_inner(),
            live,
            decider: None,
            machine: Machine::new(&limits, admission.enter(), attached),
            replies: Replies::new(),
            next: None,
            untold: None,
            closing,
            limits,
            observer,
            opened,
            until: timeout.and_then(|timeout| opened.checked_add(timeout)),
            held: 0,
            ended: false,
            failed: None,
        }
    }

    /// The next answer; `None` when the stream ends well, and from then on.
    pub(crate) async fn next(&mut self) -> Option<Result<ProcessingResponse, Status>> {
        loop {
            if let Some(reply) = self.replies.pop_front() {
                if let Some((flow, bytes)) = Flow::out_of(&reply) {
                    self.observer.body(flow, bytes);
                }
                return Some(Ok(reply));
            }
            if self.untold.is_some() {
                turn::others_first().await;
                self.tell_decision();
            }
            self.settle();
            if self.ended {
                return None;
            }
            if let Err(status) = self.advance().await {
                self.ended = true;
                self.replies.clear();
                self.failed = Some(status.code());
                return Some(Err(status));
            }
        }
    }

    /// Handles one event. Gateways take a stream that ends well for leave to go on without us, so whatever is not meant as
    /// that has to come out of here as an error.
    async fn advance(&mut self) -> Result<(), Status> {
        if let Some((complete, since)) = self.next.take() {
            return self.decide(complete, since).await;
        }
        let Some(message) = self.receive().await? else { return Ok(()) };
        let (received, kind) = (Instant::now(), MessageKind::of(message.request.as_ref()));
        self.observer.message(kind);
        if let Some((flow, bytes)) = message.request.as_ref().and_then(Flow::into) {
            self.observer.body(flow, bytes);
        }
        let decider = self.decider.get_or_insert_with(|| self.live.pin());
        let complete = self.machine.on(message, &**decider, &mut self.replies)?;
        self.tell();
        self.observer.handled(kind, received.elapsed());
        let Some(complete) = complete else { return Ok(()) };
        let since = Instant::now();
        self.observer.collected(since.saturating_duration_since(self.opened));
        let allowed = self.allowed(since);
        if allowed > PATIENCE.saturating_sub(MARGIN) && self.machine.may_be_cut_off() {
            self.replies.push_back(reply::patience(allowed.saturating_add(MARGIN)));
        }
        self.next = Some((complete, since));
        Ok(())
    }

    async fn decide(&mut self, complete: Complete, since: Instant) -> Result<(), Status> {
        let Complete { mut incoming, encoding } = complete;
        if let Some(encoding) = encoding {
            let lease = self.machine.lease();
            match encoding::decode(encoding, incoming.body, self.limits.body_bytes, lease).await {
                Ok((body, lease)) => {
                    self.machine.decoded(&body, lease);
                    incoming.body = body;
                }
                Err(why) => {
                    self.machine.undecodable(why, &mut self.replies);
                    self.tell();
                    return Ok(());
                }
            }
        }
        incoming.deadline = since.checked_add(self.allowed(since)).unwrap_or(since);
        let decider = self.decider.get_or_insert_with(|| self.live.pin());
        let decision = AssertUnwindSafe(decider.decide(incoming)).catch_unwind();
        let (answer, untold) = decision.await.map_err(|_| Status::internal("the decision broke off"))?;
        let took = since.elapsed();
        self.untold = Some(untold);
        decider.telling(|| self.observer.decided(&answer, took));
        self.machine.decided(answer, &mut self.replies);
        self.tell();
        Ok(())
    }

    /// How long the decision may take. A time that has run out while the gateway still waits was not meant.
    fn allowed(&self, since: Instant) -> Duration {
        let left = self.until.map(|until| until.saturating_duration_since(since).saturating_sub(MARGIN));
        left.filter(|left| !left.is_zero()).map_or(self.limits.decision, |left| left.min(self.limits.decision))
    }

    async fn receive(&mut self) -> Result<Option<ProcessingRequest>, Status> {
        let awaited = self.machine.awaited();
        let whole = self.opened.checked_add(self.limits.body_time);
        let pause = Instant::now().checked_add(self.limits.body_pause);
        let stalls = match awaited {
            Awaited::Nothing => None,
            Awaited::Body => whole,
            Awaited::Pieces => whole.into_iter().chain(pause).min(),
        };
        let stalled = async {
            match stalls {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = self.inbound.message() => match message? {
                Some(message) => return Ok(Some(message)),
                None if self.machine.outcome() == Outcome::Cancelled => {
                    return Err(Status::cancelled("the gateway left before the request was complete"));
                }
                None => self.ended = true,
            },
            () = stalled => {
                self.machine.stalled(&mut self.replies);
            }
            _ = self.closing.wait_for(|closing| *closing) => {
                if self.machine.outcome() == Outcome::Cancelled {
                    return Err(Status::unavailable("the server is shutting down"));
                }
                // The request is on its way: what is left of the exchange goes well without us.
                self.ended = true;
            }
        }
        Ok(None)
    }

    fn tell(&mut self) {
        for note in self.machine.notes() {
            match note {
                Note::Shed(why) => self.observer.shed(why),
                Note::Undecided(why) => self.observer.undecided(why),
                Note::Coded(encoding, outcome) => self.observer.coded(encoding, outcome),
                Note::Answered(status) => {
                    if let Some(decider) = &self.decider {
                        decider.answered(status);
                    }
                }
            }
        }
        self.hold(self.machine.held());
    }

    fn tell_decision(&mut self) {
        let untold = self.untold.take();
        if let Some(decider) = &self.decider {
            decider.telling(|| drop(untold));
        }
    }

    fn settle(&mut self) {
        let held = self.machine.settle();
        self.hold(held);
    }

    fn hold(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.held, bytes);
        if before != bytes {
            let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
            self.observer.held(signed(bytes).saturating_sub(signed(before)));
        }
    }
}

impl<L: Live, O: Observer> Drop for Conversation<L, O> {
    fn drop(&mut self) {
        self.tell_decision();
        let outcome = match self.failed {
            Some(code) if code != Code::Cancelled => Outcome::Failed(code),
            _ if !self.replies.is_empty() => Outcome::Cancelled,
            _ => self.machine.outcome(),
        };
        if let Some(why) = self.machine.unseen() {
            self.observer.undecided(why);
        }
        self.hold(0);
        let open = self.opened.elapsed();
        match &self.decider {
            Some(decider) => {
                decider.telling(|| self.observer.closed(outcome, open));
                decider.ended(outcome);
            }
            None => self.observer.closed(outcome, open),
        }
    }
}

/// Reads what gRPC writes as the time that a call may take: at most eight digits and a unit.
fn grpc_timeout(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    let number: u64 = std::str::from_utf8(digits).ok().filter(|digits| digits.len() <= 8)?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number.saturating_mul(3600)),
        b'M' => Duration::from_secs(number.saturating_mul(60)),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_in_every_unit() {
        for (text, time) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("60S", Some(Duration::from_secs(60))),
            ("00000150m", Some(Duration::from_millis(150))),
            ("7u", Some(Duration::from_micros(7))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("", None),
            ("m", None),
            ("1", None),
            ("1x", None),
            ("-1S", None),
            ("123456789S", None),
        ] {
            assert_eq!(grpc_timeout(text.as_bytes()), time, "{text:?}");
        }
    }
}
