//! Addition and layer normalisation.

use super::{
    buffer::Aligned,
    dispatch::{Kernel, Task},
    dot::Dot,
    engine::Engine,
    lanes::{Lanes, padded},
};

/// LayerNorm over padded rows.
#[derive(Debug)]
pub(crate) struct Norm {
    width: usize,
    weights: Aligned<f32>,
    biases: Aligned<f32>,
    epsilon: f32,
}

impl Norm {
    pub(crate) fn new(weights: &[f32], biases: &[f32], epsilon: f32) -> Self {
        let [padded_weights, padded_biases] = [weights, biases].map(|values| {
            let mut all = Aligned::zeroed(padded(weights.len()));
            all.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
            all
        });
        Self { width: weights.len(), weights: padded_weights, biases: padded_biases, epsilon }
    }

    /// Adds `added` to `rows` and normalises each row of the result, in place.
    pub(crate) fn add_and_apply(&self, engine: Engine, rows: &mut [f32], added: &[f32]) {
        engine.run(Task::Rows, AddNorm { norm: self, rows, added });
    }
}

struct AddNorm<'a> {
    norm: &'a Norm,
    rows: &'a mut [f32],
    added: &'a [f32],
}

impl Kernel for AddNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let stride = self.norm.weights.len().max(1);
        for (row, added) in self.rows.chunks_exact_mut(stride).zip(self.added.chunks_exact(stride)) {
            self.norm.normalise(dot.lanes(), row, added);
        }
    }
}

impl Norm {
    #[inline(always)]
    fn normalise<L: Lanes>(&self, lanes: L, row: &mut [f32], added: &[f32]) {
        let (count, width) = (L::COUNT, self.width as f32);
        let mut sum = lanes.splat(0.0);
        for (row, added) in row.chunks_exact_mut(count).zip(added.chunks_exact(count)) {
            let value = lanes.add(lanes.load(row), lanes.load(added));
            sum = lanes.add(sum, value);
            lanes.store(value, row);
        }
        let mean = lanes.sum(sum) / width;
        let (all_mean, mut squares) = (lanes.splat(mean), lanes.splat(0.0));
        for row in row.chunks_exact(count) {
            let distance = lanes.subtract(lanes.load(row), all_mean);
            squares = lanes.multiply_add(distance, distance, squares);
        }
        // Each zero of the padding has counted too, with its distance from the mean.
        let padding = (row.len() - self.width) as f32;
        let variance = (lanes.sum(squares) - padding * mean * mean).max(0.0) / width;
        let scale = lanes.splat((variance + self.epsilon).sqrt().recip());
        let parameters = self.weights.chunks_exact(count).zip(self.biases.chunks_exact(count));
        for (row, (weights, biases)) in row.chunks_exact_mut(count).zip(parameters) {
            let value = lanes.multiply(lanes.subtract(lanes.load(row), all_mean), scale);
            lanes.store(lanes.multiply_add(value, lanes.load(weights), lanes.load(biases)), row);
        }
    }
}
