//! Alone in its process, because it counts the process's threads.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "encoder/support.rs"]
mod support;

use trackside_inference::{Embedder, Encoder};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn a_pass_stays_on_the_calling_thread() {
    let dir = support::TinyBert { width: 256, inner: 1024, positions: 64, prefix: "" }.write("one-thread");
    let before = threads();
    let encoder = Encoder::load(&dir).unwrap();
    // 64 x 1024 x 256 multiplications: far beyond the size from which gemm would use a thread pool.
    encoder.embed(&"the cat sits on the mat ".repeat(20)).unwrap();
    assert_eq!(threads(), before);
}
