//! One signal on its own: what it finds in a request. No decision is taken, and nothing is counted.

use crate::build::{Build, Builder};
use crate::call::Trail;
use crate::exchange::Incoming;
use crate::record::SignalRecord;
use crate::signals::Signal;
use crate::view::View;
use std::sync::Arc;
use trackside_components::types::SignalMatch;
use trackside_config::{Report, SignalRules};
use trackside_protocol::{BadRequest, ChatRequest};

/// A signal component, configured apart from any snapshot.
#[derive(Debug)]
pub struct Single {
    kind: String,
    signal: Signal,
    hidden: Arc<[String]>,
}

/// Why a request could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum SingleError {
    /// It is no request.
    #[error(transparent)]
    Unreadable(#[from] BadRequest),
    /// The component failed.
    #[error("the {component} component failed: {reason}")]
    Failed {
        /// The type it serves.
        component: String,
        /// How, in the word of the metrics.
        reason: &'static str,
    },
}

/// Configures the component of one signal type with these rules, which may be others than those of the configuration.
/// `None` when nobody serves the type or the settings are refused; then the report says why.
pub async fn single(kind: &str, declared: &SignalRules, build: Build<'_>, report: &mut Report) -> Option<Single> {
    let signal = Builder::new(&build, report).signal(kind, declared).await?;
    let hidden = build.config.resolved.identity.untrusted_headers().into();
    Some(Single { kind: kind.to_owned(), signal, hidden })
}

impl Single {
    /// What the component finds, in its order. Conditions of rules are not looked at.
    ///
    /// # Errors
    /// [`SingleError`] when the body is no request, or the component fails, whatever its failure policy.
    pub async fn evaluate(&self, incoming: Incoming) -> Result<Vec<SignalRecord>, SingleError> {
        let Incoming { id, headers, body, metadata, profile: _, deadline } = incoming;
        let view = Arc::new(View::new(id, ChatRequest::parse(body)?, headers, metadata, self.hidden.clone()));
        let (head, trail) = (view.head(), Trail::default());
        let (found, Trail { degraded, .. }) = self.signal.evaluate(&self.kind, &view, &head, deadline, trail).await;
        if let Some(first) = degraded.into_iter().next() {
            return Err(SingleError::Failed { component: first.component, reason: first.reason });
        }
        let matches = found.map(|evaluation| evaluation.matches).unwrap_or_default();
        let record = |found| SignalRecord::from(&SignalMatch { signal: self.kind.clone(), found });
        Ok(matches.into_iter().map(record).collect())
    }
}
