//! Runs WebAssembly components: loads them, checks what they want, keeps configured instances warm, and calls them
//! under limits that they cannot get around.
//!
//! An [`Engine`] loads bytes into a [`Component`]; a component takes settings and grants and becomes a [`Configured`]
//! one, whose methods are the calls of the contract. What components may reach outside themselves is declared here as one
//! small trait per capability ([`Embed`], [`Vectors`], [`KeyValue`], [`Log`], [`Metrics`], [`Clock`]) and implemented elsewhere.
//!
//! This crate knows the contract in `wit/` and nothing else of the product: no configuration file, no gateway, no model.
#![warn(missing_docs)]

mod abi;
mod artefact;
mod artefact_file;
mod call;
mod capability;
mod code_cache;
mod compiler;
mod component;
mod configured;
mod current;
mod declared;
mod description;
mod digest;
mod engine;
mod error;
mod guest;
mod held_code;
mod imports;
mod limits;
mod machine_code;
mod pool;
mod sections;
mod setup;
mod state;
mod ticker;
mod vectors;

pub use artefact_file::ArtefactFile;
pub use capability::{
    Capabilities, Capability, Clock, Embed, EmbedFailure, Grants, KeyValue, KeyValueFailure, Level, Log, Metrics,
    NoModel, SystemClock, UnknownCapability, Waiting,
};
pub use code_cache::{CacheDir, CacheError};
pub use compiler::{CompileFailure, Compiler, compile_process};
pub use component::Component;
pub use configured::{Configured, WeakConfigured};
pub use current::{Current, EmbeddingFailed, RequestEmbeddings};
pub use declared::BuildFailure;
pub use description::{Description, FailurePolicy, Need, Role, UnknownWord};
pub use digest::Digest;
pub use engine::{Engine, EngineOptions};
pub use error::{CallError, ConfigureError, DescriptionError, EngineError, LoadError};
pub use limits::Limits;
pub use machine_code::CodeOrigin;
pub use pool::InstanceCounts;
pub use setup::Setup;
pub use vectors::{Clustering, Compare, HeadMethod, Nearest, Neighbour, Vectors, VectorsFailure};

/// The shapes that cross the boundary, as `wit/types.wit` documents them.
pub mod types {
    pub use crate::abi::v0_1::bindings::trackside::router::current::ConversationFacts;
    pub use crate::abi::v0_1::bindings::trackside::router::types::{
        Ask, Candidate, Choice, Edit, Failure, FieldValue, Match, MatchedDecision, Outcome, RankedDecision, Reply,
        RequestHead, Route, Selection, SignalMatch, Verdict,
    };
}
