//! The encoder inside the binary, asked by many at once.

use crate::gate::in_ms;
use std::{num::NonZeroUsize, sync::Arc};
use trackside_inference::{Embedder, Embedding, Encoder, Limits, Options, Workers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vectors_under_load_and_from_memory_are_those_of_a_text_alone() {
    let encoder = Arc::new(Encoder::embedded(&Options::default()).unwrap());
    let texts: Vec<String> = (1..=24).map(|words| "which number comes after seven ".repeat(words)).collect();
    let alone: Vec<Embedding> = texts.iter().map(|text| encoder.embed(text).unwrap()).collect();
    for memo_bytes in [0, 1 << 20] {
        let limits = Limits { threads: NonZeroUsize::new(2).unwrap(), waiting: 64, memo_bytes };
        let workers = Arc::new(Workers::start(encoder.clone(), limits).unwrap());
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..64 {
            let (workers, texts, alone) = (Arc::clone(&workers), texts.clone(), alone.clone());
            callers.spawn(async move {
                // Each caller begins elsewhere, so that different lengths run beside each other.
                for index in (0..texts.len()).map(|step| (step + caller) % texts.len()) {
                    let vector = workers.embed(texts[index].as_str(), in_ms(60_000)).await.unwrap();
                    assert_eq!(vector, alone[index], "text {index}");
                }
            });
        }
        while let Some(caller) = callers.join_next().await {
            caller.unwrap();
        }
        let counts = workers.counts();
        let passes = if memo_bytes == 0 { 64 * texts.len() } else { texts.len() };
        assert_eq!(counts.done, passes as u64, "{counts:?}");
    }
}
