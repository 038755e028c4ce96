//! Writes components for Trackside in Rust: plain types and a trait per role on one side, the component interface of
//! `wit/` on the other.
//!
//! An author implements [`Component`] (what it serves, its settings) and one role, such as [`Signal`], and names the
//! type once in [`export!`]. Everything else is ordinary Rust with ordinary tests.
//!
//! ```
//! use trackside_sdk::{Component, Failure, Match, NoSettings, RequestHead, Signal, SignalSettings, matched};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Rule {
//!     /// Name of the rule.
//!     name: String,
//!     /// How many bytes a text needs to be long.
//!     min_bytes: usize,
//! }
//!
//! struct Long(Vec<Rule>);
//!
//! impl Component for Long {
//!     type Settings = SignalSettings<Rule>;
//!     const SERVES: &'static str = "long";
//!
//!     fn configure(settings: Self::Settings) -> Result<Self, Failure> {
//!         Ok(Self(settings.rules))
//!     }
//! }
//!
//! impl Signal for Long {
//!     fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
//!         let long = self.0.iter().filter(|rule| head.text.len() >= rule.min_bytes);
//!         Ok(long.map(|rule| matched(&rule.name, 1.0, format!("{} bytes", head.text.len()))).collect())
//!     }
//! }
//!
//! trackside_sdk::export!(signal: Long);
//! ```
//!
//! What the host offers is in one module per interface: [`current`], [`log`], [`metrics`], [`clock`], [`random`],
//! [`artefact`], [`embeddings`], [`neighbours`], [`cache`], [`key_value`]. A component imports only those it calls.
//! Outside of wasm there is no host and a call panics: let the logic take a closure or a trait, and tests pass their own.
//! [`topic`], [`re2`] and [`tools`] need no host: the one takes the wrapping off a text, so that all signals compare the same, the
//! other lets patterns mean what they mean in v0.3, the third reads the tools of a request.
//!
//! This crate depends on nothing of the host, and knows no role's logic.

#[doc(hidden)]
pub mod bindings;
#[doc(hidden)]
pub mod glue;
mod predicate;
mod prototypes;
pub mod re2;
mod roles;
mod settings;
#[cfg(target_arch = "wasm32")]
mod std_io;
pub mod tools;
pub mod topic;

pub use bindings::trackside::router::types::{
    Ask, Candidate, Choice, Edit, Failure, FieldValue, Match, MatchedDecision, Pairs, RankedDecision, Reply,
    RequestHead, Route, Selection, SignalMatch, Verdict,
};
pub use bindings::trackside::router::{
    artefact, cache, clock, current, embeddings, key_value, log, metrics, neighbours, random,
};
pub use predicate::Predicate;
pub use prototypes::PrototypeScoring;
pub use roles::{
    AskExtraction, Component, Need, OnFailure, Ranking, RequestPlugin, ResponsePlugin, ResponseStream, Selector,
    Signal, failure, matched,
};
pub use settings::{NoSettings, SignalSettings, on};
