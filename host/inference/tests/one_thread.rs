//! Alone in its process, because it counts the process's threads.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use trackside_inference::{Embedder, Encoder, Instructions, Options, Precision};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn a_pass_stays_on_the_calling_thread() {
    let before = threads();
    for (precision, instructions) in [(Precision::Auto, None), (Precision::Fp32, Some(Instructions::Portable))] {
        let encoder = Encoder::embedded(&Options { precision, instructions, ..Options::default() }).unwrap();
        // 256 x 1536 x 384 multiplications: far beyond the size from which gemm would use a thread pool.
        encoder.embed(&"the cat sits on the mat ".repeat(50)).unwrap();
        assert_eq!(threads(), before);
    }
}
