//! A decision's `rules`, and a complexity's `composer`: a tree of operators over references to signals.

use crate::{
    Diagnostic, Leaf, Place, Predicate, Report, Rule, SignalRules, Span, codes, path, suggest, view::View, words,
    yaml::Value,
};
use std::collections::{BTreeMap, HashSet};

/// Deepest nesting of rules. Routing recurses over them once per request.
const MAX_DEPTH: usize = 64;

const OPERATORS: [&str; 3] = ["AND", "OR", "NOT"];
const BRANCH_KEYS: [&str; 2] = ["operator", "conditions"];
const LEAF_KEYS: [&str; 5] = ["type", "name", "label", "predicate", "on_error"];
const BOUNDS: [&str; 4] = ["gt", "gte", "lt", "lte"];

/// A reference to a signal, and who refers to it.
#[derive(Clone, Debug)]
pub(crate) struct LeafUse {
    pub(crate) signal: String,
    pub(crate) name: String,
    /// The decision, or the signal's rule that a composer belongs to.
    pub(crate) owner: String,
    pub(crate) span: Span,
    pub(crate) place: Place,
}

/// The names that leaves may use, by signal type. A type without an entry declares nothing.
pub(super) struct Names(BTreeMap<String, HashSet<String>>);

impl Names {
    pub(super) fn new(routing: &View<'_>, signals: &BTreeMap<String, SignalRules>) -> Self {
        let mut names = BTreeMap::new();
        for (kind, rules) in signals {
            let mut of_kind: HashSet<String> = HashSet::new();
            for rule in &rules.rules {
                match kind.as_str() {
                    // Leaves name the role that a binding gives, not the binding.
                    "authz" => of_kind.extend(rule.settings.get("role").and_then(|r| r.as_str()).map(str::to_owned)),
                    "domain" => {
                        let categories = rule.settings.get("mmlu_categories").and_then(|c| c.as_array());
                        of_kind.extend(categories.into_iter().flatten().filter_map(|c| c.as_str()).map(str::to_owned));
                        of_kind.insert(rule.name.clone());
                    }
                    _ => {
                        of_kind.insert(rule.name.clone());
                    }
                }
            }
            names.insert(kind.clone(), of_kind);
        }
        let outputs = path::find(routing, "projections.mappings[].outputs[].name");
        let outputs = outputs.iter().filter_map(|v| v.node.as_text()).map(str::to_owned).collect();
        names.insert(words::PROJECTION.to_owned(), outputs);
        // With no domains declared, each one that is named exists.
        names.retain(|kind, of_kind| kind != "domain" || !of_kind.is_empty());
        Self(names)
    }

    /// Whether a leaf may refer to this name.
    pub(super) fn has(&self, signal: &str, name: &str) -> bool {
        let base = base(signal, name);
        match self.0.get(signal) {
            Some(names) => names.contains(base),
            // Undeclared domains are made up; a type that v0.3 does not have is judged once it is known what is served.
            None => signal == "domain" || words::signal_section(signal).is_none(),
        }
    }

    /// The error for a reference (`type` and `name`) to a signal that is not declared.
    pub(super) fn undeclared(&self, view: &View<'_>, signal: &str, name: &str) -> Option<Diagnostic> {
        if self.has(signal, name) {
            return None;
        }
        let section = words::signal_section(signal).unwrap_or(signal);
        let message = match signal {
            words::PROJECTION => format!("{} names projection {name:?}, which no mapping puts out", view.place),
            _ => format!("{} names {signal} {name:?}, which routing.signals.{section} does not declare", view.place),
        };
        let names = self.0.get(signal).into_iter().flatten().map(String::as_str);
        let help = suggest::did_you_mean(base(signal, name), names)
            .or_else(|| (signal == "authz").then(|| "name the role, not the binding that gives it".to_owned()));
        Some(Diagnostic::error(codes::UNDECLARED_SIGNAL, message).at(view.span_of("name")).help(help))
    }
}

/// The rule behind a name: a complexity has one for each level.
fn base<'n>(signal: &str, name: &'n str) -> &'n str {
    if signal == "complexity" { name.split(':').next().unwrap_or_default() } else { name }
}

/// Reads the rules of one decision, or a composer.
pub(super) struct Reader<'r> {
    pub(super) owner: &'r str,
    /// What conditions without an operator are joined by; empty where that is an error.
    pub(super) no_operator: &'r str,
    pub(super) names: &'r Names,
    pub(super) leaves: &'r mut Vec<LeafUse>,
    pub(super) report: &'r mut Report,
}

impl Reader<'_> {
    /// The rules at the root; omitted or empty means always.
    pub(super) fn root(&mut self, rules: Option<View<'_>>) -> Rule {
        match rules {
            None => Rule::Always,
            Some(view) if matches!(view.node.value, Value::Mapping(_)) && view.node.is_empty() => Rule::Always,
            Some(view) => self.rule(&view, 1),
        }
    }

    /// What is wrong is reported and read as a rule that never holds; an error keeps it from being served anyway.
    fn rule(&mut self, view: &View<'_>, depth: usize) -> Rule {
        if depth > MAX_DEPTH {
            self.error(
                codes::RULES_TOO_DEEP,
                view.head,
                format!("rules are nested deeper than {MAX_DEPTH} levels"),
                None,
            );
            return Rule::Or(Vec::new());
        }
        self.unknown_keys(view);
        let has = |keys: &[&str]| keys.iter().any(|key| view.get(key).is_some());
        match (has(&BRANCH_KEYS), has(&LEAF_KEYS)) {
            (true, false) => self.branch(view, depth),
            (false, true) => self.leaf(view).map_or_else(|| Rule::Or(Vec::new()), Rule::Leaf),
            (both, _) => {
                let message = if both {
                    format!("{} has both an operator and a signal", view.place)
                } else {
                    format!(
                        "{} takes a signal (type and name) or an operator with conditions, not {}",
                        view.place,
                        view.node.kind()
                    )
                };
                let help = "put the signal among the conditions".to_owned();
                self.error(codes::BAD_RULE, view.head, message, both.then_some(help));
                Rule::Or(Vec::new())
            }
        }
    }

    fn branch(&mut self, view: &View<'_>, depth: usize) -> Rule {
        let conditions = view.get("conditions");
        if let Some(wrong) = conditions.as_ref().filter(|c| !matches!(c.node.value, Value::Sequence(_))) {
            let message = format!("{} takes a list of rules, not {}", wrong.place, wrong.node.kind());
            self.error(codes::WRONG_TYPE, wrong.head, message, None);
        }
        let mut children: Vec<Rule> = view.list("conditions").iter().map(|c| self.rule(c, depth + 1)).collect();
        let operator = view.text("operator").unwrap_or(self.no_operator);
        match operator {
            "AND" => Rule::And(children),
            "OR" => {
                if children.is_empty() {
                    let message = format!("{} never matches: it is an OR without conditions", view.place);
                    self.report.push(Diagnostic::warning(codes::EMPTY_OR, message).at(view.head));
                }
                Rule::Or(children)
            }
            "NOT" => match (children.pop(), children.len()) {
                (Some(child), 0) => Rule::Not(Box::new(child)),
                (child, rest) => {
                    let found = rest + usize::from(child.is_some());
                    let message = format!("{}: NOT takes exactly one condition, not {found}", view.place);
                    let help = (found > 1).then(|| "put them under an OR or an AND inside the NOT".to_owned());
                    self.error(codes::NOT_ARITY, view.head, message, help);
                    Rule::Or(Vec::new())
                }
            },
            other => {
                let message = match other {
                    "" => format!("{} has conditions but no operator", view.place),
                    _ => format!("{} has the unknown operator {:?}", view.place, suggest::shorten(other)),
                };
                let help = suggest::did_you_mean(other, OPERATORS);
                let help = help.unwrap_or_else(|| "write AND, OR or NOT; v0.3 reads anything else as OR".to_owned());
                self.error(codes::UNKNOWN_OPERATOR, view.span_of("operator"), message, Some(help));
                Rule::Or(children)
            }
        }
    }

    fn leaf(&mut self, view: &View<'_>) -> Option<Leaf> {
        let signal = view.string("type");
        let name = view.string("name");
        for (key, value) in [("type", &signal), ("name", &name)] {
            if value.is_empty() {
                self.error(codes::MISSING_KEY, view.head, format!("{} has no {key}", view.place), None);
            }
        }
        let predicate = view.get("predicate").and_then(|p| self.predicate(&p));
        if signal.is_empty() || name.is_empty() {
            return None;
        }
        self.form(view, &signal, &name);
        self.report.extend(self.names.undeclared(view, &signal, &name));
        let (span, place) = (view.span_of("type"), view.place.clone());
        self.leaves.push(LeafUse {
            signal: signal.clone(),
            name: name.clone(),
            owner: self.owner.to_owned(),
            span,
            place,
        });
        Some(Leaf { signal, name, label: view.text("label").map(str::to_owned), predicate })
    }

    /// How leaves of each type are written.
    fn form(&mut self, view: &View<'_>, signal: &str, name: &str) {
        if signal == "classifier" {
            for key in ["label", "predicate"].into_iter().filter(|key| view.get(key).is_none()) {
                self.error(codes::BAD_LEAF, view.head, format!("{}: a classifier needs a {key}", view.place), None);
            }
        } else if words::signal_section(signal).is_some() {
            for key in ["label", "on_error"].into_iter().filter_map(|key| view.get(key)) {
                self.error(codes::BAD_LEAF, key.head, format!("{} is only for classifiers", key.place), None);
            }
        }
        if signal == "complexity" && !name.split_once(':').is_some_and(|(_, level)| words::LEVELS.contains(&level)) {
            let message = format!("{} names {name:?}: a complexity is RULE:hard, RULE:medium or RULE:easy", view.place);
            self.error(codes::BAD_LEAF, view.span_of("name"), message, None);
        }
    }

    fn predicate(&mut self, view: &View<'_>) -> Option<Predicate> {
        let mut wrong = None;
        for (key, value) in view.entries() {
            if !BOUNDS.contains(&key) || value.node.as_number().is_none() {
                wrong = Some(value);
            }
        }
        let predicate = Predicate {
            gt: view.number("gt"),
            gte: view.number("gte"),
            lt: view.number("lt"),
            lte: view.number("lte"),
        };
        if wrong.is_some() || predicate == Predicate::default() {
            let message = format!("{} takes at least one of gt, gte, lt and lte, each with a number", view.place);
            self.error(codes::BAD_PREDICATE, wrong.map_or(view.head, |w| w.head), message, None);
        }
        Some(predicate)
    }

    fn unknown_keys(&mut self, view: &View<'_>) {
        let known = || BRANCH_KEYS.into_iter().chain(LEAF_KEYS);
        for (key, value) in view.entries().filter(|(key, _)| !known().any(|k| k == *key)) {
            let message = format!("v0.3 does not have {}: it has no effect", value.place);
            let help = suggest::did_you_mean(key, known());
            self.report.push(Diagnostic::warning(codes::UNKNOWN_KEY, message).at(value.head).help(help));
        }
    }

    fn error(&mut self, code: crate::Code, span: Span, message: String, help: Option<String>) {
        self.report.push(Diagnostic::error(code, message).at(span).help(help));
    }
}
