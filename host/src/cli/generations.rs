//! `trackside generations`: what serves, what served, and the way back.

use super::client::Api;
use super::table::{plain, table, word};
use crate::exit::Outcome;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::fmt::Write as _;

const EXAMPLES: &str = "\
Examples:
  trackside generations
  trackside generations show 12
  trackside generations rollback 11

Exit code: 0 when done, 1 when it was refused, 64 when there is no such generation, 69 when no router answers.";

const PATH: &str = "/api/v1/generations";

/// List what a router that runs has served, and go back to it.
///
/// Every change that counts makes a generation: configuration, components and model together. Requests under way end on
/// the one that they began with.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    api: Api,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Generations and refused changes, the newest first. The same as without a command.
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Everything about one generation.
    Show {
        /// Its number.
        #[arg(value_name = "ID")]
        id: u64,
        #[command(flatten)]
        api: Api,
    },
    /// Serve what an earlier generation served, as a new generation.
    Rollback {
        /// Its number.
        #[arg(value_name = "ID")]
        id: u64,
        #[command(flatten)]
        api: Api,
    },
}

/// Lists, shows or goes back.
///
/// # Errors
/// When no router answers, or it wants a token.
pub fn run(arguments: &Arguments) -> Outcome {
    match &arguments.command {
        None => arguments.api.show(PATH, list),
        Some(Command::List { api }) => api.show(PATH, list),
        Some(Command::Show { id, api }) => api.show(&format!("{PATH}/{id}"), show),
        Some(Command::Rollback { id, api }) => api.change(&format!("{PATH}/{id}/rollback")),
    }
}

fn list(answer: &Value) -> String {
    let mut rows = vec![["id", "time", "cause", "verdict", "streams", "what"].map(str::to_owned)];
    rows.extend(answer["generations"].as_array().into_iter().flatten().map(row));
    let mut out = String::new();
    table(&mut out, &format!("Generation {} serves", answer["serving"]), &rows);
    out.trim_start().to_owned()
}

fn row(entry: &Value) -> [String; 6] {
    let published = entry["id"].is_u64();
    let what = if published { texts(&entry["changed"]) } else { messages(&entry["problems"]) };
    let more = what.len().saturating_sub(1);
    let first = what.into_iter().next().unwrap_or_default();
    [
        if published { entry["id"].to_string() } else { "-".to_owned() },
        word(&entry["time"]),
        cause(&entry["cause"]),
        if entry["live"] == true { "live".to_owned() } else { word(&entry["verdict"]) },
        if published { entry["pinned"].to_string() } else { "-".to_owned() },
        if more > 0 { format!("{first} and {more} more") } else { first },
    ]
}

fn show(entry: &Value) -> String {
    let mut out = String::new();
    for (name, value) in [
        ("generation", entry["id"].to_string()),
        ("time", word(&entry["time"])),
        ("cause", cause(&entry["cause"])),
        ("verdict", if entry["live"] == true { "live".to_owned() } else { word(&entry["verdict"]) }),
        ("streams", entry["pinned"].to_string()),
        ("took", format!("{} ms", entry["took_ms"])),
        ("config", word(&entry["config"])),
        ("model", word(&entry["model"])),
    ] {
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{name:<11} {value}");
    }
    for (title, key) in [("What changed", "changed"), ("Notes", "notes")] {
        let rows: Vec<_> = texts(&entry[key]).into_iter().map(|text| [text]).collect();
        table(&mut out, title, &rows);
    }
    let components = entry["components"].as_object().into_iter().flatten();
    let rows: Vec<_> = components.map(|(serves, digest)| [plain(serves), word(digest)]).collect();
    table(&mut out, "Components", &rows);
    out
}

/// What brought it, with the files or the number that belong to it.
fn cause(cause: &Value) -> String {
    let kind = word(&cause["kind"]);
    match &cause["of"] {
        Value::Array(files) => match files.as_slice() {
            [] => kind,
            [one] => format!("{kind} {}", last_segment(one)),
            [one, rest @ ..] => format!("{kind} {} and {} more", last_segment(one), rest.len()),
        },
        Value::Null => kind,
        of => format!("{kind} {}", word(of)),
    }
}

fn last_segment(path: &Value) -> String {
    word(path).rsplit('/').next().unwrap_or_default().to_owned()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(word).collect()
}

fn messages(problems: &Value) -> Vec<String> {
    problems.as_array().into_iter().flatten().map(|problem| word(&problem["message"])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_list_tells_each_attempt_on_a_line() {
        let answer = json!({ "serving": 2, "generations": [
            { "id": null, "time": "t3", "cause": { "kind": "api" }, "verdict": "refused", "pinned": 0, "live": false,
              "problems": [{ "message": "no" }, { "message": "never" }] },
            { "id": 2, "time": "t2", "cause": { "kind": "file", "of": ["/etc/a.yaml", "/etc/b.wasm"] },
              "verdict": "published", "pinned": 4, "live": true, "changed": ["config"] },
            { "id": 1, "time": "t1", "cause": { "kind": "rollback", "of": 7 }, "verdict": "published", "pinned": 0,
              "live": false, "changed": [] },
        ]});
        let told = list(&answer);
        let lines: Vec<_> = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "Generation 2 serves",
                "id time cause verdict streams what",
                "- t3 api refused - no and 1 more",
                "2 t2 file a.yaml and 1 more live 4 config",
                "1 t1 rollback 7 published 0",
            ]
        );
    }

    #[test]
    fn one_generation_is_told_whole() {
        let entry = json!({ "id": 2, "time": "t", "cause": { "kind": "signal" }, "verdict": "published", "live": false,
            "pinned": 1, "took_ms": 12.5, "config": "abc", "model": "m", "changed": ["component keyword"],
            "notes": [], "components": { "keyword": "d1" } });
        let told = show(&entry);
        for part in ["generation  2\n", "took        12.5 ms\n", "What changed\n  component keyword\n", "keyword  d1"] {
            assert!(told.contains(part), "no {part:?} in\n{told}");
        }
        assert!(!told.contains("Notes"), "{told}");
    }
}
