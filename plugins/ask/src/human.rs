//! From user messages to what a human asks. Needs no host.

use std::borrow::Cow;
use std::iter;

use trackside_sdk::current::ChatMessage;
use trackside_sdk::{Failure, failure};

use crate::elements::{Elements, Kind};
use crate::presets::{NUDGES, Preset};
use crate::settings::{Settings, Wrapper};

/// How many of the user's messages are looked at, and how many bytes of them: an agent may go on for hours by itself.
const MOST_MESSAGES: usize = 64;
const MOST_BYTES: usize = 1 << 20;
/// No nudge is longer.
const LONGEST_NUDGE: usize = 256;

/// What is known of the texts that no human wrote.
#[derive(Debug)]
pub struct Human {
    elements: Elements,
    wrappers: Vec<Wrapper>,
    machine: Vec<Beginning>,
    nudges: Vec<String>,
}

/// How a message begins that no human wrote.
#[derive(Debug)]
struct Beginning {
    first: String,
    /// What has to follow in the first line.
    then: Option<String>,
}

impl Human {
    /// # Errors
    /// Texts without letters: they would be found everywhere.
    pub(crate) fn new(settings: Settings) -> Result<Self, Failure> {
        let Settings { presets, wrappers, machine, nudges } = settings;
        let presets = presets.unwrap_or_else(|| Preset::ALL.to_vec());
        let blank = |text: &str| text.trim().is_empty();
        if wrappers.iter().any(|wrapper| blank(&wrapper.begin) || blank(&wrapper.end))
            || machine.iter().any(|m| blank(m))
        {
            let message = "a wrapper's begin and end, and the beginning of a message, are texts that are not blank";
            return Err(failure("invalid-settings", message));
        }
        let mut human = Self { elements: Elements::default(), wrappers, machine: Vec::new(), nudges: Vec::new() };
        for marks in presets.iter().map(|preset| preset.marks()) {
            human.elements.add(marks.noise, Kind::Noise);
            human.elements.add(marks.human, Kind::Human);
            let wrappers = marks.wrappers.iter();
            human.wrappers.extend(wrappers.map(|(b, e)| Wrapper { begin: (*b).to_owned(), end: (*e).to_owned() }));
            human.machine.extend(marks.machine.iter().map(|text| Beginning::new(text)));
        }
        human.machine.extend(machine.iter().map(|text| Beginning::new(text)));
        human.nudges =
            NUDGES.iter().copied().chain(nudges.iter().map(String::as_str)).map(|n| words(n).collect()).collect();
        Ok(human)
    }

    /// What the human asks, unless it is the ask that the host found: the latest user message, or else what comes of
    /// `earlier`, the user's messages with the latest first.
    pub(crate) fn ask<M: Iterator<Item = String>>(&self, latest: &str, earlier: impl FnOnce() -> M) -> Option<String> {
        let own = self.own(latest);
        if let Some(text) = own.filter(|text| !self.is_nudge(text)) {
            return (text.trim() != latest.trim()).then(|| text.trim().to_owned());
        }
        let mut bytes = 0;
        let messages = earlier().take(MOST_MESSAGES).take_while(|message| {
            bytes += message.len();
            bytes <= MOST_BYTES
        });
        let mut human = messages.filter_map(|message| {
            let own = self.own(&message).filter(|text| !self.is_nudge(text))?;
            Some(own.trim().to_owned())
        });
        human.next()
    }

    /// What of a message the human wrote; nothing when no human did.
    fn own<'t>(&self, message: &'t str) -> Option<Cow<'t, str>> {
        let mut text = self.elements.without_noise(message).map_or(Cow::Borrowed(message), Cow::Owned);
        for Wrapper { begin, end } in &self.wrappers {
            if text.contains(begin.as_str()) {
                text = Cow::Owned(without(&text, begin, end));
            }
        }
        if let Some(inside) = self.elements.human(&text) {
            return filled(Cow::Owned(inside.to_owned()));
        }
        if self.machine.iter().any(|beginning| beginning.begins(text.trim_start())) {
            // An answer to a tool's question comes as its result.
            let within = self.elements.human_within(&text)?;
            return filled(Cow::Owned(within.to_owned()));
        }
        filled(text)
    }

    fn is_nudge(&self, text: &str) -> bool {
        text.len() <= LONGEST_NUDGE && self.nudges.iter().any(|nudge| words(text).eq(nudge.chars()))
    }
}

impl Beginning {
    /// `[*] Result:` begins with `[` and has `] Result:` in its first line. A star anywhere else is one.
    fn new(text: &str) -> Self {
        match text.split_once("[*") {
            Some(("", then)) => Self { first: "[".into(), then: Some(then.to_owned()) },
            _ => Self { first: text.to_owned(), then: None },
        }
    }

    fn begins(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(&self.first) else { return false };
        let first_line = rest.lines().next().unwrap_or_default();
        self.then.as_ref().is_none_or(|then| first_line.contains(then))
    }
}

fn filled(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.trim().is_empty()).then_some(text)
}

/// The text without what stands from a beginning to an end. One without an end stays.
fn without(text: &str, begin: &str, end: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(begin) {
        let Some((_, behind)) = inside.split_once(end) else { break };
        kept.push_str(before);
        kept.push('\n');
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

/// A text's words in lower case, a blank before each.
fn words(text: &str) -> impl Iterator<Item = char> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| iter::once(' ').chain(word.chars().flat_map(char::to_lowercase)))
}

/// What the user said, the latest first. The conversation is read only as far back as messages are asked for.
pub(crate) fn newest_first(count: u32, message: impl Fn(u32) -> Option<ChatMessage>) -> impl Iterator<Item = String> {
    let messages = (0..count).rev().filter_map(message);
    messages.filter(|message| message.role == "user").map(|message| message.text)
}
