//! Activations as the rows of a product.

use super::{
    buffer::Aligned,
    dispatch::{Kernel, Task},
    dot::{Codes, Dot},
    engine::Engine,
    lanes::{Lanes, padded},
};

/// Activations in the format of an engine's products, one row per token.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(super) units: Aligned<u32>,
    /// From one row to the next.
    pub(super) stride: usize,
    pub(super) terms: Vec<Term>,
    /// One row in the making.
    levelled: Aligned<f32>,
}

/// What turns a row's codes back: `low + scale * code`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) scale: f32,
    pub(super) low: f32,
}

impl Rows {
    /// Takes padded rows of `width` numbers each in place of what was here.
    pub(crate) fn encode(&mut self, engine: Engine, values: &[f32], width: usize) {
        engine.run(Task::Linear, Encode { values, width: padded(width), factors: None, rows: self });
    }

    /// The same of the numbers multiplied by the factor of their column, if there are factors.
    pub(crate) fn encode_levelled(&mut self, engine: Engine, values: &[f32], width: usize, factors: Option<&[f32]>) {
        engine.run(Task::Linear, Encode { values, width: padded(width), factors, rows: self });
    }
}

struct Encode<'a> {
    values: &'a [f32],
    width: usize,
    factors: Option<&'a [f32]>,
    rows: &'a mut Rows,
}

impl Kernel for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Self { values, width, factors, rows } = self;
        rows.stride = row_units::<D>(width);
        let count = values.len() / width.max(1);
        rows.terms.resize(count, Term { scale: 0.0, low: 0.0 });
        let units = rows.units.resize(count * rows.stride).chunks_exact_mut(rows.stride);
        let levelled = rows.levelled.resize(width);
        for ((values, units), term) in values.chunks_exact(width).zip(units).zip(&mut rows.terms) {
            let values = match factors {
                Some(factors) => multiply(dot.lanes(), values, factors, levelled),
                None => values,
            };
            match D::CODES {
                Some(codes) => *term = quantise(dot, codes, values, units),
                None => encode_row(dot, values, units),
            }
        }
    }
}

/// Rows are padded, so that all three are whole vectors.
#[inline(always)]
fn multiply<'o, L: Lanes>(lanes: L, values: &[f32], factors: &[f32], out: &'o mut [f32]) -> &'o [f32] {
    let pairs = values.chunks_exact(L::COUNT).zip(factors.chunks_exact(L::COUNT));
    for ((values, factors), out) in pairs.zip(out.chunks_exact_mut(L::COUNT)) {
        lanes.store(lanes.multiply(lanes.load(values), lanes.load(factors)), out);
    }
    out
}

/// Units that a row of numbers takes, filled up to whole vectors.
pub(super) fn row_units<D: Dot>(numbers: usize) -> usize {
    padded(numbers.max(1)) / D::PER_UNIT
}

/// Writes a row of numbers as units, the last ones filled up with zeros.
#[inline(always)]
pub(super) fn encode_row<D: Dot>(dot: D, values: &[f32], units: &mut [u32]) {
    let count = D::Lanes::COUNT;
    for (values, units) in values.chunks(count).zip(units.chunks_exact_mut(count / D::PER_UNIT)) {
        dot.encode(dot.lanes().read(values), units);
    }
}

/// Each row has a scale and a minimum of its own: no rounded zero, and no other token's outliers.
#[inline(always)]
fn quantise<D: Dot>(dot: D, codes: Codes, values: &[f32], units: &mut [u32]) -> Term {
    let lanes = dot.lanes();
    let count = D::Lanes::COUNT;
    let (mut low, mut high) = (lanes.splat(f32::INFINITY), lanes.splat(f32::NEG_INFINITY));
    for values in values.chunks_exact(count) {
        let values = lanes.load(values);
        low = lanes.minimum(low, values);
        high = lanes.maximum(high, values);
    }
    let low = lanes.lowest(low);
    let range = lanes.highest(high) - low;
    let inverse = if range > 0.0 { codes.span / range } else { 0.0 };
    let (all_low, all_inverse, zero) = (lanes.splat(low), lanes.splat(inverse), lanes.splat(codes.zero));
    for (values, units) in values.chunks_exact(count).zip(units.chunks_exact_mut(count / D::PER_UNIT)) {
        let above = lanes.subtract(lanes.load(values), all_low);
        dot.encode(lanes.multiply_add(above, all_inverse, zero), units);
    }
    let scale = range / codes.span;
    Term { scale, low: low - codes.zero * scale }
}
