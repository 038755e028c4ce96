//! Client, Envoy, Trackside and model servers, wired together.

use crate::{
    bootstrap::Backends,
    client::{self, Message, Reply},
    envoy::Envoy,
    mode::Way,
    router::Trackside,
    upstream::{Answer, CASE, Seen, Upstream},
};
use bytes::Bytes;
use http::HeaderMap;
use std::{
    ffi::OsString,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Everything that one test needs. Dropping it ends all processes and checks Envoy's counters of mistakes.
#[derive(Debug)]
pub struct Stage {
    pub envoy: Envoy,
    pub trackside: Trackside,
    pub upstream: Upstream,
    models: Vec<String>,
    cases: AtomicUsize,
}

/// What became of one request.
#[derive(Debug)]
pub struct Exchange {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What the model server got, and by which route: the model that the route belongs to, or `default`. `None` when the
    /// request ended before.
    pub upstream: Option<(Seen, String)>,
}

impl Stage {
    /// Starts all of it. Every model of `routes` gets a route and a model server of its own. `None` when something is not
    /// installed and the test is to be skipped.
    pub async fn start(config: &Path, routes: &[&str]) -> Option<Stage> {
        Stage::start_with(config, &[], routes).await
    }

    /// The same with more flags for the router.
    pub async fn start_with(config: &Path, flags: &[OsString], routes: &[&str]) -> Option<Stage> {
        let trackside = Trackside::start_with(config, flags).await;
        let upstream = Upstream::start(routes.len() + 1).await;
        let by_model = routes.iter().enumerate();
        let backends = Backends {
            extproc: trackside.extproc,
            default: upstream.address(0),
            by_model: by_model.map(|(index, model)| ((*model).to_owned(), upstream.address(index + 1))).collect(),
        };
        let envoy = Envoy::start(&backends).await?;
        let models = backends.by_model.into_iter().map(|(model, _)| model).collect();
        Some(Stage { envoy, trackside, upstream, models, cases: AtomicUsize::new(0) })
    }

    /// Sends a message, answered by [`crate::upstream::COMPLETION`], and waits for the whole answer.
    pub async fn send(&self, way: Way, message: Message) -> Exchange {
        self.send_for(way, message, Answer::Json).await
    }

    /// Sends a message that the model server answers like this, and waits for the whole answer.
    pub async fn send_for(&self, way: Way, message: Message, answer: Answer) -> Exchange {
        let (case, reply) = self.open(way, message, answer).await;
        let (status, headers) = (reply.status, reply.headers.clone());
        let body = reply.finish().await;
        let upstream = self.upstream.take(&case).map(|seen| {
            let route = self.route(&seen);
            (seen, route)
        });
        Exchange { status, headers, body, upstream }
    }

    /// Sends a message and waits for the head of the answer. Also tells the name of the case.
    pub async fn open(&self, way: Way, message: Message, answer: Answer) -> (String, Reply) {
        let case = self.cases.fetch_add(1, Ordering::Relaxed).to_string();
        self.upstream.answer(&case, answer);
        let reply = client::send(self.envoy.listener(way.mode.name), way.http, &message.with(CASE, &case)).await;
        (case, reply)
    }

    fn route(&self, seen: &Seen) -> String {
        let route = self.models.iter().enumerate().find(|(index, _)| self.upstream.address(index + 1) == seen.at);
        route.map_or_else(|| "default".to_owned(), |(_, model)| model.clone())
    }
}

impl Exchange {
    /// A header of the answer, if it came once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        client::only(&self.headers, name)
    }

    /// What the model server got. Fails the test if it got nothing.
    pub fn seen(&self) -> &Seen {
        let (seen, _) = self.upstream.as_ref().unwrap_or_else(|| panic!("nothing went upstream: {self:?}"));
        seen
    }

    /// The route by which it got it.
    pub fn route(&self) -> &str {
        self.upstream.as_ref().map_or("", |(_, route)| route)
    }

    /// The answer, which must be JSON.
    pub fn json(&self) -> serde_json::Value {
        client::json(&self.body)
    }
}
