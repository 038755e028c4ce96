//! All rows as vectors, on all cores.

use super::rows::Rows;
use anyhow::{Context as _, anyhow};
use std::borrow::Cow;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use trackside_inference::{Embedder as _, Embedding, Encoder};

/// Progress is told after so many texts.
const STEP: usize = 500;

/// How much is done at once.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Embeds the topic of every row, and tells how far it got.
pub(super) fn embed(encoder: &Encoder, topics: &[Cow<'_, str>], rows: &Rows) -> anyhow::Result<Vec<Embedding>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((place, topic)) =
            Some(next.fetch_add(1, Relaxed)).and_then(|place| Some((place, topics.get(place)?)))
        {
            if place % STEP == 0 {
                eprintln!("embedding {place} of {}", topics.len());
            }
            done.push((place, encoder.embed(topic)));
        }
        done
    };
    let done = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| anyhow!("embedding panicked")))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let mut done: Vec<_> = done.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(place, _)| *place);
    let vectors = done
        .into_iter()
        .zip(&rows.rows)
        .map(|((_, vector), row)| vector.with_context(|| format!("{}: the text cannot be embedded", rows.place(row))));
    vectors.collect()
}
