//! No input makes the loader panic, hang or point outside the file.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use proptest::{collection::vec, prelude::*, sample::select};
use std::{collections::BTreeMap, path::Path, time::Instant};
use trackside_config::{Abilities, Loaded, Place, parse};

/// A file that visits most of the loader.
const SEED: &str = include_str!("seed.yaml");

/// One from before v0.3.
const FLAT: &str = include_str!("ui/legacy-flat.yaml");

/// Pieces that mean something in YAML or in the file.
const PIECES: &[&str] = &[
    "\n",
    " ",
    "  ",
    "\t",
    ":",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<: *a",
    "|",
    ">",
    "'",
    "\"",
    "#",
    "---\n",
    "...",
    "$",
    "${",
    "${A}",
    "${A:-",
    "!!str ",
    "? ",
    "%",
    "@",
    "é",
    "\u{feff}",
    "\u{0}",
    "\u{85}",
    "\r",
    "null",
    "~",
    "[]",
    "{}",
    "-1",
    "1e9",
    "routing",
    "global",
    "config",
    "kind: ConfigMap\n",
    "data:",
    "config.yaml: |\n",
    "rules",
    "operator",
    "conditions",
    "type",
    "name",
    "plugins",
    "algorithm",
    "modelRefs",
    "tier: 1",
    "99999999999999999999",
    "recipes: ",
    "entrypoints: ",
    "projections: ",
    "vllm_endpoints: ",
    "model_config: ",
    "categories: ",
    "decisions: ",
];

fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("A".to_owned(), "a: [&a".to_owned())])
}

/// Loads and uses everything that comes out; spans have to be inside the text.
fn exercise(text: &str) -> Loaded {
    let mut loaded = parse("hostile.yaml", text, Path::new("/"), &environment());
    if let Some(config) = &loaded.config {
        config.check_abilities(&Abilities::default(), &mut loaded.report);
        let places = config
            .resolved
            .profiles
            .iter()
            .flat_map(|p| &p.decisions)
            .flat_map(|d| d.plugins.iter().map(|p| &p.place).chain([&d.place]));
        for place in places.cloned().chain([Place::default(), Place::default().key("none").index(7)]) {
            assert!(config.span(&place).is_some_and(|s| s.start <= s.end && s.end <= text.len()), "{place}");
        }
    }
    for diagnostic in loaded.report.iter() {
        let inside =
            |s: trackside_config::Span| s.start <= s.end && s.end <= text.len() && s.line >= 1 && s.column >= 1;
        assert!(diagnostic.span.is_none_or(inside), "{diagnostic:?}");
    }
    assert!(loaded.config.is_some() || !loaded.report.is_ok(), "nothing came out and nothing was said");
    let rendered = loaded.report.render(&loaded.source);
    assert!(rendered.lines().all(|line| line.chars().count() < 2000), "{rendered}");
    let json = loaded.report.to_json(&loaded.source);
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), loaded.report.iter().count());
    loaded
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap()
}

#[test]
fn the_seed_is_a_good_file() {
    let loaded = parse("seed.yaml", SEED, Path::new("/"), &environment());
    assert!(loaded.report.is_ok(), "{}", loaded.report.render(&loaded.source));
}

/// Long inputs that a quadratic step would choke on.
#[test]
fn large_files_take_no_time() {
    let many = |line: &str, n: usize| (0..n).map(|i| line.replace('#', &i.to_string())).collect::<String>();
    let decisions = many("  - {name: d#, rules: {type: keyword, name: k#}, modelRefs: [{model: m#}]}\n", 4_000);
    let models = many("  - {name: m#, backend_refs: [{endpoint: h}]}\n", 4_000);
    let keywords = many("    - {name: k#, operator: OR, keywords: [x]}\n", 4_000);
    for (what, text) in [
        ("keys", format!("routing:\n{}", many("  key#: 1\n", 30_000))),
        (
            "decisions",
            format!(
                "providers:\n  models:\n{models}routing:\n  signals:\n    keywords:\n{keywords}  decisions:\n{decisions}"
            ),
        ),
        (
            "misspelt",
            format!("providers:\n  models:\n{models}routing:\n  decisions:\n{}", decisions.replace(": m", ": n")),
        ),
        ("one line", format!("routing: {{a: {}}}", "x ".repeat(1 << 20))),
        ("quotes", format!("routing: \"{}", "\\\"".repeat(1 << 20))),
        ("comments", format!("{}routing: {{}}", "# \n".repeat(1 << 20))),
        ("anchors", format!("routing:\n{}", many("  k#: &a# {}\n", 20_000))),
        ("merges", format!("a: &a {{{}}}\nrouting:\n{}", many("k#: 1, ", 1000), many("  k#: {<<: *a}\n", 200))),
        (
            "shared settings",
            format!(
                "global: {{model_catalog: {{modules: {{classifier: {{domain: {{x: \"{}\"}}}}}}}}}}\nrecipes:\n{}",
                "x".repeat(1 << 20),
                many("  - {name: r#, routing: {signals: {domains: [{name: d}]}}}\n", 20_000)
            ),
        ),
        (
            "recipes",
            format!(
                "routing: {{}}\nrecipes:\n{}entrypoints:\n{}",
                many("  - {name: r#}\n", 10_000),
                many("  - {model_names: [n#], recipe: r#}\n", 10_000)
            ),
        ),
        ("scores", {
            let inputs = many("      - {name: s#, inputs: [{type: projection, name: t#, weight: 1}]}\n", 8_000);
            // Each reads the next one, so that the last is computed first.
            let chain: String = (0..8_000)
                .fold(inputs, |text, i| text.replacen(&format!("name: t{i},"), &format!("name: s{},", i + 1), 1));
            format!("routing:\n  projections:\n    scores:\n{}", chain.replacen("name: s8000,", "name: s7999,", 1))
        }),
        (
            "shared backends",
            format!(
                "vllm_endpoints: [{{name: e, address: a, health: \"{}\"}}]\nmodel_config:\n{}",
                "x".repeat(1 << 20),
                many("  m#: {preferred_endpoints: [e, e, e, e]}\n", 20_000)
            ),
        ),
        (
            "shared key",
            format!(
                "routing: {{}}\nproviders:\n  models: [{{name: m, access_key: \"{}\", endpoints: [{}]}}]",
                "x".repeat(1 << 20),
                "{endpoint: a}, ".repeat(20_000)
            ),
        ),
        (
            "flat rules",
            format!(
                "categories:\n{}",
                many("  - {name: c#, system_prompt: x, model_scores: [{model: m, score: 1}]}\n", 10_000)
            ),
        ),
        ("too large", "#".repeat(5 << 20)),
        ("config map", format!("kind: ConfigMap\ndata:\n  config.yaml: |\n{}", many("    key#: ]\n", 50_000))),
    ] {
        let start = Instant::now();
        exercise(&text);
        let took = start.elapsed();
        println!("{what}: {took:?}");
        assert!(took.as_secs() < 20, "{what}: {took:?}");
    }
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let loaded = exercise(&"#".repeat((4 << 20) + 1));
    assert_eq!(loaded.report.iter().map(|d| d.code.0).collect::<Vec<_>>(), ["E0002"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn random_text_is_harmless(text in "\\PC{0,200}") {
        exercise(&text);
    }

    #[test]
    fn random_pieces_are_harmless(pieces in vec(select(PIECES), 0..60)) {
        exercise(&pieces.concat());
    }

    #[test]
    fn a_damaged_file_is_harmless(
        seed in select(&[SEED, FLAT][..]),
        edits in vec((0..SEED.len(), 0..12_usize, select(PIECES)), 1..8),
    ) {
        let mut text = seed.to_owned();
        for (at, removed, piece) in edits {
            let start = boundary(&text, at);
            let end = boundary(&text, start + removed).max(start);
            text.replace_range(start..end, piece);
        }
        exercise(&text);
        let indented = text.lines().map(|l| format!("    {l}\n")).collect::<String>();
        exercise(&format!("kind: ConfigMap\ndata:\n  config.yaml: |\n{indented}"));
    }
}
