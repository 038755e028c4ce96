//! The model's vectors for the endpoints that compare and return them.

use super::REQUEST_TIME;
use super::error::ApiError;
use crate::assemble::Embeddings;
use axum::http::StatusCode;
use futures_util::future::try_join_all;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use trackside_inference::{EmbedError, Embedding};

/// Most texts in one request.
pub(super) const MOST_TEXTS: usize = 256;
/// Names of models in v0.3. Whichever a client asks for, it gets the one that is served.
const FAMILIES: [&str; 6] = ["auto", "mmbert", "qwen3", "gemma", "multimodal", "bert"];

/// The model of the request's generation, and the turns to use it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vectors<'a> {
    model: &'a Embeddings,
    turns: &'a Semaphore,
}

/// A text's vector, and how long the model took for it.
#[derive(Debug)]
pub(super) struct Embedded {
    pub(super) vector: Embedding,
    pub(super) took: Duration,
}

impl<'a> Vectors<'a> {
    pub(super) fn new(model: &'a Embeddings, turns: &'a Semaphore) -> Self {
        Self { model, turns }
    }

    /// The name of the model, if a client may ask for it by this one.
    pub(super) fn serves(&self, asked: Option<&str>) -> Result<&'a str, ApiError> {
        let name = self.model.about.name.as_str();
        match asked {
            Some(asked) if !asked.is_empty() && asked != name && !FAMILIES.contains(&asked) => {
                Err(ApiError::invalid(format!("model: {asked:?} is not served; expected auto or {name:?}")))
            }
            _ => Ok(name),
        }
    }

    /// The length of vectors to answer with: all that the model gives, or the first of them, which mean something for
    /// models that were trained to be cut.
    pub(super) fn dimension(&self, asked: Option<usize>) -> Result<usize, ApiError> {
        let all = self.model.about.dimensions;
        match asked {
            None | Some(0) => Ok(all),
            Some(asked) if asked <= all => Ok(asked),
            Some(asked) => {
                Err(ApiError::invalid(format!("dimension: {asked} is more than the {all} that the model gives")))
            }
        }
    }

    /// Embeds all texts, and cuts the vectors to a length.
    pub(super) async fn embed(&self, texts: &[&str], dimension: usize) -> Result<Vec<Embedded>, ApiError> {
        let deadline = Instant::now() + REQUEST_TIME;
        try_join_all(texts.iter().map(|text| self.one(text, dimension, deadline))).await
    }

    async fn one(&self, text: &str, dimension: usize, deadline: Instant) -> Result<Embedded, ApiError> {
        let _turn = self.turns.acquire().await.map_err(|_| failed(&EmbedError::Stopped))?;
        let started = Instant::now();
        let vector = self.model.workers.embed(text, deadline).await.map_err(|error| failed(&error))?;
        let vector = match vector.as_slice().get(..dimension) {
            Some(first) if first.len() < vector.as_slice().len() => {
                Embedding::normalise(first.to_vec()).map_err(|error| failed(&error))?
            }
            _ => vector,
        };
        Ok(Embedded { vector, took: started.elapsed() })
    }
}

fn failed(error: &EmbedError) -> ApiError {
    let (status, code) = match error {
        EmbedError::Overloaded { .. } => (StatusCode::SERVICE_UNAVAILABLE, "EMBEDDING_OVERLOADED"),
        EmbedError::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "EMBEDDING_TIMEOUT"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "EMBEDDING_FAILED"),
    };
    ApiError::new(status, code, error.to_string())
}

/// Milliseconds with a fraction.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
