//! A host for one test: every capability is a table, and everything that is told to it is kept.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trackside_components::types::{ConversationFacts, Match, RequestHead, SignalMatch};
use trackside_components::{
    ArtefactFile, CallError, Capabilities, Capability, Clustering, Compare, Component, ConfigureError, Configured,
    Current, Embed, EmbedFailure, Engine, EngineOptions, Grants, HeadMethod, KeyValue, KeyValueFailure, Level, Limits,
    Log, Metrics, Nearest, Neighbour, RequestEmbeddings, Role, Setup, SystemClock, Vectors, VectorsFailure, Waiting,
};

pub const MISBEHAVING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm"));
pub const COVETOUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trackside_covetous.wasm"));

/// What a call may take in these tests: more than in production, because the machine is busy with other tests.
pub const DEADLINE: Duration = Duration::from_millis(200);

/// How late a stopped call may return on a busy machine.
pub const SLACK: Duration = Duration::from_millis(800);

#[derive(Default)]
pub struct World {
    pub calls: Mutex<Vec<(String, Role, &'static str)>>,
    pub lines: Mutex<Vec<(Option<String>, Level, String)>>,
    pub dropped_lines: Mutex<u32>,
    pub counters: Mutex<HashMap<String, f64>>,
    pub embedded: Mutex<Vec<String>>,
    /// What happens to texts.
    pub model: Model,
    pub indexes_read: Mutex<u32>,
    values: Mutex<HashMap<String, i64>>,
}

/// The state of the model.
#[derive(Clone, Copy, Default)]
pub enum Model {
    #[default]
    Ready,
    Absent,
    /// Works while a component is configured, and has no time for requests.
    Overloaded,
}

impl World {
    pub fn with(model: Model) -> Arc<Self> {
        Arc::new(Self { model, ..Self::default() })
    }

    pub fn outcomes(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().iter().map(|(_, _, outcome)| *outcome).collect()
    }

    pub fn capabilities(self: &Arc<Self>) -> Capabilities {
        Capabilities {
            vectors: self.clone(),
            key_value: self.clone(),
            log: self.clone(),
            metrics: self.clone(),
            clock: Arc::new(SystemClock::default()),
        }
    }

    pub fn engine(self: &Arc<Self>, options: EngineOptions) -> Engine {
        Engine::new(options, self.capabilities()).unwrap()
    }

    pub fn load(self: &Arc<Self>, wasm: &[u8]) -> Component {
        self.engine(EngineOptions { instances: 100, ..EngineOptions::default() }).load(wasm).unwrap()
    }

    /// The misbehaving component, set to do one thing.
    pub async fn that(self: &Arc<Self>, does: &str) -> Configured {
        self.that_within(does, limits()).await
    }

    pub async fn that_within(self: &Arc<Self>, does: &str, limits: Limits) -> Configured {
        self.configure(&self.load(MISBEHAVING), &rule(does), &limits, None).await.unwrap()
    }

    /// The same, with a file to read.
    pub async fn that_is_given(self: &Arc<Self>, does: &str, file: &[u8]) -> Configured {
        let (settings, file) = (rules(&[does, "spin-if-asked"]), ArtefactFile::new(file.to_vec()));
        self.configure(&self.load(MISBEHAVING), &settings, &limits(), file).await.unwrap()
    }

    /// The same, set to do something, and to lose its instance when the text is `spin`.
    pub async fn that_loses_its_instance(self: &Arc<Self>, does: &str) -> Configured {
        let settings = rules(&[does, "spin-if-asked"]);
        self.configure(&self.load(MISBEHAVING), &settings, &limits(), None).await.unwrap()
    }

    /// With every grant, and this world's model.
    pub async fn configure(
        self: &Arc<Self>,
        component: &Component,
        settings: &Value,
        limits: &Limits,
        artefact: Option<ArtefactFile>,
    ) -> Result<Configured, ConfigureError> {
        component.configure(Setup { settings, grants: &grants(), limits, artefact, embed: self.clone() }).await
    }

    /// The same with other grants, and no file.
    pub async fn configure_granted(
        self: &Arc<Self>,
        component: &Component,
        settings: &Value,
        grants: &Grants,
    ) -> Result<Configured, ConfigureError> {
        let limits = &limits();
        component.configure(Setup { settings, grants, limits, artefact: None, embed: self.clone() }).await
    }
}

pub fn limits() -> Limits {
    Limits { deadline: DEADLINE, configure_deadline: Duration::from_secs(2), ..Limits::default() }
}

pub fn grants() -> Grants {
    [Capability::Embeddings, Capability::Neighbours, Capability::KeyValue].into_iter().collect()
}

pub fn rule(does: &str) -> Value {
    rules(&[does])
}

pub fn rules(deeds: &[&str]) -> Value {
    let rules: Vec<_> = deeds.iter().map(|does| json!({ "name": "x", "does": does })).collect();
    json!({ "rules": rules, "module": {} })
}

pub fn head(text: &str) -> RequestHead {
    RequestHead {
        id: "request-1".to_owned(),
        model: "auto".to_owned(),
        dialect: "chat-completions".to_owned(),
        streaming: false,
        text: text.to_owned(),
        extra: Vec::new(),
    }
}

/// Calls a signal about a text, with plenty of time from the caller's side.
pub async fn ask(configured: &Configured, text: &str) -> Result<Vec<Match>, CallError> {
    ask_about(configured, &request(text)).await
}

pub async fn ask_about(configured: &Configured, request: &Arc<dyn Current>) -> Result<Vec<Match>, CallError> {
    let (_, text) = request.message(0).unwrap_or_default();
    configured.evaluate(request, &head(&text), Instant::now() + Duration::from_secs(30)).await
}

pub fn request(text: &str) -> Arc<dyn Current> {
    Arc::new(Request { text: text.to_owned(), embeddings: RequestEmbeddings::default() })
}

struct Request {
    text: String,
    embeddings: RequestEmbeddings,
}

impl Current for Request {
    fn header(&self, name: &str) -> Option<String> {
        Some(format!("value of {name}"))
    }

    fn message_count(&self) -> u32 {
        1
    }

    fn message(&self, index: u32) -> Option<(String, String)> {
        (index == 0).then(|| ("user".to_owned(), self.text.clone()))
    }

    fn facts(&self) -> ConversationFacts {
        ConversationFacts {
            text_bytes: u64::try_from(self.text.len()).unwrap_or(u64::MAX),
            structured_bytes: 0,
            user_messages: 1,
            assistant_messages: 0,
            system_messages: 0,
            developer_messages: 0,
            tool_messages: 0,
            other_messages: 0,
            tool_definitions: 0,
            tool_calls: 0,
            images: 0,
            in_tool_loop: false,
            extra: Vec::new(),
        }
    }

    fn field(&self, path: &[String]) -> Option<String> {
        (path == ["model"]).then(|| "\"auto\"".to_owned())
    }

    fn body(&self) -> String {
        "the whole body".to_owned()
    }

    fn metadata(&self, name: &str) -> Option<String> {
        (name == "tenant").then(|| "acme".to_owned())
    }

    fn matches(&self) -> Vec<SignalMatch> {
        Vec::new()
    }

    fn id(&self) -> &str {
        "request-1"
    }

    fn embeddings(&self) -> &RequestEmbeddings {
        &self.embeddings
    }
}

/// Embeds by the first letter.
impl Embed for World {
    fn available(&self) -> bool {
        !matches!(self.model, Model::Absent)
    }

    fn model(&self) -> Option<&str> {
        self.available().then_some("letters")
    }

    fn fingerprint(&self) -> Option<&str> {
        self.model()
    }

    fn embed<'a>(&'a self, text: &'a str, deadline: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
        self.embedded.lock().unwrap().push(text.to_owned());
        let of_a_request = deadline < Instant::now() + Duration::from_secs(60);
        Box::pin(async move {
            match self.model {
                Model::Absent => Err(EmbedFailure::Unavailable),
                Model::Overloaded if of_a_request => Err(EmbedFailure::Overloaded),
                Model::Ready | Model::Overloaded => {
                    Ok("abc".chars().map(|axis| if text.starts_with(axis) { 1.0 } else { 0.0 }).collect())
                }
            }
        })
    }
}

/// Rows and what to do with them: dot products for a bank, of a class's sum for a head.
struct Rows(Vec<Vec<f32>>);

impl Compare for Rows {
    fn size(&self) -> usize {
        self.0.len()
    }

    fn compare(&self, vector: &[f32]) -> Result<Vec<f32>, VectorsFailure> {
        Ok(self.0.iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect())
    }
}

/// The rows that begin with the letters of a file, behind the name of their model: `letters:cab`. Their labels are ten
/// times their numbers.
impl Nearest for Rows {
    fn nearest(&self, vector: &[f32], k: usize) -> Result<Vec<Neighbour>, VectorsFailure> {
        let rows = (0..).zip(self.compare(vector)?);
        let mut near: Vec<_> = rows.map(|(row, similarity)| Neighbour { row, similarity, label: row * 10 }).collect();
        near.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        near.truncate(k);
        Ok(near)
    }
}

fn letter(of: char) -> Vec<f32> {
    "abc".chars().map(|axis| if of == axis { 1.0 } else { 0.0 }).collect()
}

/// Prototypes are the first texts.
impl Vectors for World {
    fn bank(&self, vectors: &[Arc<[f32]>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        Ok(Arc::new(Rows(vectors.iter().map(|row| row.to_vec()).collect())))
    }

    fn prototypes(&self, texts: &[String], _: &[Arc<[f32]>], how: Clustering) -> Result<Vec<usize>, VectorsFailure> {
        Ok((0..texts.len().min(how.most)).collect())
    }

    fn head(&self, _: HeadMethod, classes: &[Vec<Arc<[f32]>>]) -> Result<Arc<dyn Compare>, VectorsFailure> {
        let sum = |class: &Vec<Arc<[f32]>>| (0..3).map(|axis| class.iter().map(|row| row[axis]).sum()).collect();
        Ok(Arc::new(Rows(classes.iter().map(sum).collect())))
    }

    fn index(&self, bytes: &[u8], model: &str) -> Result<Arc<dyn Nearest>, VectorsFailure> {
        *self.indexes_read.lock().unwrap() += 1;
        let text = String::from_utf8_lossy(bytes);
        let Some((made_by, letters)) = text.split_once(':') else {
            return Err(VectorsFailure::Invalid("there is no colon".to_owned()));
        };
        if made_by != model {
            return Err(VectorsFailure::OtherModel { made_by: made_by.to_owned(), loaded: model.to_owned() });
        }
        Ok(Arc::new(Rows(letters.chars().map(letter).collect())))
    }
}

/// Counters; a look-up never ends.
impl KeyValue for World {
    fn get<'a>(&'a self, _: &'a str, _: &'a str) -> Waiting<'a, Result<Option<Vec<u8>>, KeyValueFailure>> {
        Box::pin(future::pending())
    }

    fn put<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Vec<u8>,
        _: Option<Duration>,
    ) -> Waiting<'a, Result<(), KeyValueFailure>> {
        Box::pin(async { Ok(()) })
    }

    fn add<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
        by: i64,
        _: Option<Duration>,
    ) -> Waiting<'a, Result<i64, KeyValueFailure>> {
        let mut values = self.values.lock().unwrap();
        let value = values.entry(format!("{scope}/{key}")).or_default();
        *value += by;
        let sum = *value;
        Box::pin(async move { Ok(sum) })
    }

    fn swap<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Option<Vec<u8>>,
        _: Vec<u8>,
        _: Option<Duration>,
    ) -> Waiting<'a, Result<bool, KeyValueFailure>> {
        Box::pin(async { Ok(false) })
    }
}

impl Log for World {
    fn line(&self, component: &str, request: Option<&str>, level: Level, message: &str) {
        assert_eq!(component, "misbehaving");
        self.lines.lock().unwrap().push((request.map(str::to_owned), level, message.to_owned()));
    }

    fn dropped(&self, _: &str, lines: u32) {
        *self.dropped_lines.lock().unwrap() += lines;
    }
}

impl Metrics for World {
    fn add(&self, component: &str, name: &str, by: f64) {
        *self.counters.lock().unwrap().entry(format!("{component}/{name}")).or_default() += by;
    }

    fn call(&self, component: &str, role: Role, outcome: &'static str, _: Duration) {
        self.calls.lock().unwrap().push((component.to_owned(), role, outcome));
    }
}
