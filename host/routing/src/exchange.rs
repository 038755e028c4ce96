//! What goes into the pipeline and what comes out, free of any gateway's protocol.

use crate::headers::{GENERATION, SELECTED_MODEL, Told, header_value};
use crate::record::DecisionRecord;
use crate::reply::SCHEMA_VERSION;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest time that all components together get for a request that names no time of its own.
const BUDGET: Duration = Duration::from_secs(2);

/// Request headers as the gateway showed them: lower-case names, in order, repeats kept, pseudo-headers included.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, Bytes)>);

impl Headers {
    /// Adds one header behind the others. The name is lowered.
    pub fn push(&mut self, name: &str, value: Bytes) {
        self.0.push((name.to_ascii_lowercase(), value));
    }

    /// The first value under a lower-case name, if it is UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// One complete LLM request.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Identifies the request: the gateway's `x-request-id`, or one that we made.
    pub id: String,
    /// Request headers.
    pub headers: Headers,
    /// The whole body.
    pub body: Bytes,
    /// What the gateway attached, by name: attributes by their own, metadata as `namespace.key`.
    pub metadata: BTreeMap<String, String>,
    /// The profile that the gateway names; without one the requested model's name chooses.
    pub profile: Option<String>,
    /// When the answer has to be there. What has not been decided by then is not waited for.
    pub deadline: Instant,
}

impl Incoming {
    /// A request to which the gateway attached nothing, with the usual time.
    #[must_use]
    pub fn new(id: String, headers: Headers, body: Bytes) -> Incoming {
        Incoming { id, headers, body, metadata: BTreeMap::new(), profile: None, deadline: Instant::now() + BUDGET }
    }
}

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Send it on.
    Forward(Forward),
    /// Answer the client at once.
    Respond(Reply),
}

impl Answer {
    /// What was decided and why; absent when the request could not be read.
    #[must_use]
    pub fn record(&self) -> Option<&Arc<DecisionRecord>> {
        match self {
            Answer::Forward(forward) => Some(&forward.record),
            Answer::Respond(reply) => reply.record.as_ref(),
        }
    }
}

/// How a request goes on.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The new body; `None` leaves the client's bytes as they are.
    pub body: Option<Bytes>,
    /// Request headers to set, each replacing earlier values. Names are valid lower-case tokens and values valid.
    pub set_headers: Vec<(String, String)>,
    /// Request headers to remove.
    pub remove_headers: Vec<String>,
    /// Whether the gateway should pick the route again.
    pub clear_route_cache: bool,
    /// Headers to set on the answer when it comes back, if its status is 2xx.
    pub response_headers: Vec<(String, String)>,
    /// What was decided and why.
    pub record: Arc<DecisionRecord>,
}

/// An answer that no model gives.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// Headers, `content-type` among them.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
    /// A few words for the gateway's access log, without blanks, such as `trackside_bad_request`.
    pub details: String,
    /// What was decided and why; absent when the request could not be read.
    pub record: Option<Arc<DecisionRecord>>,
}

impl Forward {
    /// A request on its way, with the plugins' header edits and the headers that tell what was decided. The generation is
    /// told to the upstream too.
    pub(crate) fn new(
        body: Option<Bytes>,
        edits: BTreeMap<String, Option<String>>,
        clear_route_cache: bool,
        told: Vec<Told>,
        record: DecisionRecord,
    ) -> Forward {
        let generation: Vec<Told> = told.iter().filter(|(name, _)| name == GENERATION).cloned().collect();
        let selected = record.selected_model.iter().map(|model| (SELECTED_MODEL.to_owned(), header_value(model)));
        let (set, removed): (Vec<_>, Vec<_>) = edits.into_iter().partition(|(_, value)| value.is_some());
        Forward {
            body,
            set_headers: selected
                .chain(set.into_iter().filter_map(|(name, value)| Some((name, value?))))
                .chain(generation)
                .collect(),
            remove_headers: removed.into_iter().map(|(name, _)| name).collect(),
            clear_route_cache,
            response_headers: response_headers(&record).chain(told).collect(),
            record: Arc::new(record),
        }
    }
}

fn response_headers(record: &DecisionRecord) -> impl Iterator<Item = (String, String)> {
    let decided = record.decision.is_some();
    [
        (SCHEMA_VERSION.0, Some(SCHEMA_VERSION.1.to_owned())),
        ("x-vsr-response-path", Some("upstream".to_owned())),
        ("x-vsr-selected-recipe", record.profile.as_deref().map(header_value)),
        ("x-vsr-selected-decision", record.decision.as_deref().map(header_value)),
        ("x-vsr-selected-model", record.selected_model.as_deref().map(header_value)),
        ("x-vsr-selected-category", record.category.as_deref().map(header_value)),
        ("x-vsr-selected-algorithm", decided.then(|| header_value(&record.algorithm))),
        ("x-vsr-selected-confidence", decided.then(|| format!("{:.4}", record.confidence))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
}
