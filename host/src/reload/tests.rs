use super::history::UnknownGeneration;
use super::*;
use crate::assemble::{ModelChoice, Workshop};
use crate::cli::Strictness;
use bytes::Bytes;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trackside_components::{Compiler, Digest};
use trackside_guests::BUILT_IN;
use trackside_telemetry::Metrics;

/// A configuration in a folder of its own, and the generations made of it.
struct Router {
    folder: TempDir,
    reloads: Reloads,
}

fn config(word: &str) -> String {
    include_str!("../../tests/program/changing.yaml").replace("urgent", word)
}

/// The built-in keyword signal with one more section, which nobody runs, so that its digest is another.
fn keyword(version: u8) -> Vec<u8> {
    let wasm = BUILT_IN.iter().find(|built_in| built_in.name == "signal-keyword").unwrap().wasm;
    [wasm, &[0, 3, 1, b'v', version]].concat()
}

impl Router {
    async fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("wasm")).unwrap();
        fs::write(folder.path().join("router.yaml"), config).unwrap();
        let metrics = Arc::new(Metrics::new("0"));
        let model = (!config.contains("semantic")).then(|| tiny(folder.path()));
        let choice = ModelChoice { model, precision: None };
        let workshop = Workshop::open(&choice, Compiler::Here, &metrics).unwrap();
        let origin = Origin { file: Some(folder.path().join("router.yaml")), strictness: Strictness::default() };
        let reloads = Reloads::start(workshop, origin, &metrics).await.expect("a good configuration");
        Self { folder, reloads }
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(path), content).unwrap();
    }

    async fn reload(&self) -> Outcome {
        self.reloads.reload(Cause::File(Vec::new())).await
    }

    fn id(&self) -> u64 {
        self.reloads.pin().id()
    }

    fn keyword(&self) -> Digest {
        self.reloads.pin().served["keyword"].digest
    }
}

/// A model of some kilobytes, of the router's own.
fn tiny(folder: &Path) -> String {
    let (from, to) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("inference/tests/reference/bert"), folder.join("model"));
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    to.display().to_string()
}

fn published(outcome: Outcome) -> HistoryEntry {
    match outcome {
        Outcome::Published(entry) => *entry,
        other => panic!("{other:#?}"),
    }
}

fn refused(outcome: Outcome) -> Arc<Refusal> {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:#?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_published_and_what_is_the_same_is_not() {
    let router = Router::start(&config("urgent")).await;
    assert_eq!(router.id(), 1);
    router.write("router.yaml", config("urgent"));
    assert!(matches!(router.reload().await, Outcome::Unchanged(1)));
    router.write("router.yaml", config("soon"));
    let entry = published(router.reload().await);
    assert_eq!((entry.id, entry.live, router.id()), (Some(2), true, 2));
    assert_eq!(entry.changed, ["config routing.signals.keywords[hurry].keywords[0]"]);
    router.write("router.yaml", format!("# a remark\n{}", config("soon")));
    assert_eq!(published(router.reload().await).changed, ["config, in nothing but its layout"]);
    router.write("wasm/keyword.wasm", keyword(1));
    let entry = published(router.reload().await);
    assert!(entry.changed[0].starts_with("component keyword ") && entry.changed.len() == 1, "{:?}", entry.changed);
    assert_eq!(router.keyword(), Digest::of(&keyword(1)));
    assert!(matches!(router.reload().await, Outcome::Unchanged(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_changes_nothing_and_is_one_report() {
    let router = Router::start(&config("urgent")).await;
    let before = router.reloads.pin();
    router.write("router.yaml", config("urgent").replace("model: large", "model: larger"));
    router.write("wasm/broken.wasm", "no component");
    let refusal = refused(router.reload().await);
    let errors: Vec<_> = refusal.problems.iter().filter(|problem| problem.severity == "error").collect();
    assert!(errors.len() >= 2, "{errors:#?}");
    assert!(
        errors.iter().any(|problem| problem.code == "E0103" && problem.line == Some(12) && problem.column == Some(90)),
        "{errors:#?}"
    );
    assert!(errors.iter().any(|problem| problem.code == "E0412" && problem.message.contains("broken.wasm")));
    assert_eq!((refusal.serving, refusal.why), (1, Why::Invalid));
    assert!(refusal.rendered.contains("still serving generation 1"), "{}", refusal.rendered);
    assert!(Arc::ptr_eq(&before, &router.reloads.pin()));
    assert!(router.reloads.watched().files.contains(&router.folder.path().join("wasm/broken.wasm")));
    fs::remove_file(router.folder.path().join("router.yaml")).unwrap();
    assert_eq!(refused(router.reload().await).problems[0].code, "E0435");
    router.write("router.yaml", "providers: [");
    assert!(refused(router.reload().await).problems[0].line.is_some());
    assert!(router.reloads.watched().directories.contains(&router.folder.path().join("./wasm")), "it is still watched");
    router.write("router.yaml", config("urgent"));
    fs::remove_file(router.folder.path().join("wasm/broken.wasm")).unwrap();
    assert!(matches!(router.reload().await, Outcome::Unchanged(1)), "the way back needs no new generation");
    let history = router.reloads.history();
    assert_eq!(history.iter().map(|entry| entry.id).collect::<Vec<_>>(), [None, None, None, Some(1)]);
    assert!(history.iter().all(|entry| entry.live == entry.id.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_may_go_back_and_the_next_change_of_a_file_wins() {
    let router = Router::start(&config("urgent")).await;
    router.write("wasm/keyword.wasm", keyword(1));
    router.write("router.yaml", config("soon"));
    published(router.reload().await);
    router.write("wasm/keyword.wasm", keyword(2));
    published(router.reload().await);
    fs::remove_file(router.folder.path().join("wasm/keyword.wasm")).unwrap();
    published(router.reload().await);
    let outcome = router.reloads.rollback(2).await.unwrap();
    let entry = published(outcome);
    assert_eq!((entry.id, &entry.cause), (Some(5), &Cause::Rollback(2)));
    assert!(entry.notes[0].contains("next change"), "{:?}", entry.notes);
    assert_eq!(router.keyword(), Digest::of(&keyword(1)), "though its file is gone");
    assert!(matches!(router.reload().await, Outcome::Unchanged(5)), "nothing on disk has changed");
    router.write("router.yaml", config("later"));
    let entry = published(router.reload().await);
    assert_eq!(entry.id, Some(6));
    assert_ne!(router.keyword(), Digest::of(&keyword(1)));
    assert!(matches!(router.reloads.rollback(6).await, Ok(Outcome::Unchanged(6))));
    assert_eq!(router.reloads.rollback(77).await.unwrap_err(), UnknownGeneration(77));
    let to_first = published(router.reloads.rollback(1).await.unwrap());
    assert_eq!(to_first.config, Some(Digest::of(config("urgent").as_bytes()).to_string()));
    // What somebody asks for is the state on disk, also when no file has changed since.
    assert_eq!(published(router.reloads.reload(Cause::Signal).await).id, Some(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_bounded_and_old_generations_are_dropped() {
    let router = Router::start(&config("urgent")).await;
    let pinned = router.reloads.pin();
    let (first, reaping) = (Arc::downgrade(&pinned), router.reloads.clone());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(reaping.reap());
    for n in 0..20 {
        router.write("router.yaml", config(&format!("word{n}")));
        published(router.reload().await);
        router.write("router.yaml", "nonsense: [");
        refused(router.reload().await);
    }
    let history = router.reloads.history();
    let ids: Vec<u64> = history.iter().filter_map(|entry| entry.id).collect();
    assert_eq!(ids, (6..=21).rev().collect::<Vec<_>>());
    assert_eq!(history.len(), 32);
    assert_eq!(router.reloads.rollback(5).await.unwrap_err(), UnknownGeneration(5));
    let stream = router.reloads.pin();
    assert_eq!(router.reloads.history()[1].pinned, 1, "the stream, and not the question");
    drop(stream);
    let until = Instant::now() + Duration::from_secs(10);
    let in_memory = || router.reloads.0.draining.pins().iter().map(|(id, _)| *id).collect::<Vec<_>>();
    while in_memory() != [1] {
        assert!(Instant::now() < until, "{:?} are still in memory", in_memory());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(pinned);
    while first.strong_count() > 0 {
        assert!(Instant::now() < until, "the first generation is still in memory");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_sent_is_written_when_it_is_good() {
    let router = Router::start(&config("urgent")).await;
    let file = router.folder.path().join("router.yaml");
    let bad = router.reloads.replace_config("nonsense: [".to_owned(), None).await;
    assert_eq!(refused(bad).why, Why::Invalid);
    let stale = router.reloads.replace_config(config("soon"), Some(Digest::of(b"something else"))).await;
    assert_eq!(refused(stale).why, Why::Overtaken);
    let examined = router.reloads.examine(config("soon")).await.unwrap();
    assert!(examined.good && router.id() == 1, "{examined:?}");
    let examined = router.reloads.examine("nonsense: [".to_owned()).await.unwrap();
    assert!(!examined.good && examined.problems[0].line == Some(1), "{examined:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), config("urgent"));
    let live = router.reloads.pin().material.config().digest;
    published(router.reloads.replace_config(config("soon"), Some(live)).await);
    assert_eq!(fs::read_to_string(&file).unwrap(), config("soon"));
    assert!(matches!(router.reload().await, Outcome::Unchanged(2)), "the watcher hears of it, too");
    // A file cannot take the place of a folder.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let refusal = refused(router.reloads.replace_config(config("later"), None).await);
    assert_eq!((refusal.why, router.id()), (Why::NotPersisted, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_sent_lies_where_its_type_is_served_from() {
    let router = Router::start(&config("urgent")).await;
    let send = |version| Upload::Bytes(Bytes::from(keyword(version)));
    let entry = published(router.reloads.replace_component("keyword", send(1)).await);
    assert_eq!(entry.components["keyword"], Digest::of(&keyword(1)).to_string());
    assert_eq!(fs::read(router.folder.path().join("wasm/keyword.wasm")).unwrap(), keyword(1));
    fs::rename(router.folder.path().join("wasm/keyword.wasm"), router.folder.path().join("wasm/mine.wasm")).unwrap();
    published(router.reload().await);
    published(router.reloads.replace_component("keyword", send(2)).await);
    assert_eq!(fs::read(router.folder.path().join("wasm/mine.wasm")).unwrap(), keyword(2));
    assert!(matches!(router.reload().await, Outcome::Unchanged(4)));
    for (serves, upload, why) in [
        ("language", send(3), Why::Invalid),
        ("keyword", Upload::Bytes(Bytes::from_static(b"no component")), Why::Invalid),
        ("keyword", Upload::Path("../router.yaml".into()), Why::Impossible),
        ("keyword", Upload::Path("missing.wasm".into()), Why::Impossible),
    ] {
        assert_eq!(refused(router.reloads.replace_component(serves, upload).await).why, why);
    }
    fs::create_dir(router.folder.path().join("wasm/staged")).unwrap();
    router.write("wasm/staged/next.wasm", keyword(3));
    published(router.reloads.replace_component("keyword", Upload::Path("staged/next.wasm".into())).await);
    assert_eq!(router.keyword(), Digest::of(&keyword(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_becomes_the_active_component() {
    let shadow = "  shadow: {type: keyword, source: ./next.wasm, percent: 100}\n";
    let router = Router::start(&config("urgent")).await;
    let none = refused(router.reloads.promote("keyword").await);
    assert_eq!((none.why, none.problems[0].code), (Why::Impossible, "E0439"));
    router.write("next.wasm", keyword(7));
    router.write("router.yaml", format!("{}{shadow}", config("urgent")));
    published(router.reload().await);
    assert_ne!(router.keyword(), Digest::of(&keyword(7)));
    // What was tried is what is promoted.
    router.write("next.wasm", "half a component");
    refused(router.reload().await);
    router.write("next.wasm", keyword(7));
    let entry = published(router.reloads.promote("keyword").await);
    assert_eq!(entry.cause, Cause::Promotion("keyword".to_owned()));
    assert_eq!(router.keyword(), Digest::of(&keyword(7)));
    assert_eq!(fs::read(router.folder.path().join("wasm/keyword.wasm")).unwrap(), keyword(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_belongs_to_its_generations() {
    let model = "global: {model_catalog: {embeddings: {semantic: {bert_model_path: ./model, \
                 embedding_config: {model_type: bert}}}}}\n";
    let text = format!("{}{model}", config("urgent"));
    let router = Router::start(&text).await;
    let embedded = router.reloads.pin().embeddings.fingerprint().to_owned();
    tiny(router.folder.path());
    let entry = published(router.reload().await);
    let tiny_model = router.reloads.pin().embeddings.clone();
    assert_ne!(embedded, tiny_model.fingerprint());
    assert!(entry.changed.iter().any(|line| line.starts_with("model ")), "{:?}", entry.changed);
    // The same bytes under other times are the same model, and it is not opened again.
    let weights = router.folder.path().join("model/model.safetensors");
    fs::write(&weights, fs::read(&weights).unwrap()).unwrap();
    assert!(matches!(router.reload().await, Outcome::Unchanged(2)));
    router.write("router.yaml", format!("{}{model}", config("soon")));
    published(router.reload().await);
    assert!(Arc::ptr_eq(&tiny_model, &router.reloads.pin().embeddings), "one model was opened twice");
    // A folder that changes makes another model, and there is no way back once the old one is gone.
    let changed: Vec<u8> = fs::read(&weights).unwrap().iter().rev().copied().collect();
    let (header, body) = header_and_body(&fs::read(&weights).unwrap(), &changed);
    fs::write(&weights, [header, body].concat()).unwrap();
    published(router.reload().await);
    assert!(!Arc::ptr_eq(&tiny_model, &router.reloads.pin().embeddings));
    let back = published(router.reloads.rollback(3).await.unwrap());
    assert!(Arc::ptr_eq(&tiny_model, &router.reloads.pin().embeddings), "it was still in memory");
    assert_eq!(back.id, Some(5));
    published(router.reloads.rollback(4).await.unwrap());
    let gone = Arc::downgrade(&tiny_model);
    drop(tiny_model);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(router.reloads.clone().reap());
    let until = Instant::now() + Duration::from_secs(10);
    while gone.strong_count() > 0 {
        assert!(Instant::now() < until, "nobody uses the model, and it is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refusal = refused(router.reloads.rollback(3).await.unwrap());
    assert_eq!(refusal.problems[0].code, "E0440");
    assert!(refusal.problems[0].message.contains("have changed since"), "{:?}", refusal.problems);
}

/// The header of a model's weights, and other weights of the same size.
fn header_and_body(file: &[u8], other: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let length = 8 + usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
    // Small numbers whatever they were: the bytes of a half or a float turned round may be none at all.
    let body = other[..file.len() - length].iter().map(|byte| byte & 0x3d).collect();
    (file[..length].to_vec(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_only_at_start_is_told() {
    let router = Router::start(&config("urgent")).await;
    let bounds = "global: {router: {streamed_body: {enabled: true, max_bytes: 1000}}}\n";
    router.write("router.yaml", format!("{}{bounds}", config("urgent")));
    published(router.reload().await);
    let examined = router.reloads.examine(format!("{}{bounds}# more\n", config("urgent"))).await.unwrap();
    assert!(examined.problems.iter().any(|problem| problem.code == "W0431"), "{examined:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_wait_for_each_other_and_the_last_state_wins() {
    let router = Router::start(&config("urgent")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10 {
        // A file that is being written is the watcher's business.
        router.write("next.yaml", config(&format!("word{n}")));
        let path = |name| router.folder.path().join(name);
        fs::rename(path("next.yaml"), path("router.yaml")).unwrap();
        let reloads = router.reloads.clone();
        tasks.spawn(async move { reloads.reload(Cause::File(Vec::new())).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert!(!matches!(outcome.unwrap(), Outcome::Refused(_)));
    }
    assert_eq!(&*router.reloads.pin().material.config().text, config("word9"));
    router.reloads.shut();
    router.write("router.yaml", config("late"));
    let id = router.id();
    assert!(matches!(router.reload().await, Outcome::Unchanged(still) if still == id));
}
