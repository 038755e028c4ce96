//! A router with a folder of components, and what it tells about itself.

use crate::cases::Case;
use crate::forge;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use trackside_components::Digest;
use trackside_guests::BUILT_IN;
use trackside_tests::Trackside;
use trackside_tests::scrape::{self, metric};

/// The types that the three good components serve, which are also the names of their files.
pub const MISBEHAVING: &str = "misbehaving";
pub const CONTRARY: &str = "contrary";
pub const MEDDLING: &str = "meddling";

/// A file that the configuration names, and one that it pins.
pub const NAMED: &str = "metadata";
pub const PINNED: &str = "reask";

/// Built-in components that requests meet: these tests are not about how fast the machine is.
const PATIENT: [&str; 4] = ["ask", "keyword", "priority", "static"];

#[derive(Debug)]
pub struct Site {
    pub router: Trackside,
    folder: TempDir,
    /// Which of two good components serves, so that putting one back is always a change.
    turn: u8,
}

/// A component of these tests.
pub fn guest(name: &str) -> &'static [u8] {
    match name {
        MISBEHAVING => include_bytes!(concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm")),
        CONTRARY => include_bytes!(concat!(env!("OUT_DIR"), "/trackside_contrary.wasm")),
        MEDDLING => include_bytes!(concat!(env!("OUT_DIR"), "/trackside_meddling.wasm")),
        "covetous" => include_bytes!(concat!(env!("OUT_DIR"), "/trackside_covetous.wasm")),
        _ => panic!("there is no {name}"),
    }
}

pub fn built_in(name: &str) -> &'static [u8] {
    BUILT_IN.iter().find(|built_in| built_in.name == name).expect("it is built in").wasm
}

/// JSON is YAML. Five ways through: by the misbehaving signal, by one of its deeds, by the contrary selector, through the
/// meddling plugin, and past all of them.
fn configuration() -> Value {
    let models = ["small", "large", "odd", "even"];
    let model = |name: &str| json!({"name": name, "backend_refs": [{"name": name, "endpoint": "127.0.0.1:9"}]});
    let keyword = |word: &str| json!({"name": word, "operator": "OR", "keywords": [word]});
    let leads = |kind: &str, rule: &str, to: &[&str], more: Value| {
        let models: Vec<Value> = to.iter().map(|model| json!({"model": model})).collect();
        let rules = json!({"operator": "OR", "conditions": [{"type": kind, "name": rule}]});
        let mut decision = json!({"name": rule, "priority": 10, "modelRefs": models, "rules": rules});
        decision.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        decision
    };
    let mut uses: Vec<Value> =
        PATIENT.iter().map(|serves| json!({"type": serves, "limits": {"deadline": "15s"}})).collect();
    uses.extend([
        json!({
            "type": MISBEHAVING,
            "grants": ["embeddings", "neighbours", "key-value"],
            "limits": {"deadline": "1s", "memory": "64MiB"},
        }),
        json!({"type": CONTRARY, "limits": {"deadline": "5s"}}),
        json!({"type": MEDDLING, "limits": {"deadline": "5s"}}),
        json!({"type": NAMED, "source": format!("./{NAMED}.wasm")}),
        json!({"type": PINNED, "digest": format!("sha256:{}", Digest::of(built_in("signal-reask")))}),
    ]);
    json!({
        "version": "v0.3",
        "providers": {"defaults": {"default_model": "small"}, "models": (models.map(model))},
        "routing": {
            "modelCards": (models.map(|name| json!({"name": name}))),
            "signals": {
                "keywords": (["large", "choose", "edit"].map(keyword)),
                "misbehaving": [
                    {"name": "deed", "does": "match", "when": "abracadabra"},
                    {"name": "odd", "does": "match", "when": "odd"},
                    {"name": "lost", "does": "trap", "when": "lose"},
                ],
            },
            "decisions": [
                leads("misbehaving", "deed", &["even"], json!({})),
                leads("misbehaving", "odd", &["odd"], json!({})),
                leads("keyword", "choose", &["large", "small"], json!({"algorithm": {"type": CONTRARY}})),
                leads("keyword", "edit", &["small"], json!({"plugins": [{"type": MEDDLING, "configuration": {}}]})),
                leads("keyword", "large", &["large"], json!({})),
            ],
        },
        "components": {"directory": "./components", "use": uses},
    })
}

impl Site {
    pub async fn start() -> Site {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("components")).expect("a folder can be made");
        fs::write(at("router.json"), configuration().to_string()).expect("it can be written");
        for name in [MISBEHAVING, CONTRARY, MEDDLING] {
            fs::write(at(&format!("components/{name}.wasm")), guest(name)).expect("it can be written");
        }
        fs::write(at(&format!("components/{PINNED}.wasm")), built_in("signal-reask")).expect("it can be written");
        fs::write(at(&format!("{NAMED}.wasm")), built_in("signal-metadata")).expect("it can be written");
        let flags = ["--log", "warn,trackside=info"].map(OsString::from);
        let router = Trackside::start_with(&at("router.json"), &flags).await;
        Site { router, folder, turn: 0 }
    }

    /// Puts a file in its place as a whole.
    pub fn drop_in(&self, name: &str, wasm: &[u8]) {
        let aside = self.folder.path().join("aside");
        fs::write(&aside, wasm).expect("it can be written");
        fs::rename(aside, self.path(name)).expect("it can be renamed");
    }

    pub fn folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        let folder = if name == NAMED { "" } else { "components" };
        self.folder.path().join(folder).join(format!("{name}.wasm"))
    }

    /// Puts good components in all places, of which one is another than before, and waits until they serve.
    pub async fn restore(&mut self) {
        self.turn ^= 1;
        let good = forge::with_custom_section(guest(MISBEHAVING), "turn", &[self.turn]);
        let rest = [
            (CONTRARY, guest(CONTRARY)),
            (MEDDLING, guest(MEDDLING)),
            (PINNED, built_in("signal-reask")),
            (NAMED, built_in("signal-metadata")),
        ];
        for (name, wasm) in rest {
            if fs::read(self.path(name)).ok().as_deref() != Some(wasm) {
                self.drop_in(name, wasm);
            }
        }
        let expected = [(MISBEHAVING, &good[..]), (CONTRARY, guest(CONTRARY)), (MEDDLING, guest(MEDDLING))];
        for extra in strangers(&self.path(MISBEHAVING)) {
            fs::remove_file(extra).expect("it can be removed");
        }
        self.drop_in(MISBEHAVING, &good);
        let expected = expected.map(|(serves, wasm)| (serves, Digest::of(wasm).to_string()));
        let right = |live: &Value| expected.iter().all(|(serves, digest)| live[*serves] == *digest);
        self.router.poll("the good components", || right(&self.live()).then_some(())).await;
    }

    /// Drops a case's component in, and waits for what becomes of it: the attempt at a generation, as the API tells it.
    pub async fn attempt(&self, case: &Case) -> Value {
        let before = which(&self.history()[0]);
        self.drop_in(case.file, &case.wasm);
        let newest = || Some(self.history().swap_remove(0)).filter(|newest| which(newest) != before);
        self.router.poll(case.name, newest).await
    }

    /// The components of the generation that serves.
    fn live(&self) -> Value {
        let history = self.history();
        // While one takes the place of another there may be none.
        history.iter().find(|entry| entry["live"] == true).map_or(Value::Null, |live| live["components"].clone())
    }

    fn history(&self) -> Vec<Value> {
        let (status, page) = scrape::get(self.router.api, "/api/v1/generations").expect("the API answers");
        assert_eq!(status, 200, "{page}");
        let page: Value = serde_json::from_str(&page).expect("it answers JSON");
        page["generations"].as_array().expect("it lists them").clone()
    }

    /// How often something of the form `component: reason` was counted.
    pub fn degraded(&self, told: &str) -> f64 {
        let (component, reason) = told.split_once(": ").expect("both are told");
        let labels = [format!("component=\"{component}\""), format!("reason=\"{reason}\"")];
        metric(&self.router.metrics(), "trackside_degraded_total", &labels.each_ref().map(String::as_str))
    }
}

/// Tells attempts apart.
fn which(attempt: &Value) -> [Value; 3] {
    ["time", "id", "took_ms"].map(|field| attempt[field].clone())
}

/// The error with this code that an attempt was refused for.
pub fn refusal(attempt: &Value, code: &str) -> Option<String> {
    let mut problems = attempt["problems"].as_array()?.iter();
    let found = problems.find(|problem| problem["severity"] == "error" && problem["code"] == code)?;
    Some(format!("{code} {}", found["message"].as_str()?))
}

/// Files beside a good one that are none.
fn strangers(good: &Path) -> Vec<std::path::PathBuf> {
    let known = [MISBEHAVING, CONTRARY, MEDDLING, PINNED].map(|name| format!("{name}.wasm"));
    let files = fs::read_dir(good.parent().expect("it lies in a folder")).expect("it can be read");
    let files = files.map(|entry| entry.expect("it can be read").path());
    files.filter(|path| !known.iter().any(|name| path.ends_with(name))).collect()
}
