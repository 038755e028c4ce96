use super::*;
use crate::codes;

fn read_ok(text: &str) -> Node {
    let mut report = Report::default();
    let node = read(text, &mut report).unwrap();
    assert_eq!(report.iter().count(), 0, "{:?}", report.iter().next());
    node
}

fn codes_of(text: &str) -> Vec<&'static str> {
    let mut report = Report::default();
    let _ = read(text, &mut report);
    report.iter().map(|d| d.code.0).collect()
}

fn keys(node: &Node) -> Vec<&str> {
    node.entries().iter().map(|e| e.key.as_str()).collect()
}

#[test]
fn every_key_and_value_knows_its_place() {
    let text = "a: ünï\nb:\n  - cd: 'x y'\n";
    let node = read_ok(text);
    let cd = &node.get("b").unwrap().items()[0].entries()[0];
    assert_eq!((cd.key_span.line, cd.key_span.column), (3, 5));
    assert_eq!(&text[cd.key_span.start..cd.key_span.end], "cd");
    assert_eq!(&text[cd.value.span.start..cd.value.span.end], "'x y'");
}

#[test]
fn written_out_keys_win_over_merged_ones_and_earlier_over_later() {
    let node = read_ok("base: &b {a: 1, b: 1, c: 1}\nmore: &m {c: 2, d: 2}\nall:\n  b: own\n  <<: [*b, *m]\n  e: 5\n");
    let all = node.get("all").unwrap();
    assert_eq!(keys(all), ["b", "e", "a", "c", "d"]);
    let text = |key: &str| all.get(key).unwrap().as_text().unwrap();
    assert_eq!([text("b"), text("a"), text("c"), text("d")], ["own", "1", "1", "2"]);
}

#[test]
fn a_merged_mapping_may_itself_merge() {
    let node = read_ok("x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y}\n");
    assert_eq!(keys(node.get("z").unwrap()), ["b", "a"]);
}

#[test]
fn a_merge_key_takes_mappings_only() {
    assert_eq!(codes_of("a: {<<: text}"), [codes::BAD_MERGE.0]);
    assert_eq!(codes_of("a: {<<: [{b: 1}, 2]}"), [codes::BAD_MERGE.0]);
    assert_eq!(codes_of("a: {<<: }"), Vec::<&str>::new());
}

#[test]
fn an_alias_bomb_is_an_error_and_takes_no_time() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..30 {
        bomb += &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
    }
    assert_eq!(codes_of(&bomb), [codes::TOO_MANY_NODES.0]);
}

#[test]
fn nesting_by_aliases_is_bounded_too() {
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for i in 1..400 {
        chain += &format!("a{i}: &a{i} [*a{}]\n", i - 1);
    }
    assert_eq!(codes_of(&chain), [codes::TOO_DEEP.0]);
}

#[test]
fn deep_nesting_is_an_error() {
    for open in ["[", "{a: ", "- "] {
        let codes = codes_of(&open.repeat(100_000));
        assert!(matches!(codes.as_slice(), ["E0003" | "E0006"]), "{open}: {codes:?}");
    }
    assert_eq!(codes_of(&("[".repeat(200) + &"]".repeat(200))), [codes::TOO_DEEP.0]);
}

#[test]
fn a_value_cannot_refer_to_itself() {
    assert_eq!(codes_of("a: &a [*a]"), [codes::NOT_YAML.0]);
}

#[test]
fn the_last_of_duplicate_keys_counts() {
    let mut report = Report::default();
    let node = read("a: 1\nb: 2\na: 3\n", &mut report).unwrap();
    assert_eq!(node.get("a").unwrap().as_text(), Some("3"));
    assert_eq!(keys(&node), ["a", "b"]);
    let duplicate = report.iter().next().unwrap();
    assert_eq!((duplicate.code, duplicate.span.unwrap().line), (codes::DUPLICATE_KEY, 3));
}

#[test]
fn only_the_first_document_is_read() {
    let mut report = Report::default();
    let node = read("---\na: 1\n---\nb: 2\n", &mut report).unwrap();
    assert_eq!(keys(&node), ["a"]);
    assert_eq!(report.iter().map(|d| (d.code, d.span.unwrap().line)).collect::<Vec<_>>(), [(codes::MORE_DOCUMENTS, 4)]);
    assert_eq!(codes_of("a: 1\n---\n"), Vec::<&str>::new());
    assert_eq!(codes_of("a: 1\n...\n"), Vec::<&str>::new());
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(keys(&read_ok("\u{feff}a: 1\n")), ["a"]);
}

#[test]
fn scalars_keep_their_text_until_a_type_is_asked_for() {
    let value = |text: &str| read_ok(&format!("k: {text}")).entries()[0].value.clone();
    for (text, expected) in
        [("true", true), ("Yes", true), ("on", true), ("False", false), ("no", false), ("OFF", false)]
    {
        assert_eq!(value(text).as_bool(), Some(expected), "{text}");
    }
    for text in ["'yes'", "\"true\"", "1", "!!str true"] {
        assert_eq!(value(text).as_bool(), None, "{text}");
    }
    for (text, expected) in
        [("10", 10), ("-3", -3), ("+4", 4), ("1_000", 1000), ("0x1F", 31), ("0o17", 15), ("0b11", 3)]
    {
        assert_eq!(value(text).as_int(), Some(expected), "{text}");
    }
    for text in ["1.5", "x", "--1", "'1'", "99999999999999999999", "0x", "+-1"] {
        assert_eq!(value(text).as_int(), None, "{text}");
    }
    for (text, expected) in [("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-2", -2.0), ("1_0.5", 10.5)] {
        assert_eq!(value(text).as_number(), Some(expected), "{text}");
    }
    for text in ["1e999", ".inf", "nan", "infinity", "1.2.3", "e", "."] {
        assert_eq!(value(text).as_number(), None, "{text}");
    }
    for text in ["", "~", "null", "NULL"] {
        assert!(value(text).is_null(), "{text}");
    }
    assert!(!value("''").is_null());
}

#[test]
fn json_takes_the_core_types_and_leaves_words_alone() {
    use serde_json::json;
    let json = |text: &str| read_ok(&format!("k: {text}")).entries()[0].value.scalar().map(Scalar::to_json);
    assert_eq!(json("true"), Some(json!(true)));
    assert_eq!(json("no"), Some(json!("no")));
    assert_eq!(json("5"), Some(json!(5)));
    assert_eq!(json("0.5"), Some(json!(0.5)));
    assert_eq!(json("'5'"), Some(json!("5")));
    assert_eq!(json("~"), None);
}

/// Reads `file` as one key with a block scalar, then the block's text as YAML, and returns where `word` stands in it.
fn place_in_block(file: &str, word: &str) -> (usize, usize, String) {
    let outer = read_ok(file);
    let scalar = &outer.entries()[0].value;
    let text = scalar.as_text().unwrap();
    let mut report = Report::default();
    let inner = read_from(text, &Origin::of_scalar(file, scalar.span, text), &mut report).unwrap();
    let span = inner.get(word).unwrap().span;
    (span.line, span.column, file[span.start..span.end].to_owned())
}

#[test]
fn a_block_scalar_keeps_lines_and_columns_of_the_file() {
    for (file, line, column) in [
        ("k: |\n  word: ünï\n", 2, 9),
        ("k: |-\n\n\n    # note\n    é: 1\n\n    word: ünï\n", 7, 11),
        ("k: |+\r\n  a: 1\r\n  word: ünï\r\n\r\n", 3, 9),
        ("# top\nk: | # note\n  a: [1,\n    2]\n\n  word: ünï\nmore: x\n", 6, 9),
        ("k: |2\n    a: 1\n    word: ünï\n", 3, 11),
        ("k: |2\n   \n    word: ünï\n", 3, 11),
    ] {
        assert_eq!(place_in_block(file, "word"), (line, column, "ünï".to_owned()), "{file}");
    }
}

#[test]
fn a_quoted_or_folded_scalar_is_pointed_at_as_a_whole() {
    for file in ["k: \"a: 1\\nword: 2\"\n", "k: >\n  a: 1\n\n  word: 2\n"] {
        let (line, ..) = place_in_block(file, "word");
        assert!(line <= 2, "{file}");
    }
}
