//! Whether two components that were asked the same said the same.

use crate::question::Answer;
use std::collections::BTreeMap;
use trackside_components::types::{Edit, Match, Verdict};

/// What two answers have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Agreement {
    /// Whether the request would have gone the same way: the same rules found, the same decision or model first, the same
    /// edits, the same ask.
    pub(super) agrees: bool,
    /// The greatest distance between their scores, where they have any: the confidence of a rule, or of a choice.
    pub(super) difference: Option<f32>,
}

impl Agreement {
    pub(super) fn of(active: &Answer, candidate: &Answer) -> Agreement {
        match (active, candidate) {
            (Answer::Signals(a), Answer::Signals(b)) => signals(a, b),
            (Answer::Order(a), Answer::Order(b)) => {
                plainly(a.first().map(|first| first.index) == b.first().map(|first| first.index))
            }
            (Answer::Choice(a), Answer::Choice(b)) => Agreement {
                agrees: a.choices.first().map(|first| first.index) == b.choices.first().map(|first| first.index),
                difference: Some((a.confidence - b.confidence).abs()),
            },
            (Answer::Edits(a), Answer::Edits(b)) => plainly(verdicts(a, b)),
            (Answer::Ask(a), Answer::Ask(b)) => {
                plainly(a.as_ref().map(|ask| &ask.text) == b.as_ref().map(|ask| &ask.text))
            }
            _ => plainly(false),
        }
    }
}

fn plainly(agrees: bool) -> Agreement {
    Agreement { agrees, difference: None }
}

/// A rule that one of them did not find has the confidence 0 there.
fn signals(active: &[Match], candidate: &[Match]) -> Agreement {
    let mut found: BTreeMap<&str, (Option<f32>, Option<f32>)> = BTreeMap::new();
    for one in active {
        found.entry(&one.rule).or_default().0 = Some(one.confidence);
    }
    for one in candidate {
        found.entry(&one.rule).or_default().1 = Some(one.confidence);
    }
    let distance = |(a, b): &(Option<f32>, Option<f32>)| (a.unwrap_or_default() - b.unwrap_or_default()).abs();
    Agreement {
        agrees: found.values().all(|(a, b)| a.is_some() == b.is_some()),
        difference: Some(found.values().map(distance).fold(0.0, f32::max)),
    }
}

fn verdicts(active: &Verdict, candidate: &Verdict) -> bool {
    match (active, candidate) {
        (Verdict::Proceed(a), Verdict::Proceed(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| edits(a, b)),
        (Verdict::Respond(a), Verdict::Respond(b)) => {
            (a.status, &a.body, &a.headers) == (b.status, &b.body, &b.headers)
        }
        (Verdict::Other(a), Verdict::Other(b)) => a == b,
        _ => false,
    }
}

fn edits(a: &Edit, b: &Edit) -> bool {
    match (a, b) {
        (Edit::SetSystemPrompt(a), Edit::SetSystemPrompt(b))
        | (Edit::PrependSystemPrompt(a), Edit::PrependSystemPrompt(b))
        | (Edit::AppendSystemPrompt(a), Edit::AppendSystemPrompt(b))
        | (Edit::RemoveHeader(a), Edit::RemoveHeader(b)) => a == b,
        (Edit::SetField(a), Edit::SetField(b)) => (&a.path, &a.json) == (&b.path, &b.json),
        (Edit::RemoveField(a), Edit::RemoveField(b)) | (Edit::RetainTools(a), Edit::RetainTools(b)) => a == b,
        (Edit::SetHeader(a), Edit::SetHeader(b)) | (Edit::Other(a), Edit::Other(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackside_components::types::{Choice, FieldValue, RankedDecision, Reply, Selection};

    fn found(rules: &[(&str, f32)]) -> Answer {
        let found = |(rule, confidence): &(&str, f32)| Match {
            rule: (*rule).to_owned(),
            confidence: *confidence,
            value: None,
            detail: String::new(),
            extra: Vec::new(),
        };
        Answer::Signals(rules.iter().map(found).collect())
    }

    #[test]
    fn signals_agree_when_they_find_the_same_rules() {
        let active = found(&[("a", 0.9), ("b", 0.5)]);
        for (candidate, agrees, difference) in [
            (found(&[("b", 0.5), ("a", 0.9)]), true, 0.0),
            (found(&[("a", 0.7), ("b", 0.5)]), true, 0.2),
            (found(&[("a", 0.9)]), false, 0.5),
            (found(&[("a", 0.9), ("b", 0.5), ("c", 1.0)]), false, 1.0),
            (found(&[]), false, 0.9),
        ] {
            let agreement = Agreement::of(&active, &candidate);
            assert_eq!(agreement.agrees, agrees, "{candidate:?}");
            assert!((agreement.difference.unwrap() - difference).abs() < 1e-6, "{candidate:?}: {agreement:?}");
        }
        assert_eq!(Agreement::of(&found(&[]), &found(&[])), Agreement { agrees: true, difference: Some(0.0) });
    }

    #[test]
    fn orders_and_choices_agree_in_what_comes_first() {
        let order = |of: &[u32]| {
            Answer::Order(of.iter().map(|index| RankedDecision { index: *index, reason: String::new() }).collect())
        };
        assert!(Agreement::of(&order(&[1, 0]), &order(&[1])).agrees);
        assert!(!Agreement::of(&order(&[1, 0]), &order(&[0, 1])).agrees);
        let choice = |index, confidence| {
            let choices = vec![Choice { index, score: 7.0, reason: String::new() }];
            Answer::Choice(Selection { choices, confidence, extra: Vec::new() })
        };
        assert_eq!(
            Agreement::of(&choice(2, 0.75), &choice(2, 0.5)),
            Agreement { agrees: true, difference: Some(0.25) }
        );
        assert!(!Agreement::of(&choice(2, 0.5), &choice(1, 0.5)).agrees);
        assert!(!Agreement::of(&order(&[1]), &choice(1, 0.5)).agrees);
    }

    #[test]
    fn plugins_agree_when_every_edit_is_the_same() {
        let field = |json: &str| Edit::SetField(FieldValue { path: vec!["a".to_owned()], json: json.to_owned() });
        let proceed = |edits: Vec<Edit>| Answer::Edits(Verdict::Proceed(edits));
        let reply = |body: &str| {
            Answer::Edits(Verdict::Respond(Reply { status: 200, headers: Vec::new(), body: body.to_owned() }))
        };
        assert!(Agreement::of(&proceed(vec![field("1")]), &proceed(vec![field("1")])).agrees);
        assert!(Agreement::of(&reply("no"), &reply("no")).agrees);
        for (a, b) in [
            (proceed(vec![field("1")]), proceed(vec![field("2")])),
            (proceed(vec![field("1")]), proceed(vec![])),
            (proceed(vec![Edit::RetainTools(vec![])]), proceed(vec![Edit::RemoveField(vec![])])),
            (reply("no"), reply("yes")),
            (proceed(vec![]), reply("no")),
        ] {
            assert!(!Agreement::of(&a, &b).agrees, "{a:?} and {b:?}");
        }
    }
}
