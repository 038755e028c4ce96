//! One stream: messages in, answers out, decisions in between.

use crate::{
    decide::{Decider, Live},
    observe::{MessageKind, Observer, Outcome},
    phase::Machine,
    proto::{ProcessingRequest, ProcessingResponse},
    reply::Replies,
    server::Limits,
};
use futures_util::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tonic::{Code, Status, Streaming};

/// A stream in progress. It is polled inside the answer stream itself, without a task of its own, so it is dropped wherever
/// it stands when the gateway resets the stream, which is how gateways end finished and abandoned streams alike. What has to
/// happen at the end therefore happens in its `Drop`.
pub(crate) struct Conversation<L: Live, O: Observer> {
    inbound: Streaming<ProcessingRequest>,
    live: Arc<L>,
    decider: Option<Arc<L::Decider>>,
    machine: Machine,
    replies: Replies,
    /// Turns true when the server will wait no longer.
    closing: watch::Receiver<bool>,
    pause: Duration,
    observer: Arc<O>,
    opened: Instant,
    ended: bool,
    failed: Option<Code>,
}

impl<L: Live, O: Observer> Conversation<L, O> {
    pub(crate) fn new(
        inbound: Streaming<ProcessingRequest>,
        live: Arc<L>,
        observer: Arc<O>,
        limits: &Limits,
        closing: watch::Receiver<bool>,
    ) -> Conversation<L, O> {
        observer.opened();
        Conversation {
            inbound,
            live,
            decider: None,
            machine: Machine::new(limits.body_bytes),
            replies: Replies::new(),
            closing,
            pause: limits.body_pause,
            observer,
            opened: Instant::now(),
            ended: false,
            failed: None,
        }
    }

    /// The next answer; `None` when the stream ends well, and from then on.
    pub(crate) async fn next(&mut self) -> Option<Result<ProcessingResponse, Status>> {
        loop {
            if let Some(reply) = self.replies.pop_front() {
                return Some(Ok(reply));
            }
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
        let Some(message) = self.receive().await? else { return Ok(()) };
        self.observer.message(MessageKind::of(message.request.as_ref()));
        let decider = self.decider.get_or_insert_with(|| self.live.pin());
        let Some(incoming) = self.machine.on(message, &mut self.replies)? else { return Ok(()) };
        let complete = Instant::now();
        let decision = AssertUnwindSafe(decider.decide(incoming)).catch_unwind();
        let answer = decision.await.map_err(|_| Status::internal("the decision broke off"))?;
        self.observer.decided(&answer, complete.elapsed());
        self.machine.decided(answer, &mut self.replies);
        Ok(())
    }

    async fn receive(&mut self) -> Result<Option<ProcessingRequest>, Status> {
        tokio::select! {
            biased;
            message = self.inbound.message() => match message? {
                Some(message) => return Ok(Some(message)),
                None if self.machine.outcome() == Outcome::Cancelled => {
                    return Err(Status::cancelled("the gateway left before the request was complete"));
                }
                None => self.ended = true,
            },
            () = tokio::time::sleep(self.pause), if self.machine.holds_the_gateway() => {
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
}

impl<L: Live, O: Observer> Drop for Conversation<L, O> {
    fn drop(&mut self) {
        let outcome = match self.failed {
            Some(code) if code != Code::Cancelled => Outcome::Failed(code),
            _ if !self.replies.is_empty() => Outcome::Cancelled,
            _ => self.machine.outcome(),
        };
        self.observer.closed(outcome, self.opened.elapsed());
    }
}
