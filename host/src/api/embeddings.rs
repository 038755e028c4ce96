//! `POST /api/v1/embeddings`: the vectors of texts, and `GET /api/v1/embeddings/models`: what makes them.

use super::Context;
use super::body::parse;
use super::error::ApiError;
use super::vectors::{MOST_TEXTS, Vectors, milliseconds};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Instant;

/// What was asked. v0.3's hints (`target_layer`, `quality_priority`, `latency_priority`, `sequence_length`) choose among
/// models and layers; here the configuration has chosen.
#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    texts: Vec<String>,
    #[serde(default)]
    images: Vec<Value>,
    model: Option<String>,
    dimension: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Response {
    embeddings: Vec<Row>,
    total_count: usize,
    total_processing_time_ms: f64,
    avg_processing_time_ms: f64,
}

/// Not a `Value`: that would write each 32-bit number with the digits of its 64-bit form.
#[derive(Serialize)]
struct Row {
    text: String,
    modality: &'static str,
    embedding: Vec<f32>,
    dimension: usize,
    model_used: String,
    processing_time_ms: f64,
}

pub(super) async fn embeddings(
    State(context): State<Context>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Response>, ApiError> {
    let started = Instant::now();
    let Request { texts, images, model, dimension } = parse(body)?;
    if !images.is_empty() {
        return Err(ApiError::invalid("images: expected none, as the model embeds texts only"));
    }
    if !(1..=MOST_TEXTS).contains(&texts.len()) {
        return Err(ApiError::invalid(format!("texts: expected 1 to {MOST_TEXTS} of them, not {}", texts.len())));
    }
    let generation = context.reloads.pin();
    let at_hand = Vectors::new(&generation.embeddings, &context.turns);
    let model_used = at_hand.serves(model.as_deref())?;
    let dimension = at_hand.dimension(dimension)?;
    let asked: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = at_hand.embed(&asked, dimension).await?;
    let rows = texts.into_iter().zip(vectors).map(|(text, embedded)| Row {
        text,
        modality: "text",
        embedding: embedded.vector.as_slice().to_vec(),
        dimension,
        model_used: model_used.to_owned(),
        processing_time_ms: milliseconds(embedded.took),
    });
    let embeddings: Vec<Row> = rows.collect();
    let (total_count, total) = (embeddings.len(), milliseconds(started.elapsed()));
    let avg_processing_time_ms = total / total_count as f64;
    Ok(Json(Response { embeddings, total_count, total_processing_time_ms: total, avg_processing_time_ms }))
}

pub(super) async fn models(State(context): State<Context>) -> Json<Value> {
    let generation = context.reloads.pin();
    let model = &generation.embeddings;
    let row = json!({
        "name": model.about.name,
        "type": "embedding",
        "loaded": true,
        "state": "ready",
        "dimension": model.about.dimensions,
        "max_sequence_length": model.about.max_tokens,
        "metadata": model.json(),
    });
    Json(json!({ "models": [row], "total_count": 1 }))
}
