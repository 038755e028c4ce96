//! What a component may import: each function checks its arguments and hands on to a capability. What compares texts is
//! in `compare.rs`.

use super::bindings::trackside::router::types::{Failure, Reply, SignalMatch};
use super::bindings::trackside::router::{cache, clock, current, key_value, log, metrics, random, types};
use crate::capability::{KeyValueFailure, Level};
use crate::state::State;
use std::time::Duration;

const MOST_RANDOM_BYTES: usize = 1024;
const MOST_LINE_BYTES: usize = 1024;
const MOST_KEY_BYTES: usize = 1024;
const MOST_VALUE_BYTES: usize = 1 << 20;

pub(super) fn failure(kind: &str, message: impl Into<String>) -> Failure {
    Failure { kind: kind.to_owned(), message: message.into() }
}

impl From<KeyValueFailure> for Failure {
    fn from(reason: KeyValueFailure) -> Self {
        let kind = match reason {
            KeyValueFailure::TooLarge => "too-large",
            KeyValueFailure::NotACounter => "not-a-counter",
            KeyValueFailure::Unavailable(_) => "unavailable",
        };
        failure(kind, reason.to_string())
    }
}

impl types::Host for State {}

impl current::Host for State {
    fn header(&mut self, name: String) -> Option<String> {
        self.current.as_ref()?.header(&name)
    }

    fn message_count(&mut self) -> u32 {
        self.current.as_ref().map_or(0, |request| request.message_count())
    }

    fn message(&mut self, index: u32) -> Option<current::ChatMessage> {
        let (role, text) = self.current.as_ref()?.message(index)?;
        Some(current::ChatMessage { role, text })
    }

    fn facts(&mut self) -> current::ConversationFacts {
        self.current.as_ref().map_or_else(nothing, |request| request.facts())
    }

    fn field(&mut self, path: Vec<String>) -> Option<String> {
        self.current.as_ref()?.field(&path)
    }

    fn body(&mut self) -> String {
        match &self.current {
            Some(request) if self.scope.reads_body => request.body(),
            _ => String::new(),
        }
    }

    fn metadata(&mut self, name: String) -> Option<String> {
        self.current.as_ref()?.metadata(&name)
    }

    fn matches(&mut self) -> Vec<SignalMatch> {
        self.current.as_ref().map(|request| request.matches()).unwrap_or_default()
    }

    fn remaining_ms(&mut self) -> u32 {
        u32::try_from(self.remaining().as_millis()).unwrap_or(u32::MAX)
    }
}

/// What a request without a conversation is made of.
fn nothing() -> current::ConversationFacts {
    current::ConversationFacts {
        text_bytes: 0,
        structured_bytes: 0,
        user_messages: 0,
        assistant_messages: 0,
        system_messages: 0,
        developer_messages: 0,
        tool_messages: 0,
        other_messages: 0,
        tool_definitions: 0,
        tool_calls: 0,
        images: 0,
        in_tool_loop: false,
        extra: Vec::new(),
    }
}

impl log::Host for State {
    fn write(&mut self, level: u8, message: String) {
        if !self.may_log() {
            return;
        }
        let level = match level {
            0 => Level::Error,
            1 => Level::Warn,
            2 => Level::Info,
            3 => Level::Debug,
            _ => Level::Trace,
        };
        let line = message.get(..message.floor_char_boundary(MOST_LINE_BYTES)).unwrap_or_default();
        let request = self.current.as_ref().map(|request| request.id());
        self.scope.capabilities.log.line(&self.scope.component, request, level, line);
    }
}

impl metrics::Host for State {
    fn add(&mut self, name: String, by: f64) {
        if by.is_finite() && by >= 0.0 && self.scope.metric_names.admit(&name) {
            self.scope.capabilities.metrics.add(&self.scope.component, &name, by);
        }
    }
}

impl clock::Host for State {
    fn unix_ms(&mut self) -> u64 {
        self.scope.capabilities.clock.unix_ms()
    }

    fn monotonic_ns(&mut self) -> u64 {
        self.scope.capabilities.clock.monotonic_ns()
    }
}

impl random::Host for State {
    fn bytes(&mut self, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; MOST_RANDOM_BYTES.min(usize::try_from(length).unwrap_or(MOST_RANDOM_BYTES))];
        // Bytes that are promised not to be secrets may stay zero where the system has no randomness to give.
        let _ = getrandom::fill(&mut bytes);
        bytes
    }
}

fn check_key(key: &str) -> Result<(), Failure> {
    let fits = key.len() <= MOST_KEY_BYTES;
    fits.then_some(()).ok_or_else(|| failure("too-large", format!("a key has at most {MOST_KEY_BYTES} bytes")))
}

fn check_value(value: &[u8]) -> Result<(), Failure> {
    let fits = value.len() <= MOST_VALUE_BYTES;
    fits.then_some(()).ok_or_else(|| KeyValueFailure::TooLarge.into())
}

fn time_to_live(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

impl key_value::Host for State {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Failure> {
        check_key(&key)?;
        Ok(self.scope.capabilities.key_value.get(&self.scope.component, &key).await?)
    }

    async fn put(&mut self, key: String, value: Vec<u8>, ttl_ms: u64) -> Result<(), Failure> {
        check_key(&key)?;
        check_value(&value)?;
        let store = &self.scope.capabilities.key_value;
        Ok(store.put(&self.scope.component, &key, value, time_to_live(ttl_ms)).await?)
    }

    async fn add(&mut self, key: String, by: i64, ttl_ms: u64) -> Result<i64, Failure> {
        check_key(&key)?;
        let store = &self.scope.capabilities.key_value;
        Ok(store.add(&self.scope.component, &key, by, time_to_live(ttl_ms)).await?)
    }

    async fn swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_ms: u64,
    ) -> Result<bool, Failure> {
        check_key(&key)?;
        check_value(&value)?;
        let store = &self.scope.capabilities.key_value;
        Ok(store.swap(&self.scope.component, &key, expected, value, time_to_live(ttl_ms)).await?)
    }
}

/// A component that imports an interface which is not offered is never configured, so these answer only in `describe`.
fn not_offered() -> Failure {
    failure("unavailable", "this host does not offer it yet")
}

impl cache::Host for State {
    fn lookup(&mut self, _: String, _: f32) -> Result<Option<Reply>, Failure> {
        Err(not_offered())
    }

    fn store(&mut self, _: String, _: Reply, _: u64) -> Result<(), Failure> {
        Err(not_offered())
    }
}
