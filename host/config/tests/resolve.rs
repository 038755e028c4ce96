//! What a configuration means once it is resolved.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use serde_json::json;
use std::{collections::BTreeMap, path::Path, time::Duration};
use trackside_config::*;

fn config(text: &str) -> Config {
    let environment =
        BTreeMap::from([("HOST".to_owned(), "vllm.example".to_owned()), ("ON".to_owned(), "yes".to_owned())]);
    let loaded = parse("router.yaml", text, Path::new("/etc/router"), &environment);
    assert!(loaded.report.is_ok(), "{}", loaded.report.render(&loaded.source));
    loaded.config.unwrap()
}

fn resolved(text: &str) -> Resolved {
    config(text).resolved
}

#[test]
fn an_empty_file_has_the_defaults_of_v0_3() {
    let resolved = resolved("routing: {}");
    assert_eq!(resolved.default_model, None);
    assert_eq!(resolved.default_reasoning_effort, "medium");
    assert_eq!(resolved.auto_model_names, ["vllm-sr/auto", "auto", "MoM"]);
    assert_eq!((resolved.list_backend_models, resolved.clear_route_cache), (false, true));
    assert_eq!(resolved.profiles[0].strategy, "priority");
    assert!(
        resolved.models.is_empty()
            && resolved.profiles[0].decisions.is_empty()
            && resolved.profiles[0].signals.is_empty()
    );
}

#[test]
fn the_router_section_changes_them() {
    let router = "global: {router: {strategy: confidence, clear_route_cache: off, include_config_models_in_list: $ON, auto_model_name: magic}}";
    let resolved = resolved(router);
    assert_eq!(resolved.profiles[0].strategy, "confidence");
    assert_eq!((resolved.list_backend_models, resolved.clear_route_cache), (true, false));
    assert_eq!(resolved.auto_model_names, ["vllm-sr/auto", "auto", "magic"]);
}

#[test]
fn a_strategy_under_routing_wins_and_an_explicit_list_of_names_replaces_all() {
    let names = |text: &str| resolved(text).auto_model_names;
    assert_eq!(names("global: {router: {auto_model_names: [a, b], auto_model_name: c}}"), ["a", "b"]);
    assert_eq!(names("global: {router: {auto_model_names: []}}"), Vec::<String>::new());
    assert_eq!(names("global: {router: {auto_model_name: auto}}"), ["vllm-sr/auto", "auto"]);
    let both = "routing: {strategy: priority}\nglobal: {router: {strategy: confidence}}";
    assert_eq!(resolved(both).profiles[0].strategy, "priority");
}

#[test]
fn models_join_providers_and_cards() {
    let resolved = resolved(
        r#"
providers:
  defaults:
    default_model: math-expert
    default_reasoning_effort: high
    reasoning_families: {qwen3: {type: chat_template_kwargs, parameter: enable_thinking}}
  models:
    - name: base
      reasoning_family: qwen3
      provider_model_id: Qwen/Qwen3
      pricing: {prompt_per_1m: 1.5, completion_per_1m: 2}
      backend_refs:
        - {endpoint: "small:80", weight: 1}
        - {base_url: "https://${HOST}:443/v1", weight: 9, type: openai}
        - {endpoint: "late:80", weight: 9}
routing:
  modelCards:
    - {name: base, quality_score: 0.7, context_window_size: 32768, description: Good, capabilities: [code], loras: [{name: math-expert, description: Sums}, {name: law-expert}]}
    - name: law-expert
    - name: other
"#,
    );
    assert_eq!(resolved.default_model.as_deref(), Some("math-expert"));
    assert_eq!(resolved.default_reasoning_effort, "high");
    assert_eq!(resolved.reasoning_families["qwen3"].parameter, "enable_thinking");
    // The card named like an adapter describes the adapter; the other one is a model that only the gateway knows.
    assert_eq!(resolved.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["base", "other"]);
    let base = &resolved.models[0];
    assert_eq!((base.provider.as_str(), base.host.as_str()), ("openai", "vllm.example"));
    assert_eq!((base.prompt_price, base.completion_price, base.quality), (Some(1.5), Some(2.0), Some(0.7)));
    assert_eq!((base.context_window, base.provider_model_id.as_deref()), (Some(32768), Some("Qwen/Qwen3")));
    assert_eq!((base.description.as_str(), base.capabilities.as_slice()), ("Good", ["code".to_owned()].as_slice()));
    assert_eq!(base.adapters.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["math-expert", "law-expert"]);
    assert_eq!((resolved.models[1].provider.as_str(), resolved.models[1].host.as_str()), ("vllm", ""));
}

#[test]
fn settings_of_signals_are_json_of_the_right_types() {
    let resolved = resolved(
        "
routing:
  signals:
    keywords:
      - {name: 404, operator: OR, keywords: [404, no, true], case_sensitive: yes, fuzzy_threshold: 1, note: ~}
      - {name: slip, operator: OR, keywords: [x], method: fuzzy}
    domains: [{name: math}]
    profanity: [{name: strong, level: 3, words: [no]}]
global:
  model_catalog: {modules: {classifier: {domain: {threshold: 0.4, use_cpu: true}}}}
",
    );
    let keyword = &resolved.profiles[0].signals["keyword"];
    let expected = json!({"name": "404", "operator": "OR", "keywords": ["404", "no", "true"], "case_sensitive": true, "fuzzy_threshold": 1});
    assert_eq!(keyword.rules[0].settings, expected);
    assert_eq!(
        keyword.rules[1].settings,
        json!({"name": "slip", "operator": "OR", "keywords": ["x"], "fuzzy_match": true})
    );
    assert_eq!(keyword.module, json!({}));
    assert_eq!(resolved.profiles[0].signals["domain"].module, json!({"threshold": 0.4, "use_cpu": true}));
    assert_eq!(
        resolved.profiles[0].signals["profanity"].rules[0].settings,
        json!({"name": "strong", "level": 3, "words": ["no"]})
    );
}

#[test]
fn domains_that_nobody_declares_are_those_that_rules_name() {
    let text = "routing: {decisions: [{name: a, rules: {operator: OR, conditions: [{type: domain, name: math}, {type: domain, name: law}, {type: domain, name: math}]}}]}";
    let domains = resolved(text).profiles.remove(0).signals.remove("domain").unwrap();
    assert_eq!(domains.rules.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["math", "law"]);
    assert_eq!(domains.rules[1].settings, json!({"name": "law"}));
}

#[test]
fn rules_keep_their_shape() {
    let rule = |rules: &str| {
        let signals =
            "signals: {keywords: [{name: k, operator: OR, keywords: [x]}], classifiers: [{name: c, type: local}]}";
        resolved(&format!("routing:\n  {signals}\n  decisions: [{{name: a, {rules}}}]"))
            .profiles
            .remove(0)
            .decisions
            .remove(0)
            .rules
    };
    let leaf = |name: &str| Leaf { signal: "domain".to_owned(), name: name.to_owned(), label: None, predicate: None };
    for always in ["priority: 1", "rules: {}", "rules: ~"] {
        assert_eq!(rule(always), Rule::Always, "{always}");
    }
    assert_eq!(rule("rules: {type: domain, name: math}"), Rule::Leaf(leaf("math")));
    assert_eq!(rule("rules: {operator: AND, conditions: []}"), Rule::And(vec![]));
    assert_eq!(rule("rules: {operator: AND}"), Rule::And(vec![]));
    assert_eq!(rule("rules: {operator: OR, conditions: []}"), Rule::Or(vec![]));
    let nested = "rules: {operator: OR, conditions: [{operator: NOT, conditions: [{type: domain, name: a}]}, {operator: AND, conditions: [{type: domain, name: b}]}]}";
    let expected = Rule::Or(vec![Rule::Not(Box::new(Rule::Leaf(leaf("a")))), Rule::And(vec![Rule::Leaf(leaf("b"))])]);
    assert_eq!(rule(nested), expected);
    let predicate = rule("rules: {type: keyword, name: k, predicate: {gt: 0.1, gte: 1, lt: 2, lte: 3.5}}");
    let Rule::Leaf(Leaf { predicate: Some(predicate), .. }) = predicate else { panic!("{predicate:?}") };
    assert_eq!(predicate, Predicate { gt: Some(0.1), gte: Some(1.0), lt: Some(2.0), lte: Some(3.5) });
    let Rule::Leaf(labelled) = rule("rules: {type: classifier, name: c, label: spam, predicate: {gte: 0.5}}") else {
        panic!()
    };
    assert_eq!(labelled.label.as_deref(), Some("spam"));
}

#[test]
fn decisions_have_candidates_an_algorithm_and_plugins() {
    let decision = resolved(
        "
routing:
  modelCards: [{name: base, loras: [{name: expert}]}]
  decisions:
    - name: a
      description: first
      priority: -5
      tier: 2
      modelRefs:
        - {model: base, lora_name: expert, weight: 3, use_reasoning: true, reasoning_effort: low}
        - {model: base}
      algorithm: {type: multi_factor, on_error: skip, multi_factor: {weights: {cost: 1}}}
      plugins:
        - {type: semantic-cache, configuration: {similarity_threshold: 0.9}}
        - {type: system_prompt, configuration: {system_prompt: 42}}
        - {type: watermark}
",
    )
    .profiles
    .remove(0)
    .decisions
    .remove(0);
    assert_eq!((decision.description.as_str(), decision.priority, decision.tier), ("first", -5, 2));
    let [first, second] = decision.candidates.as_slice() else { panic!() };
    assert_eq!((first.adapter.as_deref(), first.weight, first.use_reasoning), (Some("expert"), 3.0, true));
    assert_eq!((second.adapter.as_deref(), second.weight, second.use_reasoning), (None, 1.0, false));
    assert_eq!((first.reasoning_effort.as_deref(), second.reasoning_effort.as_deref()), (Some("low"), None));
    assert_eq!(
        (decision.algorithm.kind.as_str(), &decision.algorithm.settings),
        ("multi_factor", &json!({"weights": {"cost": 1}}))
    );
    let plugins: Vec<_> = decision.plugins.iter().map(|p| (p.kind.as_str(), &p.configuration)).collect();
    assert_eq!(plugins[0], ("response_cache", &json!({"similarity_threshold": 0.9})));
    assert_eq!(plugins[1], ("system_prompt", &json!({"system_prompt": "42"})));
    assert_eq!(plugins[2], ("watermark", &json!({})));
}

#[test]
fn the_embedding_model_is_v0_3s_unless_the_file_names_one() {
    let semantic = |semantic: &str| {
        resolved(&format!("global: {{model_catalog: {{embeddings: {{semantic: {{{semantic}}}}}}}}}")).embedding
    };
    let untouched = semantic("");
    assert_eq!((untouched.name.as_str(), untouched.path, untouched.place), ("mmbert", None, None));
    assert_eq!(untouched.precision, Precision::Auto);
    let named = semantic(
        "qwen3_model_path: models/q, mmbert_model_path: /opt/m, embedding_config: {model_type: Qwen3, precision: bf16, target_dimension: 256, target_layer: 0}",
    );
    assert_eq!((named.name.as_str(), named.path.as_deref()), ("qwen3", Some(Path::new("/etc/router/models/q"))));
    assert_eq!((named.precision, named.target_dimension, named.target_layer), (Precision::Bf16, Some(256), None));
    let place = named.place.unwrap().to_string();
    assert_eq!(place, "global.model_catalog.embeddings.semantic.embedding_config.model_type");
    let by_path = semantic("mmbert_model_path: /opt/m, gemma_model_path: g");
    assert_eq!((by_path.name.as_str(), by_path.path.as_deref()), ("mmbert", Some(Path::new("/opt/m"))));
    assert_eq!(by_path.place.unwrap().to_string(), "global.model_catalog.embeddings.semantic.mmbert_model_path");
    assert_eq!(semantic("embedding_config: {model_type: ''}").name, "qwen3");
    assert_eq!(semantic("embedding_config: {backend: openai_compatible}").name, "remote");
}

#[test]
fn signals_by_embedding_get_the_settings_of_their_type() {
    let resolved = resolved(
        "
routing:
  signals:
    embeddings: [{name: refund, threshold: 0.7, candidates: [refund]}]
    preferences: [{name: terse, examples: [be brief]}]
    complexity: [{name: hardness, hard: {candidates: [x]}, composer: {conditions: [{type: embedding, name: refund}]}}]
    reasks: [{name: again}]
    domains: [{name: billing, candidates: [where is my invoice]}]
global:
  model_catalog:
    embeddings: {semantic: {embedding_config: {model_type: bert, precision: int8, enable_soft_matching: no, top_k: 0, prototype_scoring: &p {top_m: 3}}}}
    modules: {classifier: {preference: {use_contrastive: true, prototype_scoring: {margin_threshold: 0.1}}}, complexity: {prototype_scoring: *p}}
",
    );
    let module = |kind: &str| resolved.profiles[0].signals[kind].module.clone();
    assert_eq!(
        module("embedding"),
        json!({"enable_soft_matching": false, "top_k": 0, "prototype_scoring": {"top_m": 3}})
    );
    assert_eq!(module("preference"), json!({"prototype_scoring": {"margin_threshold": 0.1}}));
    assert_eq!(module("complexity"), json!({"prototype_scoring": {"top_m": 3}}));
    assert_eq!(module("reask"), json!({}));
    assert_eq!(resolved.profiles[0].signals["domain"].rules[0].settings["candidates"], json!(["where is my invoice"]));
}

#[test]
fn a_complexity_comes_out_in_three_ways_and_its_composer_is_the_hosts() {
    let text = "
routing:
  signals:
    keywords: [{name: code, operator: OR, keywords: [code]}]
    complexity:
      - {name: plain, threshold: 0.1}
      - {name: composed, composer: {conditions: [{type: keyword, name: code}, {type: domain, name: math}]}}
";
    let resolved = resolved(text);
    let [plain, composed] = resolved.profiles[0].signals["complexity"].rules.as_slice() else { panic!() };
    assert_eq!(plain.outcomes, ["plain:hard", "plain:medium", "plain:easy"]);
    assert_eq!(plain.condition, None);
    assert_eq!(composed.settings, json!({"name": "composed"}));
    let leaf = |signal: &str, name: &str| {
        Rule::Leaf(Leaf { signal: signal.to_owned(), name: name.to_owned(), label: None, predicate: None })
    };
    assert_eq!(composed.condition, Some(Rule::And(vec![leaf("keyword", "code"), leaf("domain", "math")])));
    assert_eq!(resolved.profiles[0].signals["keyword"].rules[0].outcomes, ["code"]);
    assert_eq!(
        resolved.profiles[0].signals["domain"].rules[0].name, "math",
        "a composer declares domains as decisions do"
    );
}

#[test]
fn the_components_block_is_read_against_the_folder_of_the_file() {
    let components = resolved(
        "
routing: {}
components:
  directory: ./components
  use:
    - {type: a, source: a.wasm, artefact: fitted/a.bin, grants: [cache, key-value], limits: {memory: 64MiB, deadline: 20ms, output: 1MiB, table_elements: 500, instances: 3}, on_failure: fallback:static}
    - {type: b, source: /opt/b.wasm, on_failure: closed}
    - {type: c}
",
    )
    .components;
    assert_eq!(components.directory.as_deref(), Some(Path::new("/etc/router/./components")));
    let [a, b, c] = components.uses.as_slice() else { panic!() };
    assert_eq!(a.source.as_deref(), Some(Path::new("/etc/router/a.wasm")));
    assert_eq!((a.memory_bytes, a.deadline), (Some(64 << 20), Some(Duration::from_millis(20))));
    assert_eq!((a.output_bytes, a.table_elements, a.instances), (Some(1 << 20), Some(500), Some(3)));
    assert_eq!((c.output_bytes, c.table_elements, c.instances), (None, None, None));
    assert_eq!(
        (a.on_failure.clone(), b.on_failure.clone()),
        (Some(OnFailure::Fallback("static".to_owned())), Some(OnFailure::Closed))
    );
    assert_eq!((a.artefact.as_deref(), &b.artefact), (Some(Path::new("/etc/router/fitted/a.bin")), &None));
    assert_eq!(a.grants, ["cache", "key-value"]);
    assert_eq!(b.source.as_deref(), Some(Path::new("/opt/b.wasm")));
    assert_eq!((c.serves.as_str(), &c.source, c.memory_bytes), ("c", &None, None));
}

#[test]
fn candidates_may_stand_in_a_list_or_alone() {
    let one = "{type: a, source: next.wasm, grants: [], percent: 12.5, canary: 5}";
    for written in [one.to_owned(), format!("[{one}]")] {
        let config = config(&format!("routing: {{}}\ncomponents: {{shadow: {written}}}\n"));
        let [candidate] = config.resolved.components.candidates.as_slice() else { panic!("{written}") };
        assert_eq!(candidate.serves, "a");
        assert_eq!(candidate.source, Path::new("/etc/router/next.wasm"));
        assert_eq!((candidate.percent, candidate.canary), (12.5, 5.0));
        assert_eq!((candidate.digest.clone(), candidate.grants.clone()), (None, Some(Vec::new())));
        assert_eq!(candidate.place.to_string(), "components.shadow[0]");
        assert_eq!(config.span(&candidate.place.key("source")).unwrap().line, 2, "{written}");
    }
    let usual = resolved("routing: {}\ncomponents: {shadow: [{type: a, source: /next.wasm}, {type: b, source: b}]}\n");
    let candidates = usual.components.candidates;
    assert_eq!(candidates.len(), 2);
    assert_eq!((candidates[0].percent, candidates[0].canary, &candidates[0].grants), (100.0, 0.0, &None));
}

#[test]
fn a_place_leads_back_into_the_file() {
    let text = "routing:\n  decisions:\n    - name: a\n      plugins:\n        - type: system_prompt\n          configuration:\n            mode: replace\n";
    let config = config(text);
    let configuration = &config.resolved.profiles[0].decisions[0].plugins[0].place;
    assert_eq!(configuration.to_string(), "routing.decisions[0].plugins[0].configuration");
    let at = |span: Option<Span>| span.map(|s| (s.line, text[s.start..s.end].to_owned())).unwrap();
    assert_eq!(at(config.span(configuration)), (6, "configuration".to_owned()));
    assert_eq!(at(config.span(&configuration.key("mode"))), (7, "replace".to_owned()));
    assert_eq!(at(config.key_span(&configuration.key("mode"))), (7, "mode".to_owned()));
    assert_eq!(at(config.span(&configuration.key("system_prompt"))), (6, "configuration".to_owned()));
    assert_eq!(at(config.key_span(&configuration.key("none").index(3))), (6, "configuration".to_owned()));
    assert_eq!(at(config.span(&config.resolved.profiles[0].decisions[0].place)), (3, "name".to_owned()));
}

#[test]
fn every_wrapping_gives_the_same_configuration() {
    let payload = "routing:\n  decisions:\n    - name: a\n";
    let indent = |by: usize| payload.lines().map(|l| format!("{}{l}\n", " ".repeat(by))).collect::<String>();
    for text in [
        payload.to_owned(),
        format!("global: {{imageRegistry: x}}\nconfig:\n{}", indent(2)),
        format!("config:\n  routing: {{}}\nconfigOverride:\n{}", indent(2)),
        format!("kind: ConfigMap\ndata:\n  config.yaml: |\n{}", indent(4)),
        format!("kind: ConfigMap\ndata:\n  tools.json: '[]'\n  router.yml: |\n{}", indent(6)),
        format!("kind: ConfigMap\ndata:\n  config.yaml: |\n    config:\n{}", indent(6)),
    ] {
        let config = config(&text);
        assert_eq!(config.resolved.profiles[0].decisions[0].name, "a", "{text}");
        let span = config.span(&config.resolved.profiles[0].decisions[0].place.key("name")).unwrap();
        assert_eq!(&text[span.start..span.end], "a", "{text}");
        assert_eq!(text.lines().nth(span.line - 1).unwrap().chars().nth(span.column - 1), Some('a'), "{text}");
    }
}

#[test]
fn a_file_is_found_through_a_symbolic_link_and_the_base_folder_can_be_set() {
    let folder = std::env::temp_dir().join(format!("trackside-config-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("real")).unwrap();
    std::fs::write(folder.join("real/router.yaml"), "routing: {}\ncomponents: {directory: wasm}\n").unwrap();
    let link = folder.join("router.yaml");
    std::os::unix::fs::symlink(folder.join("real/router.yaml"), &link).unwrap();
    let directory = |environment: &BTreeMap<String, String>| {
        load(&link, environment).unwrap().config.unwrap().resolved.components.directory.unwrap()
    };
    let real = directory(&BTreeMap::new());
    let set = directory(&BTreeMap::from([("VLLM_SR_CONFIG_BASE_DIR".to_owned(), "/srv".to_owned())]));
    let missing = load(&folder.join("none.yaml"), &BTreeMap::new()).unwrap_err().to_string();
    let expected = folder.canonicalize().unwrap().join("real/wasm");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(real, expected);
    assert_eq!(set, Path::new("/srv/wasm"));
    assert!(missing.contains("none.yaml"), "{missing}");
}

/// Loads a case of another suite; what it says there is not repeated here.
fn case(name: &str) -> Resolved {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui").join(name);
    let environment = BTreeMap::from([("KEY".to_owned(), "secret".to_owned())]);
    load(&path, &environment).unwrap().config.unwrap().resolved
}

fn names(models: &[Model]) -> Vec<&str> {
    models.iter().map(|model| model.name.as_str()).collect()
}

#[test]
fn a_flat_file_means_what_it_meant() {
    let resolved = case("legacy-flat.yaml");
    assert_eq!(names(&resolved.models), ["small", "remote", "large"]);
    let [small, remote, large] = resolved.models.as_slice() else { panic!() };
    assert_eq!((small.host.as_str(), small.reasoning_family.as_deref()), ("127.0.0.1", Some("qwen3")));
    assert_eq!(small.adapters[0].name, "math-lora");
    assert_eq!((remote.host.as_str(), remote.provider.as_str()), ("api.example.com", "openai"));
    assert_eq!(large.host, "", "nothing but its name is known");
    assert_eq!(resolved.default_model.as_deref(), Some("large"));
    assert_eq!(resolved.default_reasoning_effort, "high");
    assert_eq!(resolved.reasoning_families["qwen3"].parameter, "enable_thinking");
    let profile = resolved.profile(DEFAULT_PROFILE).unwrap();
    let [math, law] = profile.decisions.as_slice() else { panic!() };
    assert_eq!((math.name.as_str(), math.plugins[0].kind.as_str(), law.plugins.len()), ("math", "system_prompt", 0));
    assert_eq!(math.plugins[0].configuration, json!({"system_prompt": "You are a mathematician."}));
    let candidates: Vec<_> = math.candidates.iter().map(|c| (c.model.as_str(), c.use_reasoning)).collect();
    assert_eq!(candidates, [("small", true), ("remote", false)]);
    assert!(matches!(&math.rules, Rule::Leaf(leaf) if leaf.signal == "domain" && leaf.name == "math"));
    let domains = &profile.signals["domain"];
    assert_eq!(domains.rules[0].settings["model_scores"], json!({"small": 0.9, "remote": 0.4}));
    assert_eq!(domains.module["threshold"], json!(0.6));
}

#[test]
fn early_layouts_of_v0_3_and_of_its_command_line_mean_what_they_meant() {
    let early = case("legacy-early-v0.3.yaml");
    assert_eq!((names(&early.models), early.default_model.as_deref()), (vec!["a", "b"], Some("a")));
    assert_eq!((early.models[0].host.as_str(), early.models[1].host.as_str()), ("a", "b"));
    assert_eq!(early.models[1].provider_model_id.as_deref(), Some("org/b"));
    assert_eq!(early.models[1].description, "The card counts");
    assert_eq!(early.profiles[0].strategy, "confidence");
    assert_eq!(early.profiles[0].decisions[0].plugins[0].configuration, json!({"system_prompt": "Be brief."}));
    let cli = case("legacy-cli.yaml");
    assert_eq!((names(&cli.models), cli.default_model.as_deref()), (vec!["a"], Some("a")));
    assert_eq!(cli.models[0].host, "a");
    let kinds: Vec<&str> = cli.profiles[0].decisions[0].plugins.iter().map(|p| p.kind.as_str()).collect();
    assert_eq!(kinds, ["system_prompt"], "what is a signal now is gone");
}

#[test]
fn recipes_are_profiles_that_share_models_alone() {
    let resolved = resolved(
        "
routing:
  modelCards: [{name: small}]
  signals: {keywords: [{name: a, operator: OR, keywords: [x]}]}
  decisions: [{name: one, rules: {type: keyword, name: a}}]
recipes:
  - name: team
    description: Another one
    routing: {strategy: confidence, decisions: [{name: one, rules: {type: domain, name: math}}]}
  - {name: bare}
entrypoints:
  - {model_names: [team/auto, team], recipe: team}
  - {model_names: [plain], recipe: default}
global: {router: {strategy: priority}}
",
    );
    let names: Vec<&str> = resolved.profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["default", "team", "bare"]);
    let team = resolved.profile("team").unwrap();
    assert_eq!((team.description.as_str(), team.strategy.as_str()), ("Another one", "confidence"));
    assert_eq!(team.signals.keys().collect::<Vec<_>>(), ["domain"], "nothing is inherited");
    assert_eq!(resolved.profile("bare").unwrap().strategy, "priority");
    assert!(
        resolved.decision("team", "one").is_some_and(|one| one.place.to_string() == "recipes[0].routing.decisions[0]")
    );
    let entrypoints: Vec<_> =
        resolved.entrypoints.iter().map(|e| (e.model_name.as_str(), e.profile.as_str())).collect();
    assert_eq!(entrypoints, [("team/auto", "team"), ("team", "team"), ("plain", "default")]);
}

#[test]
fn a_recipe_called_default_takes_the_place_of_routing_without_a_profile() {
    let text = "{routing: {modelCards: [{name: m}]}, recipes: [{name: a}, {name: default, routing: {decisions: [{name: d}]}}]}";
    let resolved = resolved(text);
    assert_eq!(resolved.profiles[0].decisions[0].name, "d");
    assert_eq!(resolved.profiles.len(), 2);
}

#[test]
fn scores_stand_behind_those_that_they_read() {
    let resolved = resolved(
        "
routing:
  signals: {embeddings: [{name: e, threshold: 0.5, candidates: [x]}, {name: f, threshold: 0.5, candidates: [y]}]}
  projections:
    partitions: [{name: p, semantics: softmax_exclusive, temperature: 0.5, members: [e, f], default: f}]
    scores:
      - {name: last, inputs: [{type: projection, name: high, value_source: confidence, weight: 1}]}
      - {name: middle, inputs: [{type: projection, name: first, weight: 2}, {type: kb_metric, kb: k, metric: m, weight: 1}]}
      - {name: first, inputs: [{type: embedding, name: e, weight: 0.5, match: 0, miss: -1}, {type: embedding, name: f, weight: 1, value_source: raw}]}
    mappings:
      - {name: m, source: middle, method: multi_emit, calibration: {slope: 3}, outputs: [{name: high, gte: 1}, {name: low, lt: 1}]}
  decisions: [{name: d, rules: {type: projection, name: low}}]
global: {model_catalog: {embeddings: {semantic: {embedding_config: {top_k: 3}}}}}
",
    );
    let projections = &resolved.profiles[0].projections;
    assert_eq!(projections.scores.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["first", "middle", "last"]);
    let of = |name: &str| Reference { signal: "embedding".to_owned(), name: name.to_owned() };
    let expected = [
        ScoreInput { weight: 0.5, value: InputValue::Binary { of: of("e"), hit: 1.0, miss: -1.0 } },
        ScoreInput { weight: 1.0, value: InputValue::Raw(of("f")) },
    ];
    assert_eq!(projections.scores[0].inputs, expected);
    let mapping = &projections.scores[1].mappings[0];
    assert_eq!((mapping.emit, mapping.slope, mapping.outputs.len()), (Emit::All, 3.0, 2));
    assert_eq!(projections.partitions[0].semantics, Semantics::Softmax(0.5));
    // The component leaves the cut to what comes after the partition.
    assert_eq!(projections.embedding_top_k, Some(3));
    assert_eq!(resolved.profiles[0].signals["embedding"].module["top_k"], json!(0));
}

#[test]
fn what_surrounds_routing_is_off_unless_asked_for() {
    let off = resolved("routing: {}");
    assert_eq!((off.skip_processing, off.streamed_body), (SkipProcessing::Ignored, StreamedBody::default()));
    assert_eq!((off.tracing, off.identity.trust, off.identity.anonymous), (None, Trust::Nobody, Anonymous::Refused));
    assert_eq!(off.identity.untrusted_headers(), ["x-authz-user-id", "x-authz-user-groups"]);
    let on = resolved(
        "
global:
  router: {skip_processing: {enabled: true}, streamed_body: {enabled: true, max_bytes: 1000, timeout_sec: 30}}
  services:
    authz: {fail_open: true, identity: {user_id_header: X-User}}
    observability:
      tracing:
        enabled: true
        exporter: {type: stdout, endpoint: \"jaeger:4317\", insecure: true}
        sampling: {type: probabilistic, rate: 0.25}
        resource: {service_name: router, deployment_environment: test}
",
    );
    assert_eq!(on.skip_processing, SkipProcessing::Honoured);
    assert_eq!((on.streamed_body.max_bytes, on.streamed_body.timeout), (Some(1000), Some(Duration::from_secs(30))));
    assert_eq!((on.identity.trust, on.identity.anonymous), (Trust::Gateway, Anonymous::Admitted));
    assert_eq!(on.identity.untrusted_headers(), ["x-authz-user-id"], "it names another");
    let tracing = on.tracing.unwrap();
    assert_eq!((tracing.exporter, tracing.sampling, tracing.insecure), (Exporter::Stdout, Sampling::Ratio(0.25), true));
    assert_eq!((tracing.endpoint.as_deref(), tracing.service_name.as_deref()), (Some("jaeger:4317"), Some("router")));
    let bounds_alone = "global: {router: {streamed_body: {max_bytes: 1000}}}";
    assert_eq!(resolved(bounds_alone).streamed_body, StreamedBody::default());
}
