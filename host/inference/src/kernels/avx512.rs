//! AVX-512: 512-bit vectors, with dot products of bf16 and of 8-bit integers where the machine has them.

use super::{
    dispatch::enter,
    dot::{Codes, Dot},
    lanes::Lanes,
};
use std::arch::x86_64::*;

const COUNT: usize = 16;
/// 8 rows of 3 vectors: 24 sums, 3 weights and an activation of 32 registers.
const ROWS: usize = 8;
const VECTORS: usize = 3;

/// Two of the four quarters of each of two vectors.
const EVEN: i32 = 0b10_00_10_00;
const ODD: i32 = 0b11_01_11_01;

/// To whole numbers, without exceptions.
const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

/// Proof of AVX-512 F, BW, VL and DQ.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The machine must have AVX-512 F, BW, VL and DQ.
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

impl Lanes for Avx512 {
    type Vector = __m512;
    const COUNT: usize = COUNT;

    instructions! {
        splat(value: f32) -> __m512 = _mm512_set1_ps(value);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        subtract(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        multiply(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        minimum(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        maximum(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        add_to_exponent(a: __m512, power: __m512) -> __m512 = _mm512_scalef_ps(a, power);
        sum(vector: __m512) -> f32 = _mm512_reduce_add_ps(vector);
        lowest(vector: __m512) -> f32 = _mm512_reduce_min_ps(vector);
        highest(vector: __m512) -> f32 = _mm512_reduce_max_ps(vector);
        prefetch(address: *const u32) -> () = _mm_prefetch::<_MM_HINT_T1>(address.cast());
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        assert!(from.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn split(self, power: __m512) -> (__m512, __m512) {
        // SAFETY: `self` proves the instruction, which touches registers alone.
        let whole = unsafe { _mm512_roundscale_ps::<NEAREST>(power) };
        (self.subtract(power, whole), whole)
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "closures would not be compiled with the instructions")]
    fn transpose(self, from: &[u32], stride: usize, to: &mut [u32], width: usize) {
        assert!(stride >= COUNT && from.len() >= (COUNT - 1) * stride + COUNT);
        assert!(width >= COUNT && to.len() >= (COUNT - 1) * width + COUNT);
        // SAFETY: `self` proves the instructions, and both slices are long enough for their rows.
        unsafe {
            let mut rows = [_mm512_setzero_si512(); COUNT];
            for (index, row) in rows.iter_mut().enumerate() {
                *row = _mm512_loadu_si512(from.as_ptr().add(index * stride).cast());
            }
            // Of four rows, a column in each quarter of a vector.
            for four in [0, 4, 8, 12] {
                let [a, b, c, d] = [rows[four], rows[four + 1], rows[four + 2], rows[four + 3]];
                let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
                let (ab_high, cd_high) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
                rows[four] = _mm512_unpacklo_epi64(ab, cd);
                rows[four + 1] = _mm512_unpackhi_epi64(ab, cd);
                rows[four + 2] = _mm512_unpacklo_epi64(ab_high, cd_high);
                rows[four + 3] = _mm512_unpackhi_epi64(ab_high, cd_high);
            }
            for column in 0..4 {
                let [a, b, c, d] = [rows[column], rows[column + 4], rows[column + 8], rows[column + 12]];
                let (ab, cd) = (_mm512_shuffle_i32x4::<EVEN>(a, b), _mm512_shuffle_i32x4::<EVEN>(c, d));
                let (ab_odd, cd_odd) = (_mm512_shuffle_i32x4::<ODD>(a, b), _mm512_shuffle_i32x4::<ODD>(c, d));
                let to = to.as_mut_ptr().add(column * width);
                _mm512_storeu_si512(to.cast(), _mm512_shuffle_i32x4::<EVEN>(ab, cd));
                _mm512_storeu_si512(to.add(4 * width).cast(), _mm512_shuffle_i32x4::<EVEN>(ab_odd, cd_odd));
                _mm512_storeu_si512(to.add(8 * width).cast(), _mm512_shuffle_i32x4::<ODD>(ab, cd));
                _mm512_storeu_si512(to.add(12 * width).cast(), _mm512_shuffle_i32x4::<ODD>(ab_odd, cd_odd));
            }
        }
    }

    #[inline(always)]
    fn store(self, vector: __m512, to: &mut [f32]) {
        assert!(to.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), vector) }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Avx512F32(pub(super) Avx512);

impl Dot for Avx512F32 {
    type Lanes = Avx512;
    type Operand = __m512;
    type Sum = __m512;
    const PER_UNIT: usize = 1;
    const CODES: Option<Codes> = None;
    const ROWS: usize = ROWS;
    const VECTORS: usize = VECTORS;

    enter!("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma");

    instructions! {
        splat(unit: u32) -> __m512 = _mm512_set1_ps(f32::from_bits(unit));
        dot(sum: __m512, row: __m512, panel: __m512) -> __m512 = _mm512_fmadd_ps(row, panel, sum);
    }

    #[inline(always)]
    fn lanes(self) -> Avx512 {
        self.0
    }

    #[inline(always)]
    fn zero(self) -> __m512 {
        self.0.splat(0.0)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> __m512 {
        // SAFETY: `self` proves the instruction, and the caller vouches for the memory.
        unsafe { _mm512_loadu_ps(from.cast()) }
    }

    #[inline(always)]
    fn floats(self, sum: __m512) -> __m512 {
        sum
    }

    #[inline(always)]
    fn encode(self, values: __m512, to: &mut [u32]) {
        assert!(to.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr().cast(), values) }
    }
}

/// AVX-512 with dot products of bf16.
#[derive(Clone, Copy)]
pub(super) struct Avx512Bf16(Avx512);

impl Avx512Bf16 {
    /// # Safety
    /// The machine must have AVX512-BF16.
    #[inline(always)]
    pub(super) unsafe fn assume(lanes: Avx512) -> Self {
        Self(lanes)
    }
}

impl Dot for Avx512Bf16 {
    type Lanes = Avx512;
    type Operand = __m512i;
    type Sum = __m512;
    const PER_UNIT: usize = 2;
    const CODES: Option<Codes> = None;
    const ROWS: usize = ROWS;
    const VECTORS: usize = VECTORS;

    enter!("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,avx512bf16");

    instructions! {
        splat(unit: u32) -> __m512i = _mm512_set1_epi32(unit.cast_signed());
        dot(sum: __m512, row: __m512i, panel: __m512i) -> __m512 =
            _mm512_dpbf16_ps(sum, std::mem::transmute::<__m512i, __m512bh>(row), std::mem::transmute::<__m512i, __m512bh>(panel));
    }

    #[inline(always)]
    fn lanes(self) -> Avx512 {
        self.0
    }

    #[inline(always)]
    fn zero(self) -> __m512 {
        self.0.splat(0.0)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> __m512i {
        // SAFETY: `self` proves the instruction, and the caller vouches for the memory.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    fn floats(self, sum: __m512) -> __m512 {
        sum
    }

    #[inline(always)]
    fn encode(self, values: __m512, to: &mut [u32]) {
        assert!(to.len() >= COUNT / Self::PER_UNIT);
        // SAFETY: `self` proves the instructions, and the slice is long enough for 16 numbers of 16 bits.
        unsafe {
            let halves = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(values));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
        }
    }

    #[inline(always)]
    fn encode_across(self, [low, high]: [__m512; 2], to: &mut [u32]) {
        assert!(to.len() >= COUNT);
        // SAFETY: `self` proves the instructions, and the slice is long enough.
        unsafe {
            let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            let low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(both));
            let high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<1>(both));
            _mm512_storeu_si512(to.as_mut_ptr().cast(), _mm512_or_si512(low, _mm512_slli_epi32::<16>(high)));
        }
    }
}

/// AVX-512 with dot products of unsigned activations and signed weights of 8 bits (VNNI).
#[derive(Clone, Copy)]
pub(super) struct Avx512Int8(Avx512);

impl Avx512Int8 {
    /// # Safety
    /// The machine must have AVX512-VNNI.
    #[inline(always)]
    pub(super) unsafe fn assume(lanes: Avx512) -> Self {
        Self(lanes)
    }
}

impl Dot for Avx512Int8 {
    type Lanes = Avx512;
    type Operand = __m512i;
    type Sum = __m512i;
    const PER_UNIT: usize = 4;
    const CODES: Option<Codes> = Some(Codes::BYTES);
    const ROWS: usize = ROWS;
    const VECTORS: usize = VECTORS;

    enter!("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,avx512vnni");

    instructions! {
        splat(unit: u32) -> __m512i = _mm512_set1_epi32(unit.cast_signed());
        dot(sum: __m512i, row: __m512i, panel: __m512i) -> __m512i = _mm512_dpbusd_epi32(sum, row, panel);
        floats(sum: __m512i) -> __m512 = _mm512_cvtepi32_ps(sum);
    }

    #[inline(always)]
    fn lanes(self) -> Avx512 {
        self.0
    }

    #[inline(always)]
    fn zero(self) -> __m512i {
        self.splat(0)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> __m512i {
        // SAFETY: `self` proves the instruction, and the caller vouches for the memory.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    fn encode(self, values: __m512, to: &mut [u32]) {
        assert!(to.len() >= COUNT / Self::PER_UNIT);
        // SAFETY: `self` proves the instructions, and the slice is long enough for 16 bytes.
        unsafe {
            let codes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(values));
            _mm_storeu_si128(to.as_mut_ptr().cast(), codes);
        }
    }
}
