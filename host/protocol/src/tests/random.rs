//! Thousands of random bodies: what is read and written is compared with two other ways of saying it.

use super::bodies::{Node, Source, value};
use super::model::{Step, evened};
use super::parsed;
use proptest::prelude::*;
use serde_json::Value;

fn many() -> ProptestConfig {
    ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..700)
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn reading_agrees_with_a_parser_of_values(choices in choices()) {
        let (lead, tree, tail) = Source::new(&choices).body();
        let text = format!("{lead}{}{tail}", tree.text());
        let (request, value) = (parsed(&text), value(&text));
        prop_assert_eq!(request.model(), value["model"].as_str().unwrap());
        prop_assert_eq!(request.streaming(), value["stream"] == true);
        let turns = value["messages"].as_array().unwrap();
        prop_assert_eq!(request.message_count(), turns.len());
        for (index, turn) in turns.iter().enumerate() {
            let message = request.message(index).unwrap();
            prop_assert_eq!(&message.role, turn["role"].as_str().unwrap());
            prop_assert_eq!(message.text, text_of(&turn["content"]));
        }
        let users = turns.iter().filter(|turn| turn["role"] == "user");
        if let Some(latest) = users.map(|turn| text_of(&turn["content"])).next_back().filter(|text| !text.is_empty()) {
            prop_assert_eq!(request.ask(), latest);
        }
        prop_assert_eq!(request.tools().count(), value["tools"].as_array().map_or(0, Vec::len));
        for path in [&["n"][..], &["n", "a"], &["", "é"], &["metadata", "b", "a"], &["tools"], &["zz"]] {
            let expected = path.iter().try_fold(&value, |value, key| value.get(*key));
            let field = request.field(path).map(super::bodies::value);
            prop_assert_eq!(field.as_ref(), expected);
        }
    }

    /// The whole promise in one: every byte outside the edited places is the client's, and parsers see the edit.
    #[test]
    fn one_edit_changes_its_place_and_nothing_else(choices in choices()) {
        let mut source = Source::new(&choices);
        let step = Step::random(&mut source);
        let (lead, tree, tail) = source.body();
        let write = |tree: &Node| format!("{lead}{}{tail}", tree.text());
        let before = write(&tree);
        let request = parsed(&before);
        let mut edits = request.edit();
        step.add(&mut edits);
        let after = edits.render(&request).unwrap();

        let mut spelled = tree.clone();
        step.spell(&mut spelled);
        prop_assert_eq!(std::str::from_utf8(&after).unwrap(), write(&spelled));

        let mut expected = value(&before);
        step.apply(&mut expected);
        prop_assert_eq!(value(std::str::from_utf8(&after).unwrap()), expected);
        prop_assert_eq!(after == before, after.as_ptr() == request.body().as_ptr(), "copied exactly when changed");
    }

    #[test]
    fn edits_in_a_row_are_the_same_at_once_and_one_by_one(choices in choices()) {
        let mut source = Source::new(&choices);
        let steps: Vec<Step> = (0..1 + source.below(6)).map(|_| Step::random(&mut source)).collect();
        let (lead, tree, tail) = source.body();
        let before = format!("{lead}{}{tail}", tree.text());
        let mut expected = value(&before);
        let request = parsed(&before);
        let mut edits = request.edit();
        for step in &steps {
            step.add(&mut edits);
            step.apply(&mut expected);
        }
        let after = edits.render(&request).unwrap();
        let after = parsed(std::str::from_utf8(&after).unwrap());
        prop_assert_eq!(evened(value(after.field(&[]).unwrap())), evened(expected));
    }
}
