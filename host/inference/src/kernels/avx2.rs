//! AVX2 with FMA: 256-bit vectors, with dot products of 8-bit integers where the machine has AVX-VNNI.

use super::{
    dispatch::enter,
    dot::{Codes, Dot},
    lanes::Lanes,
};
use std::arch::x86_64::*;

const COUNT: usize = 8;
/// 5 rows of 2 vectors: 10 sums, 2 weights, an activation and what a product in steps needs, of 16 registers.
const ROWS: usize = 5;
const VECTORS: usize = 2;

/// Proof of AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The machine must have AVX2 and FMA.
    #[inline(always)]
    pub(super) unsafe fn assume() -> Self {
        Self(())
    }
}

macro_rules! instructions {
    ($($name:ident($($argument:ident: $kind:ty),+) -> $result:ty = $body:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $($argument: $kind),+) -> $result {
            // SAFETY: `self` proves that the machine has these instructions, which touch registers alone.
            unsafe { $body }
        }
    )+};
}

/// Folds the two halves of a vector, then what is left, down to one number.
macro_rules! fold {
    ($vector:expr, $pairs:ident, $last:ident) => {{
        let four = $pairs(_mm256_castps256_ps128($vector), _mm256_extractf128_ps::<1>($vector));
        let two = $pairs(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32($last(two, _mm_movehdup_ps(two)))
    }};
}

impl Lanes for Avx2 {
    type Vector = __m256;
    const COUNT: usize = COUNT;

    instructions! {
        splat(value: f32) -> __m256 = _mm256_set1_ps(value);
        add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        subtract(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        multiply(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        minimum(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
        maximum(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        add_to_exponent(a: __m256, power: __m256) -> __m256 = {
            let power = _mm256_slli_epi32::<23>(_mm256_castps_si256(power));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), power))
        };
        sum(vector: __m256) -> f32 = fold!(vector, _mm_add_ps, _mm_add_ss);
        lowest(vector: __m256) -> f32 = fold!(vector, _mm_min_ps, _mm_min_ss);
        highest(vector: __m256) -> f32 = fold!(vector, _mm_max_ps, _mm_max_ss);
        prefetch(address: *const u32) -> () = _mm_prefetch::<_MM_HINT_T1>(address.cast());
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        assert!(from.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: __m256, to: &mut [f32]) {
        assert!(to.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), vector) }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Avx2F32(pub(super) Avx2);

impl Dot for Avx2F32 {
    type Lanes = Avx2;
    type Operand = __m256;
    type Sum = __m256;
    const PER_UNIT: usize = 1;
    const CODES: Option<Codes> = None;
    const ROWS: usize = ROWS;
    const VECTORS: usize = VECTORS;

    enter!("avx2,fma");

    instructions! {
        splat(unit: u32) -> __m256 = _mm256_set1_ps(f32::from_bits(unit));
        dot(sum: __m256, row: __m256, panel: __m256) -> __m256 = _mm256_fmadd_ps(row, panel, sum);
    }

    #[inline(always)]
    fn lanes(self) -> Avx2 {
        self.0
    }

    #[inline(always)]
    fn zero(self) -> __m256 {
        self.0.splat(0.0)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> __m256 {
        // SAFETY: `self` proves the instruction, and the caller vouches for the memory.
        unsafe { _mm256_loadu_ps(from.cast()) }
    }

    #[inline(always)]
    fn floats(self, sum: __m256) -> __m256 {
        sum
    }

    #[inline(always)]
    fn encode(self, values: __m256, to: &mut [u32]) {
        assert!(to.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr().cast(), values) }
    }
}

/// Products of 8-bit integers in three steps. Their middle step adds pairs in 16 bits, so activations are held to 7 bits:
/// 2 * 127 * 128 still fits.
#[derive(Clone, Copy)]
pub(super) struct Avx2Int8(pub(super) Avx2);

/// Dot products of unsigned activations and signed weights of 8 bits (AVX-VNNI).
#[derive(Clone, Copy)]
pub(super) struct AvxVnniInt8(Avx2);

impl AvxVnniInt8 {
    /// # Safety
    /// The machine must have AVX-VNNI.
    #[inline(always)]
    pub(super) unsafe fn assume(lanes: Avx2) -> Self {
        Self(lanes)
    }
}

macro_rules! int8 {
    ($name:ident, $features:literal, $codes:expr, |$sum:ident, $row:ident, $panel:ident| $dot:expr) => {
        impl Dot for $name {
            type Lanes = Avx2;
            type Operand = __m256i;
            type Sum = __m256i;
            const PER_UNIT: usize = 4;
            const CODES: Option<Codes> = Some($codes);
            const ROWS: usize = ROWS;
            const VECTORS: usize = VECTORS;

            enter!($features);

            instructions! {
                splat(unit: u32) -> __m256i = _mm256_set1_epi32(unit.cast_signed());
                dot($sum: __m256i, $row: __m256i, $panel: __m256i) -> __m256i = $dot;
                floats(sum: __m256i) -> __m256 = _mm256_cvtepi32_ps(sum);
            }

            #[inline(always)]
            fn lanes(self) -> Avx2 {
                self.0
            }

            #[inline(always)]
            fn zero(self) -> __m256i {
                self.splat(0)
            }

            #[inline(always)]
            unsafe fn load(self, from: *const u32) -> __m256i {
                // SAFETY: `self` proves the instruction, and the caller vouches for the memory.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }

            #[inline(always)]
            fn encode(self, values: __m256, to: &mut [u32]) {
                assert!(to.len() >= COUNT / Self::PER_UNIT);
                // SAFETY: `self` proves the instructions, and the slice is long enough for 8 bytes.
                unsafe { store_bytes(_mm256_cvtps_epi32(values), to.as_mut_ptr()) }
            }
        }
    };
}

int8!(Avx2Int8, "avx2,fma", Codes { zero: 0.0, span: 127.0 }, |sum, row, panel| {
    let pairs = _mm256_maddubs_epi16(row, panel);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
});

int8!(AvxVnniInt8, "avx2,fma,avxvnni", Codes::BYTES, |sum, row, panel| _mm256_dpbusd_avx_epi32(sum, row, panel));

/// # Safety
/// The machine must have AVX2, and 8 bytes must be writable at `to`.
#[inline(always)]
unsafe fn store_bytes(codes: __m256i, to: *mut u32) {
    // SAFETY: the caller vouches for the instructions and the memory.
    unsafe {
        let words = _mm_packus_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256::<1>(codes));
        _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
    }
}
