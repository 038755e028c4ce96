//! `categories` of the oldest layout: a domain, its models and its prompt in one.

use super::Log;
use crate::yaml::{Entry, Node};

/// Keys that a category shares with a domain.
const DOMAIN: [&str; 3] = ["name", "description", "mmlu_categories"];

/// Splits each category into a domain and, where the file has no decisions of its own, the decision that it was.
pub(super) fn convert(root: &mut Node, log: &mut Log<'_>) {
    let own = root.entry("decisions").is_some();
    let Some(categories) = root.entry("categories") else { return };
    let old = |category: &Node| ["model_scores", "system_prompt"].iter().any(|key| category.entry(key).is_some());
    if !categories.value.items().iter().any(old) {
        return;
    }
    let Some(categories) = root.take("categories") else { return };
    log.moved(&categories, "categories", "routing.signals.domains and routing.decisions");
    let (mut domains, mut decisions) = (Vec::new(), Vec::new());
    let span = categories.value.span;
    for mut category in categories.value.clone().into_items() {
        let mut domain: Vec<Entry> = DOMAIN.iter().filter_map(|key| category.entry(key).cloned()).collect();
        if let Some(scores) = category.entry("model_scores") {
            domain.push(Entry::new("model_scores", scores_by_model(&scores.value)));
        }
        domains.push(Node::of_entries(category.span, domain));
        decisions.extend((!own).then(|| decision(&mut category)));
    }
    root.put(&["routing", "signals", "domains"], Entry { value: Node::of_items(span, domains), ..categories.clone() });
    if !own {
        root.put(&["routing", "decisions"], Entry { value: Node::of_items(span, decisions), ..categories });
    }
}

/// v0.3 has scores as a mapping; earlier versions had a list of them.
fn scores_by_model(scores: &Node) -> Node {
    let score = |item: &Node| Some(Entry::new(item.get("model")?.as_text()?, item.get("score")?.clone()));
    if scores.items().is_empty() {
        return scores.clone();
    }
    Node::of_entries(scores.span, scores.items().iter().filter_map(score).collect())
}

fn decision(category: &mut Node) -> Node {
    let span = category.span;
    let mut entries: Vec<Entry> =
        ["name", "description"].iter().filter_map(|key| category.entry(key).cloned()).collect();
    let name = category.get("name").cloned();
    let leaf = [Some(Entry::new("type", Node::of_text(span, "domain"))), name.map(|name| Entry::new("name", name))];
    entries.push(Entry::new("rules", Node::of_entries(span, leaf.into_iter().flatten().collect())));
    if let Some(scores) = category.entry("model_scores") {
        let references = scores.value.items().iter().map(|score| reference(score, category)).collect();
        entries.push(Entry {
            key: "modelRefs".to_owned(),
            value: Node::of_items(scores.value.span, references),
            ..scores.clone()
        });
    }
    if let Some(prompt) = category.take("system_prompt") {
        let span = prompt.value.span;
        let configuration = Node::of_entries(span, vec![prompt]);
        let plugin =
            vec![Entry::new("type", Node::of_text(span, "system_prompt")), Entry::new("configuration", configuration)];
        entries.push(Entry::new("plugins", Node::of_items(span, vec![Node::of_entries(span, plugin)])));
    }
    Node::of_entries(span, entries)
}

/// A model of a category; what it does not say itself the category says for all.
fn reference(score: &Node, category: &Node) -> Node {
    let of = |key: &str| score.entry(key).or_else(|| category.entry(key)).cloned();
    let keys = ["use_reasoning", "reasoning_effort", "reasoning_description"];
    let own = ["model", "lora_name"].iter().filter_map(|key| score.entry(key).cloned());
    Node::of_entries(score.span, own.chain(keys.into_iter().filter_map(of)).collect())
}
