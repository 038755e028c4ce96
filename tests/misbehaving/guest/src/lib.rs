//! A signal that does what its rules say, which is mostly wrong.
#![allow(clippy::panic, reason = "it is here to misbehave")]

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;
use std::hint::black_box;
use trackside_sdk::{
    Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, current, failure, key_value, log, matched,
    metrics,
};

mod compare;

/// One thing to do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    name: String,
    does: Deed,
}

/// What a rule may do.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Matches, with certainty.
    Match,
    /// Executes `unreachable`.
    Trap,
    /// Panics.
    Panic,
    /// Calls itself without end.
    Recurse,
    /// Never returns.
    Spin,
    /// Spins when the text is `spin`, and matches otherwise.
    SpinIfAsked,
    /// Allocates without end.
    Allocate,
    /// Keeps 14 MiB.
    Hoard,
    /// Answers with 100 MB.
    AnswerMuch,
    /// Logs 100 MB.
    LogMuch,
    /// Waits in a capability until it is stopped.
    Wait,
    /// Is sure to a degree that is not a number.
    NotANumber,
    /// Is surer than sure, and says why in 1000 bytes.
    Exaggerate,
    /// Matches a rule that nobody configured.
    Invent,
    /// Fails as a component should.
    Fail,
    /// Writes 30 lines.
    Chatter,
    /// Uses 100 metric names.
    Count,
    /// Uses a hash map, whose seed comes from WASI.
    Hash,
    /// Asks WASI for the time.
    ReadWasiClock,
    /// Tells what the getters answer.
    Read,
    /// Compares the request with a bank.
    Compare,
    /// Asks a bank of prototypes and a bank of everything for scores.
    Score,
    /// Asks a head.
    Classify,
    /// Asks the index in its artefact.
    FindNeighbours,
    /// Reads its artefact in `configure` and outside of it.
    ReadArtefact,
    /// Declares what may not be declared.
    DeclareWrongly,
    /// Declares one name three times, as something else each time.
    DeclareAgain,
    /// Declares something else each time that `configure` is called.
    DeclareAnew,
    /// Declares everything outside of `configure`.
    DeclareLate,
    /// Asks for what is not there.
    AskWrongly,
    /// Counts its calls.
    Remember,
    /// `configure` never returns.
    SpinInConfigure,
    /// `configure` traps.
    TrapInConfigure,
    /// `configure` refuses the settings.
    Refuse,
}

/// The rules, in order, and what `configure` was told.
#[derive(Debug)]
pub struct Misbehaving {
    rules: Vec<Rule>,
    told: Vec<String>,
}

impl Component for Misbehaving {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "misbehaving";
    const NEEDS: &'static [Need] = &[Need::Text, Need::Embedding];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        let mut told = Vec::new();
        for rule in &settings.rules {
            match rule.does {
                Deed::SpinInConfigure => spin(),
                Deed::TrapInConfigure => trap(),
                Deed::Refuse => return Err(failure("invalid-settings", "no settings are good enough")),
                deed => told.extend(compare::declare(deed)?),
            }
        }
        Ok(Self { rules: settings.rules, told })
    }
}

impl Signal for Misbehaving {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let mut found = Vec::new();
        for Rule { name, does } in &self.rules {
            match compare::ask(*does, head, &self.told)? {
                Some(detail) => found.push(matched(name, 1.0, detail)),
                None => found.extend(act(*does, name, head)?),
            }
        }
        Ok(found)
    }
}

fn act(deed: Deed, name: &str, head: &RequestHead) -> Result<Vec<Match>, Failure> {
    let detail = match deed {
        Deed::Trap => trap(),
        Deed::Panic => panic!("on purpose"),
        Deed::Recurse => recurse(1).to_string(),
        Deed::Spin => spin(),
        Deed::SpinIfAsked if head.text == "spin" => spin(),
        Deed::Allocate => allocate(),
        Deed::Hoard => hoard(14 << 20),
        Deed::AnswerMuch => "x".repeat(100_000_000),
        Deed::LogMuch => {
            log::write(2, &"x".repeat(100_000_000));
            String::new()
        }
        Deed::Wait => format!("{:?}", key_value::get("forever")?),
        Deed::NotANumber => return Ok(vec![matched(name, f32::NAN, "")]),
        Deed::Exaggerate => return Ok(vec![matched(name, 7.0, "é".repeat(500))]),
        Deed::Invent => return Ok(vec![matched("invented", 1.0, "")]),
        Deed::Fail => return Err(failure("internal", "it did not work out")),
        Deed::Chatter => {
            (0..30).for_each(|line| log::write(2, &format!("line {line}")));
            String::new()
        }
        Deed::Count => {
            (0..100).for_each(|number| metrics::add(&format!("number_{number}"), 1.0));
            String::new()
        }
        Deed::Hash => HashMap::from([(head.text.as_str(), 1)]).len().to_string(),
        Deed::ReadWasiClock => format!("{:?}", std::time::SystemTime::now()),
        Deed::Read => read(),
        Deed::Remember => key_value::add("calls", 1, 0)?.to_string(),
        _ => String::new(),
    };
    Ok(vec![matched(name, 1.0, detail)])
}

fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    std::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    unreachable!("this component runs as wasm")
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

#[allow(unconditional_recursion, reason = "that is the point")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + depth)
}

fn allocate() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn hoard(bytes: usize) -> String {
    black_box(vec![1_u8; bytes].leak()).len().to_string()
}

fn read() -> String {
    let message = current::message(0).map(|message| (message.role, message.text));
    format!(
        "header {:?} messages {} first {message:?} field {:?} body {:?} metadata {:?} matches {}",
        current::header("x-test"),
        current::message_count(),
        current::field(&["model".to_owned()]),
        current::body(),
        current::metadata("tenant"),
        current::matches().len(),
    )
}

trackside_sdk::export!(signal: Misbehaving);
