//! The ways to misbehave, and what is to come of each.

use crate::forge;
use crate::site::{CONTRARY, MEDDLING, MISBEHAVING, NAMED, PINNED, Site, built_in, guest};
use crate::traffic::Asked;
use trackside_tests::scrape::metric;

/// A component that misbehaves.
#[derive(Debug)]
pub struct Case {
    pub name: &'static str,
    /// The file that it takes the place of.
    pub file: &'static str,
    pub wasm: Vec<u8>,
    pub then: Then,
}

/// What comes of it.
#[derive(Debug)]
pub enum Then {
    /// No generation, and an error of this code that says this.
    Refused { code: &'static str, says: &'static str },
    /// It serves. This request goes on to this model, and is told to be served without something.
    Degraded { ask: &'static str, told: &'static str, model: &'static str },
    /// The same, and others that need the component may fare no better.
    Fails { ask: &'static str, told: &'static str, model: &'static str },
    /// It serves, and less comes through than it would like.
    Bounded { ask: &'static str, what: &'static str, holds: fn(&Asked, &Site) -> bool },
}

/// Whose word has the deeds done that are written into a component with it.
const SIGNAL: &str = "do it now";
const SELECTOR: &str = "choose now";
const PLUGIN: &str = "edit now";

pub fn all() -> Vec<Case> {
    [files(), early(), tried(), signals(), selectors(), plugins()].into_iter().flatten().collect()
}

fn case(name: &'static str, file: &'static str, wasm: Vec<u8>, then: Then) -> Case {
    Case { name, file, wasm, then }
}

fn refused(name: &'static str, wasm: Vec<u8>, code: &'static str, says: &'static str) -> Case {
    case(name, MISBEHAVING, wasm, Then::Refused { code, says })
}

/// Files that are no component, or not the one that is expected.
fn files() -> Vec<Case> {
    let good = guest(MISBEHAVING);
    let foreign = |from, to| forge::renamed(good, from, to);
    let repinned = forge::with_custom_section(built_in("signal-reask"), "x", b"");
    let elsewhere = |name, file, wasm, code, says| case(name, file, wasm, Then::Refused { code, says });
    vec![
        refused("no wasm", b"#!/bin/sh\necho hello\n".to_vec(), "E0412", "not a valid WebAssembly component"),
        refused("half of a component", good[..good.len() / 2].to_vec(), "E0412", "out of bounds"),
        refused("a core module", forge::core_module(), "E0412", "not a valid WebAssembly component"),
        refused(
            "another world",
            forge::importing("wasi:cli/environment@0.2.6"),
            "E0412",
            "does not export \"lifecycle\"",
        ),
        refused("an older contract", foreign("@0.1.0", "@0.0.9"), "E0412", "was built for trackside:router@0.0.9"),
        refused(
            "a missing export",
            foreign("/signal-evaluation@", "/signal-evaluatiom@"),
            "E0412",
            "\"signal-evaluation\"",
        ),
        refused("an unknown import", foreign("/neighbours@", "/telepathys@"), "E0412", "telepathys"),
        refused("an import that is not granted", guest("covetous").to_vec(), "E0402", "capability \"cache\""),
        elsewhere("another digest than the pinned one", PINNED, repinned, "E0413", "not the one that is pinned"),
        elsewhere("another type than the entry's", NAMED, built_in("signal-reask").to_vec(), "E0414", "reask"),
        elsewhere("a second file for one type", "twin", guest(CONTRARY).to_vec(), "E0416", "contrary"),
    ]
}

/// Before there is a request.
fn early() -> Vec<Case> {
    let good = guest(MISBEHAVING);
    let marked = |does| forge::marked(good, does);
    vec![
        refused("spins when it starts", forge::starting_with(good, forge::ENDLESS), "E0412", "deadline of 2000 ms"),
        refused("traps when it starts", forge::starting_with(good, forge::UNREACHABLE), "E0412", "unreachable"),
        refused("starts with 256 MiB", forge::with_memory(good, 4096), "E0412", "bytes of memory"),
        refused("starts with a huge table", forge::with_table(good, 50_000), "E0412", "table elements"),
        refused("consists of 100 instances", forge::with_instances(good, 100), "E0412", "instance"),
        refused("traps in describe", marked("describe trap"), "E0412", "failed in describe: trapped"),
        refused("recurses in describe", marked("describe recurse"), "E0412", "call stack exhausted"),
        refused("spins in configure", marked("configure spin"), "E0402", "failed in configure: passed its deadline"),
        refused("panics in configure", marked("configure panic"), "E0402", "failed in configure: trapped"),
        refused("allocates in configure", marked("configure allocate"), "E0402", "67108864 bytes of memory"),
        refused("refuses its settings", marked("call refuse"), "E0402", "no settings are good enough"),
    ]
}

/// In every call, which the first trial finds out.
fn tried() -> Vec<Case> {
    let marked = |does| forge::marked(guest(MISBEHAVING), does);
    vec![
        refused("always traps", marked("call trap"), "E0431", "trapped"),
        refused("always spins", marked("call spin"), "E0431", "deadline"),
        refused("always allocates", marked("call allocate"), "E0431", "memory"),
    ]
}

/// For some requests, which nobody can know before.
fn signals() -> Vec<Case> {
    let serving = |name, wasm, then| case(name, MISBEHAVING, wasm, then);
    let marked = |does| forge::marked(guest(MISBEHAVING), does);
    let spoiled = forge::spoiled(&marked("call spoil-text now"));
    let degraded = |told| Then::Degraded { ask: SIGNAL, told, model: "small" };
    let bounded = |what, holds| Then::Bounded { ask: SIGNAL, what, holds };
    vec![
        serving("traps", marked("call trap now"), degraded("misbehaving: trap")),
        serving("recurses", marked("call recurse now"), degraded("misbehaving: trap")),
        serving("spins", marked("call spin now"), degraded("misbehaving: deadline")),
        serving("waits in the host", marked("call embed-much now"), degraded("misbehaving: deadline")),
        serving("allocates", marked("call allocate now"), degraded("misbehaving: memory")),
        serving("matches 100,000 times", marked("call repeat now"), degraded("misbehaving: output")),
        serving("speaks in bytes that are no text", spoiled, degraded("misbehaving: output")),
        serving("fails", marked("call fail now"), degraded("misbehaving: failure")),
        serving("matches a rule of its own", marked("call invent now"), degraded("misbehaving: undeclared_rule")),
        serving(
            "declares something else the second time",
            marked("call declare-anew now"),
            Then::Fails { ask: "lose it", told: "misbehaving: failure", model: "small" },
        ),
        serving(
            "is not a number",
            marked("call not-a-number now"),
            bounded("its confidence is 0", |asked, _| asked.degraded().is_empty() && asked.model().is_some()),
        ),
        serving(
            "is surer than sure",
            marked("call exaggerate now"),
            bounded("its confidence is 1", |asked, _| {
                asked.degraded().is_empty() && asked.model().as_deref() == Some("even")
            }),
        ),
        serving(
            "floods the log",
            marked("call chatter now"),
            bounded("20 lines a call are written", |asked, site| {
                let page = site.router.metrics();
                let dropped = metric(&page, "trackside_component_log_dropped_total", &["component=\"misbehaving\""]);
                asked.model().as_deref() == Some("even") && dropped >= 10.0
            }),
        ),
        serving(
            "floods the metrics",
            marked("call count now"),
            bounded("50 counters are kept", |asked, site| {
                let page = site.router.metrics();
                let ours = |line: &&str| line.contains("component=\"misbehaving\"") && line.contains("name=\"number_");
                let counters =
                    page.lines().filter(|line| line.starts_with("trackside_component_metric_total")).filter(ours);
                asked.model().as_deref() == Some("even") && counters.count() <= 50
            }),
        ),
    ]
}

fn selectors() -> Vec<Case> {
    let marked = |does| forge::marked(guest(CONTRARY), does);
    let serving = |name, does, then| case(name, CONTRARY, marked(does), then);
    let degraded = |told| Then::Degraded { ask: SELECTOR, told, model: "large" };
    vec![
        serving("chooses nobody", "call choose-nobody now", degraded("contrary: unusable_choice")),
        serving("chooses strangers", "call choose-a-stranger now", degraded("contrary: unusable_choice")),
        serving("traps while it chooses", "call trap now", degraded("contrary: trap")),
        serving("chooses 100,000 times", "call choose-one-often now", degraded("contrary: output")),
        serving(
            "chooses with scores that are no numbers",
            "call be-unsure now",
            Then::Bounded {
                ask: SELECTOR,
                what: "its order counts",
                holds: |asked, _| asked.model().as_deref() == Some("small"),
            },
        ),
    ]
}

fn plugins() -> Vec<Case> {
    let marked = |does| forge::marked(guest(MEDDLING), does);
    let serving = |name, does, then| case(name, MEDDLING, marked(does), then);
    let degraded = |told| Then::Degraded { ask: PLUGIN, told, model: "small" };
    let refused = || degraded("meddling: edit_refused");
    vec![
        serving("sets fields to broken JSON", "call break-json now", refused()),
        serving("sets no field at all", "call lose-the-path now", refused()),
        serving("sets a field 10,000 objects deep", "call dig-deep now", refused()),
        serving("injects headers", "call inject-headers now", refused()),
        serving("sets the gateway's headers", "call take-over-headers now", refused()),
        serving("edits in an unknown way", "call speak-tongues now", refused()),
        serving("spins while it edits", "call spin now", degraded("meddling: deadline")),
        serving(
            "answers with a status that is none",
            "call answer-absurdly now",
            Then::Bounded {
                ask: PLUGIN,
                what: "its answer has status 200",
                holds: |asked, _| asked.status() == Some(200),
            },
        ),
    ]
}
