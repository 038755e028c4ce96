//! What a component may reach outside itself: one small trait per capability, implemented by whoever embeds this crate.

use crate::description::Role;
use crate::vectors::Vectors;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// An answer that may take a while.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An interface that a component has to be granted before it may import it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Sentence embeddings.
    Embeddings,
    /// Nearest neighbours in an index.
    Neighbours,
    /// The response cache.
    Cache,
    /// Small values that outlive instances.
    KeyValue,
}

impl Capability {
    const ALL: [Self; 4] = [Self::Embeddings, Self::Neighbours, Self::Cache, Self::KeyValue];

    /// The name of its interface, which is also its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embeddings => "embeddings",
            Self::Neighbours => "neighbours",
            Self::Cache => "cache",
            Self::KeyValue => "key-value",
        }
    }

    /// Whether this host has something behind it.
    pub(crate) fn is_offered(self) -> bool {
        matches!(self, Self::Embeddings | Self::Neighbours | Self::KeyValue)
    }
}

/// A word that names no capability.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not a capability; there are embeddings, neighbours, cache and key-value")]
pub struct UnknownCapability(String);

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|capability| capability.as_str() == word);
        known.ok_or_else(|| UnknownCapability(word.to_owned()))
    }
}

/// The capabilities that a configuration grants to one component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<Capability>);

impl Grants {
    /// Grants nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// All of them, always in the same order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Capability> {
        self.0.iter().copied()
    }

    /// Whether this capability is granted.
    #[must_use]
    pub fn contains(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }
}

impl FromIterator<Capability> for Grants {
    fn from_iter<I: IntoIterator<Item = Capability>>(granted: I) -> Self {
        Self(granted.into_iter().collect())
    }
}

/// Everything the host gives to components, but the model: that one comes with a component's [`crate::Setup`].
#[derive(Clone)]
pub struct Capabilities {
    /// What is done with the vectors.
    pub vectors: Arc<dyn Vectors>,
    /// Small values that outlive instances.
    pub key_value: Arc<dyn KeyValue>,
    /// Where log lines go.
    pub log: Arc<dyn Log>,
    /// Where counters and the times of calls go.
    pub metrics: Arc<dyn Metrics>,
    /// What components are told about time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capabilities").finish_non_exhaustive()
    }
}

/// Turns text into vectors of length 1.
pub trait Embed: Send + Sync {
    /// Whether a model is loaded. Asked often: it must be cheap.
    fn available(&self) -> bool;

    /// Which model makes the vectors: vectors of one name can be compared. Nothing when none is loaded.
    fn model(&self) -> Option<&str>;

    /// The whole set-up that makes the vectors, the model's precision and size of vectors among it: with the same one a text
    /// gets the same vector. Nothing when no model is loaded.
    fn fingerprint(&self) -> Option<&str>;

    /// Embeds one text. Must be cheap to drop before it is done. It is polled on a stack of about 1.5 MiB: hand heavy
    /// work to another thread.
    fn embed<'a>(&'a self, text: &'a str, deadline: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>>;

    /// Embeds many texts, while a configuration is loaded. One after the other, unless there is a faster way.
    fn embed_all<'a>(
        &'a self,
        texts: &'a [String],
        deadline: Instant,
    ) -> Waiting<'a, Result<Vec<Arc<[f32]>>, EmbedFailure>> {
        Box::pin(async move {
            let mut vectors = Vec::with_capacity(texts.len());
            for text in texts {
                vectors.push(self.embed(text, deadline).await?);
            }
            Ok(vectors)
        })
    }
}

/// Why a text could not be embedded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbedFailure {
    /// No model is loaded.
    #[error("no embedding model is loaded")]
    Unavailable,
    /// There was not enough time.
    #[error("the embedding was not ready in time")]
    Deadline,
    /// Too many texts are waiting.
    #[error("too many texts wait to be embedded")]
    Overloaded,
    /// The model failed, with a reason for the operator.
    #[error("{0}")]
    Internal(String),
}

impl EmbedFailure {
    /// Its word in records and metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable => "embedding_unavailable",
            Self::Deadline => "embedding_deadline",
            Self::Overloaded => "embedding_overloaded",
            Self::Internal(_) => "embedding_internal",
        }
    }

    /// Its kind as a component's failure.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Deadline => "deadline",
            Self::Overloaded => "overloaded",
            Self::Internal(_) => "internal",
        }
    }
}

/// [`Embed`] where there is no model.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModel;

impl Embed for NoModel {
    fn available(&self) -> bool {
        false
    }

    fn model(&self) -> Option<&str> {
        None
    }

    fn fingerprint(&self) -> Option<&str> {
        None
    }

    fn embed<'a>(&'a self, _: &'a str, _: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
        Box::pin(async { Err(EmbedFailure::Unavailable) })
    }
}

/// Small values with a time to live, kept apart by scope: a scope never sees another scope's keys. Without a time to
/// live a value stays until it is evicted.
pub trait KeyValue: Send + Sync {
    /// The value, unless it is absent or its time has passed.
    fn get<'a>(&'a self, scope: &'a str, key: &'a str) -> Waiting<'a, Result<Option<Vec<u8>>, KeyValueFailure>>;

    /// Stores a value.
    fn put<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
        value: Vec<u8>,
        time_to_live: Option<Duration>,
    ) -> Waiting<'a, Result<(), KeyValueFailure>>;

    /// Adds to a counter, 0 when absent, and tells the sum. Atomic.
    fn add<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
        by: i64,
        time_to_live: Option<Duration>,
    ) -> Waiting<'a, Result<i64, KeyValueFailure>>;

    /// Stores `value` only if `expected` (`None`: absent) is there. Tells whether it did. Atomic.
    fn swap<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        time_to_live: Option<Duration>,
    ) -> Waiting<'a, Result<bool, KeyValueFailure>>;
}

/// Why a store could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueFailure {
    /// The value is too large, or the store has no room for it.
    #[error("the value is too large or the store is full")]
    TooLarge,
    /// `add` found something that is not a counter, or the sum leaves 64 bits.
    #[error("the value is not a counter, or the sum is out of range")]
    NotACounter,
    /// The store cannot be reached.
    #[error("{0}")]
    Unavailable(String),
}

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is wrong but goes on.
    Warn,
    /// Worth knowing.
    Info,
    /// For people who look for a fault.
    Debug,
    /// Everything else.
    Trace,
}

/// Takes what components write.
pub trait Log: Send + Sync {
    /// One line of a component, at most 1024 bytes. `request` is the request's id, if the line is about one.
    fn line(&self, component: &str, request: Option<&str>, level: Level, message: &str);

    /// How many lines of one call went over the limit and were not written.
    fn dropped(&self, component: &str, lines: u32);
}

/// Takes what is counted.
pub trait Metrics: Send + Sync {
    /// A component adds to its own counter. Names are `[a-z0-9_]`, at most 64 bytes and 50 a component; amounts are
    /// finite and not negative.
    fn add(&self, component: &str, name: &str, by: f64);

    /// A component was called for a request. The outcome is `ok` or one of [`crate::CallError::outcome`]; the time holds
    /// everything from asking for an instance to the answer.
    fn call(&self, component: &str, role: Role, outcome: &'static str, time: Duration);
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn unix_ms(&self) -> u64;

    /// Nanoseconds on a clock that never goes back.
    fn monotonic_ns(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
