//! OTLP as it goes over the wire: the messages of `opentelemetry.proto.collector.trace.v1` that are needed, with the field
//! numbers of that protocol, and spans as such messages.

use super::context::{Context, Ids};
use super::span::{Kind, Span as Told, Value};
use prost::Message;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExportRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(crate) rejected_spans: i64,
    #[prost(string, tag = "2")]
    pub(crate) error_message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    pub(crate) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Scope {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Span {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) name: String,
    #[prost(int32, tag = "6")]
    pub(crate) kind: i32,
    #[prost(fixed64, tag = "7")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    pub(crate) end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    pub(crate) status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    pub(crate) flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5")]
    pub(crate) value: Option<Any>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Any {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(int64, tag = "3")]
    Whole(i64),
    #[prost(double, tag = "4")]
    Number(f64),
    #[prost(message, tag = "5")]
    List(Array),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Array {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<AnyValue>,
}

/// `STATUS_CODE_ERROR`.
const FAILED: i32 = 2;
/// `W3C trace flags`: sampled.
const SAMPLED: u32 = 1;

/// A moment on both clocks, by which the times of spans become times of day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor(Instant, SystemTime);

impl Anchor {
    pub(crate) fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    fn unix_nanos(self, at: Instant) -> u64 {
        let since_1970 = self.1.duration_since(UNIX_EPOCH).unwrap_or_default();
        let then = match self.0.checked_duration_since(at) {
            Some(before) => since_1970.saturating_sub(before),
            None => since_1970 + at.checked_duration_since(self.0).unwrap_or(Duration::ZERO),
        };
        u64::try_from(then.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The spans of one trace as messages, in their order.
pub(crate) fn spans(context: Context, told: Vec<Told>, ids: &Ids, anchor: Anchor) -> Vec<Span> {
    let parts = told.iter().skip(1).map(|_| ids.span());
    let named: Vec<[u8; 8]> = std::iter::once(context.span).chain(parts).collect();
    let message = |(index, told): (usize, Told)| {
        let parent = told.parent.filter(|parent| *parent < index).and_then(|parent| named.get(parent).copied());
        Span {
            trace_id: context.trace.to_vec(),
            span_id: named.get(index).map(|id| id.to_vec()).unwrap_or_default(),
            parent_span_id: parent.or(context.parent).map(|id| id.to_vec()).unwrap_or_default(),
            name: told.name.into_owned(),
            kind: match told.kind {
                Kind::Internal => 1,
                Kind::Server => 2,
                Kind::Client => 3,
            },
            start_time_unix_nano: anchor.unix_nanos(told.start),
            end_time_unix_nano: anchor.unix_nanos(told.end.max(told.start)),
            attributes: told.attributes.into_iter().map(|(key, value)| attribute(key, value)).collect(),
            status: told.failure.map(|message| Status { message, code: FAILED }),
            flags: SAMPLED,
        }
    };
    told.into_iter().enumerate().map(message).collect()
}

pub(crate) fn attribute(key: &str, value: Value) -> KeyValue {
    let text = |text| AnyValue { value: Some(Any::Text(text)) };
    let value = match value {
        Value::Text(text) => Any::Text(text),
        Value::Flag(flag) => Any::Flag(flag),
        Value::Whole(number) => Any::Whole(number),
        Value::Number(number) => Any::Number(number),
        Value::List(texts) => Any::List(Array { values: texts.into_iter().map(text).collect() }),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
