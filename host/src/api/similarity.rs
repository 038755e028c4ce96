//! `POST /api/v1/similarity` and `POST /api/v1/similarity/batch`: how alike texts are.

use super::Context;
use super::body::parse;
use super::error::ApiError;
use super::outcome::rounded;
use super::vectors::{MOST_TEXTS, Vectors, milliseconds};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use serde::Deserialize;
use serde_json::{Value, json};
use std::iter::once;
use std::time::Instant;

#[derive(Deserialize)]
struct Pair {
    text1: String,
    text2: String,
    model: Option<String>,
    dimension: Option<usize>,
}

#[derive(Deserialize)]
struct Batch {
    query: String,
    candidates: Vec<String>,
    /// How many of the most alike are wanted; 0 or nothing for all.
    top_k: Option<usize>,
    model: Option<String>,
    dimension: Option<usize>,
}

pub(super) async fn pair(
    State(context): State<Context>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let started = Instant::now();
    let Pair { text1, text2, model, dimension } = parse(body)?;
    let generation = context.reloads.pin();
    let at_hand = Vectors::new(&generation.embeddings, &context.turns);
    let model_used = at_hand.serves(model.as_deref())?;
    let dimension = at_hand.dimension(dimension)?;
    let vectors = at_hand.embed(&[&text1, &text2], dimension).await?;
    let similarity = match vectors.as_slice() {
        [first, second] => first.vector.dot(&second.vector),
        _ => 0.0,
    };
    Ok(Json(json!({
        "similarity": rounded(similarity),
        "model_used": model_used,
        "processing_time_ms": milliseconds(started.elapsed()),
    })))
}

pub(super) async fn batch(
    State(context): State<Context>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let started = Instant::now();
    let Batch { query, candidates, top_k, model, dimension } = parse(body)?;
    if !(1..=MOST_TEXTS).contains(&candidates.len()) {
        let message = format!("candidates: expected 1 to {MOST_TEXTS} of them, not {}", candidates.len());
        return Err(ApiError::invalid(message));
    }
    let generation = context.reloads.pin();
    let at_hand = Vectors::new(&generation.embeddings, &context.turns);
    let model_used = at_hand.serves(model.as_deref())?;
    let dimension = at_hand.dimension(dimension)?;
    let texts: Vec<&str> = once(&query).chain(&candidates).map(String::as_str).collect();
    let vectors = at_hand.embed(&texts, dimension).await?;
    let Some((query, vectors)) = vectors.split_first() else { return Err(ApiError::invalid("query: expected a text")) };
    let mut ranked: Vec<(usize, f32)> = vectors.iter().map(|v| query.vector.dot(&v.vector)).enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked.truncate(top_k.filter(|k| *k > 0).unwrap_or(usize::MAX));
    let matches = ranked.into_iter().map(|(index, similarity)| {
        json!({ "index": index, "similarity": rounded(similarity), "text": candidates.get(index) })
    });
    Ok(Json(json!({
        "matches": matches.collect::<Vec<_>>(),
        "total_candidates": candidates.len(),
        "model_used": model_used,
        "processing_time_ms": milliseconds(started.elapsed()),
    })))
}
