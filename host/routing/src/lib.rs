//! The routing pipeline: a snapshot of configuration and components, and the way one request takes through it.
//!
//! [`build`] turns a checked configuration and a [`Registry`] of components into a [`Snapshot`], with what earlier ones
//! have [`Carried`] over; [`Snapshot::probe`] tries it; [`Snapshot::route`] turns an [`Incoming`] request into an
//! [`Answer`]; a [`Single`] asks one signal alone. The crate knows nothing about gateways, models or files.

mod ask;
mod breaker;
mod build;
mod call;
mod carried;
mod exchange;
mod guarded;
mod headers;
mod listing;
mod names;
mod observe;
mod pipeline;
mod plugins;
mod probe;
mod profile;
mod projections;
mod question;
mod ranking;
mod reach;
mod record;
mod registry;
mod reply;
mod rules;
mod seat;
mod selection;
mod settings;
mod shadow;
mod signals;
mod single;
mod snapshot;
mod stages;
mod view;

pub use build::{Build, build};
pub use carried::Carried;
pub use exchange::{Answer, Forward, Headers, Incoming, Reply};
pub use headers::{OURS, SELECTED_MODEL};
pub use listing::{BreakerReport, ComponentReport, InstancesReport, LimitsReport, ShareReport};
pub use names::{ListedModel, Resolution};
pub use observe::Untold;
pub use record::{CallRecord, DecisionRecord, Part, RankedRecord, ReasonCode, ScoreRecord, SignalRecord};
pub use registry::{Entry, Registry, Share};
pub use shadow::{Answers, CanaryReport, Difference, ShadowReport, Times};
pub use single::{Single, SingleError, single};
pub use snapshot::Snapshot;

#[cfg(test)]
mod tests;
