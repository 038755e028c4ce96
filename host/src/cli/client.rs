//! A router that runs, asked by its API.

use super::{Format, print, table::plain};
use crate::exit::{Exit, Failure, Outcome};
use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use trackside_config::{Environment, ProcessEnvironment};
use ureq::Agent;
use ureq::http::{Method, Request, StatusCode};

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for an answer: a little more than the router itself takes at most.
const CHANGE_TIME: Duration = Duration::from_secs(310);
/// Longest answer that is read.
const ANSWER_BYTES: u64 = 64 << 20;

/// Which router is asked.
#[derive(Debug, Args)]
pub(super) struct Api {
    /// The API of the router: an address, or a URL where something with TLS stands in front of it.
    #[arg(long, value_name = "ADDRESS|URL", env = "TRACKSIDE_API", default_value = "127.0.0.1:8080")]
    api: String,
    /// The file with the token that the router asks for. TRACKSIDE_API_TOKEN may hold the token itself instead.
    #[arg(long, value_name = "FILE", env = "TRACKSIDE_API_TOKEN_FILE")]
    api_token_file: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// What a router answered.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    body: Value,
}

impl Api {
    /// Asks, and prints the answer: as it came, or in the words that `tell` finds for it.
    pub(super) fn show(&self, path: &str, tell: impl Fn(&Value) -> String) -> Outcome {
        self.ask(Method::GET, path, tell)
    }

    /// The same for a change.
    pub(super) fn change(&self, path: &str) -> Outcome {
        self.ask(Method::POST, path, changed)
    }

    fn ask(&self, method: Method, path: &str, tell: impl Fn(&Value) -> String) -> Outcome {
        let Answer { status, body } = self.send(method, path)?;
        if !status.is_success() {
            return self.refused(status, &body);
        }
        print(&match self.format {
            Format::Text => tell(&body),
            Format::Json => format!("{body:#}\n"),
        })?;
        Ok(Exit::Ok)
    }

    fn send(&self, method: Method, path: &str) -> Result<Answer, Failure> {
        let base = self.base();
        let mut request = Request::builder().method(method).uri(format!("{base}{path}"));
        if let Some(token) = self.token()? {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(()).with_context(|| format!("{base} is no address")).map_err(Failure::usage)?;
        let agent: Agent = Agent::config_builder()
            .user_agent(concat!("trackside/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // Whoever answers with a redirect is no router, and must not get the token.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy must not get it either.
            .proxy(None)
            .timeout_connect(Some(PATIENCE))
            .timeout_global(Some(CHANGE_TIME))
            .build()
            .into();
        let mut response = agent.run(request).map_err(|error| {
            let hint = format!("no router answers at {base}: is `trackside serve` running there? --api names another");
            Failure::unavailable(anyhow::Error::new(error).context(hint))
        })?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec();
        let body = body.with_context(|| format!("the answer of {base} ended early")).map_err(Failure::unavailable)?;
        let body = serde_json::from_slice(&body).map_err(|_| {
            Failure::unavailable(anyhow!("what answers at {base} is no router: it said {status}, and not in JSON"))
        })?;
        Ok(Answer { status, body })
    }

    /// Tells why nothing came of it.
    fn refused(&self, status: StatusCode, body: &Value) -> Outcome {
        let error = &body["error"];
        let message = plain(error["message"].as_str().unwrap_or("the router gave no reason"));
        match (status, self.format) {
            (StatusCode::UNAUTHORIZED, _) => {
                let hint = "--api-token-file or TRACKSIDE_API_TOKEN tells the token";
                Err(Failure::usage(anyhow!("the router does not know this caller: {message}; {hint}")))
            }
            (_, Format::Json) => {
                print(&format!("{body:#}\n"))?;
                Ok(exit(status))
            }
            (_, Format::Text) => {
                match error["report"].as_str() {
                    Some(report) => eprint!("{}", lines(report)),
                    None => eprintln!("error: {message}"),
                }
                Ok(exit(status))
            }
        }
    }

    fn base(&self) -> String {
        let api = self.api.trim_end_matches('/');
        if api.contains("://") { api.to_owned() } else { format!("http://{api}") }
    }

    fn token(&self) -> Result<Option<String>, Failure> {
        let token = match &self.api_token_file {
            Some(path) => {
                let read = std::fs::read_to_string(path);
                Some(read.with_context(|| format!("no API token in {}", path.display())).map_err(Failure::usage)?)
            }
            None => ProcessEnvironment.get("TRACKSIDE_API_TOKEN"),
        };
        Ok(token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()))
    }
}

/// A path of the API with a word from the command line at its end.
pub(super) fn path(before: &str, word: &str, after: &str) -> String {
    let mut path = before.to_owned();
    for byte in word.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => path.push(char::from(byte)),
            byte => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path + after
}

fn exit(status: StatusCode) -> Exit {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::MISDIRECTED_REQUEST => Exit::Usage,
        status if status.is_client_error() => Exit::Invalid,
        _ => Exit::Unavailable,
    }
}

/// What a change came to.
fn changed(answer: &Value) -> String {
    let serving = &answer["serving"];
    if answer["outcome"] == "unchanged" {
        return format!("nothing has changed: generation {serving} goes on\n");
    }
    let changes =
        answer.pointer("/generation/changed").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let changes: String = changes.map(|change| format!("  {}\n", plain(change))).collect();
    format!("generation {serving} serves\n{changes}")
}

/// Text of several lines without anything that could move the cursor.
fn lines(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_word_stays_one_segment_of_the_path() {
        assert_eq!(path("/c/", "my_selector", "/shadow"), "/c/my_selector/shadow");
        assert_eq!(path("/c/", "../a b?#ä", ""), "/c/..%2Fa%20b%3F%23%C3%A4");
    }

    #[test]
    fn what_a_change_came_to_is_told_in_words() {
        let published =
            json!({ "outcome": "published", "serving": 7, "generation": { "changed": ["one\u{1b}[2J", "two"] } });
        assert_eq!(changed(&published), "generation 7 serves\n  one [2J\n  two\n");
        let unchanged = json!({ "outcome": "unchanged", "serving": 6 });
        assert_eq!(changed(&unchanged), "nothing has changed: generation 6 goes on\n");
    }
}
