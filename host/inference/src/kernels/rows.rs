//! Activations as the rows of a product.

use super::{
    buffer::{Aligned, units},
    dot::{Codes, Dot},
    lanes::{Lanes, padded},
};

/// Scratch memory for activations in the format of an engine's products.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    units: Aligned<u32>,
    terms: Vec<Term>,
    /// One row in the making.
    levelled: Aligned<f32>,
}

/// Activations in that format, one row per token.
pub(super) struct Encoded<'a> {
    pub(super) units: &'a [u32],
    /// From one row to the next.
    pub(super) stride: usize,
    pub(super) terms: &'a [Term],
}

/// What turns a row's codes back: `low + scale * code`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Term {
    pub(super) scale: f32,
    pub(super) low: f32,
}

impl Rows {
    /// Takes padded rows of `width` numbers each, multiplied by the factor of their column if there are factors. Numbers that
    /// need no other format stay where they are.
    #[inline(always)]
    pub(super) fn encode<'a, D: Dot>(
        &'a mut self,
        dot: D,
        values: &'a [f32],
        width: usize,
        factors: Option<&[f32]>,
    ) -> Encoded<'a> {
        self.terms.resize(values.len() / width.max(1), Term::default());
        if D::PER_UNIT == 1 && factors.is_none() {
            return Encoded { units: units(values), stride: width, terms: &self.terms };
        }
        let stride = row_units::<D>(width);
        let units = self.units.resize(self.terms.len() * stride);
        let levelled = self.levelled.resize(width);
        let rows = values.chunks_exact(width.max(1)).zip(units.chunks_exact_mut(stride));
        for ((values, units), term) in rows.zip(&mut self.terms) {
            let values = match factors {
                Some(factors) => multiply(dot.lanes(), values, factors, levelled),
                None => values,
            };
            match D::CODES {
                Some(codes) => *term = quantise(dot, codes, values, units),
                None => encode_row(dot, values, units),
            }
        }
        Encoded { units, stride, terms: &self.terms }
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
