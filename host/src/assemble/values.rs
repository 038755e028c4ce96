//! Key-value for components, joined to the store in this process.

use std::time::Duration;
use trackside_components::{KeyValue, KeyValueFailure, Waiting};
use trackside_store as store;
use trackside_store::StoreError;

/// The store; a component's scope is a namespace of its own.
pub(super) struct Values(pub(super) store::KeyValue);

type Answer<'a, T> = Waiting<'a, Result<T, KeyValueFailure>>;

impl KeyValue for Values {
    fn get<'a>(&'a self, scope: &'a str, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        ready(self.0.namespace(scope).get(key).map(|value| value.map(|value| value.to_vec())))
    }

    fn put<'a>(&'a self, scope: &'a str, key: &'a str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<'a, ()> {
        ready(self.0.namespace(scope).put(key, &value, ttl))
    }

    fn add<'a>(&'a self, scope: &'a str, key: &'a str, by: i64, ttl: Option<Duration>) -> Answer<'a, i64> {
        ready(self.0.namespace(scope).add(key, by, ttl))
    }

    fn swap<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Answer<'a, bool> {
        ready(self.0.namespace(scope).swap(key, expected.as_deref(), &value, ttl))
    }
}

/// The store answers at once.
fn ready<'a, T: Send + 'a>(answer: Result<T, StoreError>) -> Answer<'a, T> {
    let answer = answer.map_err(|error| match error {
        StoreError::KeyTooLong { .. } | StoreError::ValueTooLong { .. } | StoreError::NamespaceTooSmall { .. } => {
            KeyValueFailure::TooLarge
        }
        StoreError::NotACounter | StoreError::CounterOverflow => KeyValueFailure::NotACounter,
    });
    Box::pin(std::future::ready(answer))
}
