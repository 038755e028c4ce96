//! What all answers together say: which generation served them, and that each generation is always the same.

use http::HeaderMap;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use trackside_tests::load::Answered;

/// Longest wait for a change to show.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a generation does to requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Does {
    /// What the component wrote.
    pub stamp: String,
    /// What the configuration has set.
    pub config: String,
}

#[derive(Clone, Debug, Default)]
pub struct Witness(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    does: BTreeMap<u64, Does>,
    requests: BTreeMap<u64, u64>,
    /// The newest generation, and since when it is known to serve.
    newest: Option<(u64, Instant)>,
    mixed: Vec<String>,
}

impl Witness {
    /// Hears one answer. What is wrong with it is told, and kept if it is that two generations had their hands in it.
    ///
    /// # Errors
    /// When the answer lacks a stamp, or contradicts itself or earlier ones.
    pub fn hear(&self, answered: &Answered<'_>) -> Result<(), String> {
        let asked = number(answered.headers, "seen-generation")?;
        let answer = number(answered.headers, "x-vsr-generation")?;
        let does = Does {
            stamp: text(answered.headers, "seen-stamp")?.to_owned(),
            config: text(answered.headers, "seen-config")?.to_owned(),
        };
        let mut seen = self.0.lock().unwrap();
        let wrong = seen.judge(asked, answer, &does, answered.sent);
        if let Err(wrong) = &wrong {
            seen.mixed.push(wrong.clone());
        }
        wrong
    }

    /// Waits until the newest generation does something.
    pub async fn until(&self, what: &str, right: impl Fn(&Does) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !self.newest().is_some_and(|does| right(&does)) {
            assert!(Instant::now() < deadline, "{what} does not show after {PATIENCE:?}: {:?}", self.newest());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until a generation behind this one has served a request.
    pub async fn until_after(&self, generation: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.generation() <= generation {
            assert!(Instant::now() < deadline, "nothing follows generation {generation} within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until the newest generation has served this many requests.
    pub async fn until_served(&self, requests: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.requests().last_key_value().is_none_or(|(_, served)| *served < requests) {
            assert!(Instant::now() < deadline, "{:?} after {PATIENCE:?}", self.requests());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// What the newest generation does.
    pub fn newest(&self) -> Option<Does> {
        let seen = self.0.lock().unwrap();
        seen.newest.and_then(|(generation, _)| seen.does.get(&generation).cloned())
    }

    /// The newest generation that has served a request; 0 before the first.
    pub fn generation(&self) -> u64 {
        self.0.lock().unwrap().newest.map_or(0, |(generation, _)| generation)
    }

    /// Requests by generation.
    pub fn requests(&self) -> BTreeMap<u64, u64> {
        self.0.lock().unwrap().requests.clone()
    }

    /// Contradictions.
    pub fn mixed(&self) -> Vec<String> {
        self.0.lock().unwrap().mixed.clone()
    }
}

impl Seen {
    fn judge(&mut self, asked: u64, answer: u64, does: &Does, sent: Instant) -> Result<(), String> {
        if asked != answer {
            return Err(format!("generation {asked} on the request and {answer} on the response"));
        }
        let known = self.does.entry(asked).or_insert_with(|| does.clone());
        if known != does {
            return Err(format!("generation {asked} did {known:?}, and now {does:?}"));
        }
        *self.requests.entry(asked).or_default() += 1;
        match self.newest {
            Some((newest, since)) if asked < newest && sent > since => {
                Err(format!("generation {asked} answers a request that was sent after {newest} had answered one"))
            }
            Some((newest, _)) if asked <= newest => Ok(()),
            _ => {
                self.newest = Some((asked, Instant::now()));
                Ok(())
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(format!("not one header {name}: {headers:?}")),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Result<u64, String> {
    text(headers, name)?.parse().map_err(|_| format!("{name} is no number"))
}
