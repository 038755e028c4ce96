//! `trackside component`: the components of a router that runs.

use super::client::{Api, path};
use super::table::{table, word};
use crate::exit::Outcome;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::fmt::Write as _;

const EXAMPLES: &str = "\
Examples:
  trackside component list
  trackside component shadow my_selector
  trackside component promote my_selector

Exit code: 0 when done, 1 when it was refused, 64 when there is no such candidate, 69 when no router answers.";

const PATH: &str = "/api/v1/components";
/// Digits of a digest that tell components apart for people.
const DIGITS: usize = 12;

/// See the components of a router that runs, and let a candidate take over.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All components: where they come from, and how they fare.
    List {
        #[command(flatten)]
        api: Api,
    },
    /// How the candidate of a type compares with the active component.
    Shadow {
        /// The type that both serve.
        #[arg(value_name = "TYPE")]
        serves: String,
        #[command(flatten)]
        api: Api,
    },
    /// Make the candidate of a type the active component. Its bytes take the place of the active one's file, so that it
    /// stays; the configuration file is left as it is.
    Promote {
        /// The type that both serve.
        #[arg(value_name = "TYPE")]
        serves: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Lists, compares or promotes.
///
/// # Errors
/// When no router answers, or it wants a token.
pub fn run(arguments: &Arguments) -> Outcome {
    let of = |serves: &str, what: &str| path(&format!("{PATH}/"), serves, what);
    match &arguments.command {
        Command::List { api } => api.show(PATH, list),
        Command::Shadow { serves, api } => api.show(&of(serves, "/shadow"), shadow),
        Command::Promote { serves, api } => api.change(&of(serves, "/promote")),
    }
}

fn list(answer: &Value) -> String {
    let head = ["role", "type", "version", "digest", "origin", "calls", "traps", "p99", "instances", "breaker", ""];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(answer["components"].as_array().into_iter().flatten().map(row));
    let mut out = String::new();
    table(&mut out, &format!("Components of generation {}", answer["generation"]), &rows);
    out.trim_start().to_owned()
}

fn row(component: &Value) -> [String; 11] {
    let (calls, instances, tried) = (&component["calls"], &component["instances"], &component["shadow"]);
    let count = |key: &str| instances[key].as_u64().unwrap_or_default();
    let alive = count("created").saturating_sub(count("dropped"));
    let candidate = match tried["shadow_percent"].as_f64() {
        Some(percent) => format!("{percent} % beside {}", short(&tried["candidate"])),
        None if component["part"] == "candidate" => "candidate".to_owned(),
        None => String::new(),
    };
    [
        word(&component["role"]),
        word(&component["serves"]),
        word(&component["version"]),
        short(&component["digest"]),
        word(&component["origin"]),
        word(&calls["total"]),
        word(&calls["traps"]),
        calls["p99_us"].as_f64().map_or_else(|| "-".to_owned(), |time| format!("{time:.0} us")),
        if component["configured"] == 0 { "unused".to_owned() } else { format!("{alive} ({} idle)", count("idle")) },
        component.pointer("/breaker/state").map_or_else(String::new, word),
        candidate,
    ]
}

fn shadow(report: &Value) -> String {
    let (answers, canary, latency) = (&report["answers"], &report["canary"], &report["latency"]);
    let percent =
        |share: &Value| share.as_f64().map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0));
    let mean = |key: &str| latency[key].as_f64().map_or_else(|| "-".to_owned(), |time| format!("{time:.1} us"));
    let mut out = String::new();
    for (name, value) in [
        ("type", word(&report["serves"])),
        ("active", short(&report["active"])),
        ("candidate", format!("{} ({})", short(&report["candidate"]), word(&report["origin"]))),
        ("beside", format!("{} % of the requests, decides {} %", report["shadow_percent"], report["canary_percent"])),
        ("calls", format!("{}, {} not made", word(&answers["calls"]), word(&report["dropped"]))),
        ("agreement", percent(&answers["agreement"])),
        ("difference", report.pointer("/score_difference/mean").map_or_else(|| "-".to_owned(), word)),
        ("time", format!("{} active, {} candidate", mean("active_mean_us"), mean("candidate_mean_us"))),
        ("canary", format!("{} decided, {} failed", word(&canary["decided"]), word(&canary["failed"]))),
    ] {
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{name:<11} {value}");
    }
    let errors = report["errors"].as_object().into_iter().flatten();
    let rows: Vec<_> = errors.map(|(outcome, count)| [outcome.clone(), word(count)]).collect();
    table(&mut out, "Failures of the candidate", &rows);
    out
}

fn short(digest: &Value) -> String {
    word(digest).chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_list_tells_each_component_on_a_line() {
        let answer = json!({ "generation": 3, "components": [
            { "role": "signal", "serves": "keyword", "part": "active", "version": "0.1.0", "digest": "0123456789abcdef",
              "origin": "built-in", "configured": 1, "instances": { "created": 5, "dropped": 1, "idle": 4 },
              "breaker": { "state": "closed" }, "shadow": null,
              "calls": { "total": 10, "traps": 1, "p99_us": 81.25 } },
            { "role": "selector", "serves": "mine", "part": "candidate", "version": "2", "digest": "ff", "origin": null,
              "configured": 0, "instances": { "created": 0, "dropped": 0, "idle": 0 },
              "breaker": { "state": "open" }, "shadow": null },
        ]});
        let told = list(&answer);
        let lines: Vec<_> = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[0], "Components of generation 3");
        assert_eq!(lines[2], "signal keyword 0.1.0 0123456789ab built-in 10 1 81 us 4 (4 idle) closed");
        assert_eq!(lines[3], "selector mine 2 ff - - - - unused open candidate");
    }

    #[test]
    fn a_comparison_is_told_in_words() {
        let report = json!({ "serves": "mine", "active": "aaaaaaaaaaaaaaaa", "candidate": "bbbbbbbbbbbbbbbb",
            "origin": "next.wasm", "shadow_percent": 100.0, "canary_percent": 5.0,
            "answers": { "calls": 8, "agreed": 6, "differed": 2, "agreement": 0.75 },
            "score_difference": { "mean": 0.1, "greatest": 0.2 },
            "latency": { "active_mean_us": 10.0, "candidate_mean_us": 12.5 },
            "errors": { "trap": 2 }, "dropped": 1, "canary": { "decided": 3, "failed": 0 } });
        let told = shadow(&report);
        for part in [
            "candidate   bbbbbbbbbbbb (next.wasm)\n",
            "beside      100.0 % of the requests, decides 5.0 %\n",
            "calls       8, 1 not made\n",
            "agreement   75.00 %\n",
            "time        10.0 us active, 12.5 us candidate\n",
            "Failures of the candidate\n  trap  2\n",
        ] {
            assert!(told.contains(part), "no {part:?} in\n{told}");
        }
    }
}
