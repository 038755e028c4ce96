//! Several profiles in one process: what they share, and what the API and the log say about them.

use crate::process::{Server, file, get, post};

/// This many profiles with a name each; `words` gives each one its keyword.
fn profiles(count: usize, words: impl Fn(usize) -> String) -> String {
    let mut config =
        "providers: {defaults: {default_model: small}}\nrouting: {modelCards: [{name: small}]}\n".to_owned();
    config += "entrypoints:\n";
    config.extend((0..count).map(|i| format!("  - {{model_names: [team-{i}], recipe: r{i}}}\n")));
    config += "recipes:\n";
    config.extend((0..count).map(|i| {
        let keyword = format!("{{name: k, operator: OR, keywords: [{}]}}", words(i));
        let decision = "{name: found, rules: {type: keyword, name: k}, modelRefs: [{model: small}]}";
        format!("  - {{name: r{i}, routing: {{signals: {{keywords: [{keyword}]}}, decisions: [{decision}]}}}}\n")
    }));
    config
}

fn serve(name: &str, config: &str) -> Server {
    Server::start(&["--config", file(name, config).to_str().unwrap()])
}

fn instances(server: &Server) -> usize {
    let metrics = get(server.metrics, "/metrics").body;
    let line = metrics.lines().find(|line| line.starts_with("trackside_component_instances "));
    line.and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap()
}

#[test]
fn signals_that_are_configured_alike_run_in_the_same_instances() {
    const COUNT: usize = 20;
    let alike = instances(&serve("profiles/alike.yaml", &profiles(COUNT, |_| "urgent".to_owned())));
    let different = instances(&serve("profiles/different.yaml", &profiles(COUNT, |i| format!("urgent{i}"))));
    assert!(alike < COUNT, "{alike} instances for {COUNT} profiles that are alike");
    assert!(different >= alike + COUNT - 1, "{different} instances for profiles that differ, {alike} for alike ones");
}

#[test]
fn names_are_listed_with_their_profiles_and_decisions_tell_theirs() {
    let server = serve("profiles/two.yaml", &profiles(2, |i| format!("word{i}")));
    let models = get(server.api, "/v1/models").json();
    let rows = models["data"].as_array().unwrap().iter();
    let listed: Vec<_> =
        rows.map(|row| (row["id"].as_str().unwrap(), row["routing"]["recipe"].as_str().unwrap())).collect();
    let auto = ["vllm-sr/auto", "auto", "MoM"].map(|name| (name, "default"));
    assert_eq!(listed, [&auto[..], &[("team-0", "r0"), ("team-1", "r1")]].concat());
    for (text, decision) in [("word1", "found"), ("word0", "")] {
        let answer = post(server.api, "/api/v1/eval", format!(r#"{{"model": "team-1", "text": "{text}"}}"#)).json();
        assert_eq!(answer["recipe"], "r1", "{answer:#}");
        assert_eq!(answer["decision_result"]["decision_name"].as_str().unwrap_or_default(), decision, "{answer:#}");
        assert_eq!(server.event("routing_decision")["profile"], "r1");
    }
}
