//! Against the `tokenizers` crate, with the tokenizer inside the binary and a small one.

use super::*;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};

fn load(bytes: Vec<u8>, max_tokens: usize) -> Result<Tokens, LoadError> {
    Tokens::load(&Contents { path: "tokenizer.json".into(), bytes: bytes.into() }, 40_000, max_tokens)
}

fn minilm() -> Tokens {
    load(include_bytes!("../../models/all-MiniLM-L6-v2/tokenizer.json").to_vec(), 256).unwrap()
}

/// Uncased BERT with few pieces, so that random words have known and unknown ones.
fn small() -> Value {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let pieces =
        ["the", "he", "##he", "##t", "t", "h", "a", "##a", "##ab", "abba", "1", "##1", "[", "]", "#", "##", "!"];
    let words = special.iter().chain(&pieces).zip(0..).map(|(word, id)| ((*word).to_owned(), json!(id)));
    let added = special.iter().enumerate().map(|(id, content)| {
        json!({"id": id, "content": content, "special": true, "normalized": false,
               "single_word": false, "lstrip": false, "rstrip": false})
    });
    json!({
        "version": "1.0",
        "added_tokens": added.collect::<Value>(),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 20, "vocab": words.collect::<Value>()},
    })
}

fn small_with(edit: impl FnOnce(&mut Value)) -> Tokens {
    let mut file = small();
    edit(&mut file);
    load(file.to_string().into_bytes(), 16).unwrap()
}

/// What the fast path says, or `None` when it leaves the text to the crate.
fn fast(tokens: &Tokens, text: &str) -> Option<Vec<u32>> {
    let mut ids = Vec::new();
    tokens.fast.as_ref().expect("a fast path").push_ids(text, &mut ids).ok().map(|()| ids)
}

fn crates(tokens: &Tokens, text: &str) -> Vec<u32> {
    tokens.tokenizer.encode_fast(text, false).unwrap().get_ids().to_vec()
}

/// Checks the ids of an ASCII text, and says whether the fast path made them. Only added tokens may keep it from that.
fn same(tokens: &Tokens, text: &str) -> bool {
    let ids = fast(tokens, text);
    match &ids {
        Some(ids) => assert_eq!(*ids, crates(tokens, text), "{text:?}"),
        None => {
            let added = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
            assert!(added.iter().any(|token| text.contains(token)), "{text:?}");
        }
    }
    ids.is_some()
}

/// A small generator (xorshift), seeded, so that a failure comes back.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn text(&mut self) -> String {
        (0..self.below(12)).map(|_| self.part()).collect()
    }

    fn part(&mut self) -> String {
        const WORDS: &str =
            "the The he quantum don't e=mc2 x86_64 abba tha #1 ##he playing [MASK] [mask] [CLS] [SEP [PAD][UNK] ]";
        const PUNCTUATION: &[u8] = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
        const SPACE: &[u8] = b" \t\n\r \x0b\x0c\x1c\x1f\x00\x7f";
        let words: Vec<&str> = WORDS.split(' ').collect();
        let from = |random: &mut Self, bytes: &[u8], most: usize| -> String {
            (0..random.below(most)).map(|_| char::from(bytes[random.below(bytes.len())])).collect()
        };
        match self.below(10) {
            0..4 => format!("{} ", words[self.below(words.len())]),
            4 => from(self, PUNCTUATION, 8),
            5 => from(self, SPACE, 4),
            6 => from(self, b"0123456789", 8),
            7 => from(self, b"abehtABEHT", 24),
            8 => from(self, b"abcdefghijklmnopqrstuvwxyz", 130),
            _ => (0..self.below(12)).map(|_| char::from(self.below(128) as u8)).collect(),
        }
    }
}

#[test]
fn random_ascii_texts_have_the_crates_ids() {
    for (tokens, count) in [(minilm(), 100_000), (small_with(|_| {}), 20_000)] {
        let (mut random, mut left_out) = (Random(0x5eed), 0);
        for _ in 0..count {
            let text = random.text();
            left_out += usize::from(!same(&tokens, &text));
        }
        assert!((count / 10..count / 2).contains(&left_out), "{left_out} texts were left to the crate");
    }
}

#[test]
fn every_ascii_text_of_the_data_sets_has_the_crates_ids() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        return println!("skipped: {} is absent", data.display());
    }
    let tokens = minilm();
    let mut texts = BTreeSet::new();
    for folder in fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let content = fs::read_to_string(&file).unwrap();
            for line in content.lines().filter(|_| file.extension().is_some_and(|kind| kind == "jsonl")) {
                strings(serde_json::from_str(line).unwrap(), &mut texts);
            }
        }
    }
    assert!(texts.len() > 10_000, "{} texts", texts.len());
    let by_crate = texts.iter().filter(|text| !same(&tokens, text)).count();
    assert!(by_crate < 10, "{by_crate} texts were left to the crate");
}

fn strings(value: Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.is_ascii() => drop(texts.insert(text)),
        Value::Array(values) => values.into_iter().for_each(|value| strings(value, texts)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, value)| strings(value, texts)),
        _ => {}
    }
}

#[test]
fn other_texts_go_to_the_crate() {
    let tokens = small_with(|_| {});
    for text in ["th\u{e9}", "a \u{2019}", "the [MASK]", "a[SEP]a"] {
        assert_eq!(fast(&tokens, text), None, "{text}");
        assert_eq!(tokens.ids(text).unwrap(), tokens.surround(crates(&tokens, text)), "{text}");
    }
}

#[test]
fn other_tokenizers_go_to_the_crate() {
    let edits: [fn(&mut Value); 7] = [
        |file| file["normalizer"]["lowercase"] = json!(false),
        |file| file["normalizer"]["clean_text"] = json!(false),
        |file| file["normalizer"] = Value::Null,
        |file| file["pre_tokenizer"] = json!({"type": "Whitespace"}),
        |file| file["model"]["continuing_subword_prefix"] = json!("@@"),
        |file| file["model"]["max_input_chars_per_word"] = json!(1000),
        |file| file["added_tokens"][4]["normalized"] = json!(true),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let tokens = small_with(edit);
        assert!(tokens.fast.is_none(), "edit {index}");
        assert_eq!(tokens.ids("the [he] THE").unwrap(), tokens.surround(crates(&tokens, "the [he] THE")));
    }
}

#[test]
fn words_up_to_the_limit_are_cut_into_pieces() {
    let tokens = small_with(|_| {});
    let unknown = 1;
    assert_eq!(fast(&tokens, &"a".repeat(20)).unwrap().len(), 20);
    assert_eq!(fast(&tokens, &"a".repeat(21)), Some(vec![unknown]));
    assert_eq!(fast(&tokens, &"a".repeat(1_000_000)), Some(vec![unknown]));
}

#[test]
fn a_text_that_does_not_fit_keeps_its_beginning_middle_and_end() {
    let mut ids: Vec<u32> = (0..20).collect();
    keep_thirds(&mut ids, 0, 20);
    assert_eq!(ids.len(), 20);
    keep_thirds(&mut ids, 0, 11);
    assert_eq!(ids, [0, 1, 2, 3, 4, 9, 10, 11, 17, 18, 19]);
    for (room, length) in (1..40).flat_map(|room| (0..60).map(move |length| (room, length))) {
        let mut ids: Vec<u32> = (0..length).collect();
        keep_thirds(&mut ids, 0, room);
        assert_eq!(ids.len(), room.min(length as usize));
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert!(ids.first().is_none_or(|first| *first == 0), "{ids:?}");
        assert!(room < 3 || ids.last().is_none_or(|last| *last == length - 1), "{ids:?}");
    }
}

#[test]
fn a_prompt_of_megabytes_keeps_its_beginning_middle_and_end() {
    let tokens = minilm();
    let filler = "word ".repeat(500_000);
    for accent in ["", "\u{e9}"] {
        let text = format!("start {accent} {filler} middle {accent} {filler} {accent} end");
        let (before, after) = (tokens.ids("start").unwrap(), tokens.ids("end").unwrap());
        let ids = tokens.ids(&text).unwrap();
        assert_eq!(ids.len(), 256);
        assert!(ids.starts_with(&before[..2]) && ids.ends_with(&after[after.len() - 2..]), "{ids:?}");
        assert_eq!(ids.iter().filter(|id| **id == tokens.ids("middle").unwrap()[1]).count(), 1);
    }
}

#[test]
fn long_texts_are_cut_between_characters() {
    for text in ["\u{e9}", "\u{65e5}\u{672c}", "\u{1f600}a", "ab"] {
        let text = text.repeat(97);
        for max_bytes in 3..text.len() + 3 {
            let parts: Vec<&str> = thirds_of_text(&text, max_bytes).collect();
            let kept = parts.iter().map(|part| part.len()).sum::<usize>();
            assert!(kept <= max_bytes, "{kept} bytes of {max_bytes}");
            assert!(kept + 3 * 4 + 2 >= max_bytes.min(text.len()), "{kept} bytes of {max_bytes}");
        }
    }
}

#[test]
fn spans_say_which_bytes_a_token_stands_for() {
    let tokens = small_with(|_| {});
    let text = "The \u{e9}x abba!";
    let spans = tokens.spans(text).unwrap();
    let words: Vec<_> = spans.iter().map(|(id, bytes)| (*id, &text[bytes.clone()])).collect();
    assert_eq!(words, [(5, "The"), (1, "\u{e9}x"), (14, "abba"), (21, "!")]);
    assert_eq!(tokens.surround(spans.into_iter().map(|(id, _)| id)), tokens.ids(text).unwrap());
}

#[test]
fn templates_that_repeat_the_text_are_refused() {
    let mut file = small();
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    file["post_processor"] =
        json!({"type": "TemplateProcessing", "single": [text, text], "pair": [text, text], "special_tokens": {}});
    assert!(matches!(load(file.to_string().into_bytes(), 16), Err(LoadError::Unsupported { .. })));
}

#[test]
fn without_special_tokens_all_room_is_the_texts() {
    let tokens = small_with(|file| file["post_processor"] = Value::Null);
    assert_eq!((tokens.room(), tokens.ids("the").unwrap()), (16, vec![5]));
    assert!(tokens.ids("").unwrap().is_empty());
}

#[test]
fn the_longest_input_must_leave_room_for_text() {
    assert!(load(small().to_string().into_bytes(), 2).is_err());
    assert_eq!(load(small().to_string().into_bytes(), 3).unwrap().ids("the a the").unwrap(), [2, 5, 3]);
}
