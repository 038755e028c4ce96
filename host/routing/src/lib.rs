//! The routing pipeline: a snapshot of configuration and components, and the way one request takes through it.
//!
//! [`build`] turns a checked configuration and a [`Registry`] of components into a [`Snapshot`]; [`Snapshot::route`]
//! turns an [`Incoming`] request into an [`Answer`]; [`Live`] holds the snapshot that new streams pin; a [`Probe`] asks one
//! signal alone. The crate knows nothing about gateways, models or files.

mod ask;
mod build;
mod call;
mod exchange;
mod headers;
mod live;
mod names;
mod observe;
mod pipeline;
mod plugins;
mod probe;
mod profile;
mod projections;
mod ranking;
mod reach;
mod record;
mod registry;
mod reply;
mod rules;
mod selection;
mod settings;
mod signals;
mod snapshot;
mod view;

pub use build::build;
pub use exchange::{Answer, Forward, Headers, Incoming, Reply};
pub use headers::{OURS, SELECTED_MODEL};
pub use live::Live;
pub use names::{ListedModel, Resolution};
pub use probe::{Probe, ProbeError, probe};
pub use record::{CallRecord, DecisionRecord, RankedRecord, ReasonCode, ScoreRecord, SignalRecord};
pub use registry::{Entry, Registry};
pub use snapshot::Snapshot;
