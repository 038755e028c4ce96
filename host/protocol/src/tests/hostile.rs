//! Damaged bodies: never a panic, and accepted exactly when another strict parser and the rules for fields accept them.

use super::bodies::Source;
use crate::ChatRequest;
use bytes::Bytes;
use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// An object's members in order, repeated keys included.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

fn starts(value: &RawValue, with: &[char]) -> bool {
    value.get().starts_with(with)
}

fn good_message(message: &RawValue) -> bool {
    serde_json::from_str::<Members<'_>>(message.get()).is_ok_and(|Members(members)| {
        members.iter().any(|(key, _)| key == "role")
            && members.iter().all(|(key, value)| match key.as_str() {
                "role" => starts(value, &['"']),
                "content" => starts(value, &['"', '[', 'n']),
                _ => true,
            })
    })
}

fn good_body(text: &str) -> bool {
    serde_json::from_str::<Members<'_>>(text).is_ok_and(|Members(members)| {
        let has = |name: &str| members.iter().any(|(key, _)| key == name);
        has("model")
            && has("messages")
            && members.iter().all(|(key, value)| match key.as_str() {
                "model" => starts(value, &['"']) && value.get() != "\"\"",
                "messages" => serde_json::from_str::<Vec<&RawValue>>(value.get())
                    .is_ok_and(|messages| messages.into_iter().all(good_message)),
                "stream" => starts(value, &['t', 'f', 'n']),
                _ => true,
            })
    })
}

fn damage(bytes: &mut Vec<u8>, source: &mut Source<'_>) {
    const JUNK: &[u8] = b"{}[]\",:\\u0d-+.eEtfn1 \n\x00\x1f\x7f\x80\xc3\xed\xff";
    let at = (source.below(256) << 8 | source.below(256)) % bytes.len().max(1);
    let end = (at + source.below(12)).min(bytes.len());
    match source.below(6) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, source.pick(JUNK)),
        2 => bytes[at..end].fill(source.pick(JUNK)),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let again = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, again));
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << source.below(8);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bodies_are_judged_as_by_another_parser(choices in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut source = Source::new(&choices);
        let rounds = 1 + source.below(3);
        let seeds: Vec<u8> = (0..rounds * 8).map(|_| u8::try_from(source.below(256)).unwrap()).collect();
        let (lead, tree, tail) = source.body();
        let mut bytes = format!("{lead}{}{tail}", tree.text()).into_bytes();
        for seed in seeds.chunks(8) {
            damage(&mut bytes, &mut Source::new(seed));
        }
        let expected = std::str::from_utf8(&bytes).is_ok_and(good_body);
        let ours = ChatRequest::parse(Bytes::from(bytes.clone()));
        // Half a surrogate pair in a key or a checked string is good JSON that the other parser cannot hold.
        let has_surrogates = bytes.windows(3).any(|window| matches!(window, [b'\\', b'u', b'd' | b'D']));
        if has_surrogates {
            let valid = std::str::from_utf8(&bytes).is_ok_and(|text| serde_json::from_str::<&RawValue>(text).is_ok());
            prop_assert!(valid || ours.is_err(), "{}", bytes.escape_ascii());
        } else {
            prop_assert_eq!(ours.is_ok(), expected, "{}", bytes.escape_ascii());
        }
        if let Ok(request) = ours {
            let mut edits = request.edit();
            edits.set_model("other");
            edits.prepend_system_prompt("be brief");
            edits.set_field(&["n".to_owned(), "a".to_owned()], "1").unwrap();
            if let Ok(after) = edits.render(&request) {
                let again = ChatRequest::parse(after).unwrap();
                prop_assert_eq!(again.model(), "other");
            }
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(ChatRequest::parse(Bytes::from(bytes)).is_err());
    }
}
