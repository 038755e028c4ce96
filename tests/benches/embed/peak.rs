//! How fast one core multiplies at best: dot products that never leave the registers.
#![allow(unsafe_code, reason = "the instructions to measure are reached through intrinsics alone")]

use std::fmt;

/// Operations per second, a multiplication and an addition being two.
#[derive(Clone, Copy, Default)]
pub struct Peak {
    pub int8: Option<f64>,
    pub bf16: Option<f64>,
}

impl Peak {
    pub fn max(self, other: Self) -> Self {
        let max = |a: Option<f64>, b: Option<f64>| Some(a?.max(b?));
        Self { int8: max(self.int8, other.int8), bf16: max(self.bf16, other.bf16) }
    }
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let giga = |peak: Option<f64>| peak.map_or("not here".into(), |peak| format!("{:.0} G/s", peak / 1e9));
        write!(f, "\npeak of one core: AVX-512 VNNI {}, AVX-512 bf16 {}", giga(self.int8), giga(self.bf16))
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub fn measure() -> Peak {
    Peak::default()
}

#[cfg(target_arch = "x86_64")]
pub use x86_64::measure;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::Peak;
    use std::{
        arch::{is_x86_feature_detected as has, x86_64::*},
        hint::black_box,
        mem::transmute,
        time::Instant,
    };

    /// More than latency times issue width of any core so far.
    const SUMS: usize = 20;
    const STEPS: usize = 100_000;
    const TRIES: usize = 60;

    pub fn measure() -> Peak {
        // SAFETY: each loop runs where its features were found.
        let vnni = has!("avx512f") && has!("avx512vnni");
        let bf16 = has!("avx512f") && has!("avx512bf16");
        Peak {
            int8: vnni.then(|| rate(64, || unsafe { vnni_loop() })),
            bf16: bf16.then(|| rate(32, || unsafe { bf16_loop() })),
        }
    }

    /// The best of many short runs, of which some are not interrupted.
    fn rate(products: usize, mut run: impl FnMut()) -> f64 {
        let seconds = (0..TRIES).map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_secs_f64()
        });
        (2 * products * SUMS * STEPS) as f64 / seconds.fold(f64::INFINITY, f64::min)
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn vnni_loop() {
        let (a, b) = (black_box(_mm512_set1_epi8(1)), black_box(_mm512_set1_epi8(2)));
        let mut sums = [_mm512_setzero_si512(); SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    fn bf16_loop() {
        // SAFETY: both are 512 bits without invalid values.
        let (a, b): (__m512bh, __m512bh) = unsafe {
            let ones = black_box(_mm512_set1_epi16(0x3f80));
            (transmute::<__m512i, __m512bh>(ones), transmute::<__m512i, __m512bh>(black_box(ones)))
        };
        let mut sums = [_mm512_setzero_ps(); SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, a, b);
            }
        }
        black_box(sums);
    }
}
