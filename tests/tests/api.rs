//! The HTTP API as a client meets it: embeddings, similarities, and the probabilities of categories.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use trackside_tests::{Trackside, place, scrape};

const MATH: &str = "What is the derivative of x^3?";

async fn trackside() -> Trackside {
    Trackside::start(&place::root().join("config/router.yaml")).await
}

/// Posts bytes, and reads the status and the body, which must be JSON.
fn send(to: SocketAddr, path: &str, body: &[u8]) -> (u16, Value) {
    let mut stream = TcpStream::connect(to).expect("the API listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it is a socket");
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the head is taken");
    // A server that refuses a body need not read it to its end.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("the answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("it has a status");
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

fn post(to: SocketAddr, path: &str, body: &Value) -> Value {
    let (status, answer) = send(to, path, body.to_string().as_bytes());
    assert_eq!(status, 200, "{answer}");
    answer
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn vector(row: &Value) -> Vec<f64> {
    row["embedding"].as_array().expect("it is a list").iter().map(number).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_become_unit_vectors_in_their_order() {
    let trackside = trackside().await;
    let texts = [MATH, "Which antibiotic treats strep throat?", "", MATH];
    let answer = post(trackside.api, "/api/v1/embeddings", &json!({"texts": texts, "model": "mmbert"}));
    let rows = answer["embeddings"].as_array().expect("it is a list");
    assert_eq!((rows.len(), &answer["total_count"]), (4, &json!(4)));
    assert!(number(&answer["total_processing_time_ms"]) >= number(&answer["avg_processing_time_ms"]));
    for (row, text) in rows.iter().zip(texts) {
        assert_eq!((&row["text"], &row["modality"]), (&json!(text), &json!("text")));
        assert_eq!((&row["dimension"], &row["model_used"]), (&json!(384), &json!("all-MiniLM-L6-v2")));
        assert!(number(&row["processing_time_ms"]) > 0.0);
        let vector = vector(row);
        assert_eq!(vector.len(), 384);
        assert!((dot(&vector, &vector) - 1.0).abs() < 1e-4, "{text:?} has no unit vector");
    }
    assert_eq!(vector(&rows[0]), vector(&rows[3]), "one text has one vector");
    assert_ne!(vector(&rows[0]), vector(&rows[1]));

    let cut = post(trackside.api, "/api/v1/embeddings", &json!({"texts": [MATH], "dimension": 64}));
    let (cut, whole) = (vector(&cut["embeddings"][0]), vector(&rows[0]));
    assert_eq!(cut.len(), 64);
    assert!((dot(&cut, &cut) - 1.0).abs() < 1e-4);
    assert!((dot(&cut, &whole[..64]) / dot(&whole[..64], &whole[..64]).sqrt() - 1.0).abs() < 1e-4);
}

#[tokio::test(flavor = "multi_thread")]
async fn similarities_are_those_of_the_vectors_and_the_most_alike_come_first() {
    let trackside = trackside().await;
    let [first, second, other] = ["How do I bake bread?", "What is a good recipe for bread?", "Who won the world cup?"];
    let similarity = |a: &str, b: &str| {
        let answer = post(trackside.api, "/api/v1/similarity", &json!({"text1": a, "text2": b}));
        assert_eq!(answer["model_used"], "all-MiniLM-L6-v2");
        assert!(number(&answer["processing_time_ms"]) > 0.0);
        number(&answer["similarity"])
    };
    assert!((similarity(first, first) - 1.0).abs() < 1e-4);
    assert!(similarity(first, second) > similarity(first, other) + 0.3);
    let rows = post(trackside.api, "/api/v1/embeddings", &json!({"texts": [first, second]}));
    let cosine = dot(&vector(&rows["embeddings"][0]), &vector(&rows["embeddings"][1]));
    assert!((similarity(first, second) - cosine).abs() < 1e-4);

    let candidates = [other, second, first];
    let all = post(trackside.api, "/api/v1/similarity/batch", &json!({"query": first, "candidates": candidates}));
    let order: Vec<_> = all["matches"].as_array().expect("it is a list").iter().map(|m| m["index"].clone()).collect();
    assert_eq!((order, &all["total_candidates"]), (vec![json!(2), json!(1), json!(0)], &json!(3)));
    assert!((number(&all["matches"][1]["similarity"]) - similarity(first, second)).abs() < 1e-4);
    let body = json!({"query": first, "candidates": candidates, "top_k": 1});
    let best = post(trackside.api, "/api/v1/similarity/batch", &body);
    assert_eq!((&best["matches"][0]["text"], best["matches"][1].is_null()), (&json!(first), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_have_probabilities_when_they_are_asked_for() {
    let trackside = trackside().await;
    for path in ["/classify", "/api/v1/classify/intent"] {
        let plain = post(trackside.api, path, &json!({"text": MATH}));
        assert!(plain.get("probabilities").is_none(), "{plain}");
        let body = json!({"text": MATH, "options": {"return_probabilities": true}});
        let answer = post(trackside.api, path, &body);
        assert_eq!(answer["classification"]["category"], "math");
        let probabilities = answer["probabilities"].as_object().expect("they are an object");
        assert_eq!(probabilities.len(), 14, "every category that the configuration declares: {answer}");
        let sum: f64 = probabilities.values().map(number).sum();
        assert!((sum - 1.0).abs() < 1e-3 && probabilities.values().all(|p| number(p) >= 0.0), "{answer}");
        let math = number(&probabilities["math"]);
        assert!(probabilities.iter().all(|(name, p)| name == "math" || number(p) < math), "{answer}");
    }
    // Nothing here is sure enough to be a category, and the likeliest is told all the same.
    let body = json!({"messages": [{"role": "user", "content": "ok"}], "options": {"return_probabilities": true}});
    let answer = post(trackside.api, "/classify", &body);
    assert!(!answer["probabilities"].as_object().expect("they are an object").is_empty(), "{answer}");
    let before = trackside.metrics();
    post(trackside.api, "/classify", &body);
    let decided = |page: &str| scrape::metric(page, "llm_model_routing_latency_seconds_count", &[]);
    assert_eq!(decided(&trackside.metrics()) - decided(&before), 1.0, "a request counts once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_listed() {
    let trackside = trackside().await;
    let (status, body) = scrape::get(trackside.api, "/api/v1/embeddings/models").expect("it answers");
    let body: Value = serde_json::from_str(&body).expect("it is JSON");
    let model = &body["models"][0];
    assert_eq!((status, &model["name"], &model["loaded"]), (200, &json!("all-MiniLM-L6-v2"), &json!(true)));
    assert_eq!((&model["dimension"], &model["metadata"]["architecture"]), (&json!(384), &json!("bert")));
    assert!(model["metadata"]["fingerprint"].is_string() && model["metadata"]["precision"].is_string(), "{model}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_in_one_shape() {
    let trackside = trackside().await;
    let many = vec!["x"; 257];
    let [embeddings, pair, batch] = ["/api/v1/embeddings", "/api/v1/similarity", "/api/v1/similarity/batch"];
    for (path, body, word) in [
        (embeddings, json!({}), "texts"),
        (embeddings, json!({"texts": []}), "texts"),
        (embeddings, json!({"texts": many}), "257"),
        (embeddings, json!({"texts": ["a", 1]}), "texts[1]"),
        (embeddings, json!({"texts": ["a"], "images": ["aGk="]}), "images"),
        (embeddings, json!({"texts": ["a"], "model": "gpt-9"}), "gpt-9"),
        (embeddings, json!({"texts": ["a"], "dimension": 4096}), "4096"),
        (embeddings, json!({"texts": ["a"], "dimension": -1}), "dimension"),
        (embeddings, json!([]), "struct"),
        (pair, json!({"text1": "a"}), "text2"),
        (batch, json!({"query": "a", "candidates": []}), "candidates"),
        (batch, json!({"query": "a", "candidates": many}), "257"),
    ] {
        let (status, answer) = send(trackside.api, path, body.to_string().as_bytes());
        let error = &answer["error"];
        assert_eq!((status, &error["code"]), (400, &json!("INVALID_INPUT")), "{path} {answer}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(word)), "no {word:?} in {answer}");
        assert!(error["timestamp"].is_string(), "{answer}");
    }
    for path in [embeddings, pair, batch] {
        let (status, answer) = send(trackside.api, path, &vec![b'x'; 11 << 20]);
        assert_eq!((status, &answer["error"]["code"]), (413, &json!("REQUEST_BODY_TOO_LARGE")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_request_of_long_texts_is_answered_while_others_route() {
    let trackside = trackside().await;
    let long = "the quick brown fox jumps over the lazy dog ".repeat(20);
    let texts: Vec<String> = (0..256).map(|i| format!("{i} {long}")).collect();
    let api = trackside.api;
    let embedding = tokio::task::spawn_blocking(move || post(api, "/api/v1/embeddings", &json!({"texts": texts})));
    for _ in 0..5 {
        let answer = tokio::task::spawn_blocking(move || post(api, "/classify", &json!({"text": MATH}))).await;
        assert_eq!(answer.expect("it is answered")["routing_decision"], "math");
    }
    assert_eq!(embedding.await.expect("it is answered")["total_count"], 256);
}
