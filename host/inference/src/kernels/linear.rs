//! A linear layer with its activation function, over weights packed once.

use super::{
    buffer::{Aligned, Word},
    dispatch::{Kernel, Task},
    dot::Dot,
    engine::Engine,
    lanes::{Lanes, gelu, padded},
    panels::{Layout, Panels},
    rows::{Rows, Term},
    slab::Slab,
    tile::{Sums, Tile, tiles},
};

/// What follows a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    Identity,
    Gelu,
}

/// `activation(weight * x + bias)`.
#[derive(Debug)]
pub(crate) struct Linear {
    engine: Engine,
    activation: Activation,
    /// With their padding.
    inputs: usize,
    outputs: usize,
    panels: Panels,
    /// For each vector of columns a vector of biases; then one of scales, and one of the sums of what the codes stand
    /// for, by which a row's minimum counts.
    terms: Aligned<f32>,
}

const PER_COLUMN: usize = 3;

/// The weights of one output.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Channel<'a> {
    F32(&'a [f32]),
    Int8 { codes: &'a [i8], scale: f32 },
}

impl Linear {
    /// Packs one channel, with its bias, for each output. A channel of other than `inputs` weights is cut or filled up.
    /// Weights that are to stay share a slab.
    pub(crate) fn pack<'a>(
        engine: Engine,
        activation: Activation,
        inputs: usize,
        channels: &[(Channel<'a>, f32)],
        slab: Option<&mut Slab>,
    ) -> Self {
        engine.run(Task::Linear, Pack { engine, activation, inputs, channels, slab })
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// One padded row of outputs for each padded row of inputs, whose numbers are multiplied by the factor of their column
    /// first. `next` is what will be multiplied after this: fetching its weights begins here.
    pub(crate) fn apply(&self, input: Input<'_>, rows: &mut Rows, next: Option<&Self>, out: &mut [f32]) {
        self.engine.run(Task::Linear, Product { linear: self, input, rows, next, out });
    }
}

/// What goes into a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) factors: Option<&'a [f32]>,
}

impl<'a> From<&'a [f32]> for Input<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self { values, factors: None }
    }
}

struct Pack<'a, 'b> {
    engine: Engine,
    activation: Activation,
    inputs: usize,
    channels: &'a [(Channel<'b>, f32)],
    slab: Option<&'a mut Slab>,
}

impl Kernel for Pack<'_, '_> {
    type Output = Linear;

    #[inline(always)]
    fn run<D: Dot>(mut self, _dot: D) -> Linear {
        // The padding of the results is made here too: no weights, no bias, so zeros.
        let layout = Layout::of::<D>(padded(self.channels.len()), self.inputs);
        let mut panels = Panels { layout, units: self.memory(layout.units()) };
        let mut terms = self.memory(PER_COLUMN * layout.columns.next_multiple_of(layout.width));
        let mut units = Vec::new();
        for (column, &(channel, bias)) in self.channels.iter().enumerate() {
            let (scale, sum) = channel.encode(D::PER_UNIT, &mut units);
            layout.set_column(&mut panels.units, column, 0, &units);
            let (vector, lane) = (column / D::Lanes::COUNT, column % D::Lanes::COUNT);
            let of_column =
                terms.iter_mut().skip(vector * PER_COLUMN * D::Lanes::COUNT + lane).step_by(D::Lanes::COUNT);
            of_column.zip([bias, scale, sum]).for_each(|(to, term)| *to = term);
        }
        let (inputs, outputs) = (padded(self.inputs), self.channels.len());
        Linear { engine: self.engine, activation: self.activation, inputs, outputs, panels, terms }
    }
}

impl Pack<'_, '_> {
    fn memory<T: Word>(&mut self, length: usize) -> Aligned<T> {
        match &mut self.slab {
            Some(slab) => Aligned::zeroed_in(slab, length),
            None => Aligned::zeroed(length),
        }
    }
}

impl Channel<'_> {
    /// As units; with the scale, and the scaled sum of all codes.
    fn encode(self, per_unit: usize, units: &mut Vec<u32>) -> (f32, f32) {
        units.clear();
        match (self, per_unit) {
            (Self::Int8 { codes, scale }, 4) => {
                units.extend(codes.chunks(4).map(|codes| u32::from_le_bytes(first_four(codes))));
                (scale, scale * codes.iter().map(|&code| i64::from(code)).sum::<i64>() as f32)
            }
            (Self::F32(values), 4) => {
                let scale = values.iter().fold(0.0, |highest: f32, value| highest.max(value.abs())) / 127.0;
                let inverse = if scale > 0.0 { scale.recip() } else { 0.0 };
                let codes: Vec<i8> = values.iter().map(|value| (value * inverse).round() as i8).collect();
                Channel::Int8 { codes: &codes, scale }.encode(per_unit, units)
            }
            (Self::Int8 { codes, scale }, _) => {
                let values: Vec<f32> = codes.iter().map(|&code| f32::from(code) * scale).collect();
                Channel::F32(&values).encode(per_unit, units)
            }
            (Self::F32(values), 2) => {
                units.extend(values.chunks(2).map(|pair| match *pair {
                    [low, high] => bf16(low) | bf16(high) << 16,
                    [last] => bf16(last),
                    _ => 0,
                }));
                (1.0, 0.0)
            }
            (Self::F32(values), _) => {
                units.extend(values.iter().map(|value| value.to_bits()));
                (1.0, 0.0)
            }
        }
    }
}

fn first_four(codes: &[i8]) -> [u8; 4] {
    let mut bytes = [0; 4];
    bytes.iter_mut().zip(codes).for_each(|(byte, code)| *byte = code.cast_unsigned());
    bytes
}

/// The nearest bf16 of a finite number, ties to even, in the low half.
fn bf16(value: f32) -> u32 {
    let bits = value.to_bits();
    bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16
}

struct Product<'a> {
    linear: &'a Linear,
    input: Input<'a>,
    rows: &'a mut Rows,
    next: Option<&'a Linear>,
    out: &'a mut [f32],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Self { linear, input: Input { values, factors }, rows, next, out } = self;
        let rows = rows.encode(dot, values, linear.inputs, factors);
        let layout = &linear.panels.layout;
        let height = rows.terms.len();
        let tile_count = height.div_ceil(D::ROWS).max(1);
        let mut sums = Sums::default();
        let mut units = linear.panels.units.chunks_exact(layout.panel_units()).peekable();
        let terms = linear.terms.chunks_exact(PER_COLUMN * layout.width);
        for (panel, terms) in layout.panels().zip(terms) {
            let Some(units_here) = units.next() else { return };
            let ahead = units.peek().copied().unwrap_or_else(|| next.map(Linear::first_panel).unwrap_or_default());
            let mut shares = ahead.chunks(ahead.len().div_ceil(tile_count).max(1));
            for (first, height) in tiles(height, D::ROWS) {
                let tile = Tile {
                    rows: rows.units.get(first * rows.stride..).unwrap_or_default(),
                    stride: rows.stride,
                    height,
                    layout,
                    panel,
                    units: units_here,
                    ahead: shares.next().unwrap_or_default(),
                };
                tile.multiply(dot, &mut sums);
                let stride = layout.columns;
                let out = out.get_mut(first * stride + panel.first_column..).unwrap_or_default();
                let row_terms = rows.terms.get(first..first + height).unwrap_or_default();
                for ((out, row), sums) in out.chunks_mut(stride).zip(row_terms).zip(sums.rows()) {
                    let out = out.get_mut(..panel.vectors * D::Lanes::COUNT).unwrap_or_default();
                    match linear.activation {
                        Activation::Identity => finish::<D, false>(dot, terms, *row, sums, out),
                        Activation::Gelu => finish::<D, true>(dot, terms, *row, sums, out),
                    }
                }
            }
        }
    }
}

impl Linear {
    fn first_panel(&self) -> &[u32] {
        self.panels.units.get(..self.panels.layout.panel_units()).unwrap_or_default()
    }
}

/// From sums to results, for one row of a tile.
#[inline(always)]
fn finish<D: Dot, const GELU: bool>(dot: D, terms: &[f32], row: Term, sums: &[f32], out: &mut [f32]) {
    let lanes = dot.lanes();
    let count = D::Lanes::COUNT;
    let (row_scale, row_low) = (lanes.splat(row.scale), lanes.splat(row.low));
    let terms = terms.chunks_exact(PER_COLUMN * count);
    for ((out, sums), terms) in out.chunks_exact_mut(count).zip(sums.chunks_exact(count)).zip(terms) {
        let (biases, terms) = terms.split_at(count);
        let mut value = lanes.load(sums);
        let bias = lanes.load(biases);
        if D::CODES.is_some() {
            let (scales, column_sums) = terms.split_at(count);
            let offset = lanes.multiply_add(lanes.load(column_sums), row_low, bias);
            value = lanes.multiply_add(value, lanes.multiply(lanes.load(scales), row_scale), offset);
        } else {
            value = lanes.add(value, bias);
        }
        if GELU {
            value = gelu(lanes, value);
        }
        lanes.store(value, out);
    }
}
