//! A signal that does what its rules say, which is mostly wrong.
#![allow(clippy::panic, reason = "it is here to misbehave")]

use acts::{allocate, recurse, spin, trap};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hint::black_box;
use trackside_sdk::{
    Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, clock, current, embeddings, failure,
    key_value, log, matched, metrics,
};

#[path = "../../acts.rs"]
mod acts;
mod compare;
#[path = "../../mark.rs"]
mod mark;

/// One thing to do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    name: Name,
    does: Deed,
    /// Does it only where the ask holds this word, and finds nothing elsewhere; always when left out.
    #[serde(default)]
    when: Option<String>,
}

/// The name of a rule. Asking for its schema, which is part of `describe`, is where a test may have something happen.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Name(String);

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        mark::pass("describe");
        String::json_schema(generator)
    }
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
    /// Has texts embedded until it is stopped.
    EmbedMuch,
    /// Says why in bytes that are no text, where a test has spoiled them.
    SpoilText,
    /// Matches its rule 100,000 times.
    Repeat,
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
        mark::pass("configure");
        let (mut rules, mut told) = (settings.rules, Vec::new());
        if let (Some(mark), Some(first)) = (mark::at("call"), rules.first_mut()) {
            let does: StrDeserializer<'_, Error> = mark.does.into_deserializer();
            first.does = Deed::deserialize(does).map_err(|error| failure("unknown-deed", error.to_string()))?;
            first.when = mark.when.map(str::to_owned);
        }
        for rule in &rules {
            match rule.does {
                Deed::SpinInConfigure => spin(),
                Deed::TrapInConfigure => trap(),
                Deed::Refuse => return Err(failure("invalid-settings", "no settings are good enough")),
                deed => told.extend(compare::declare(deed)?),
            }
        }
        Ok(Self { rules, told })
    }
}

impl Signal for Misbehaving {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let mut found = Vec::new();
        let due = |rule: &&Rule| rule.when.as_ref().is_none_or(|word| head.text.contains(word));
        for Rule { name: Name(name), does, .. } in self.rules.iter().filter(due) {
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
        Deed::EmbedMuch => embed_much(&head.text),
        Deed::SpoilText => black_box(SPOILED).to_owned(),
        Deed::Repeat => return Ok(vec![matched(name, 1.0, ""); 100_000]),
        Deed::Hash => HashMap::from([(head.text.as_str(), 1)]).len().to_string(),
        Deed::ReadWasiClock => format!("{:?}", std::time::SystemTime::now()),
        Deed::Read => read(),
        Deed::Remember => key_value::add("calls", 1, 0)?.to_string(),
        _ => String::new(),
    };
    Ok(vec![matched(name, 1.0, detail)])
}

/// What is embedded is remembered, so each text is another one.
fn embed_much(text: &str) -> ! {
    loop {
        let now = clock::monotonic_ns();
        let texts: Vec<String> = (0..200).map(|number| format!("{}{number} {now}", "word ".repeat(200))).collect();
        // That there was no time is no reason to end.
        let _ = embeddings::rank(text, &texts);
    }
}

/// A test writes bytes over it that are no text.
static SPOILED: &str = "a text to be spoiled";

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
