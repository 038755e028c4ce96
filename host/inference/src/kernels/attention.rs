//! Self-attention over the queries, keys and values of one text.

use super::{
    buffer::Aligned,
    dispatch::{Kernel, Task},
    dot::{Dot, MOST_PER_UNIT},
    engine::Engine,
    lanes::{Lanes, padded, power_of_two, rough_power_of_two},
    panels::Layout,
    rows::{encode_row, row_units},
    tile::{HIGHEST, Sums, Tile, tiles},
};

/// The shape of an attention layer: `count` heads of `width` numbers each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) count: usize,
    pub(crate) width: usize,
}

/// The operands of attention, packed for all heads, and scratch memory; kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct Room {
    queries: Aligned<u32>,
    keys: Aligned<u32>,
    values: Aligned<u32>,
    /// A vector's worth of keys, before they become columns.
    few_keys: Aligned<u32>,
    shares: Aligned<u32>,
    sums: Sums,
}

/// Tokens may be taken in blocks that start at a multiple of this.
pub(crate) const BLOCK_START: usize = MOST_PER_UNIT;

impl Heads {
    /// What queries are to be multiplied by: the usual scale of scores, in powers of two instead of `e`.
    pub(crate) fn query_scale(self) -> f32 {
        std::f32::consts::LOG2_E / (self.width as f32).sqrt()
    }

    /// Takes some of a text's `tokens` tokens, from `first` on: a padded row of each one's queries, keys and values of all
    /// heads, in this order. The queries are scaled by [`query_scale`](Self::query_scale) already.
    pub(crate) fn take(self, engine: Engine, projected: &[f32], first: usize, tokens: usize, room: &mut Room) {
        debug_assert_eq!(first % BLOCK_START, 0);
        engine.run(Task::Attention, Take { heads: self, projected, first, tokens, room });
    }

    /// Replaces `out`, a padded row for each of `tokens` tokens, by what each attends to. All must have been taken.
    pub(crate) fn attend(self, engine: Engine, tokens: usize, room: &mut Room, out: &mut [f32]) {
        engine.run(Task::Attention, Attend { heads: self, tokens, room, out });
    }

    fn row(self) -> usize {
        self.count * self.width
    }
}

/// How the operands of one head lie.
#[derive(Clone, Copy)]
struct Operands {
    /// Units of one query, and of all.
    query: usize,
    queries: usize,
    /// Keys as columns, for the scores; values as columns, for the result.
    keys: Layout,
    values: Layout,
}

impl Operands {
    fn of<D: Dot>(heads: Heads, tokens: usize) -> Self {
        let query = row_units::<D>(heads.width);
        let (keys, values) = (Layout::of::<D>(tokens, heads.width), Layout::of::<D>(heads.width, tokens));
        Self { query, queries: tokens * query, keys, values }
    }
}

struct Take<'a> {
    heads: Heads,
    projected: &'a [f32],
    first: usize,
    tokens: usize,
    room: &'a mut Room,
}

impl Kernel for Take<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Self { heads, projected, first, tokens, room } = self;
        let operands = Operands::of::<D>(heads, tokens);
        let all_queries = room.queries.resize(heads.count * operands.queries).chunks_exact_mut(operands.queries.max(1));
        let all_keys =
            room.keys.resize(heads.count * operands.keys.units()).chunks_exact_mut(operands.keys.units().max(1));
        let all_values =
            room.values.resize(heads.count * operands.values.units()).chunks_exact_mut(operands.values.units().max(1));
        let few_keys = room.few_keys.resize(D::Lanes::COUNT * operands.query);
        for (head, ((queries, keys), values)) in all_queries.zip(all_keys).zip(all_values).enumerate() {
            let part = |part: usize| {
                let start = head * heads.width + part * heads.row();
                let rows = projected.chunks_exact(padded(3 * heads.row()));
                rows.map(move |row| row.get(start..start + heads.width).unwrap_or_default())
            };
            for (from, query) in part(0).zip(queries.chunks_exact_mut(operands.query).skip(first)) {
                encode_row(dot, from, query);
            }
            take_keys(dot, part(1), &operands, first, few_keys, keys);
            take_values(dot, part(2), &operands.values, first / D::PER_UNIT, values);
        }
    }
}

/// As many at a time as a vector has lanes, so that they become columns together.
#[inline(always)]
fn take_keys<'a, D: Dot>(
    dot: D,
    mut from: impl ExactSizeIterator<Item = &'a [f32]>,
    operands: &Operands,
    first: usize,
    few: &mut [u32],
    keys: &mut [u32],
) {
    let mut column = first;
    while from.len() > 0 {
        let wanted = D::Lanes::COUNT - column % D::Lanes::COUNT;
        let keys_and_rows = few.chunks_exact_mut(operands.query).take(wanted).zip(&mut from);
        let taken = keys_and_rows.map(|(key, from)| encode_row(dot, from, key)).count();
        let taken_keys = few.get(..taken * operands.query).unwrap_or_default();
        operands.keys.set_columns(dot.lanes(), keys, column, taken_keys, operands.query);
        column += taken;
    }
}

/// A unit holds the same column of several tokens here.
#[inline(always)]
fn take_values<'a, D: Dot>(
    dot: D,
    mut from: impl ExactSizeIterator<Item = &'a [f32]>,
    layout: &Layout,
    first: usize,
    to: &mut [u32],
) {
    let lanes = dot.lanes();
    for depth in first..first + from.len().div_ceil(D::PER_UNIT) {
        let mut rows: [&[f32]; MOST_PER_UNIT] = [&[]; MOST_PER_UNIT];
        rows.iter_mut().take(D::PER_UNIT).zip(&mut from).for_each(|(row, from)| *row = from);
        for (index, panel) in layout.panels().enumerate() {
            let units = to.get_mut(index * layout.panel_units() + depth * layout.width..).unwrap_or_default();
            for (vector, units) in units.chunks_exact_mut(D::Lanes::COUNT).take(panel.vectors).enumerate() {
                let column = panel.first_column + vector * D::Lanes::COUNT;
                let mut vectors = [lanes.splat(0.0); MOST_PER_UNIT];
                for (vector, row) in vectors.iter_mut().zip(rows) {
                    *vector = lanes.read(row.get(column..).unwrap_or_default());
                }
                dot.encode_across(vectors, units);
            }
        }
    }
}

struct Attend<'a> {
    heads: Heads,
    tokens: usize,
    room: &'a mut Room,
    out: &'a mut [f32],
}

impl Kernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Self { heads, tokens, room: Room { queries, keys, values, shares, sums, .. }, out } = self;
        let operands = Operands::of::<D>(heads, tokens);
        let stride = padded(heads.row());
        let shares_stride = row_units::<D>(tokens);
        shares.resize(shares_stride * HIGHEST);
        for row in out.chunks_exact_mut(stride.max(1)) {
            row.get_mut(heads.row()..).unwrap_or_default().fill(0.0);
        }
        let all = queries.chunks_exact(operands.queries.max(1));
        let all = all.zip(keys.chunks_exact(operands.keys.units().max(1)));
        let all = all.zip(values.chunks_exact(operands.values.units().max(1)));
        for (head, ((queries, keys), values)) in all.enumerate() {
            for (first, height) in tiles(tokens, D::ROWS) {
                let rows = queries.get(first * operands.query..).unwrap_or_default();
                let queries = Tiled { rows, stride: operands.query, height, layout: &operands.keys, panels: keys };
                let totals = share(dot, queries, sums, shares, shares_stride);
                let out = out.get_mut(first * stride + head * heads.width..).unwrap_or_default();
                let shares =
                    Tiled { rows: shares, stride: shares_stride, height, layout: &operands.values, panels: values };
                mix(dot, shares, &totals, sums, out, stride);
            }
        }
    }
}

/// A tile's rows, and all panels that they are multiplied with.
struct Tiled<'a> {
    rows: &'a [u32],
    stride: usize,
    height: usize,
    layout: &'a Layout,
    panels: &'a [u32],
}

impl<'a> Tiled<'a> {
    #[inline(always)]
    fn tiles(&self) -> impl Iterator<Item = Tile<'a>> {
        let Self { rows, stride, height, layout, panels } = *self;
        let panels = layout.panels().zip(panels.chunks_exact(layout.panel_units()));
        panels.map(move |(panel, units)| Tile { rows, stride, height, layout, panel, units, ahead: &[] })
    }
}

/// Each query's share of every key, not yet divided by the total of them, which is returned.
///
/// Capped as they are, scores need no maximum taken out first: no share and no total can overflow, and no total is zero.
#[inline(always)]
fn share<D: Dot>(dot: D, queries: Tiled<'_>, sums: &mut Sums, shares: &mut [u32], stride: usize) -> [f32; HIGHEST] {
    let lanes = dot.lanes();
    let mut totals = [lanes.splat(0.0); HIGHEST];
    for tile in queries.tiles() {
        tile.multiply(dot, sums);
        let shares = shares.get_mut(tile.panel.first_column / D::PER_UNIT..).unwrap_or_default().chunks_mut(stride);
        for (((scores, shares), row_total), _) in sums.rows().zip(shares).zip(&mut totals).zip(0..tile.height) {
            let shares = shares.chunks_exact_mut(D::Lanes::COUNT / D::PER_UNIT);
            let scores = scores.chunks_exact(D::Lanes::COUNT).take(tile.panel.vectors);
            let (mut total, mut columns) = (*row_total, tile.panel.columns);
            for (scores, shares) in scores.zip(shares) {
                let capped = lanes.minimum(lanes.load(scores), lanes.splat(HIGHEST_SCORE));
                let capped = lanes.maximum(capped, lanes.splat(LOWEST_SCORE));
                let share = match D::PER_UNIT {
                    1 => power_of_two(lanes, capped),
                    _ => rough_power_of_two(lanes, capped),
                };
                let share = lanes.first(share, columns);
                columns = columns.saturating_sub(D::Lanes::COUNT);
                total = lanes.add(total, share);
                dot.encode(share, shares);
            }
            *row_total = total;
        }
    }
    let mut sums = [0.0; HIGHEST];
    for (sum, total) in sums.iter_mut().zip(totals) {
        *sum = lanes.sum(total);
    }
    sums
}

/// In powers of two, as all scores. There is room for sums of shares times values on both ends.
const HIGHEST_SCORE: f32 = 100.0;
const LOWEST_SCORE: f32 = -100.0;

/// The values, each counted by its share.
#[inline(always)]
fn mix<D: Dot>(dot: D, shares: Tiled<'_>, totals: &[f32; HIGHEST], sums: &mut Sums, out: &mut [f32], stride: usize) {
    let lanes = dot.lanes();
    for tile in shares.tiles() {
        tile.multiply(dot, sums);
        let out = out.get_mut(tile.panel.first_column..).unwrap_or_default().chunks_mut(stride);
        for ((out, sums), total) in out.zip(sums.rows()).zip(totals).take(tile.height) {
            let out = out.get_mut(..tile.panel.columns).unwrap_or_default();
            let scale = lanes.splat(total.recip());
            for (out, sums) in out.chunks_mut(D::Lanes::COUNT).zip(sums.chunks_exact(D::Lanes::COUNT)) {
                lanes.write(lanes.multiply(lanes.load(sums), scale), out);
            }
        }
    }
}
