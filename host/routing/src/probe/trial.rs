//! One question to one component, outside any decision.

use crate::exchange::Headers;
use crate::question::{Answer, Question};
use crate::view::View;
use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::types::{RequestHead, SignalMatch};
use trackside_components::{CallError, Configured, Current};
use trackside_protocol::{BadRequest, ChatRequest};

/// A component that misses its deadline is asked this often before that counts: the machine may be busy, not least with
/// the traffic that the snapshot before this one serves.
pub(super) const TRIES: u32 = 3;
/// The pause before it is asked again, longer each time.
const PAUSE: Duration = Duration::from_millis(10);
/// The component's own limit ends its call; this one bounds the wait for an instance.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// The id of requests that nobody sent.
pub(super) const ID: &str = "probe";
/// What such a request asks.
const TEXT: &str = "Is everything in order?";

/// A request that nobody sent.
#[derive(Debug)]
pub(super) struct Trial {
    view: Arc<View>,
    head: RequestHead,
}

impl Trial {
    /// `found` are the signals that are known already.
    pub(super) fn about(
        body: Bytes,
        headers: Headers,
        metadata: BTreeMap<String, String>,
        found: Vec<SignalMatch>,
    ) -> Result<Trial, BadRequest> {
        let hidden = Arc::default();
        let view = Arc::new(View::new(ID.to_owned(), ChatRequest::parse(body)?, headers, metadata, hidden));
        if !found.is_empty() {
            view.found(found);
        }
        Ok(Trial { head: view.head(), view })
    }

    /// The plainest request.
    pub(super) fn plain() -> Result<Trial, BadRequest> {
        Trial::about(body("auto"), Headers::default(), BTreeMap::new(), Vec::new())
    }

    /// Asks a component, again where it has no time.
    pub(super) async fn ask(&self, component: &Configured, question: &Question) -> Result<Answer, CallError> {
        let current: Arc<dyn Current> = self.view.clone();
        let mut tries = 1;
        loop {
            let answer = question.put(component, &current, &self.head, Instant::now() + PATIENCE).await;
            match answer {
                Err(CallError::Deadline { .. } | CallError::Exhausted) if tries < TRIES => {
                    tokio::time::sleep(PAUSE * tries * tries).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }
}

/// A body in which a user asks a model something harmless.
pub(super) fn body(model: &str) -> Bytes {
    asking(model, TEXT)
}

/// A body with one message of a user.
pub(super) fn asking(model: &str, text: &str) -> Bytes {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] }).to_string().into()
}
