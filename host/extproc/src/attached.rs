//! What a gateway attaches to a request besides HTTP: attributes, metadata and the name of a profile.

use crate::proto::ProcessingRequest;
use prost_types::{Struct, Value, value::Kind};
use std::collections::BTreeMap;
use tonic::metadata::MetadataMap;

/// The key under which gateways send all attributes.
const ATTRIBUTES: &str = "envoy.filters.http.ext_proc";

/// The entry that names a profile: an attribute of this name, or the key `profile` of the namespace `trackside`.
const PROFILE: &str = "trackside.profile";

/// The gRPC metadata that names a profile.
const PROFILE_METADATA: &str = "x-trackside-profile";

/// Most entries that are kept of one request.
const MAX_ENTRIES: usize = 64;
/// Longest name of an entry, bytes.
const MAX_NAME: usize = 256;
/// Longest value of an entry, bytes.
const MAX_VALUE: usize = 8 << 10;

/// Attributes and metadata of a request, as they came.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    profile: Option<String>,
    attributes: Option<Struct>,
    metadata: BTreeMap<String, Struct>,
}

impl Attached {
    /// What came with the stream itself.
    pub(crate) fn of(stream: &MetadataMap) -> Attached {
        let profile = stream.get(PROFILE_METADATA).and_then(|name| name.to_str().ok());
        Attached { profile: profile.filter(|name| fits(name, "")).map(str::to_owned), ..Attached::default() }
    }

    /// Takes over what came with a message. Gateways send attributes once and repeat metadata.
    pub(crate) fn take(&mut self, message: &mut ProcessingRequest) {
        if let Some(attributes) = message.attributes.remove(ATTRIBUTES) {
            self.attributes = Some(attributes);
        }
        if let Some(metadata) = message.metadata_context.take() {
            self.metadata = metadata.filter_metadata;
        }
    }

    /// The entries by name, attributes by their own and metadata as `namespace.key`, and the profile. What is too long or
    /// too much is left out.
    pub(crate) fn finish(self) -> (BTreeMap<String, String>, Option<String>) {
        let mut entries = BTreeMap::new();
        let mut add = |name: String, value: Value| {
            let value = text(value);
            if entries.len() < MAX_ENTRIES && fits(&name, &value) {
                entries.insert(name, value);
            }
        };
        for (namespace, values) in self.metadata {
            values.fields.into_iter().for_each(|(key, value)| add(format!("{namespace}.{key}"), value));
        }
        for (name, value) in self.attributes.into_iter().flat_map(|values| values.fields) {
            add(name, value);
        }
        let profile = self.profile.or_else(|| entries.get(PROFILE).cloned());
        (entries, profile.filter(|name| !name.is_empty()))
    }
}

fn fits(name: &str, value: &str) -> bool {
    name.len() <= MAX_NAME && value.len() <= MAX_VALUE
}

/// Strings as they are, everything else as JSON.
fn text(value: Value) -> String {
    match value.kind {
        Some(Kind::StringValue(text)) => text,
        _ => json(value).to_string(),
    }
}

fn json(value: Value) -> serde_json::Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(truth)) => truth.into(),
        Some(Kind::NumberValue(number)) => self::number(number),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json).collect(),
        Some(Kind::StructValue(object)) => {
            object.fields.into_iter().map(|(key, value)| (key, json(value))).collect::<serde_json::Map<_, _>>().into()
        }
    }
}

/// All numbers are doubles on the wire; ports, sizes and statuses read better without a fraction.
fn number(number: f64) -> serde_json::Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT { (number as i64).into() } else { number.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Metadata;

    fn value(kind: Kind) -> Value {
        Value { kind: Some(kind) }
    }

    fn string(text: &str) -> Value {
        value(Kind::StringValue(text.to_owned()))
    }

    fn object<const N: usize>(fields: [(&str, Value); N]) -> Struct {
        Struct { fields: fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
    }

    fn finished(
        attributes: Struct,
        metadata: Struct,
        stream: &MetadataMap,
    ) -> (BTreeMap<String, String>, Option<String>) {
        let mut attached = Attached::of(stream);
        let filter_metadata = BTreeMap::from([("trackside".to_owned(), metadata)]);
        attached.take(&mut ProcessingRequest {
            attributes: BTreeMap::from([(ATTRIBUTES.to_owned(), attributes), ("other".to_owned(), Struct::default())]),
            metadata_context: Some(Metadata { filter_metadata }),
            ..ProcessingRequest::default()
        });
        attached.take(&mut ProcessingRequest::default());
        attached.finish()
    }

    #[test]
    fn values_are_read_as_text_or_json() {
        let list = prost_types::ListValue { values: vec![value(Kind::BoolValue(true)), value(Kind::NumberValue(0.5))] };
        let attributes = object([
            ("source.address", string("10.0.0.1:80")),
            ("source.port", value(Kind::NumberValue(4242.0))),
            ("request.size", value(Kind::NumberValue(-0.25))),
            ("list", value(Kind::ListValue(list))),
            ("none", Value { kind: None }),
            ("nested", value(Kind::StructValue(object([("a \"b\"", string("c"))])))),
        ]);
        let (entries, profile) = finished(attributes, object([("tenant", string("blue"))]), &MetadataMap::new());
        let expected = [
            ("list", "[true,0.5]"),
            ("nested", r#"{"a \"b\"":"c"}"#),
            ("none", "null"),
            ("request.size", "-0.25"),
            ("source.address", "10.0.0.1:80"),
            ("source.port", "4242"),
            ("trackside.tenant", "blue"),
        ];
        assert_eq!(entries.iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>(), expected);
        assert_eq!(profile, None);
    }

    #[test]
    fn a_profile_comes_with_the_stream_or_with_a_message() {
        let mut stream = MetadataMap::new();
        let by_attribute = || object([(PROFILE, string("fast"))]);
        assert_eq!(finished(by_attribute(), Struct::default(), &stream).1.as_deref(), Some("fast"));
        let by_metadata = object([("profile", string("careful"))]);
        assert_eq!(finished(Struct::default(), by_metadata, &stream).1.as_deref(), Some("careful"));
        stream.insert(PROFILE_METADATA, "team".parse().unwrap());
        assert_eq!(finished(by_attribute(), Struct::default(), &stream).1.as_deref(), Some("team"));
    }

    #[test]
    fn what_is_too_much_is_left_out() {
        let long = object([
            ("long", string(&"v".repeat(MAX_VALUE + 1))),
            (&"n".repeat(MAX_NAME + 1), string("v")),
            ("fits", string(&"v".repeat(MAX_VALUE))),
        ]);
        assert_eq!(finished(long, Struct::default(), &MetadataMap::new()).0.into_keys().collect::<Vec<_>>(), ["fits"]);
        let many = Struct { fields: (0..1000).map(|i| (format!("{i}"), string("v"))).collect() };
        assert_eq!(finished(many, Struct::default(), &MetadataMap::new()).0.len(), MAX_ENTRIES);
    }
}
