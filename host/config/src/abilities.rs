//! What is served, held against what the file asks for. The host calls this once it knows its components.

use crate::{
    Code, Config, Decision, Diagnostic, Place, Report, Span, Step, codes,
    load::Found,
    resolve::LeafUse,
    shape::{Strictness, check, shape},
    suggest, words,
};
use std::collections::{BTreeMap, BTreeSet};

/// The component types that exist: built in, or found in the components directory.
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    /// Signal types, by the singular that rule leaves use.
    pub signals: BTreeSet<String>,
    /// Selector types, as in `algorithm.type`.
    pub selectors: BTreeSet<String>,
    /// Ranking types, as in `routing.strategy`.
    pub rankings: BTreeSet<String>,
    /// Plugin types, aliases folded.
    pub plugins: BTreeSet<String>,
}

impl Config {
    /// Warns of each type of v0.3 that is used and not served, and what happens instead; a word that is neither served
    /// nor part of v0.3 is an error.
    pub fn check_abilities(&self, abilities: &Abilities, report: &mut Report) {
        self.check_signals(abilities, report);
        self.check_plugins(abilities, report);
        self.check_algorithms(abilities, report);
        self.check_strategies(abilities, report);
    }

    fn check_signals(&self, abilities: &Abilities, report: &mut Report) {
        let known: Vec<&str> = words::SIGNALS.iter().map(|(_, kind)| *kind).chain([words::PROJECTION]).collect();
        let mut uses: BTreeMap<&str, Use<'_>> = BTreeMap::new();
        let unserved = |leaf: &&LeafUse| leaf.signal != words::PROJECTION && !abilities.signals.contains(&leaf.signal);
        for leaf in self.uses.leaves.iter().filter(unserved) {
            uses.entry(&leaf.signal).or_insert_with(|| Use::at(leaf.span)).by(&leaf.owner);
        }
        // A declared list that no decision refers to has no effect; but its name may be a slip.
        let declared = self.resolved.profiles.iter().flat_map(|profile| &profile.signals);
        for (kind, rules) in declared.filter(|(kind, _)| !abilities.signals.contains(*kind)) {
            let list = rules.rules.first().and_then(|rule| self.span(&rule.place.parent()));
            for rule in &rules.rules {
                self.check_keys("signals", kind, &rule.place, report);
            }
            if !known.contains(&kind.as_str()) {
                uses.entry(kind).or_insert_with(|| Use::at(list));
            }
        }
        for (kind, used) in uses {
            if known.contains(&kind) {
                let who = suggest::list(used.by.iter().copied());
                let message = format!("signal type {kind:?} is not served yet: what needs it will not match ({who})");
                report.push(Diagnostic::warning(codes::SIGNAL_NOT_SERVED, message).at(used.span));
            } else {
                let words = known.iter().copied().chain(abilities.signals.iter().map(String::as_str));
                report.push(unknown(codes::UNKNOWN_SIGNAL_TYPE, "signal type", kind, used.span, words));
            }
        }
    }

    fn check_plugins(&self, abilities: &Abilities, report: &mut Report) {
        let mut uses: BTreeMap<&str, Use<'_>> = BTreeMap::new();
        for decision in self.decisions() {
            for plugin in decision.plugins.iter().filter(|p| !abilities.plugins.contains(&p.kind)) {
                if plugin.place != plugin_place(&plugin.place) {
                    self.check_keys("plugins", &plugin.kind, &plugin.place, report);
                }
                let known = words::PLUGINS.contains(&plugin.kind.as_str());
                let disabled = plugin.configuration.get("enabled") == Some(&serde_json::Value::Bool(false));
                if !(known && disabled) {
                    let span = self.span(&plugin_place(&plugin.place).key("type"));
                    uses.entry(&plugin.kind).or_insert_with(|| Use::at(span)).by(&decision.name);
                }
            }
        }
        for (kind, used) in uses {
            if words::PLUGINS.contains(&kind) {
                let who = suggest::list(used.by.iter().copied());
                let message = format!("plugin type {kind:?} is not served yet: it does nothing in {who}");
                report.push(Diagnostic::warning(codes::PLUGIN_NOT_SERVED, message).at(used.span));
            } else {
                let words = words::PLUGINS.iter().copied().chain(abilities.plugins.iter().map(String::as_str));
                report.push(unknown(codes::UNKNOWN_PLUGIN_TYPE, "plugin type", kind, used.span, words));
            }
        }
    }

    fn check_algorithms(&self, abilities: &Abilities, report: &mut Report) {
        let mut uses: BTreeMap<&str, Use<'_>> = BTreeMap::new();
        for decision in self.decisions().filter(|d| !abilities.selectors.contains(&d.algorithm.kind)) {
            let kind = decision.algorithm.kind.as_str();
            if decision.algorithm.place.0.last() == Some(&Step::Key(kind.to_owned())) {
                self.check_keys("algorithms", kind, &decision.algorithm.place, report);
            }
            // Among one candidate there is nothing to select.
            let has_effect = decision.candidates.len() > 1 || words::MULTI_CALL.contains(&kind);
            if has_effect || !words::ALGORITHMS.contains(&kind) {
                let span = self.span(&decision.place.key("algorithm").key("type"));
                uses.entry(kind).or_insert_with(|| Use::at(span)).by(&decision.name);
            }
        }
        for (kind, used) in uses {
            if words::ALGORITHMS.contains(&kind) {
                let who = suggest::list(used.by.iter().copied());
                let message = format!("algorithm {kind:?} is not served yet: the first candidate is taken in {who}");
                report.push(Diagnostic::warning(codes::ALGORITHM_NOT_SERVED, message).at(used.span));
            } else if !words::REMOVED_ALGORITHMS.contains(&kind) {
                let words = words::ALGORITHMS.iter().copied().chain(abilities.selectors.iter().map(String::as_str));
                report.push(unknown(codes::UNKNOWN_ALGORITHM, "algorithm", kind, used.span, words));
            }
        }
    }

    /// Unknown keys in the settings of a v0.3 type. Only where nobody serves the type: a component has a schema of its own.
    fn check_keys(&self, group: &str, kind: &str, place: &Place, report: &mut Report) {
        if let (view, Found::Itself) = self.nearest(place) {
            check(&view, shape(&[group, kind]), Strictness::KeysOnly, report);
        }
    }

    fn check_strategies(&self, abilities: &Abilities, report: &mut Report) {
        let unserved = |used: &&(String, _)| !abilities.rankings.contains(&used.0);
        let mut told = BTreeSet::new();
        for (strategy, span) in self.uses.strategies.iter().filter(unserved).filter(|used| told.insert(&used.0)) {
            let words = words::STRATEGIES.iter().copied().chain(abilities.rankings.iter().map(String::as_str));
            report.push(unknown(codes::UNKNOWN_STRATEGY, "strategy", strategy, *span, words));
        }
    }

    /// The decisions of all profiles.
    fn decisions(&self) -> impl Iterator<Item = &Decision> {
        self.resolved.profiles.iter().flat_map(|profile| &profile.decisions)
    }
}

/// Where a type is used first, and by which decisions.
struct Use<'c> {
    span: Option<Span>,
    by: Vec<&'c str>,
}

impl<'c> Use<'c> {
    fn at(span: impl Into<Option<Span>>) -> Self {
        Self { span: span.into(), by: Vec::new() }
    }

    fn by(&mut self, decision: &'c str) {
        // Uses come decision by decision.
        if self.by.last() != Some(&decision) {
            self.by.push(decision);
        }
    }
}

/// Where a plugin stands, given where its configuration does; one without a configuration stands there itself.
fn plugin_place(place: &Place) -> Place {
    if let Some(Step::Key(_)) = place.0.last() { place.parent() } else { place.clone() }
}

fn unknown<'w>(
    code: Code,
    what: &str,
    word: &str,
    span: Option<Span>,
    words: impl Iterator<Item = &'w str>,
) -> Diagnostic {
    let message = format!("{what} {:?} is not part of v0.3, and no component serves it", suggest::shorten(word));
    let help = suggest::did_you_mean(word, words)
        .unwrap_or_else(|| "put a component that serves it into components.directory".to_owned());
    Diagnostic::error(code, message).at(span).help(help)
}
