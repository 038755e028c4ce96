//! NEON: 128-bit vectors, with dot products of signed 8-bit integers where the machine has them.

use super::{
    dispatch::enter,
    dot::{Codes, Dot},
    lanes::Lanes,
};
use std::arch::{aarch64::*, asm};

const COUNT: usize = 4;
/// 6 rows of 4 vectors: 24 sums, 4 weights and an activation of 32 registers.
const ROWS: usize = 6;
const VECTORS: usize = 4;

/// Proof of NEON.
#[derive(Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    /// # Safety
    /// The machine must have NEON.
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

impl Lanes for Neon {
    type Vector = float32x4_t;
    const COUNT: usize = COUNT;

    instructions! {
        splat(value: f32) -> float32x4_t = vdupq_n_f32(value);
        add(a: float32x4_t, b: float32x4_t) -> float32x4_t = vaddq_f32(a, b);
        subtract(a: float32x4_t, b: float32x4_t) -> float32x4_t = vsubq_f32(a, b);
        multiply(a: float32x4_t, b: float32x4_t) -> float32x4_t = vmulq_f32(a, b);
        multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t = vfmaq_f32(c, a, b);
        minimum(a: float32x4_t, b: float32x4_t) -> float32x4_t = vminq_f32(a, b);
        maximum(a: float32x4_t, b: float32x4_t) -> float32x4_t = vmaxq_f32(a, b);
        add_to_exponent(a: float32x4_t, power: float32x4_t) -> float32x4_t = {
            let power = vshlq_n_s32::<23>(vreinterpretq_s32_f32(power));
            vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), power))
        };
        sum(vector: float32x4_t) -> f32 = vaddvq_f32(vector);
        lowest(vector: float32x4_t) -> f32 = vminvq_f32(vector);
        highest(vector: float32x4_t) -> f32 = vmaxvq_f32(vector);
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> float32x4_t {
        assert!(from.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { vld1q_f32(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: float32x4_t, to: &mut [f32]) {
        assert!(to.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { vst1q_f32(to.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn prefetch(self, address: *const u32) {
        // SAFETY: a prefetch is a hint that cannot fault.
        unsafe { asm!("prfm pldl2keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly)) }
    }
}

#[derive(Clone, Copy)]
pub(super) struct NeonF32(pub(super) Neon);

impl Dot for NeonF32 {
    type Lanes = Neon;
    type Operand = float32x4_t;
    type Sum = float32x4_t;
    const PER_UNIT: usize = 1;
    const CODES: Option<Codes> = None;
    const ROWS: usize = ROWS;
    const VECTORS: usize = VECTORS;

    enter!("neon");

    instructions! {
        splat(unit: u32) -> float32x4_t = vdupq_n_f32(f32::from_bits(unit));
        dot(sum: float32x4_t, row: float32x4_t, panel: float32x4_t) -> float32x4_t = vfmaq_f32(sum, row, panel);
    }

    #[inline(always)]
    fn lanes(self) -> Neon {
        self.0
    }

    #[inline(always)]
    fn zero(self) -> float32x4_t {
        self.0.splat(0.0)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> float32x4_t {
        // SAFETY: `self` proves the instruction, and the caller vouches for the memory.
        unsafe { vld1q_f32(from.cast()) }
    }

    #[inline(always)]
    fn floats(self, sum: float32x4_t) -> float32x4_t {
        sum
    }

    #[inline(always)]
    fn encode(self, values: float32x4_t, to: &mut [u32]) {
        assert!(to.len() >= COUNT);
        // SAFETY: `self` proves the instruction, and the slice is long enough.
        unsafe { vst1q_f32(to.as_mut_ptr().cast(), values) }
    }
}

/// Both operands are signed here, so codes run from -128.
#[derive(Clone, Copy)]
pub(super) struct NeonInt8(Neon);

impl NeonInt8 {
    /// # Safety
    /// The machine must have the dot product extension.
    #[inline(always)]
    pub(super) unsafe fn assume(lanes: Neon) -> Self {
        Self(lanes)
    }

    /// The intrinsic is not stable.
    #[inline(always)]
    pub(super) fn sdot(self, mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: `self` proves the instruction, which touches registers alone.
        unsafe {
            asm!(".arch_extension dotprod", "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
                inout(vreg) sum, in(vreg) a, in(vreg) b, options(pure, nomem, nostack, preserves_flags));
        }
        sum
    }
}

impl Dot for NeonInt8 {
    type Lanes = Neon;
    type Operand = int8x16_t;
    type Sum = int32x4_t;
    const PER_UNIT: usize = 4;
    const CODES: Option<Codes> = Some(Codes { zero: -128.0, span: 255.0 });
    const ROWS: usize = ROWS;
    const VECTORS: usize = VECTORS;

    enter!("neon,dotprod");

    instructions! {
        splat(unit: u32) -> int8x16_t = vreinterpretq_s8_u32(vdupq_n_u32(unit));
        floats(sum: int32x4_t) -> float32x4_t = vcvtq_f32_s32(sum);
    }

    #[inline(always)]
    fn lanes(self) -> Neon {
        self.0
    }

    #[inline(always)]
    fn zero(self) -> int32x4_t {
        // SAFETY: `self` proves the instruction, which touches a register alone.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u32) -> int8x16_t {
        // SAFETY: `self` proves the instruction, and the caller vouches for the memory.
        unsafe { vld1q_s8(from.cast()) }
    }

    #[inline(always)]
    fn dot(self, sum: int32x4_t, row: int8x16_t, panel: int8x16_t) -> int32x4_t {
        self.sdot(sum, row, panel)
    }

    #[inline(always)]
    fn encode(self, values: float32x4_t, to: &mut [u32]) {
        // SAFETY: `self` proves the instructions, which touch registers alone.
        let bytes = unsafe {
            let halves = vqmovn_s32(vcvtnq_s32_f32(values));
            vget_lane_u32::<0>(vreinterpret_u32_s8(vqmovn_s16(vcombine_s16(halves, halves))))
        };
        if let Some(to) = to.first_mut() {
            *to = bytes;
        }
    }
}
