//! From an [`Engine`], a value, to the types that do its arithmetic.

#[cfg(target_arch = "aarch64")]
use super::neon::{Neon, NeonF32, NeonInt8};
#[cfg(target_arch = "x86_64")]
use super::{
    avx2::{Avx2, Avx2F32, Avx2Int8, AvxVnniInt8},
    avx512::{Avx512, Avx512Bf16, Avx512F32, Avx512Int8},
};
use super::{
    dot::Dot,
    engine::{Engine, Instructions, Precision},
    portable::{PortableF32, PortableInt8},
};

/// A computation, written once for all number formats and instruction sets. `run` must be `inline(always)`.
pub(super) trait Kernel {
    type Output;
    fn run<D: Dot>(self, dot: D) -> Self::Output;
}

/// What a computation needs of an engine.
#[derive(Clone, Copy)]
pub(super) enum Task {
    /// Products with weights, in the engine's precision.
    Linear,
    /// Products of activations with activations: bf16 where the machine has it, as its scores need no more.
    Attention,
    /// Nothing but vectors of `f32`.
    Rows,
}

#[derive(Clone, Copy)]
enum Format {
    Int8,
    Bf16,
    F32,
}

impl Engine {
    fn format(self, task: Task) -> Format {
        match (task, self.precision()) {
            (Task::Linear, Precision::Int8) => Format::Int8,
            (Task::Linear | Task::Attention, Precision::Bf16) => Format::Bf16,
            (Task::Attention, Precision::Int8) if self.instructions() == Instructions::Avx512Bf16 => Format::Bf16,
            _ => Format::F32,
        }
    }

    /// Runs a kernel within a function that enables the instructions it needs.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn run<K: Kernel>(self, task: Task, kernel: K) -> K::Output {
        // SAFETY: an engine exists only where its instructions do. All families with AVX-512 have its F, BW, VL and DQ and
        // VNNI, all families but the portable one have AVX2 and FMA, and bf16 is offered with AVX512-BF16 alone.
        unsafe {
            match (self.instructions(), self.format(task)) {
                (Instructions::Avx512Bf16, Format::Bf16) => Avx512Bf16::assume(Avx512::assume()).run(kernel),
                (Instructions::Avx512Bf16 | Instructions::Avx512Vnni, Format::Int8) => {
                    Avx512Int8::assume(Avx512::assume()).run(kernel)
                }
                (Instructions::Avx512Bf16 | Instructions::Avx512Vnni, _) => Avx512F32(Avx512::assume()).run(kernel),
                (Instructions::AvxVnni, Format::Int8) => AvxVnniInt8::assume(Avx2::assume()).run(kernel),
                (Instructions::Avx2, Format::Int8) => Avx2Int8(Avx2::assume()).run(kernel),
                (Instructions::AvxVnni | Instructions::Avx2, _) => Avx2F32(Avx2::assume()).run(kernel),
                (Instructions::Neon | Instructions::Portable, Format::Int8) => PortableInt8.run(kernel),
                (Instructions::Neon | Instructions::Portable, _) => PortableF32.run(kernel),
            }
        }
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn run<K: Kernel>(self, task: Task, kernel: K) -> K::Output {
        // SAFETY: an engine exists only where its instructions do, and int8 with the dot product extension alone.
        unsafe {
            match (self.instructions(), self.format(task)) {
                (Instructions::Neon, Format::Int8) => NeonInt8::assume(Neon::assume()).run(kernel),
                (Instructions::Neon, _) => NeonF32(Neon::assume()).run(kernel),
                (_, Format::Int8) => PortableInt8.run(kernel),
                _ => PortableF32.run(kernel),
            }
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn run<K: Kernel>(self, task: Task, kernel: K) -> K::Output {
        match self.format(task) {
            Format::Int8 => PortableInt8.run(kernel),
            _ => PortableF32.run(kernel),
        }
    }
}

/// Writes [`Dot::run`]: the function that enables the instructions, into which a whole kernel is inlined.
macro_rules! enter {
    ($features:literal) => {
        fn run<K: crate::kernels::dispatch::Kernel>(self, kernel: K) -> K::Output {
            #[target_feature(enable = $features)]
            #[inline(never)]
            fn enabled<D: Dot, K: crate::kernels::dispatch::Kernel>(dot: D, kernel: K) -> K::Output {
                kernel.run(dot)
            }
            // SAFETY: `self` proves that the machine has these features.
            unsafe { enabled(self, kernel) }
        }
    };
}
pub(super) use enter;
