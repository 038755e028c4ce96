//! Every kernel on every engine of this machine, against plain arithmetic in `f64` over random shapes.

mod attention;
mod element_wise;
mod layout;
mod linear;
mod neighbours;

pub(crate) use element_wise::erf;

use super::{Engine, Instructions, NoEngine, Precision, padded};

/// Reproducible random numbers (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }

    /// Between -1 and 1.
    pub(crate) fn number(&mut self) -> f32 {
        self.below(2_000_001) as f32 / 1e6 - 1.0
    }

    pub(crate) fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }
}

/// How many random shapes each test tries: few under Miri, which is a thousand times slower.
fn rounds(count: usize) -> usize {
    if cfg!(miri) { count.div_ceil(20) } else { count }
}

/// Padded rows of `width` numbers each.
fn padded_rows(values: &[f32], width: usize) -> Vec<f32> {
    let mut rows = Vec::new();
    for row in values.chunks_exact(width) {
        rows.extend_from_slice(row);
        rows.resize(rows.len() + padded(width) - width, 0.0);
    }
    rows
}

#[test]
fn engines_are_listed_best_first_and_found_by_name() {
    let engines = Engine::all_here();
    println!("engines: {engines:?}");
    assert_eq!(engines.last().map(|engine| engine.instructions()), Some(Instructions::Portable));
    assert_eq!(Engine::choose(Precision::Auto, None).as_ref(), Ok(&engines[0]));
    for engine in engines {
        let precision = engine.precision().to_string().parse().unwrap();
        let instructions = engine.instructions().to_string().parse().unwrap();
        assert_eq!(Engine::choose(precision, Some(instructions)), Ok(engine));
    }
    assert!("int4".parse::<Precision>().is_err() && "mmx".parse::<Instructions>().is_err());
}

#[test]
fn an_engine_that_is_not_here_is_named() {
    let missing = Engine::choose(Precision::Bf16, Some(Instructions::Portable)).unwrap_err();
    let expected = NoEngine { precision: Precision::Bf16, instructions: Some(Instructions::Portable) };
    assert_eq!(missing, expected);
    assert!(missing.to_string().starts_with("this machine has no bf16 kernels with portable instructions, expected"));
}
