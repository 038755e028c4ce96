//! Labelled prompts, a JSON object a line.

use super::{Expect, Question};
use anyhow::{Context as _, bail};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

/// Most faults that are told at once.
const MOST_FAULTS: usize = 20;

/// One prompt with the answer that it should get.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Position of its file.
    pub(super) file: usize,
    pub(super) text: String,
    pub(super) expected: String,
}

/// Reads all files, and tells every line that cannot be used.
pub(super) fn read(files: &[PathBuf], limit: usize, question: &Question<'_>) -> anyhow::Result<Vec<Row>> {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for (file, path) in files.iter().enumerate() {
        read_file(file, path, limit, question, &mut rows, &mut faults)?;
    }
    if let Some(more) = faults.len().checked_sub(MOST_FAULTS).filter(|more| *more > 0) {
        faults.truncate(MOST_FAULTS);
        faults.push(format!("and {more} more"));
    }
    if !faults.is_empty() {
        bail!("some lines cannot be used\n{}", faults.join("\n"));
    }
    if rows.is_empty() {
        bail!("there are no prompts: expected an object with text and label on each line");
    }
    Ok(rows)
}

fn read_file(
    file: usize,
    path: &Path,
    limit: usize,
    question: &Question<'_>,
    rows: &mut Vec<Row>,
    faults: &mut Vec<String>,
) -> anyhow::Result<()> {
    let cannot = || format!("cannot read {}", path.display());
    let lines = BufReader::new(File::open(path).with_context(cannot)?).lines();
    let mut taken = 0;
    for (number, line) in lines.enumerate() {
        let line = line.with_context(cannot)?;
        if taken == limit {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        taken += 1;
        match parse(&line, question) {
            Ok((text, expected)) => rows.push(Row { file, text, expected }),
            Err(fault) => faults.push(format!("{}:{}: {fault:#}", path.display(), number + 1)),
        }
    }
    Ok(())
}

fn parse(line: &str, question: &Question<'_>) -> anyhow::Result<(String, String)> {
    let row: Map<String, Value> = serde_json::from_str(line).context("expected a JSON object")?;
    let text = first(&row, &["text", "prompt"])?;
    let Value::String(text) = text else { bail!("text: expected a string") };
    let expected = match question.expect {
        Expect::Signal => word(first(&row, &["label"])?)?,
        Expect::Decision => word(first(&row, &["decision", "label"])?)?,
        Expect::Model => word(first(&row, &["model", "label"])?)?,
        Expect::Reasoning => reasoning(&row, question)?,
    };
    Ok((text.clone(), expected))
}

/// Whether reasoning is to be on, as the row says it, or as the decision for its domain has it.
fn reasoning(row: &Map<String, Value>, question: &Question<'_>) -> anyhow::Result<String> {
    let on = match first(row, &["reasoning", "thinking", "label"])? {
        Value::Bool(on) => *on,
        Value::Number(on) => on.as_f64() != Some(0.0),
        Value::String(domain) => match question.reasons_about(domain) {
            Some(on) => on,
            None => bail!("label: no decision refers to the domain {domain:?}"),
        },
        _ => bail!("reasoning: expected true, false, 1, 0 or a domain"),
    };
    Ok(super::switch(on).to_owned())
}

fn first<'a>(row: &'a Map<String, Value>, keys: &[&str]) -> anyhow::Result<&'a Value> {
    let found = keys.iter().find_map(|key| row.get(*key).filter(|value| !value.is_null()));
    found.with_context(|| format!("expected the key {}", keys.join(" or ")))
}

fn word(value: &Value) -> anyhow::Result<String> {
    match value {
        Value::String(word) => Ok(word.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => bail!("label: expected a string"),
    }
}
