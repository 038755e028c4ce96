//! From a text to values, and from values to the rules that hold.

use std::cell::OnceCell;

use regex::{Regex, RegexBuilder};
use trackside_sdk::{Failure, Match, Predicate, failure, matched, re2};

use crate::settings::{Kind, Rule, Source, SourceKind};
use crate::words;

/// Sizes of compiled patterns beyond this are refused.
const PATTERN_BYTES: usize = 4 << 20;

/// All structure rules of a configuration, ready to measure.
#[derive(Debug)]
pub struct Structure(Vec<Ready>);

#[derive(Debug)]
struct Ready {
    name: String,
    kind: Kind,
    wanted: Wanted,
    predicate: Option<Predicate>,
}

/// What is looked for. Texts are in lower case where case does not matter.
#[derive(Debug)]
enum Wanted {
    Pattern(Regex),
    Keywords(Case, Vec<String>),
    Sequences(Case, Vec<Vec<String>>),
    Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Sensitive,
    Insensitive,
}

/// The text of a request, in both cases.
struct Text<'a> {
    whole: &'a str,
    lower: OnceCell<String>,
}

impl Structure {
    /// # Errors
    /// A pattern that is none, or a source that looks for nothing.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, Failure> {
        rules.into_iter().map(Ready::new).collect::<Result<_, _>>().map(Self)
    }

    /// The rules that hold for a text, in the order of the configuration. A blank text has no structure.
    pub(crate) fn judge(&self, text: &str) -> Vec<Match> {
        if text.trim().is_empty() {
            return Vec::new();
        }
        let text = Text { whole: text, lower: OnceCell::new() };
        self.0.iter().filter_map(|rule| rule.judge(&text)).collect()
    }
}

impl Ready {
    fn new(rule: Rule) -> Result<Self, Failure> {
        let Rule { name, feature, predicate } = rule;
        let wanted = Wanted::new(feature.source, feature.kind);
        let wanted = wanted.map_err(|what| failure("invalid-settings", format!("rule `{name}`: {what}")))?;
        Ok(Self { name, kind: feature.kind, wanted, predicate })
    }

    fn judge(&self, text: &Text<'_>) -> Option<Match> {
        let value = self.value(text);
        let holds = self.predicate.map_or(value > 0.0, |predicate| predicate.holds(value));
        let confidence = self.predicate.and_then(|predicate| predicate.first()).map_or(1.0, |bound| sure(value, bound));
        holds.then(|| Match { value: Some(value), ..matched(&self.name, confidence, format!("{value}")) })
    }

    fn value(&self, text: &Text<'_>) -> f64 {
        let count = self.wanted.count(text);
        match self.kind {
            Kind::Exists | Kind::Sequence => f64::from(u8::from(count > 0)),
            Kind::Count => count as f64,
            Kind::Density => match words::count(text.whole) {
                0 => 0.0,
                words => count as f64 / words as f64,
            },
        }
    }
}

/// How sure it is that a value is on its side of a bound: a half on the bound, more with the distance.
fn sure(value: f64, bound: f64) -> f32 {
    (1.0 / (1.0 + (-4.0 * (value - bound).abs()).exp())) as f32
}

impl Wanted {
    /// # Errors
    /// What is wrong with the source.
    fn new(source: Source, kind: Kind) -> Result<Self, String> {
        let case = if source.case_sensitive { Case::Sensitive } else { Case::Insensitive };
        if kind == Kind::Sequence && source.kind != SourceKind::Sequence {
            return Err("a feature of type sequence takes a source of type sequence".into());
        }
        match source.kind {
            SourceKind::Regex if source.pattern.is_empty() => Err("a regex takes a pattern".into()),
            SourceKind::Regex => pattern(&source.pattern, case),
            SourceKind::KeywordSet if source.keywords.iter().all(String::is_empty) => {
                Err("a keyword_set takes keywords".into())
            }
            SourceKind::KeywordSet => Ok(Self::Keywords(case, case.all(source.keywords))),
            SourceKind::Sequence if source.sequences.iter().all(Vec::is_empty) => {
                Err("a sequence takes sequences: lists of texts in order".into())
            }
            SourceKind::Sequence => {
                let sequences = source.sequences.into_iter().filter(|sequence| !sequence.is_empty());
                Ok(Self::Sequences(case, sequences.map(|sequence| case.all(sequence)).collect()))
            }
            SourceKind::TextBytes => Ok(Self::Bytes),
        }
    }

    fn count(&self, text: &Text<'_>) -> usize {
        match self {
            Self::Pattern(pattern) => pattern.find_iter(text.whole).count(),
            Self::Keywords(case, keywords) => {
                let text = text.in_case(*case);
                keywords.iter().map(|keyword| words::occurrences(text, keyword)).sum()
            }
            Self::Sequences(case, sequences) => {
                let text = text.in_case(*case);
                usize::from(sequences.iter().any(|sequence| follow(text, sequence)))
            }
            Self::Bytes => text.whole.len(),
        }
    }
}

fn pattern(written: &str, case: Case) -> Result<Wanted, String> {
    let rust = re2::translate(written);
    let pattern =
        RegexBuilder::new(&rust).case_insensitive(case == Case::Insensitive).size_limit(PATTERN_BYTES).build();
    pattern.map(Wanted::Pattern).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("the pattern `{written}` is too large"),
        error => format!("`{written}` is no pattern: {}", last_line(&error.to_string())),
    })
}

/// What a parser says last is what is wrong; before it come the pattern and a mark under it.
fn last_line(message: &str) -> &str {
    let last = message.trim_end().lines().next_back().unwrap_or_default();
    last.trim_start_matches("error: ")
}

/// Whether the parts occur one behind the other.
fn follow(text: &str, parts: &[String]) -> bool {
    let mut rest = text;
    parts.iter().all(|part| match rest.split_once(part.as_str()) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

impl Case {
    fn all(self, texts: Vec<String>) -> Vec<String> {
        match self {
            Self::Sensitive => texts,
            Self::Insensitive => texts.iter().map(|text| text.to_lowercase()).collect(),
        }
    }
}

impl Text<'_> {
    fn in_case(&self, case: Case) -> &str {
        match case {
            Case::Sensitive => self.whole,
            Case::Insensitive => self.lower.get_or_init(|| self.whole.to_lowercase()),
        }
    }
}
