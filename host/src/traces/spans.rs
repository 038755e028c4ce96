//! A request as spans, under the names that those who know v0.3 look for, and with the attributes of OpenTelemetry's
//! conventions for generative AI.

use super::following::{Exchange, Request, Verdict};
use std::time::{Duration, Instant};
use trackside_extproc::Outcome;
use trackside_routing::{CallRecord, DecisionRecord};
use trackside_telemetry::trace::{Context, Kind, Span, Trace};

/// The place of the span that covers the whole stream.
const ROOT: Option<usize> = Some(0);

impl Trace for Exchange {
    fn spans(self) -> (Context, Vec<Span>) {
        let mut spans = vec![self.root()];
        if let (Some(record), Some((decided, _))) = (self.record(), &self.verdict) {
            decision(record, self.complete, *decided, &mut spans);
        }
        spans.extend(self.upstream());
        (self.context, spans)
    }
}

impl Exchange {
    fn record(&self) -> Option<&DecisionRecord> {
        match &self.verdict {
            Some((_, Verdict::Forward(record) | Verdict::Respond(_, Some(record)))) => Some(record),
            _ => None,
        }
    }

    /// The status that the client sees, as far as it passed here.
    fn status(&self) -> Option<u16> {
        match self.verdict {
            Some((_, Verdict::Respond(status, _))) => Some(status),
            _ => self.answered.map(|(_, status)| status),
        }
    }

    fn root(&self) -> Span {
        let Request { id, method, path, bytes } = &self.request;
        let mut span = Span::new("semantic_router.request.received", None, self.opened, self.ended)
            .with("request.id", id.as_str())
            .with("http.method", method.as_str())
            .with("http.request.method", method.as_str())
            .with("http.path", path.as_str())
            .with("url.path", path.as_str())
            .with("http.request.body.size", i64::try_from(*bytes).unwrap_or(i64::MAX))
            .with("gen_ai.operation.name", "chat")
            .with("trackside.outcome", self.outcome.as_str());
        span.kind = Kind::Server;
        if let Some(status) = self.status() {
            span = span.with("http.response.status_code", i64::from(status));
        }
        if let Some(record) = self.record() {
            span = about(span, record);
        }
        span.failure = match (self.outcome, self.status()) {
            (Outcome::Failed(code), _) => Some(format!("{code:?}")),
            (Outcome::Cancelled, _) => Some("the gateway left".to_owned()),
            (_, Some(status @ 500..)) => Some(format!("status {status}")),
            _ => None,
        };
        span
    }

    /// The time that the model took until its first words, seen from here.
    fn upstream(&self) -> Option<Span> {
        let Some((sent, Verdict::Forward(record))) = &self.verdict else { return None };
        let (answered, status) = self.answered?;
        let model = record.selected_model.as_deref().unwrap_or_default();
        let mut span = Span::new("semantic_router.upstream.request", ROOT, *sent, answered)
            .with("gen_ai.operation.name", "chat")
            // The dialect that is spoken with it; who made the model is not known here.
            .with("gen_ai.provider.name", "openai")
            .with("gen_ai.request.model", model)
            .with("model.name", model)
            .with("http.response.status_code", i64::from(status));
        span.kind = Kind::Client;
        span.failure = (status >= 400).then(|| format!("status {status}"));
        Some(span)
    }
}

fn about(span: Span, record: &DecisionRecord) -> Span {
    let selected = record.selected_model.as_deref().unwrap_or_default();
    span.with("gen_ai.request.model", record.original_model.as_str())
        .with("routing.original_model", record.original_model.as_str())
        .with("routing.selected_model", selected)
        .with("routing.strategy", record.algorithm.as_str())
        .with("routing.reason", record.reason_code.as_str())
        .with("decision.name", record.decision.as_deref().unwrap_or_default())
        .with("model.reasoning_enabled", record.use_reasoning)
        .with("trackside.generation", i64::try_from(record.generation).unwrap_or(i64::MAX))
        .with("trackside.degraded", record.degraded.clone())
}

/// Everything between the complete request and the answer. Signals run side by side, then the rest one after the other.
fn decision(record: &DecisionRecord, complete: Instant, decided: Instant, spans: &mut Vec<Span>) {
    let of = |role: &'static str| record.calls.iter().filter(move |call| call.role == role);
    let found = of("signal").map(end).max().unwrap_or(complete).min(decided);
    if of("signal").next().is_some() {
        let begun = of("signal").map(|call| call.started).min().unwrap_or(complete);
        spans.push(Span::new("semantic_router.signal.evaluation", ROOT, begun, found));
        let parent = Some(spans.len() - 1);
        spans.extend(of("signal").map(|call| signal(record, call, parent)));
    }
    let rest = |call: &&CallRecord| !["signal", "ranking", "ask"].contains(&call.role);
    let next = record.calls.iter().filter(rest).map(|call| call.started).min().unwrap_or(decided);
    if !record.evaluated.is_empty() {
        let ranked = of("ranking").map(end).max().unwrap_or(next);
        let rules =
            record.signals.iter().map(|signal| format!("{}:{}", signal.signal, signal.rule)).collect::<Vec<_>>();
        let strategy = of("ranking").next_back().map(|call| call.component.as_str()).unwrap_or_default();
        let span = Span::new("semantic_router.decision.evaluation", ROOT, found, ranked)
            .with("decision.name", record.decision.as_deref().unwrap_or_default())
            .with("decision.confidence", f64::from(record.confidence))
            .with("decision.matched_rules", rules)
            .with("decision.strategy", strategy);
        spans.push(span);
    }
    spans.extend(of("selector").map(|call| {
        called("semantic_router.model.selection", call, ROOT)
            .with("routing.strategy", call.component.as_str())
            .with("routing.reason", record.selection_reason.as_str())
            .with("model.name", record.selected_model.as_deref().unwrap_or_default())
    }));
    spans.extend(of("request-plugin").map(|call| {
        called("semantic_router.plugin.execution", call, ROOT)
            .with("plugin.type", call.component.as_str())
            .with("plugin.decision", record.decision.as_deref().unwrap_or_default())
            .with("plugin.status", if call.outcome == "ok" { "success" } else { call.outcome })
            .with("plugin.latency_ms", call.time_us / 1e3)
    }));
}

fn signal(record: &DecisionRecord, call: &CallRecord, parent: Option<usize>) -> Span {
    let found: Vec<_> = record.signals.iter().filter(|signal| signal.signal == call.component).collect();
    let surest = found.iter().map(|signal| f64::from(signal.confidence)).fold(0.0, f64::max);
    called(format!("semantic_router.signal.{}", call.component), call, parent)
        .with("signal.type", call.component.as_str())
        .with("signal.matched_rules", found.iter().map(|signal| signal.rule.clone()).collect::<Vec<_>>())
        .with("signal.confidence", surest)
        .with("signal.latency_ms", call.time_us / 1e3)
}

fn called(name: impl Into<std::borrow::Cow<'static, str>>, call: &CallRecord, parent: Option<usize>) -> Span {
    let mut span =
        Span::new(name, parent, call.started, end(call)).with("trackside.component.digest", call.digest.as_str());
    span.failure = (call.outcome != "ok").then(|| call.outcome.to_owned());
    span
}

fn end(call: &CallRecord) -> Instant {
    call.started + Duration::try_from_secs_f64(call.time_us / 1e6).unwrap_or_default()
}
