//! Dot products of one query with many rows: exact nearest neighbours.

use super::{
    buffer::Aligned,
    dispatch::{Kernel, Task},
    dot::Dot,
    engine::{Engine, Precision},
    lanes::Lanes,
};
use std::sync::LazyLock;

static F32: LazyLock<Engine> = LazyLock::new(|| Engine::fastest(Precision::Fp32));
static INT8: LazyLock<Engine> = LazyLock::new(|| Engine::fastest(Precision::Int8));

/// Writes each row's dot product with the query, as long as there is room: rows of `dims` numbers, as many as the query's.
pub(crate) fn dot_rows_f32(rows: &[f32], dims: usize, query: &[f32], out: &mut [f32]) {
    debug_assert_eq!(query.len(), dims);
    F32.run(Task::Rows, DotRows { rows, dims: dims.max(1), query, out });
}

/// As [`dot_rows_f32`], of numbers that are codes in -127..=127 times a scale: one for each row, and the query's.
pub(crate) fn dot_rows_i8(rows: &[i8], scales: &[f32], dims: usize, query: &[i8], query_scale: f32, out: &mut [f32]) {
    debug_assert_eq!(query.len(), dims);
    INT8.run(Task::Linear, DotCodes { rows, scales, dims: dims.max(1), query, query_scale, out });
}

pub(super) struct DotRows<'a> {
    pub(super) rows: &'a [f32],
    pub(super) dims: usize,
    pub(super) query: &'a [f32],
    pub(super) out: &'a mut [f32],
}

/// Sums that grow side by side, so that none waits for the one before.
const CHAINS: usize = 4;

impl Kernel for DotRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let lanes = dot.lanes();
        let count = D::Lanes::COUNT;
        let step = CHAINS * count;
        for (row, out) in self.rows.chunks_exact(self.dims).zip(self.out) {
            let mut sums = [lanes.splat(0.0); CHAINS];
            let (row, query) = (row.chunks_exact(step), self.query.chunks_exact(step));
            for (row, query) in row.remainder().chunks(count).zip(query.remainder().chunks(count)) {
                sums[0] = lanes.multiply_add(lanes.read(row), lanes.read(query), sums[0]);
            }
            for (row, query) in row.zip(query) {
                for ((row, query), sum) in row.chunks_exact(count).zip(query.chunks_exact(count)).zip(&mut sums) {
                    *sum = lanes.multiply_add(lanes.load(row), lanes.load(query), *sum);
                }
            }
            let [a, b, c, d] = sums;
            *out = lanes.sum(lanes.add(lanes.add(a, b), lanes.add(c, d)));
        }
    }
}

pub(super) struct DotCodes<'a> {
    pub(super) rows: &'a [i8],
    pub(super) scales: &'a [f32],
    pub(super) dims: usize,
    pub(super) query: &'a [i8],
    pub(super) query_scale: f32,
    pub(super) out: &'a mut [f32],
}

const CODES_PER_UNIT: usize = 4;

/// Rows that are read side by side, so that the query is loaded once for all of them.
const GROUP: usize = 4;

impl Kernel for DotCodes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Self { rows, scales, dims, query, query_scale, out } = self;
        let query = Query::new(query, dims, D::Lanes::COUNT * CODES_PER_UNIT);
        let (rows, rest) = rows.split_at(rows.len() / (GROUP * dims) * GROUP * dims);
        let mut results = out.iter_mut().zip(scales);
        for rows in rows.chunks_exact(GROUP * dims) {
            let sums = query.dot::<D, GROUP>(dot, rows, dims);
            sums.iter().zip(&mut results).for_each(|(sum, (out, scale))| *out = sum * scale * query_scale);
        }
        for (row, (out, scale)) in rest.chunks_exact(dims).zip(results) {
            let [sum] = query.dot(dot, row, dims);
            *out = sum * scale * query_scale;
        }
    }
}

/// The products here have one operand without a sign, in 7 bits on some machines: so the query is taken in two parts, its
/// positive codes and its negative ones.
struct Query<'a> {
    positive: Aligned<u32>,
    negative: Aligned<u32>,
    /// How many codes are in them: whole vectors.
    whole: usize,
    /// The codes that are not.
    tail: &'a [i8],
}

impl<'a> Query<'a> {
    fn new(codes: &'a [i8], dims: usize, vector: usize) -> Self {
        let whole = codes.len().min(dims) / vector * vector;
        let (head, tail) = codes.split_at(whole);
        let [mut positive, mut negative] = [(); 2].map(|()| Aligned::<u32>::zeroed(whole / CODES_PER_UNIT));
        for ((codes, positive), negative) in
            head.chunks_exact(CODES_PER_UNIT).zip(&mut positive[..]).zip(&mut negative[..])
        {
            (*positive, *negative) = (unit(codes, 1), unit(codes, -1));
        }
        Self { positive, negative, whole, tail }
    }

    #[inline(always)]
    fn dot<D: Dot, const ROWS: usize>(&self, dot: D, rows: &[i8], dims: usize) -> [f32; ROWS] {
        let (lanes, count) = (dot.lanes(), D::Lanes::COUNT);
        assert!(D::PER_UNIT == CODES_PER_UNIT && self.whole <= dims && rows.len() >= ROWS * dims);
        let mut sums = [[dot.zero(); 2]; ROWS];
        let query = self.positive.chunks_exact(count).zip(self.negative.chunks_exact(count));
        for ((positive, negative), start) in query.zip((0..self.whole).step_by(count * CODES_PER_UNIT)) {
            // SAFETY: each of the two is a vector of units long.
            let (positive, negative) = unsafe { (dot.load(positive.as_ptr()), dot.load(negative.as_ptr())) };
            for (row, [above, below]) in sums.iter_mut().enumerate() {
                // SAFETY: `whole` is a multiple of the vectors' length, so this one ends within its row of `dims` codes; and
                // there are `ROWS` rows.
                let codes = unsafe { dot.load(rows.as_ptr().add(row * dims + start).cast()) };
                *above = dot.dot(*above, positive, codes);
                *below = dot.dot(*below, negative, codes);
            }
        }
        let mut products = [0.0; ROWS];
        for ((product, [above, below]), row) in products.iter_mut().zip(sums).zip(rows.chunks_exact(dims)) {
            let tail = row.iter().skip(self.whole).zip(self.tail);
            let tail: i32 = tail.map(|(&code, &query)| i32::from(code) * i32::from(query)).sum();
            *product = lanes.sum(lanes.subtract(dot.floats(above), dot.floats(below))) + tail as f32;
        }
        products
    }
}

/// The magnitudes of the codes of one sign, and zeros.
fn unit(codes: &[i8], sign: i8) -> u32 {
    let mut bytes = [0; CODES_PER_UNIT];
    bytes.iter_mut().zip(codes).for_each(|(byte, code)| *byte = code.saturating_mul(sign).max(0).cast_unsigned());
    u32::from_le_bytes(bytes)
}
