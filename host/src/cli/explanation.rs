//! An answer of the router in words and tables.

use super::changes::Changes;
use super::table::{plain, table};
use crate::assemble::Embeddings;
use bytes::Bytes;
use serde_json::{Value, json};
use std::fmt::Write;
use trackside_routing::{Answer, DecisionRecord, Forward, Reply};

/// One request with its answer.
#[derive(Debug)]
pub(super) struct Explanation<'a> {
    pub(super) body: &'a Bytes,
    pub(super) answer: &'a Answer,
    pub(super) embeddings: &'a Embeddings,
}

impl Explanation<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        match self.answer {
            Answer::Forward(forward) => {
                self.verdict(&mut out, &forward.record);
                evidence(&mut out, &forward.record);
                self.request(&mut out, forward);
            }
            Answer::Respond(reply) => {
                if let Some(record) = &reply.record {
                    self.verdict(&mut out, record);
                    evidence(&mut out, record);
                }
                response(&mut out, reply);
            }
        }
        out
    }

    /// For programs: the decision record, and what becomes of the request.
    pub(super) fn json(&self) -> Value {
        match self.answer {
            Answer::Forward(forward) => json!({
                "action": "forward",
                "embedding": self.embeddings.json(),
                "record": *forward.record,
                "body": value(forward.body.as_ref().unwrap_or(self.body)),
                "set_headers": pairs(&forward.set_headers),
                "remove_headers": forward.remove_headers,
                "clear_route_cache": forward.clear_route_cache,
                "response_headers": pairs(&forward.response_headers),
            }),
            Answer::Respond(reply) => json!({
                "action": "respond",
                "embedding": self.embeddings.json(),
                "record": reply.record.as_deref(),
                "status": reply.status,
                "headers": pairs(&reply.headers),
                "body": value(&reply.body),
            }),
        }
    }

    fn verdict(&self, out: &mut String, record: &DecisionRecord) {
        let decision = match &record.decision {
            Some(name) => format!("{} (confidence {:.4})", plain(name), record.confidence),
            None => "none matched".to_owned(),
        };
        let model = record.selected_model.as_deref().unwrap_or("none");
        let model = format!("{} (asked for {})", plain(model), plain(&record.original_model));
        let mut line = |name: &str, value: &str| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "{name:<10} {value}");
        };
        line("profile", &plain(record.profile.as_deref().unwrap_or("none: the client named a model")));
        line("decision", &decision);
        line("model", &model);
        line("reason", record.reason_code.as_str());
        line("category", &plain(record.category.as_deref().unwrap_or("none")));
        line("selection", &plain(&format!("{}: {}", record.algorithm, record.selection_reason)));
        line("reasoning", if record.use_reasoning { "on" } else { "off" });
        line("embedding", &plain(&self.embeddings.to_string()));
        line("took", &format!("{:.3} ms, generation {}", record.routing_latency_ms, record.generation));
    }

    /// What becomes of the request.
    fn request(&self, out: &mut String, forward: &Forward) {
        let after = forward.body.as_ref().unwrap_or(self.body);
        let changes = Changes::between(self.body, after);
        let mut rows = vec![
            ["body".to_owned(), format!("{} -> {} bytes", self.body.len(), after.len())],
            ["system prompt".to_owned(), changes.system_prompt.as_str().to_owned()],
        ];
        rows.extend(changes.fields.iter().map(|(name, value)| match value {
            Some(value) => ["set".to_owned(), plain(&format!("{name}: {value}"))],
            None => ["removed".to_owned(), plain(name)],
        }));
        rows.extend(forward.set_headers.iter().map(|(name, value)| ["header".to_owned(), format!("{name}: {value}")]));
        rows.extend(forward.remove_headers.iter().map(|name| ["no header".to_owned(), name.clone()]));
        table(out, "Request", &rows);
        let headers = forward.response_headers.iter();
        table(out, "Response headers", &headers.map(|(name, value)| [format!("{name}: {value}")]).collect::<Vec<_>>());
    }
}

fn evidence(out: &mut String, record: &DecisionRecord) {
    let signals = record.signals.iter().map(|found| {
        let value = found.value.map(|value| format!("value {value}")).unwrap_or_default();
        let name = [plain(&found.signal), plain(&found.rule)].join(":");
        [name, format!("{:.4}", found.confidence), value, plain(&found.detail)]
    });
    table(out, "Signals found", &signals.collect::<Vec<_>>());
    let scores = record.scores.iter().map(|score| [plain(&score.score), format!("{:.4}", score.value)]);
    table(out, "Scores of projections", &scores.collect::<Vec<_>>());
    let ranked = record.ranked.iter().map(|ranked| {
        let tier = format!("tier {}", ranked.tier);
        let confidence = format!("confidence {:.4}", ranked.confidence);
        let priority = format!("priority {}", ranked.priority);
        [plain(&ranked.decision), priority, tier, confidence, plain(&ranked.reason)]
    });
    table(out, "Decisions matched, best first", &ranked.collect::<Vec<_>>());
    let calls = record.calls.iter().map(|call| {
        let took = format!("{:.1} us", call.time_us);
        [call.role.to_owned(), plain(&call.component), call.digest.clone(), call.outcome.to_owned(), took]
    });
    table(out, "Component calls", &calls.collect::<Vec<_>>());
    table(out, "Degraded", &record.degraded.iter().map(|what| [plain(what)]).collect::<Vec<_>>());
}

fn response(out: &mut String, reply: &Reply) {
    let mut rows = vec![["status".to_owned(), reply.status.to_string()]];
    rows.extend(reply.headers.iter().map(|(name, value)| ["header".to_owned(), plain(&format!("{name}: {value}"))]));
    rows.push(["body".to_owned(), plain(&String::from_utf8_lossy(&reply.body))]);
    table(out, "Answered without a model", &rows);
}

fn value(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

fn pairs(headers: &[(String, String)]) -> Value {
    headers.iter().map(|(name, value)| json!([name, value])).collect()
}
