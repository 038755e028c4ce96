//! Texts compared with what a component declared: banks, prototypes, heads, indexes, and the file it is given.

use crate::world::{MISBEHAVING, Model, World, ask, ask_about, grants, limits, request, rule};
use std::sync::Arc;
use trackside_components::{CallError, Capability, ConfigureError, Configured, EmbedFailure, Grants, Setup};

async fn detail(configured: &Configured, text: &str) -> String {
    ask(configured, text).await.unwrap().remove(0).detail
}

async fn told(does: &str, text: &str) -> String {
    detail(&Arc::new(World::default()).that(does).await, text).await
}

#[tokio::test]
async fn a_bank_is_embedded_once_and_a_request_once() {
    let world = Arc::new(World::default());
    let configured = world.that_loses_its_instance("compare").await;
    assert_eq!(*world.embedded.lock().unwrap(), ["a", "b", "c"]);
    let asked = request("bottle");
    for _ in 0..2 {
        assert_eq!(ask_about(&configured, &asked).await.unwrap()[0].detail, "[0.0, 1.0, 0.0]");
    }
    assert_eq!(*world.embedded.lock().unwrap(), ["a", "b", "c", "bottle"]);

    ask(&configured, "spin").await.unwrap_err();
    assert_eq!(detail(&configured, "apple").await, "[1.0, 0.0, 0.0]");
    assert_eq!(configured.instances().created, 2);
    assert_eq!(world.embedded.lock().unwrap()[4..], ["spin", "apple"], "a new instance embedded the bank again");
}

#[tokio::test]
async fn two_components_share_what_both_declare_and_the_embedding_of_a_request() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let first = world.configure(&component, &rule("compare"), &limits(), None).await.unwrap();
    let second = world.configure(&component, &rule("compare"), &limits(), None).await.unwrap();
    let asked = request("cup");
    let (first, second) = tokio::join!(ask_about(&first, &asked), ask_about(&second, &asked));
    assert_eq!(first.unwrap()[0].detail, second.unwrap()[0].detail);
    assert_eq!(*world.embedded.lock().unwrap(), ["a", "b", "c", "cup"]);
}

#[tokio::test]
async fn scores_weigh_the_best_against_the_mean_of_the_greatest() {
    // The bank holds a, b, a, c: two of four are like "apple". Of the prototypes a and b, one is.
    assert_eq!(told("score", "apple").await, "1 1 1 4;0.5 1 0.5 2;1 1 1 4;");
    assert_eq!(told("score", "bottle").await, "0.875 1 0.5 4;0.5 1 0.5 2;1 1 1 4;");
    assert_eq!(told("score", "zebra").await, "0 0 0 4;0 0 0 2;0 0 0 4;");
}

#[tokio::test]
async fn a_head_answers_for_its_classes() {
    assert_eq!(told("classify", "bottle").await, "[1.0, 0.0]");
    assert_eq!(told("classify", "cup").await, "[0.0, 1.0]");
}

#[tokio::test]
async fn an_index_is_read_once_however_many_instances_declare_it() {
    let world = Arc::new(World::default());
    let configured = world.that_is_given("find-neighbours", b"letters:cab").await;
    assert_eq!(detail(&configured, "bottle").await, "2 1 20;0 0 0;");
    ask(&configured, "spin").await.unwrap_err();
    assert_eq!(detail(&configured, "apple").await, "1 1 10;0 0 0;");
    assert_eq!((configured.instances().created, *world.indexes_read.lock().unwrap()), (2, 1));
}

#[tokio::test]
async fn an_index_of_another_model_is_told_from_one_that_is_none() {
    let world = Arc::new(World::default());
    let other = world.that_is_given("find-neighbours", b"numbers:cab").await;
    assert_eq!(detail(&other, "apple").await, "other-model, unknown-name");
    ask(&other, "spin").await.unwrap_err();
    assert_eq!(detail(&other, "apple").await, "other-model, unknown-name", "a second instance was told otherwise");
    let none = world.that("find-neighbours").await;
    assert_eq!(detail(&none, "apple").await, "invalid-vectors, unknown-name");
}

#[tokio::test]
async fn an_artefact_can_be_read_in_configure_by_every_instance() {
    let world = Arc::new(World::default());
    let configured = world.that_is_given("read-artefact", &[1, 2, 3]).await;
    for _ in 0..2 {
        assert_eq!(detail(&configured, "").await, "Some([1, 2, 3]), then None");
        ask(&configured, "spin").await.unwrap_err();
    }
    assert_eq!(detail(&world.that("read-artefact").await, "").await, "None, then None");
}

#[tokio::test]
async fn an_artefact_that_does_not_fit_the_memory_of_a_component_is_its_end() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let file = trackside_components::ArtefactFile::new(vec![0; 20 << 20]);
    let error = world.configure(&component, &rule("read-artefact"), &limits(), file).await.unwrap_err();
    assert!(matches!(error, ConfigureError::Call { source: CallError::Memory { .. }, .. }), "{error}");
}

#[tokio::test]
async fn wrong_declarations_fail_by_kind() {
    let expected = "too-large too-large too-large invalid-argument invalid-argument invalid-argument invalid-argument \
                    invalid-argument invalid-argument too-large too-large invalid-vectors invalid-call";
    assert_eq!(told("declare-wrongly", "").await, expected);
}

#[tokio::test]
async fn nothing_is_declared_for_a_request() {
    assert_eq!(told("declare-late", "").await, "invalid-call invalid-call invalid-call invalid-call");
}

#[tokio::test]
async fn wrong_questions_fail_by_kind() {
    let expected = "unknown-name unknown-name unknown-name unknown-name invalid-argument too-large ok";
    assert_eq!(told("ask-wrongly", "").await, expected);
}

#[tokio::test]
async fn without_a_model_everything_is_unavailable() {
    let world = World::with(Model::Absent);
    let late = world.that("ask-wrongly").await;
    let expected = "unavailable unavailable unavailable unavailable invalid-argument too-large unavailable";
    assert_eq!(detail(&late, "").await, expected);
    let kinds = detail(&world.that("declare-wrongly").await, "").await;
    assert!(kinds.split(' ').take(12).all(|kind| kind == "unavailable"), "{kinds}");
    assert_eq!(detail(&world.that("find-neighbours").await, "").await, "unavailable, unavailable");
}

#[tokio::test]
async fn the_last_declaration_of_a_name_counts_in_every_instance() {
    let world = Arc::new(World::default());
    let configured = world.that_loses_its_instance("declare-again").await;
    for _ in 0..2 {
        assert_eq!(detail(&configured, "bottle").await, "[1.0]");
        ask(&configured, "spin").await.unwrap_err();
    }
}

#[tokio::test]
async fn an_instance_that_declares_something_else_is_not_used() {
    let world = Arc::new(World::default());
    let configured = world.that_loses_its_instance("declare-anew").await;
    ask(&configured, "apple").await.unwrap();
    ask(&configured, "spin").await.unwrap_err();
    let error = ask(&configured, "apple").await.unwrap_err();
    assert!(matches!(&error, CallError::Failure { kind, .. } if kind == "invalid-call"), "{error}");
}

#[tokio::test]
async fn a_component_that_goes_without_an_embedding_is_remembered() {
    let world = World::with(Model::Overloaded);
    let configured = world.that("compare").await;
    let asked = request("apple");
    let error = ask_about(&configured, &asked).await.unwrap_err();
    assert!(matches!(&error, CallError::Failure { kind, .. } if kind == "overloaded"), "{error}");
    let failures = asked.embeddings().failures();
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].component.as_str(), failures[0].reason), ("misbehaving", "embedding_overloaded"));
}

#[tokio::test]
async fn neighbours_have_to_be_granted() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let some: Grants = [Capability::Embeddings, Capability::KeyValue].into_iter().collect();
    let error = world.configure_granted(&component, &rule("match"), &some).await.unwrap_err();
    assert!(matches!(error, ConfigureError::NotGranted { capability: Capability::Neighbours, .. }), "{error}");
}

#[tokio::test]
async fn a_bank_that_cannot_be_embedded_is_named() {
    struct Broken;
    impl trackside_components::Embed for Broken {
        fn available(&self) -> bool {
            true
        }

        fn model(&self) -> Option<&str> {
            Some("broken")
        }

        fn fingerprint(&self) -> Option<&str> {
            Some("broken")
        }

        fn embed<'a>(
            &'a self,
            _: &'a str,
            _: std::time::Instant,
        ) -> trackside_components::Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
            Box::pin(async { Err(EmbedFailure::Internal("no weights".to_owned())) })
        }
    }
    let setup = Setup {
        settings: &rule("compare"),
        grants: &grants(),
        limits: &limits(),
        artefact: None,
        embed: Arc::new(Broken),
    };
    let error = Arc::new(World::default()).load(MISBEHAVING).configure(setup).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"letters\", which component \"misbehaving\" declares, could not be built: no weights"
    );
}
