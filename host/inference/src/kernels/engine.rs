//! Which arithmetic this machine can run, and which of it is wanted.

use std::{fmt, str::FromStr};

/// The number format of the linear layers, which hold nearly all of an encoder's arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// The fastest that keeps the vectors' meaning: int8 wherever the machine has kernels for it, else fp32.
    #[default]
    Auto,
    /// Weights of 8 bits with a scale per output channel, activations of 8 bits with a scale and minimum per token.
    Int8,
    Bf16,
    Fp32,
}

/// A family of kernels, by the instructions that they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instructions {
    /// AVX-512 with dot products of both 8-bit integers (VNNI) and bf16.
    Avx512Bf16,
    /// AVX-512 with dot products of 8-bit integers (VNNI).
    Avx512Vnni,
    /// AVX2 with dot products of 8-bit integers.
    AvxVnni,
    /// AVX2 and FMA. Its int8 activations have 7 bits, since its pair sums have no more room.
    Avx2,
    Neon,
    /// No vector instructions beyond what the compiler takes for granted: for tests more than for use.
    Portable,
}

/// A precision and a family of kernels that this machine has: to hold one is the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Engine {
    precision: Precision,
    instructions: Instructions,
}

/// No engine of this machine is what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no {precision} kernels{}, expected one of: {}", with(*instructions), listed())]
pub struct NoEngine {
    pub precision: Precision,
    pub instructions: Option<Instructions>,
}

/// A name that no precision and no family of kernels has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{found}\" is not known, expected one of: {expected}")]
pub struct UnknownName {
    pub found: String,
    pub expected: &'static str,
}

impl Engine {
    /// The engine for a wish: with no instructions named, the best that offer the precision.
    ///
    /// # Errors
    /// [`NoEngine`] where this machine, or the named instructions, lack the precision.
    pub fn choose(precision: Precision, instructions: Option<Instructions>) -> Result<Self, NoEngine> {
        let fits = |engine: &Self| {
            (precision == Precision::Auto || engine.precision == precision)
                && instructions.is_none_or(|wanted| engine.instructions == wanted)
        };
        Self::all_here().into_iter().find(fits).ok_or(NoEngine { precision, instructions })
    }

    /// Every engine of this machine, the best first.
    pub fn all_here() -> Vec<Self> {
        let mut engines = Vec::new();
        for &instructions in Instructions::ALL.iter().filter(|instructions| instructions.are_here()) {
            engines.extend(instructions.precisions().iter().map(|&precision| Self { precision, instructions }));
        }
        engines
    }

    /// The first of [`all_here`](Self::all_here) with a precision, or the portable one, which has them all but bf16.
    pub(super) fn fastest(precision: Precision) -> Self {
        Self::choose(precision, None).unwrap_or(Self { precision, instructions: Instructions::Portable })
    }

    /// Never [`Precision::Auto`].
    pub fn precision(self) -> Precision {
        self.precision
    }

    pub fn instructions(self) -> Instructions {
        self.instructions
    }
}

impl Instructions {
    /// From best to worst.
    const ALL: [Self; 6] = [Self::Avx512Bf16, Self::Avx512Vnni, Self::AvxVnni, Self::Avx2, Self::Neon, Self::Portable];

    fn precisions(self) -> &'static [Precision] {
        match self {
            Self::Avx512Bf16 => &[Precision::Int8, Precision::Bf16, Precision::Fp32],
            Self::Avx512Vnni | Self::AvxVnni | Self::Avx2 => &[Precision::Int8, Precision::Fp32],
            #[cfg(target_arch = "aarch64")]
            Self::Neon if std::arch::is_aarch64_feature_detected!("dotprod") => &[Precision::Int8, Precision::Fp32],
            Self::Neon => &[Precision::Fp32],
            Self::Portable => &[Precision::Fp32, Precision::Int8],
        }
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn are_here(self) -> bool {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = || has!("avx2") && has!("fma");
        let avx512 = || avx2() && has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq");
        match self {
            Self::Avx512Bf16 => Self::Avx512Vnni.are_here() && has!("avx512bf16"),
            Self::Avx512Vnni => avx512() && has!("avx512vnni"),
            Self::AvxVnni => avx2() && has!("avxvnni"),
            Self::Avx2 => avx2(),
            Self::Neon => false,
            Self::Portable => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn are_here(self) -> bool {
        matches!(self, Self::Portable) || matches!(self, Self::Neon) && cfg!(target_arch = "aarch64")
    }

    fn name(self) -> &'static str {
        match self {
            Self::Avx512Bf16 => "avx512-bf16",
            Self::Avx512Vnni => "avx512-vnni",
            Self::AvxVnni => "avx-vnni",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }
}

impl Precision {
    const ALL: [Self; 4] = [Self::Auto, Self::Int8, Self::Bf16, Self::Fp32];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Int8 => "int8",
            Self::Bf16 => "bf16",
            Self::Fp32 => "fp32",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.precision, self.instructions)
    }
}

impl FromStr for Precision {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let expected = "auto, int8, bf16, fp32";
        let found = Self::ALL.into_iter().find(|precision| precision.name() == name);
        found.ok_or_else(|| UnknownName { found: name.to_owned(), expected })
    }
}

impl FromStr for Instructions {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let expected = "avx512-bf16, avx512-vnni, avx-vnni, avx2, neon, portable";
        let found = Self::ALL.into_iter().find(|instructions| instructions.name() == name);
        found.ok_or_else(|| UnknownName { found: name.to_owned(), expected })
    }
}

fn with(instructions: Option<Instructions>) -> String {
    instructions.map(|instructions| format!(" with {instructions} instructions")).unwrap_or_default()
}

fn listed() -> String {
    let names: Vec<_> = Engine::all_here().iter().map(Engine::to_string).collect();
    names.join(", ")
}
