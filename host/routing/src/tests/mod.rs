//! Snapshots of real components, without a model and without a gateway.

mod candidates;
mod carry_over;
mod policies;
mod probing;

use crate::exchange::{Answer, Forward, Headers, Incoming};
use crate::{Build, Carried, ComponentReport, DecisionRecord, Entry, Registry, Snapshot, build};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trackside_components::{
    Capabilities, Clustering, Compare, Component, Digest, Engine, EngineOptions, Grants, HeadMethod, KeyValue,
    KeyValueFailure, Level, Limits, Log, Metrics as Counts, Nearest, NoModel, Role, SystemClock, Vectors,
    VectorsFailure, Waiting,
};
use trackside_config::{self as config, Config, Report};
use trackside_guests::BUILT_IN;
use trackside_telemetry::Metrics;

/// One engine compiles for all tests.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let nothing = Arc::new(Nothing);
    let capabilities = Capabilities {
        vectors: nothing.clone(),
        key_value: nothing.clone(),
        log: nothing.clone(),
        metrics: nothing,
        clock: Arc::new(SystemClock::default()),
    };
    Engine::new(EngineOptions { instances: 200, ..EngineOptions::default() }, capabilities).unwrap()
});

/// Answers `large` and `small` by the words in the text; the default is `small`. The word `order` is in every request
/// that a probe makes up.
const CONFIG: &str = r#"
version: v0.3
providers:
  defaults: {default_model: small}
  models:
    - {name: small, backend_refs: [{name: small, endpoint: "127.0.0.1:9"}]}
    - {name: large, backend_refs: [{name: large, endpoint: "127.0.0.1:9"}]}
routing:
  modelCards: [{name: small}, {name: large}]
  signals:
    keywords:
      - {name: large, operator: OR, keywords: [WORD]}
  decisions:
    - name: large
      priority: 10
      modelRefs: [{model: large}, {model: small}]
      rules: {operator: OR, conditions: [{type: keyword, name: large}]}
      plugins:
        - {type: header_mutation, configuration: {add: [{name: x-stamp, value: STAMP}]}}
"#;

/// What a test changes.
struct House {
    config: String,
    registry: Registry,
    carried: Carried,
    metrics: Arc<Metrics>,
}

impl House {
    fn new() -> House {
        let mut registry = Registry::new();
        for name in ["ranking-priority", "selector-static", "signal-keyword", "plugin-header-mutation"] {
            registry.insert(entry(component(name)));
        }
        let config = CONFIG.replace("WORD", "large").replace("STAMP", "one");
        House { config, registry, carried: Carried::default(), metrics: Arc::new(Metrics::new("test")) }
    }

    /// Changes the component that serves a type.
    fn change(&mut self, role: Role, serves: &str, change: impl FnOnce(&mut Entry)) {
        let mut entry = self.registry.get(role, serves).expect("it is there").clone();
        change(&mut entry);
        self.registry.insert(entry);
    }

    fn config(&self) -> Config {
        let loaded = config::parse("test.yaml", &self.config, Path::new("."), &BTreeMap::new());
        assert!(loaded.report.is_ok(), "{:?}", loaded.report);
        loaded.config.expect("it is read")
    }

    async fn build(&self) -> Snapshot {
        let mut report = Report::default();
        let snapshot = self.try_build(&self.config(), &mut report).await;
        snapshot.unwrap_or_else(|| panic!("{report:?}"))
    }

    async fn try_build(&self, config: &Config, report: &mut Report) -> Option<Snapshot> {
        let (registry, carried, metrics) = (&self.registry, &self.carried, Arc::clone(&self.metrics));
        build(Build { config, registry, embed: Arc::new(NoModel), carried, metrics, generation: 7 }, report).await
    }

    /// Builds and probes, and tells what there is to say.
    async fn probe(&self) -> (Snapshot, Report) {
        let (config, mut report) = (self.config(), Report::default());
        let snapshot = self.try_build(&config, &mut report).await.unwrap_or_else(|| panic!("{report:?}"));
        snapshot.probe(&config, &mut report).await;
        (snapshot, report)
    }

    fn metric(&self, line: &str) -> bool {
        self.metrics.encode().lines().any(|found| found == line)
    }
}

fn wasm(name: &str) -> &'static [u8] {
    BUILT_IN.iter().find(|built_in| built_in.name == name).expect("it is built in").wasm
}

fn component(name: &str) -> Component {
    load(wasm(name))
}

/// The same component to everybody but by its digest.
fn twin(name: &str) -> Component {
    with_section(name, "twin", b"")
}

/// The same component with a custom section.
fn with_section(name: &str, section: &str, content: &[u8]) -> Component {
    let content = [&[u8::try_from(section.len()).unwrap()], section.as_bytes(), content].concat();
    let length = [0, 7, 14, 21].map(|shift| u8::try_from(content.len() >> shift & 0x7f).unwrap() | 0x80);
    load(&[wasm(name), &[0], &length, &[0], &content].concat())
}

/// Compiles each component once for all tests.
fn load(wasm: &[u8]) -> Component {
    static LOADED: Mutex<BTreeMap<Digest, Component>> = Mutex::new(BTreeMap::new());
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let load = || ENGINE.load(wasm).unwrap_or_else(|error| panic!("{error}"));
    loaded.entry(Digest::of(wasm)).or_insert_with(load).clone()
}

/// A component with ample time: the machine is busy with other tests.
fn entry(component: Component) -> Entry {
    let limits = Limits { deadline: Duration::from_secs(5), ..Limits::default() };
    let (grants, origin) = (Grants::none(), Some("test".to_owned()));
    Entry { component, grants, limits, artefact: None, on_failure: None, cases: None, origin }
}

/// Makes a component fail whenever it has anything to say.
fn gag(entry: &mut Entry) {
    entry.limits.output_bytes = 1;
}

fn incoming(text: &str, headers: &[(&str, &str)]) -> Incoming {
    let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]}).to_string();
    let mut given = Headers::default();
    headers.iter().for_each(|(name, value)| given.push(name, (*value).to_owned().into()));
    let deadline = Instant::now() + Duration::from_secs(30);
    Incoming { deadline, ..Incoming::new(format!("request-{text}"), given, body.into()) }
}

async fn ask(snapshot: &Snapshot, text: &str) -> Forward {
    ask_with(snapshot, text, &[]).await
}

async fn ask_with(snapshot: &Snapshot, text: &str, headers: &[(&str, &str)]) -> Forward {
    match snapshot.route(incoming(text, headers)).await {
        Answer::Forward(forward) => forward,
        Answer::Respond(reply) => panic!("{reply:?}"),
    }
}

fn model(record: &DecisionRecord) -> &str {
    record.selected_model.as_deref().unwrap_or_default()
}

fn report_of(snapshot: &Snapshot, serves: &str) -> ComponentReport {
    snapshot.components().into_iter().find(|report| report.serves == serves).expect("it is listed")
}

/// What components reach outside themselves.
struct Nothing;

impl Vectors for Nothing {
    fn bank(&self, _: &[Arc<[f32]>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        Err(VectorsFailure::Invalid(String::new()))
    }

    fn prototypes(&self, _: &[String], _: &[Arc<[f32]>], _: Clustering) -> Result<Vec<usize>, VectorsFailure> {
        Err(VectorsFailure::Invalid(String::new()))
    }

    fn head(&self, _: HeadMethod, _: &[Vec<Arc<[f32]>>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        Err(VectorsFailure::Invalid(String::new()))
    }

    fn index(&self, _: &[u8], _: &str) -> Result<Arc<dyn Nearest>, VectorsFailure> {
        Err(VectorsFailure::Invalid(String::new()))
    }
}

type Stored<'a, T> = Waiting<'a, Result<T, KeyValueFailure>>;

impl KeyValue for Nothing {
    fn get<'a>(&'a self, _: &'a str, _: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(None) })
    }

    fn put<'a>(&'a self, _: &'a str, _: &'a str, _: Vec<u8>, _: Option<Duration>) -> Stored<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn add<'a>(&'a self, _: &'a str, _: &'a str, by: i64, _: Option<Duration>) -> Stored<'a, i64> {
        Box::pin(async move { Ok(by) })
    }

    fn swap<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Option<Vec<u8>>,
        _: Vec<u8>,
        _: Option<Duration>,
    ) -> Stored<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}

impl Log for Nothing {
    fn line(&self, _: &str, _: Option<&str>, _: Level, _: &str) {}

    fn dropped(&self, _: &str, _: u32) {}
}

impl Counts for Nothing {
    fn add(&self, _: &str, _: &str, _: f64) {}

    fn call(&self, _: &str, _: Role, _: &'static str, _: Duration) {}
}
