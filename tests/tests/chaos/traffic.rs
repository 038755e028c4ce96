//! Requests that have nothing to do with what misbehaves, and those that meet it.

use bytes::Bytes;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tonic::Status;
use trackside_tests::direct::{Gateway, Passage};

/// What is asked all the time, where it goes, and what the plugin sets on it.
const STEADY: [(&str, &str, Option<&str>); 5] = [
    ("a large one", "large", None),
    ("something else", "small", None),
    ("choose for me", "large", None),
    ("edit this", "small", Some("a little")),
    (ODD, "odd", None),
];

/// The request that only the misbehaving signal leads anywhere.
const ODD: &str = "how odd";

/// Clients that ask one request after the other.
const CLIENTS: usize = 4;

/// Names that no plugin may set.
const OURS: [&str; 4] = [":authority", "host", "transfer-encoding", "x-admin"];

/// Traffic that goes on until it is ended.
#[derive(Debug)]
pub struct Traffic {
    gateway: Gateway,
    clients: JoinSet<()>,
    tally: Arc<Tally>,
    /// Whether the misbehaving signal may fail for all requests. The others go on as ever.
    pub excused: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Tally {
    answered: AtomicU64,
    harmed: Mutex<Vec<String>>,
    ended: AtomicBool,
}

/// What became of a request.
#[derive(Debug)]
pub struct Asked(Passage);

impl Traffic {
    pub async fn start(to: SocketAddr) -> Traffic {
        let gateway = Gateway::connect(to).await.expect("it listens");
        let (tally, excused) = (Arc::<Tally>::default(), Arc::default());
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (gateway, tally, excused) = (gateway.clone(), Arc::clone(&tally), Arc::clone(&excused));
            clients.spawn(async move { ask_on(client, gateway, &tally, &excused).await });
        }
        Traffic { gateway, clients, tally, excused }
    }

    pub fn answered(&self) -> u64 {
        self.tally.answered.load(Ordering::Relaxed)
    }

    /// What has gone wrong, since this was asked last, with requests that should not have noticed anything.
    pub fn harmed(&self) -> Vec<String> {
        std::mem::take(&mut *self.tally.harmed.lock().unwrap())
    }

    pub async fn ask(&self, text: &str) -> Result<Asked, Status> {
        ask(&mut self.gateway.clone(), text).await
    }

    /// Ends it, and answers like [`Traffic::harmed`].
    pub async fn end(mut self) -> Vec<String> {
        self.tally.ended.store(true, Ordering::Relaxed);
        while self.clients.join_next().await.is_some() {}
        self.harmed()
    }
}

async fn ask(gateway: &mut Gateway, text: &str) -> Result<Asked, Status> {
    let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
    gateway.pass(&[("x-vsr-debug", "true")], Bytes::from(body.to_string())).await.map(Asked)
}

async fn ask_on(client: usize, mut gateway: Gateway, tally: &Tally, excused: &AtomicBool) {
    for (text, model, meddled) in STEADY.iter().cycle().skip(client) {
        if tally.ended.load(Ordering::Relaxed) {
            return;
        }
        let may_fail = excused.load(Ordering::Relaxed);
        match ask(&mut gateway, text).await {
            Ok(asked) => {
                let may_fail = may_fail || excused.load(Ordering::Relaxed);
                let told = asked.degraded();
                let told = told.is_empty() || (may_fail && told.starts_with("misbehaving: "));
                let goes = asked.model().as_deref() == Some(*model) || (may_fail && *text == ODD);
                let meddles = asked.header("x-meddled") == *meddled;
                if !told || !goes || !meddles || asked.unsound().is_some() {
                    tally.harmed.lock().unwrap().push(format!("{text:?}: {asked:?}"));
                }
            }
            Err(status) => tally.harmed.lock().unwrap().push(format!("{text:?}: {status}")),
        }
        tally.answered.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Asked {
    /// The model that the body names when it goes on; nothing where the client was answered at once.
    pub fn model(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(self.0.verdict.body.as_ref()?).ok()?;
        body["model"].as_str().map(str::to_owned)
    }

    pub fn status(&self) -> Option<i32> {
        self.0.verdict.immediate
    }

    pub fn degraded(&self) -> &str {
        self.0.told("x-vsr-degraded").unwrap_or_default()
    }

    /// Whether it was served without this, and without nothing that another component has to do with.
    pub fn tells(&self, degraded: &str) -> bool {
        let (component, _) = degraded.split_once(": ").expect("both are told");
        let parts: Vec<&str> = self.degraded().split(", ").collect();
        parts.contains(&degraded)
            && parts.iter().all(|part| part.split_once(": ").is_some_and(|(of, _)| of == component))
    }

    /// A header of the request as it goes on.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.request.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str())
    }

    /// What no component may bring about, if it did.
    pub fn unsound(&self) -> Option<String> {
        let Passage { verdict, request, response } = &self.0;
        if verdict.immediate.is_none() && self.model().is_none() {
            return Some("the body is no request any more".to_owned());
        }
        let headers = request.iter().chain(response);
        let bad = |(name, value): &&(String, String)| {
            let printable = |text: &str| text.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
            OURS.contains(&name.as_str()) || name.contains(' ') || !printable(name) || !printable(value)
        };
        headers.clone().find(bad).map(|(name, value)| format!("{name:?}: {value:?}"))
    }
}
