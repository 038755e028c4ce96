//! The schema accepts what loads, and refuses what does not.

use super::*;
use crate::{load, parse, shape::Shape};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The schema as it is handed out.
fn handed_out() -> jsonschema::Validator {
    let text = fs::read_to_string(repository().join("config/schema/trackside.schema.json")).unwrap();
    let schema: Json = serde_json::from_str(&text).unwrap();
    jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("it is no schema: {error}"));
    jsonschema::validator_for(&schema).unwrap()
}

fn faults(validator: &jsonschema::Validator, document: &Json) -> Vec<String> {
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn yaml(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(yaml(&path));
        } else if path.extension().is_some_and(|end| end == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn files_that_load_are_accepted() {
    let validator = handed_out();
    let mut folders = vec![repository().join("examples"), repository().join("config")];
    let field = repository().join("../shared/configs");
    if field.is_dir() {
        folders.push(field);
    } else {
        println!("skipped in part: {} is not there", field.display());
    }
    let mut tried = 0;
    for path in folders.iter().flat_map(|folder| yaml(folder)) {
        let loaded = load(&path, &BTreeMap::new()).unwrap();
        let Some(config) = loaded.config.filter(|_| loaded.report.is_ok()) else { continue };
        let faults = faults(&validator, &config.document());
        assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        tried += 1;
    }
    assert!(tried > 4, "{tried}");
}

#[test]
fn what_people_write_in_yaml_is_accepted() {
    let text = "
version: 0.3
listeners:
providers:
  models:
    - name: 7
      pricing: {prompt_per_1m: $PRICE}
      backend_refs: [{endpoint: a, weight: 1}]
recipes: [{name: a, routing: {decisions: [{name: b}]}}]
entrypoints: [{model_names: [c], recipe: a}]
routing:
  signals:
    keywords: [{name: 404, operator: OR, keywords: [404, no], case_sensitive: yes}]
    complexity: [{name: c, hard: {candidates: [x]}, easy: {candidates: [y]}, composer: {conditions: [{type: keyword, name: 404}]}}]
    profanity: [{name: strong, level: 3}]
  decisions:
    - name: a
      rules: {operator: NOT, conditions: [{operator: OR, conditions: []}]}
      algorithm: {type: my_selector, my_selector: {x: 1}}
      plugins:
        - {type: semantic-cache, configuration: {enabled: on}}
        - {type: watermark, configuration: {text: x}}
    - {name: b, rules: {}}
    - {name: c, rules: }
global:
  router: {clear_route_cache: $CLEAR}
";
    let environment = BTreeMap::from([("PRICE", "1"), ("CLEAR", "off")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let loaded = parse("a.yaml", text, Path::new("/"), &environment);
    assert!(loaded.report.is_ok(), "{}", loaded.report.render(&loaded.source));
    let faults = faults(&handed_out(), &loaded.config.unwrap().document());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn one_candidate_needs_no_list() {
    let validator = handed_out();
    let candidate = json!({ "type": "a", "source": "a.wasm", "percent": 50, "canary": 0.5 });
    for shadow in [candidate.clone(), json!([candidate]), Json::Null] {
        let faults = faults(&validator, &json!({ "routing": {}, "components": { "shadow": shadow } }));
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn slips_are_refused() {
    let validator = handed_out();
    let rows = [
        ("routing: {decisons: []}", "a key"),
        ("routing: {decisions: [{description: x}]}", "no name"),
        ("routing: {decisions: [{name: a, priority: high}]}", "a word for a number"),
        ("routing: {decisions: [{name: a, rules: {operator: XOR, conditions: []}}]}", "an operator"),
        ("routing: {decisions: [{name: a, rules: {type: keyword}}]}", "a leaf without a name"),
        (
            "routing: {decisions: [{name: a, plugins: [{type: system_prompt, configuration: {promt: x}}]}]}",
            "a plugin's key",
        ),
        ("routing: {signals: {keywords: [{name: a, operator: OR, keyword: [x]}]}}", "a rule's key"),
        ("routing: {signals: {language: [{name: en, treshold: 1}]}}", "a rule's key of another type"),
        ("routing: {modelCards: [{name: a, quality_score: 7}]}", "a number out of range"),
        ("recipes: [{name: a, routing: {modelCards: []}}]\nrouting: {}", "cards in a recipe"),
        ("global: {services: {observability: {tracing: {sampling: {type: sometimes}}}}}", "a word"),
        ("routing: {}\ncomponents: {shadow: {type: a, source: b.wasm, canary: 101}}", "a share out of range"),
        ("routing: {}\ncomponents: {shadow: [{type: a}]}", "a candidate without a file"),
        ("{}", "nothing"),
    ];
    for (text, what) in rows {
        let mut report = crate::Report::default();
        let document =
            crate::yaml::read(text, &mut report).map(|node| crate::shape::to_object(Some(&node), &Shape::Any));
        assert!(!validator.is_valid(&document.unwrap()), "{what}: {text}");
    }
}
