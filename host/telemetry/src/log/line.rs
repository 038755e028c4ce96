//! An event as one line, what a reader looks for first.

use super::{Format, timestamp};
use serde_json::Value;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Most bytes of one text: a client chooses its model's name, and a component its words.
const TEXT_BYTES: usize = 1024;

/// Writes lines. An event names itself by a field `event`; its prose, if it has any, comes last.
pub(super) struct Line(pub(super) Format);

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'w> FormatFields<'w> + 'static> FormatEvent<S, N> for Line {
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        match self.0 {
            Format::Json => {
                let level = metadata.level().as_str().to_ascii_lowercase();
                write!(out, r#"{{"ts":"{}","level":"{level}""#, timestamp())?;
                fields.event.iter().try_for_each(|name| write!(out, r#","event":{name}"#))?;
                fields.others.iter().try_for_each(|(name, value)| write!(out, r#","{name}":{value}"#))?;
                write!(out, r#","target":"{}""#, metadata.target())?;
                fields.message.iter().try_for_each(|message| write!(out, r#","msg":{message}"#))?;
                out.write_str("}\n")
            }
            Format::Text => {
                write!(out, "{} {:5}", timestamp(), metadata.level())?;
                let name = fields.event.as_ref().and_then(Value::as_str).unwrap_or(metadata.target());
                write!(out, " {}", name.escape_debug())?;
                fields.others.iter().try_for_each(|(name, value)| write!(out, " {name}={value}"))?;
                fields.message.iter().try_for_each(|message| write!(out, " {message}"))?;
                out.write_char('\n')
            }
        }
    }
}

/// The fields of one event.
#[derive(Default)]
struct Fields {
    event: Option<Value>,
    message: Option<Value>,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match field.name() {
            "event" => self.event = Some(value),
            "message" => self.message = Some(value),
            name => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, short(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, short(&format!("{value:?}")).into());
    }
}

fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES)).unwrap_or(text)
}
