//! What can go wrong, by stage.

use crate::capability::Capability;
use crate::compiler::CompileFailure;
use crate::declared::BuildFailure;
use crate::description::UnknownWord;
use crate::digest::Digest;
use std::fmt;
use std::time::Duration;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The machine or its settings do not allow one.
    #[error("the WebAssembly engine cannot start: {0:#}")]
    Engine(wasmtime::Error),
    /// The thread behind deadlines could not start.
    #[error("the thread that guards deadlines cannot start: {0}")]
    Thread(std::io::Error),
}

/// Why a component cannot be loaded, whatever its settings.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are too many to be a component that anybody meant to load.
    #[error("the component has {bytes} bytes; at most {limit} are accepted")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes are no valid component.
    #[error("component {} is not a valid WebAssembly component: {reason}", digest.short())]
    Invalid {
        /// Its digest.
        digest: Digest,
        /// What the parser or the compiler says.
        reason: String,
    },
    /// It could not be compiled, whether it is valid or not.
    #[error("component {} could not be compiled: {source}", digest.short())]
    Compile {
        /// Its digest.
        digest: Digest,
        /// Why.
        source: CompileFailure,
    },
    /// It was built against another version of the contract.
    #[error("component {} was built for trackside:router@{found} (it names \"{interface}\"), and this host serves {served}", digest.short())]
    Version {
        /// Its digest.
        digest: Digest,
        /// The interface as it names it.
        interface: String,
        /// The version it was built for.
        found: String,
        /// The version that this host serves.
        served: &'static str,
    },
    /// It imports something that this host does not have.
    #[error("component {} imports \"{import}\", which this host does not provide", digest.short())]
    UnknownImport {
        /// Its digest.
        digest: Digest,
        /// The name of the import.
        import: String,
    },
    /// It does not export what every component, or its role, has to.
    #[error("component {} does not export \"{interface}\"{}", digest.short(), because_of(role))]
    MissingExport {
        /// Its digest.
        digest: Digest,
        /// The missing interface.
        interface: &'static str,
        /// The role that asks for it, if it is not needed by every component.
        role: Option<&'static str>,
    },
    /// An interface has the right name and the wrong functions or types.
    #[error("component {} does not fit the contract: {reason}", digest.short())]
    Contract {
        /// Its digest.
        digest: Digest,
        /// What differs.
        reason: String,
    },
    /// It could not introduce itself.
    #[error("component {} failed in describe: {source}", digest.short())]
    Describe {
        /// Its digest.
        digest: Digest,
        /// How it failed.
        source: CallError,
    },
    /// Its introduction is not usable.
    #[error("component {} describes itself wrongly: {source}", digest.short())]
    Description {
        /// Its digest.
        digest: Digest,
        /// What is wrong.
        source: DescriptionError,
    },
}

fn because_of(role: &Option<&'static str>) -> String {
    role.map(|role| format!(", which the role {role} needs")).unwrap_or_default()
}

/// What is wrong with an introduction.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// A role, need or failure policy that the contract does not know.
    #[error(transparent)]
    Word(#[from] UnknownWord),
    /// The served type cannot be a configuration key.
    #[error("it serves \"{0}\", which is not 1 to 64 letters, digits, \"_\" or \"-\"")]
    Serves(String),
    /// The settings schema is not JSON.
    #[error("its settings schema is not JSON: {0}")]
    Schema(serde_json::Error),
}

/// Why a component cannot take its settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// It imports a capability that nobody granted.
    #[error("component \"{component}\" wants capability \"{}\", which this configuration does not grant", capability.as_str())]
    NotGranted {
        /// The type it serves.
        component: String,
        /// What it wants.
        capability: Capability,
    },
    /// It imports a capability that this host does not have yet.
    #[error("component \"{component}\" wants capability \"{}\", which this host does not offer yet", capability.as_str())]
    NotOffered {
        /// The type it serves.
        component: String,
        /// What it wants.
        capability: Capability,
    },
    /// It says that the settings are wrong.
    #[error("component \"{component}\" refuses its settings: {message}")]
    Refused {
        /// The type it serves.
        component: String,
        /// The failure's kind.
        kind: String,
        /// The reason it gives.
        message: String,
    },
    /// It did not come through `configure`.
    #[error("component \"{component}\" failed in configure: {source}")]
    Call {
        /// The type it serves.
        component: String,
        /// How it failed.
        source: CallError,
    },
    /// The host could not build something that it declared.
    #[error("\"{declared}\", which component \"{component}\" declares, could not be built: {source}")]
    Build {
        /// The type it serves.
        component: String,
        /// The name of what it declared.
        declared: String,
        /// Why.
        source: BuildFailure,
    },
}

/// Why a call gave no answer. After anything but [`CallError::Failure`] the instance is gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The component says that it could not answer.
    #[error("{kind}: {message}")]
    Failure {
        /// A short word for counters.
        kind: String,
        /// One sentence for the operator.
        message: String,
    },
    /// It did something that WebAssembly forbids, or gave up.
    #[error("trapped: {reason}")]
    Trap {
        /// What it did.
        reason: String,
    },
    /// Its time was up.
    #[error("passed its deadline of {} ms", allowed.as_millis())]
    Deadline {
        /// The time it had.
        allowed: Duration,
    },
    /// It wanted more memory than it may have.
    #[error("wanted more than its {limit_bytes} bytes of memory")]
    Memory {
        /// Its limit.
        limit_bytes: usize,
    },
    /// It wanted larger tables than it may have.
    #[error("wanted more than its {limit} table elements")]
    Tables {
        /// Its limit.
        limit: usize,
    },
    /// It handed over too much at once, or bytes that are not what their type says.
    #[error("handed the host more than {limit_bytes} bytes at once, or malformed ones")]
    Output {
        /// Its limit.
        limit_bytes: usize,
    },
    /// Every instance was busy until the time was up, or the host has no room for another one.
    #[error("no instance was free")]
    Exhausted,
    /// An instance could not be made.
    #[error("cannot be instantiated: {reason}")]
    Instantiate {
        /// What the engine says.
        reason: String,
    },
    /// It does not have the ability that was called.
    #[error("does not export \"{interface}\"")]
    Missing {
        /// The interface that it lacks.
        interface: &'static str,
    },
}

impl CallError {
    /// Its word in metrics and records.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Failure { .. } => "failure",
            Self::Trap { .. } => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } | Self::Tables { .. } => "memory",
            Self::Output { .. } => "output",
            Self::Exhausted | Self::Instantiate { .. } | Self::Missing { .. } => "unavailable",
        }
    }
}

/// Why the host stopped a guest: what travels through the guest's frames as an error and is found again by its type.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    Deadline,
    Memory,
    Tables,
    /// A function of WASI, of which nothing is granted.
    Ungranted(String),
    /// The engine could not make an instance.
    Instantiate(String),
    /// The host asked for an interface that the component does not export.
    Missing(&'static str),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the deadline has passed"),
            Self::Memory => f.write_str("the memory limit is reached"),
            Self::Tables => f.write_str("the limit on table elements is reached"),
            Self::Ungranted(function) => write!(f, "called {function}, which is not granted"),
            Self::Instantiate(reason) => f.write_str(reason),
            Self::Missing(interface) => write!(f, "there is no {interface}"),
        }
    }
}

impl std::error::Error for Stop {}
