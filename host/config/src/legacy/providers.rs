//! Models and their backends as earlier versions had them: `vllm_endpoints` with `model_config`, and `endpoints` of a model.

use super::Log;
use crate::{
    Diagnostic, codes,
    yaml::{Entry, Node, Value},
};
use std::collections::{HashMap, HashSet};

/// Most bytes that copies of backends may add: many models may name one backend.
const MAX_COPIED: usize = 16 << 20;

/// What belongs to a model's card.
const CARD: [&str; 8] =
    ["param_size", "context_window_size", "description", "capabilities", "loras", "quality_score", "modality", "tags"];

/// What a model's provider has, by its old and its new name.
const PROVIDER: [(&str, &str); 6] = [
    ("model_id", "provider_model_id"),
    ("pricing", "pricing"),
    ("api_format", "api_format"),
    ("external_model_ids", "external_model_ids"),
    ("reasoning_family", "reasoning_family"),
    ("reliability", "reliability"),
];

/// Keys of an endpoint that become something else.
const ENDPOINT: [&str; 4] = ["address", "port", "models", "provider_profile"];

/// Keys of `model_config` that have a place in v0.3.
const TAKEN: [&str; 2] = ["preferred_endpoints", "access_key"];

/// `vllm_endpoints`, `model_config` and `provider_profiles` become `providers.models` and `routing.modelCards`.
pub(super) fn from_endpoints(root: &mut Node, log: &mut Log<'_>) {
    let profiles = root.take("provider_profiles");
    let endpoints = root.take("vllm_endpoints");
    let models = root.take("model_config");
    for (entry, to) in [
        (&profiles, "providers.models[].backend_refs"),
        (&endpoints, "providers.models[].backend_refs"),
        (&models, "providers.models and routing.modelCards"),
    ] {
        entry.iter().for_each(|entry| log.moved(entry, &entry.key, to));
    }
    let Some(first) = models.as_ref().or(endpoints.as_ref()).cloned() else { return };
    let mut backends = Backends::new(endpoints, profiles.as_ref());
    let mut named: Vec<Entry> = models.map(|entry| entry.value.into_entries()).unwrap_or_default();
    let known: HashSet<&str> = named.iter().map(|model| model.key.as_str()).collect();
    let listed: Vec<Entry> = backends.models.iter().filter(|m| !known.contains(m.key.as_str())).cloned().collect();
    named.extend(listed);
    let default = root.entry("default_model").and_then(|e| Some((e.value.as_text()?.to_owned(), e.value.span)));
    let (mut providers, mut cards) = (Vec::new(), Vec::new());
    for model in &named {
        let name = Entry::new("name", Node::of_text(model.key_span, &model.key));
        providers.push(provider(&name, model, &mut backends, log));
        cards.push(card(name, &model.value));
    }
    // An adapter is known by its base; any other default is a model that only the gateway knows.
    let adapter = |wanted: &str| {
        let loras = named.iter().filter_map(|model| model.value.get("loras"));
        loras.flat_map(Node::items).any(|lora| lora.get("name").and_then(Node::as_text) == Some(wanted))
    };
    if let Some((name, span)) = default.filter(|(name, _)| !named.iter().any(|m| m.key == *name) && !adapter(name)) {
        cards.push(card(Entry::new("name", Node::of_text(span, name)), &Node::of_entries(span, Vec::new())));
    }
    let list = |items| Entry { value: Node::of_items(first.value.span, items), ..first.clone() };
    root.put(&["providers", "models"], list(providers));
    root.put(&["routing", "modelCards"], list(cards));
}

fn provider(name: &Entry, model: &Entry, backends: &mut Backends, log: &mut Log<'_>) -> Node {
    let mut entries = vec![name.clone()];
    for (old, new) in PROVIDER {
        entries.extend(model.value.entry(old).cloned().map(|entry| entry.renamed(new)));
    }
    for strange in model.value.entries() {
        let key = strange.key.as_str();
        if !CARD.contains(&key) && !TAKEN.contains(&key) && !PROVIDER.iter().any(|(old, _)| *old == key) {
            log.dropped(strange.key_span, &format!("{key:?} of a model in model_config"), None);
        }
    }
    let references = backends.of(model, log);
    if !references.is_empty() {
        entries.push(Entry::new("backend_refs", Node::of_items(model.value.span, references)));
    }
    Node::of_entries(model.value.span, entries)
}

fn card(name: Entry, model: &Node) -> Node {
    let known = CARD.iter().filter_map(|key| model.entry(key).cloned());
    Node::of_entries(model.span, std::iter::once(name).chain(known).collect())
}

/// The backends by name.
struct Backends {
    by_name: HashMap<String, Node>,
    /// Models that endpoints list themselves.
    models: Vec<Entry>,
    /// For each of these, the endpoints that list it.
    listed: HashMap<String, Vec<String>>,
    left: usize,
}

impl Backends {
    fn new(endpoints: Option<Entry>, profiles: Option<&Entry>) -> Self {
        let mut backends =
            Self { by_name: HashMap::new(), models: Vec::new(), listed: HashMap::new(), left: MAX_COPIED };
        for endpoint in endpoints.map(|e| e.value.into_items()).unwrap_or_default() {
            let Some(name) = endpoint.get("name").and_then(Node::as_text).map(str::to_owned) else { continue };
            for model in endpoint.get("models").map(Node::items).unwrap_or_default() {
                let Some(text) = model.as_text() else { continue };
                let endpoints = backends.listed.entry(text.to_owned()).or_default();
                if endpoints.is_empty() {
                    let nothing = Node::of_entries(model.span, Vec::new());
                    backends.models.push(Entry { key: text.to_owned(), key_span: model.span, value: nothing });
                }
                endpoints.push(name.clone());
            }
            let profile = endpoint.get("provider_profile").and_then(Node::as_text);
            let profile = profile.and_then(|profile| profiles?.value.get(profile));
            let backend = backend(&endpoint, profile, &mut backends.left);
            backends.by_name.insert(name, backend);
        }
        backends
    }

    /// The backends that a model prefers, or else those that list it.
    fn of(&mut self, model: &Entry, log: &mut Log<'_>) -> Vec<Node> {
        let preferred = model.value.get("preferred_endpoints").map(Node::items).unwrap_or_default();
        let mut names: Vec<&str> = preferred.iter().filter_map(Node::as_text).collect();
        if names.is_empty() {
            names = self.listed.get(&model.key).into_iter().flatten().map(String::as_str).collect();
        }
        let key = model.value.entry("access_key").map(|entry| entry.clone().renamed("api_key"));
        let mut references = Vec::new();
        for backend in names.into_iter().filter_map(|name| self.by_name.get(name)) {
            let Some(left) = self.left.checked_sub(backend.weight() + key.as_ref().map_or(0, |k| k.value.weight()))
            else {
                let message = "the file expands to too much: its models share backends that are too large";
                log.push(Diagnostic::error(codes::TOO_MANY_NODES, message).at(model.key_span));
                break;
            };
            self.left = left;
            references.push(with(backend.clone(), key.clone()));
        }
        references
    }
}

/// An endpoint in the form of v0.3, with what its profile says.
fn backend(endpoint: &Node, profile: Option<&Node>, left: &mut usize) -> Node {
    let mut entries: Vec<Entry> =
        endpoint.entries().iter().filter(|entry| !ENDPOINT.contains(&entry.key.as_str())).cloned().collect();
    if let Some(address) = endpoint.get("address") {
        let host = address.as_text().unwrap_or_default().trim();
        let port = endpoint.get("port").and_then(Node::as_text).map(|port| format!(":{port}")).unwrap_or_default();
        entries.push(Entry::new("endpoint", Node::of_text(address.span, format!("{host}{port}"))));
    }
    let mut node = Node::of_entries(endpoint.span, entries);
    for entry in profile.map(Node::entries).unwrap_or_default() {
        // Copies of large profiles are counted like copies of backends, and left out beyond the limit.
        let Some(rest) = left.checked_sub(entry.value.weight()) else { break };
        *left = rest;
        let name = if entry.key == "type" { "provider" } else { &entry.key };
        node = with(node, Some(entry.clone().renamed(name)));
    }
    node
}

/// A mapping with one more entry, unless it has the key.
fn with(mut node: Node, entry: Option<Entry>) -> Node {
    if let Some(entry) = entry {
        let key = entry.key.clone();
        node.put(&[&key], entry);
    }
    node
}

/// `endpoints`, `access_key` and what belongs to the card, in `providers.models` of v0.2.
pub(super) fn from_cli(root: &mut Node, log: &mut Log<'_>) {
    let models = root.entry_mut("providers").and_then(|providers| providers.value.entry_mut("models"));
    let (mut cards, mut left): (Vec<(String, Vec<Entry>)>, usize) = (Vec::new(), MAX_COPIED);
    for model in models.into_iter().flat_map(|models| models.value.items_mut()) {
        if let Some(access) = model.take("access") {
            log.moved(&access, "access of a model", "part of providers.models[] itself");
            for entry in access.value.into_entries() {
                *model = with(std::mem::replace(model, Node::of_entries(access.key_span, Vec::new())), Some(entry));
            }
        }
        let key = model.take("access_key").map(|entry| {
            log.moved(&entry, "access_key of a model", "backend_refs[].api_key");
            entry.renamed("api_key")
        });
        if let Some(endpoints) = model.take("endpoints") {
            log.moved(&endpoints, "endpoints of a model", "backend_refs");
            model.put(&["backend_refs"], endpoints);
        }
        let references = model.entry_mut("backend_refs").into_iter().flat_map(|refs| refs.value.items_mut());
        for reference in references.filter(|r| matches!(r.value, Value::Mapping(_))) {
            // Copies are bounded like those of backends; a key that large is none.
            if let Some(key) = &key
                && let Some(rest) = left.checked_sub(key.value.weight())
            {
                left = rest;
                reference.put(&["api_key"], key.clone());
            }
        }
        let own: Vec<Entry> = CARD.iter().filter_map(|key| model.take(key)).collect();
        for entry in &own {
            log.moved(entry, &format!("{} of a model", entry.key), &format!("routing.modelCards[].{}", entry.key));
        }
        if let (Some(name), false) = (model.get("name").and_then(Node::as_text), own.is_empty()) {
            cards.push((name.to_owned(), own));
        }
    }
    add_to_cards(root, cards);
}

fn add_to_cards(root: &mut Node, additions: Vec<(String, Vec<Entry>)>) {
    let Some(first) = additions.first().and_then(|(_, entries)| entries.first()).cloned() else { return };
    root.put(&["routing", "modelCards"], Entry { value: Node::of_items(first.key_span, Vec::new()), ..first });
    let cards = root.entry_mut("routing").and_then(|routing| routing.value.entry_mut("modelCards"));
    let Some(Entry { value: Node { value: Value::Sequence(cards), .. }, .. }) = cards else { return };
    let named = |(at, card): (usize, &Node)| Some((card.get("name")?.as_text()?.to_owned(), at));
    let positions: HashMap<String, usize> = cards.iter().enumerate().filter_map(named).collect();
    for (name, entries) in additions {
        match positions.get(&name).and_then(|at| cards.get_mut(*at)) {
            Some(card) => entries.into_iter().for_each(|entry| {
                let key = entry.key.clone();
                card.put(&[&key], entry);
            }),
            None => {
                let span = entries.first().map_or(first.key_span, |entry| entry.key_span);
                let name = Entry::new("name", Node::of_text(span, name));
                cards.push(Node::of_entries(span, std::iter::once(name).chain(entries).collect()));
            }
        }
    }
}
