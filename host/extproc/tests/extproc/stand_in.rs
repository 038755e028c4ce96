//! A decider that rewrites by the first word of a body, or the first key of a JSON object, and a server around it.
//!
//! `auto` becomes `chosen`, with headers both ways; `keep` stays, with a request header alone; `pass` stays without a
//! trace; `tell` is answered with what came beside the body; `wait` never gets an answer; `panic` panics; anything else is
//! refused.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};
use tonic::transport::{Channel, server::TcpIncoming};
use trackside_extproc::{
    Decider, Decoded, Encoding, Limits, Live, MessageKind, Observer, Outcome, ServeError, Server, Shed, Undecided,
    proto::external_processor_client::ExternalProcessorClient,
};
use trackside_routing::{Answer, DecisionRecord, Forward, Incoming, ReasonCode, Reply};

#[derive(Debug)]
pub(crate) struct StandIn;

impl Live for StandIn {
    type Decider = StandIn;

    fn pin(&self) -> Arc<StandIn> {
        Arc::new(StandIn)
    }
}

impl Decider for StandIn {
    type Untold = ();

    async fn decide(&self, incoming: Incoming) -> (Answer, ()) {
        (decided(incoming).await, ())
    }
}

async fn decided(incoming: Incoming) -> Answer {
    let body = incoming.body;
    let (before, rest) = if body.starts_with(b"{\"") { body.split_at(2) } else { body.split_at(0) };
    match rest.split(|byte| b" \"".contains(byte)).next().unwrap_or_default() {
        b"auto" => {
            let body = [before, b"chosen", &rest[4..]].concat();
            let told = vec![("x-decided".to_owned(), "chosen".to_owned())];
            forward(&incoming.id, Some(body), "chosen", told)
        }
        b"keep" => forward(&incoming.id, None, "kept", Vec::new()),
        b"pass" => forward(&incoming.id, None, "", Vec::new()),
        b"tell" => {
            let left = incoming.deadline.saturating_duration_since(Instant::now());
            let told = format!("{:?} {:?} {}", incoming.profile, incoming.metadata, left.as_millis() / 100);
            Answer::Respond(Reply { status: 200, body: told.into(), ..Reply::refusal(400, "told", "") })
        }
        b"wait" => pending().await,
        b"panic" => panic!("asked to"),
        _ => Answer::Respond(Reply {
            status: 400,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: "{}".into(),
            details: "stand_in_refused".to_owned(),
            record: None,
        }),
    }
}

fn forward(id: &str, body: Option<Vec<u8>>, model: &str, response_headers: Vec<(String, String)>) -> Answer {
    let selected = (!model.is_empty()).then(|| ("x-selected-model".to_owned(), model.to_owned()));
    Answer::Forward(Forward {
        body: body.map(Into::into),
        clear_route_cache: selected.is_some(),
        set_headers: selected.into_iter().collect(),
        remove_headers: Vec::new(),
        response_headers,
        record: Arc::new(record(id, model)),
    })
}

fn record(id: &str, model: &str) -> DecisionRecord {
    DecisionRecord {
        request_id: id.to_owned(),
        generation: 1,
        original_model: "auto".to_owned(),
        selected_model: Some(model.to_owned()),
        reason_code: ReasonCode::AutoRouting,
        profile: None,
        scores: Vec::new(),
        decision: None,
        confidence: 1.0,
        category: None,
        algorithm: "single".to_owned(),
        selection_reason: String::new(),
        use_reasoning: false,
        signals: Vec::new(),
        evaluated: Vec::new(),
        ranked: Vec::new(),
        calls: Vec::new(),
        degraded: Vec::new(),
        routing_latency_ms: 0.0,
    }
}

/// What happened on the streams of a server.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    events: Mutex<Vec<Event>>,
    /// Bytes that the server says it holds.
    pub(crate) held: AtomicI64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Opened,
    Message(MessageKind),
    Decided,
    Coded(Option<Encoding>, Decoded),
    Shed(Shed),
    Undecided(Undecided),
    Closed(Outcome),
}

impl Seen {
    fn push(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    /// Waits for something to happen.
    pub(crate) async fn until(&self, event: &Event) {
        while !self.events.lock().unwrap().contains(event) {
            tokio::task::yield_now().await;
        }
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Everything so far, once a stream is closed.
    pub(crate) async fn closed(&self) -> Vec<Event> {
        loop {
            let events = self.events.lock().unwrap().clone();
            if matches!(events.last(), Some(Event::Closed(_))) {
                return events;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Observer for Seen {
    fn opened(&self) {
        self.push(Event::Opened);
    }
    fn message(&self, kind: MessageKind) {
        self.push(Event::Message(kind));
    }
    fn decided(&self, _: &Answer, _: Duration) {
        self.push(Event::Decided);
    }
    fn held(&self, change: i64) {
        assert!(self.held.fetch_add(change, Ordering::SeqCst) + change >= 0, "more is let go of than was held");
    }
    fn coded(&self, encoding: Option<Encoding>, outcome: Decoded) {
        self.push(Event::Coded(encoding, outcome));
    }
    fn shed(&self, why: Shed) {
        self.push(Event::Shed(why));
    }
    fn undecided(&self, why: Undecided) {
        self.push(Event::Undecided(why));
    }
    fn closed(&self, outcome: Outcome, _: Duration) {
        self.push(Event::Closed(outcome));
    }
}

/// A running server; gone when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    pub(crate) shutdown: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinSet<Result<(), ServeError>>,
}

impl Running {
    pub(crate) async fn start(limits: Limits) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (shutdown, asked) = oneshot::channel();
        let mut task = JoinSet::new();
        let observer = Arc::clone(&seen);
        let server = Arc::new(Server::new(Arc::new(StandIn), observer, limits));
        task.spawn(server.serve(TcpIncoming::from(listener), async { drop(asked.await) }));
        Running { address, seen, shutdown: Some(shutdown), task }
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn client(&self) -> ExternalProcessorClient<Channel> {
        ExternalProcessorClient::new(self.channel().await).max_decoding_message_size(usize::MAX)
    }
}
