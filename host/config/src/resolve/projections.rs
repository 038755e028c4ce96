//! `routing.projections`: what is derived from signals before decisions see them.

use super::{
    rules::{LeafUse, Names},
    unique,
};
use crate::{
    Diagnostic, Emit, InputValue, Mapping, MappingOutput, Partition, Predicate, Projections, Reference, Report, Score,
    ScoreInput, Semantics, codes, suggest, view::View, words,
};
use std::collections::{BTreeSet, HashMap};

/// How fast the confidence of an output grows unless the mapping says otherwise.
const DEFAULT_SLOPE: f64 = 12.0;

/// The input type that reads a knowledge base.
const KB_METRIC: &str = "kb_metric";

/// The names that projections may refer to, and what they add to what is referred to.
pub(super) struct Scope<'s> {
    pub(super) names: &'s Names,
    pub(super) leaves: &'s mut Vec<LeafUse>,
    pub(super) report: &'s mut Report,
}

pub(super) fn projections(routing: &View<'_>, scope: &mut Scope<'_>) -> Projections {
    let Some(view) = routing.get("projections") else { return Projections::default() };
    let partitions = unique(view.list("partitions"), "name", scope.report);
    let partitions = partitions.into_iter().filter_map(|(name, view)| partition(name, &view, scope)).collect();
    let scores = unique(view.list("scores"), "name", scope.report);
    let mappings = unique(view.list("mappings"), "name", scope.report);
    let known = Known::new(&scores, &mappings);
    let mut resolved: Vec<Score> = scores.iter().map(|(name, view)| known.score(name, view, scope)).collect();
    for (name, view) in &mappings {
        known.attach(name, view, &mut resolved, scope.report);
    }
    check_outputs(&mappings, scope.report);
    let scores = known.in_order(resolved, &scores, scope.report);
    Projections { partitions, scores, embedding_top_k: None }
}

fn partition(name: String, view: &View<'_>, scope: &mut Scope<'_>) -> Option<Partition> {
    let members = view.texts("members");
    let default = view.string("default");
    let mut wrong = |span, message: String| {
        scope.report.push(Diagnostic::error(codes::PARTITION, message).at(span));
    };
    if members.is_empty() {
        wrong(view.span_of("members"), format!("{view} has no members"));
        return None;
    }
    let of = |kind: &str| members.iter().all(|member| scope.names.has(kind, member));
    let Some(signal) = ["embedding", "domain"].into_iter().find(|kind| of(kind)) else {
        let known = |m: &&String| !["embedding", "domain"].iter().any(|kind| scope.names.has(kind, m));
        let message = match members.iter().find(known) {
            Some(unknown) => format!("{view} has the member {unknown:?}, which is no declared domain or embedding"),
            None => format!("{view} has domains and embeddings as members: all have to be of one type"),
        };
        wrong(view.span_of("members"), message);
        return None;
    };
    if !members.contains(&default) {
        wrong(view.span_of("default"), format!("{view} has the default {default:?}, which is none of its members"));
    }
    let semantics = match view.text("semantics") {
        Some("softmax_exclusive") => {
            let temperature = view.number("temperature").filter(|t| *t > 0.0);
            if temperature.is_none() {
                wrong(view.span_of("temperature"), format!("{view} needs a temperature above 0 for its softmax"));
            }
            Semantics::Softmax(temperature.unwrap_or(1.0))
        }
        _ => Semantics::Exclusive,
    };
    Some(Partition { name, signal: signal.to_owned(), members, default, semantics })
}

/// Which scores there are, and where the outputs come from.
struct Known<'k> {
    scores: HashMap<&'k str, usize>,
    /// The score that an output's mapping reads.
    outputs: HashMap<&'k str, &'k str>,
}

impl<'k> Known<'k> {
    fn new(scores: &'k [(String, View<'k>)], mappings: &'k [(String, View<'k>)]) -> Self {
        let outputs = mappings.iter().flat_map(|(_, view)| {
            let source = view.text("source").unwrap_or_default();
            view.list("outputs")
                .into_iter()
                .filter_map(move |output| Some((output.node.get("name")?.as_text()?, source)))
        });
        Self {
            scores: scores.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect(),
            outputs: outputs.collect(),
        }
    }

    fn score(&self, name: &str, view: &View<'_>, scope: &mut Scope<'_>) -> Score {
        let inputs = view.list("inputs");
        let inputs = inputs.iter().filter_map(|input| {
            let value = self.value(name, input, scope)?;
            Some(ScoreInput { weight: input.number("weight").unwrap_or_default(), value })
        });
        Score { name: name.to_owned(), inputs: inputs.collect(), mappings: Vec::new() }
    }

    /// `None` for what has no value: something undeclared, which is an error, or a knowledge base, which is not done.
    fn value(&self, owner: &str, view: &View<'_>, scope: &mut Scope<'_>) -> Option<InputValue> {
        let kind = view.text("type")?;
        if kind == KB_METRIC {
            return None;
        }
        let Some(name) = view.text("name").filter(|name| !name.is_empty()) else {
            scope.report.push(crate::shape::missing(view, "name"));
            return None;
        };
        if kind == words::PROJECTION {
            return self.projection(view, name, scope.report);
        }
        if let Some(diagnostic) = scope.names.undeclared(view, kind, name) {
            scope.report.push(diagnostic);
            return None;
        }
        scope.leaves.push(LeafUse {
            signal: kind.to_owned(),
            name: name.to_owned(),
            owner: owner.to_owned(),
            span: view.span_of("type"),
            place: view.place.clone(),
        });
        let of = Reference { signal: kind.to_owned(), name: name.to_owned() };
        Some(match view.text("value_source") {
            Some("confidence") => InputValue::Confidence(of),
            Some("raw") => InputValue::Raw(of),
            // A match that is worth nothing is one that nobody set.
            _ => InputValue::Binary {
                of,
                hit: view.number("match").filter(|hit| *hit != 0.0).unwrap_or(1.0),
                miss: view.number("miss").unwrap_or_default(),
            },
        })
    }

    fn projection(&self, view: &View<'_>, name: &str, report: &mut Report) -> Option<InputValue> {
        let output = view.text("value_source") == Some("confidence");
        let known = if output { self.outputs.contains_key(name) } else { self.scores.contains_key(name) };
        if known {
            return Some(if output { InputValue::Output(name.to_owned()) } else { InputValue::Score(name.to_owned()) });
        }
        let what = if output { "output of a mapping" } else { "score" };
        let message = format!("{} names {name:?}, which is no {what}", view.place);
        let names: Vec<&str> =
            if output { self.outputs.keys().copied().collect() } else { self.scores.keys().copied().collect() };
        let help = suggest::did_you_mean(name, names);
        report.push(Diagnostic::error(codes::UNKNOWN_SCORE, message).at(view.span_of("name")).help(help));
        None
    }

    /// Puts a mapping to the score that it reads.
    fn attach(&self, name: &str, view: &View<'_>, scores: &mut [Score], report: &mut Report) {
        let source = view.string("source");
        let Some(score) = self.scores.get(source.as_str()).and_then(|at| scores.get_mut(*at)) else {
            let message = format!("{view} reads the score {source:?}, which is not declared");
            let help = suggest::did_you_mean(&source, self.scores.keys().copied());
            report.push(Diagnostic::error(codes::UNKNOWN_SCORE, message).at(view.span_of("source")).help(help));
            return;
        };
        let emit = if view.text("method") == Some("multi_emit") { Emit::All } else { Emit::First };
        let slope = view.get("calibration").and_then(|c| c.number("slope")).filter(|slope| *slope > 0.0);
        let outputs = view.list("outputs");
        let (found, needed) = (outputs.len(), if emit == Emit::All { 2 } else { 1 });
        if found < needed {
            let message = format!("{view} has {found} outputs, and its method needs at least {needed}");
            report.push(Diagnostic::error(codes::MAPPING, message).at(view.span_of("outputs")));
        }
        score.mappings.push(Mapping {
            name: name.to_owned(),
            emit,
            slope: slope.unwrap_or(DEFAULT_SLOPE),
            outputs: outputs.iter().map(output).collect(),
        });
    }

    /// The scores, each behind those that it reads. A circle is an error and left out.
    fn in_order(&self, scores: Vec<Score>, views: &[(String, View<'_>)], report: &mut Report) -> Vec<Score> {
        let reads = |score: &Score| -> BTreeSet<usize> {
            let of = |input: &ScoreInput| match &input.value {
                InputValue::Score(name) => self.scores.get(name.as_str()).copied(),
                InputValue::Output(name) => self.scores.get(self.outputs.get(name.as_str())?).copied(),
                _ => None,
            };
            score.inputs.iter().filter_map(of).collect()
        };
        let mut waiting_for: Vec<usize> = Vec::with_capacity(scores.len());
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); scores.len()];
        for (at, score) in scores.iter().enumerate() {
            let reads = reads(score);
            waiting_for.push(reads.len());
            for read in reads {
                readers.get_mut(read).into_iter().for_each(|readers| readers.push(at));
            }
        }
        let mut ready: BTreeSet<usize> =
            waiting_for.iter().enumerate().filter(|(_, n)| **n == 0).map(|(at, _)| at).collect();
        let mut left: Vec<Option<Score>> = scores.into_iter().map(Some).collect();
        let mut ordered = Vec::with_capacity(left.len());
        while let Some(at) = ready.pop_first() {
            ordered.extend(left.get_mut(at).and_then(Option::take));
            for reader in readers.get(at).into_iter().flatten() {
                if let Some(n) = waiting_for.get_mut(*reader) {
                    *n -= 1;
                    ready.extend((*n == 0).then_some(*reader));
                }
            }
        }
        let circle: Vec<&str> = left.iter().flatten().map(|score| score.name.as_str()).collect();
        let first = left.iter().position(Option::is_some).and_then(|at| views.get(at));
        if let Some((_, first)) = first {
            let message = format!("scores read each other in a circle: {}", suggest::list(circle));
            report.push(Diagnostic::error(codes::SCORE_CIRCLE, message).at(first.head));
        }
        ordered
    }
}

fn output(view: &View<'_>) -> MappingOutput {
    let bounds =
        Predicate { gt: view.number("gt"), gte: view.number("gte"), lt: view.number("lt"), lte: view.number("lte") };
    MappingOutput { name: view.string("name"), bounds }
}

/// Leaves refer to outputs by name alone.
fn check_outputs(mappings: &[(String, View<'_>)], report: &mut Report) {
    let outputs = mappings.iter().flat_map(|(_, mapping)| mapping.list("outputs")).collect();
    unique(outputs, "name", report);
}
