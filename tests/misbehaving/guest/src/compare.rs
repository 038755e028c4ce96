//! The deeds that compare texts, rightly and wrongly.

use crate::Deed;
use trackside_sdk::embeddings::{self, BankQuery, Clustering};
use trackside_sdk::{Failure, RequestHead, artefact, clock, neighbours};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn clustering(similarity: f32, most: u32) -> Clustering {
    Clustering { similarity, most }
}

/// What a deed declares in `configure`. Failures that are meant to happen are told later.
pub(crate) fn declare(deed: Deed) -> Result<Vec<String>, Failure> {
    match deed {
        Deed::Compare => embeddings::bank("letters", &texts(&["a", "b", "c"]))?,
        Deed::Score => {
            embeddings::bank("letters", &texts(&["a", "b", "a", "c"]))?;
            embeddings::prototypes("few", &texts(&["a", "b", "c"]), clustering(0.9, 2))?;
        }
        Deed::Classify => embeddings::head("kinds", "mean", &[texts(&["a", "b"]), texts(&["c"])])?,
        Deed::FindNeighbours => match neighbours::index("near", &artefact::read().unwrap_or_default()) {
            Ok(()) => {}
            Err(failure) => return Ok(vec![failure.kind]),
        },
        Deed::ReadArtefact => return Ok(vec![format!("{:?}", artefact::read())]),
        Deed::DeclareWrongly => return Ok(wrong_declarations()),
        Deed::DeclareAgain => {
            embeddings::bank("it", &texts(&["a"]))?;
            embeddings::head("it", "mean", &[texts(&["a"])])?;
            embeddings::bank("it", &texts(&["b"]))?;
        }
        Deed::DeclareAnew => embeddings::bank("it", &[clock::monotonic_ns().to_string()])?,
        _ => {}
    }
    Ok(Vec::new())
}

fn kind<T>(answer: Result<T, Failure>) -> String {
    answer.map_or_else(|failure| failure.kind, |_| "ok".to_owned())
}

fn wrong_declarations() -> Vec<String> {
    let (one, many) = (texts(&["a"]), vec![String::new(); 100_001]);
    let head = |method: &str, classes: &[Vec<String>]| kind(embeddings::head("x", method, classes));
    vec![
        kind(embeddings::bank("x", &many)),
        kind(embeddings::bank(&"x".repeat(300), &one)),
        kind(embeddings::prototypes("x", &vec![String::new(); 10_001], clustering(0.9, 0))),
        kind(embeddings::prototypes("x", &one, clustering(f32::NAN, 0))),
        kind(embeddings::prototypes("x", &one, clustering(1.5, 0))),
        head("guess", &[one.clone(), one.clone()]),
        head("mean", &[]),
        head("linear", std::slice::from_ref(&one)),
        head("mean", &[one.clone(), Vec::new()]),
        head("mean", &vec![one.clone(); 1001]),
        head("mean", &[one, many]),
        kind(neighbours::index("x", b"no index")),
        kind(embeddings::similarities("x", "a")),
    ]
}

/// What a deed asks about a request; nothing when it is none of these.
pub(crate) fn ask(deed: Deed, head: &RequestHead, told: &[String]) -> Result<Option<String>, Failure> {
    let text = &head.text;
    let answer = match deed {
        Deed::Compare => format!("{:?}", embeddings::similarities("letters", text)?),
        Deed::Score => scores(text, &[("letters", 0.75, 2), ("few", 0.0, 0), ("letters", 1.0, 1)])?,
        Deed::Classify => format!("{:?}", embeddings::classify("kinds", text)?),
        Deed::FindNeighbours => neighbours::nearest("near", text, 2).map_or_else(
            |failure| format!("{}, {}", told.join(" "), failure.kind),
            |hits| hits.iter().map(|hit| format!("{} {} {};", hit.row, hit.score, hit.label)).collect(),
        ),
        Deed::ReadArtefact => format!("{}, then {:?}", told.join(" "), artefact::read()),
        Deed::DeclareWrongly => told.join(" "),
        Deed::DeclareAgain | Deed::DeclareAnew => format!("{:?}", embeddings::similarities("it", text)?),
        Deed::DeclareLate => late_declarations().join(" "),
        Deed::AskWrongly => wrong_questions(text).join(" "),
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

fn scores(text: &str, questions: &[(&str, f32, u32)]) -> Result<String, Failure> {
    let questions: Vec<BankQuery> =
        questions.iter().map(|&(bank, best_weight, top)| query(bank, best_weight, top)).collect();
    let answers = embeddings::scores(text, &questions)?;
    Ok(answers.iter().map(|a| format!("{} {} {} {};", a.score, a.best, a.support, a.prototypes)).collect())
}

fn query(bank: &str, best_weight: f32, top: u32) -> BankQuery {
    BankQuery { bank: bank.to_owned(), best_weight, top }
}

fn late_declarations() -> Vec<String> {
    let one = texts(&["a"]);
    vec![
        kind(embeddings::bank("late", &one)),
        kind(embeddings::prototypes("late", &one, clustering(0.9, 0))),
        kind(embeddings::head("late", "mean", &[one])),
        kind(neighbours::index("late", b"")),
    ]
}

fn wrong_questions(text: &str) -> Vec<String> {
    let questions = |weight| embeddings::scores(text, &[query("nothing", weight, 0)]);
    vec![
        kind(embeddings::similarities("nothing", text)),
        kind(embeddings::classify("nothing", text)),
        kind(neighbours::nearest("nothing", text, 1)),
        kind(questions(0.5)),
        kind(questions(f32::NAN)),
        kind(embeddings::scores(text, &vec![query("nothing", 0.5, 0); 1001])),
        kind(embeddings::similarity(text, "a")),
    ]
}
