//! Multinomial logistic regression.
//!
//! Minimises `sum of -log p(class | example) + PENALTY / 2 * |weights|^2`, where `p` is the softmax of
//! `weights * (example - mean) + bias`, by L-BFGS from zero. The function is convex, so there is one answer, and no random
//! number is drawn on the way to it.

use super::lbfgs::{self, Slope};
use crate::kernels::{Activation, Channel, Engine, Linear, NoEngine, Precision, Rows, padded};

/// The strength of the ridge. Between 0.02 and 0.1 the accuracy with ten examples a class changes by less than a fifth of
/// a point, and the probabilities are the less timid the weaker it is.
const PENALTY: f32 = 0.02;
/// Enough for 150 classes of ten examples; a fit that has not got there by then is as good.
const STEPS: usize = 60;
/// Where the slope is less than this share of what it was at zero, no decision changes any more.
const SHARE: f64 = 3e-3;

/// A weight for every dimension of every class, one class behind the other, and a bias for every class.
pub(super) struct Softmax {
    pub(super) weights: Vec<f32>,
    pub(super) biases: Vec<f32>,
}

/// Fits to examples, each with the number of its class, which is below `classes`.
pub(super) fn fit(examples: &[(usize, &[f32])], dimensions: usize, classes: usize) -> Result<Softmax, NoEngine> {
    let problem = Problem::new(examples, dimensions, classes)?;
    let mut weights = lbfgs::minimise(vec![0.0; classes * (dimensions + 1)], STEPS, SHARE, |at| problem.slope(at));
    let mut biases = weights.split_off(classes * dimensions);
    for (bias, row) in biases.iter_mut().zip(weights.chunks_exact(dimensions.max(1))) {
        *bias -= crate::dot(row, &problem.mean);
    }
    Ok(Softmax { weights, biases })
}

struct Problem {
    engine: Engine,
    /// The class of every example.
    labels: Vec<usize>,
    /// The examples around their mean, a padded row each.
    examples: Vec<f32>,
    /// The same as the weights of another: one output for each dimension, one input for each example.
    columns: Linear,
    mean: Vec<f32>,
    dimensions: usize,
    classes: usize,
}

impl Problem {
    fn new(examples: &[(usize, &[f32])], dimensions: usize, classes: usize) -> Result<Self, NoEngine> {
        let engine = Engine::choose(Precision::Fp32, None)?;
        let mut mean = vec![0.0; dimensions];
        for (_, example) in examples {
            mean.iter_mut().zip(*example).for_each(|(mean, number)| *mean += number / examples.len() as f32);
        }
        let mut centred = vec![0.0; examples.len() * padded(dimensions)];
        for (row, (_, example)) in centred.chunks_exact_mut(padded(dimensions).max(1)).zip(examples) {
            row.iter_mut().zip(example.iter().zip(&mean)).for_each(|(to, (number, mean))| *to = number - mean);
        }
        let columns = transposed(&centred, padded(dimensions), dimensions, examples.len());
        let channels: Vec<_> = columns.chunks_exact(examples.len()).map(|column| (Channel::F32(column), 0.0)).collect();
        let columns = Linear::pack(engine, Activation::Identity, examples.len(), &channels, None);
        let labels = examples.iter().map(|(label, _)| *label).collect();
        Ok(Self { engine, labels, examples: centred, columns, mean, dimensions, classes })
    }

    fn slope(&self, parameters: &[f32]) -> Slope {
        let (weights, biases) = parameters.split_at(self.classes * self.dimensions);
        let channels: Vec<_> =
            weights.chunks_exact(self.dimensions).map(Channel::F32).zip(biases.iter().copied()).collect();
        let mut wrong = vec![0.0; self.labels.len() * padded(self.classes)];
        let product = Linear::pack(self.engine, Activation::Identity, self.dimensions, &channels, None);
        let mut rows = Rows::default();
        product.apply(self.examples.as_slice().into(), &mut rows, None, &mut wrong);
        let lost: f64 = wrong
            .chunks_exact_mut(padded(self.classes))
            .zip(&self.labels)
            .map(|(row, label)| blame(row.get_mut(..self.classes).unwrap_or_default(), *label))
            .sum();
        let penalty: f64 = weights.iter().map(|weight| f64::from(weight * weight)).sum();

        let stride = padded(self.labels.len());
        let by_class = transposed(&wrong, padded(self.classes), self.classes, stride);
        let mut by_weight = vec![0.0; self.classes * padded(self.dimensions)];
        self.columns.apply(by_class.as_slice().into(), &mut rows, None, &mut by_weight);
        let by_weight = by_weight.chunks_exact(padded(self.dimensions)).zip(weights.chunks_exact(self.dimensions));
        let mut gradient: Vec<f32> = by_weight
            .flat_map(|(slopes, weights)| slopes.iter().zip(weights).map(|(slope, weight)| slope + PENALTY * weight))
            .collect();
        gradient.extend(by_class.chunks_exact(stride).map(|wrong| wrong.iter().sum::<f32>()));
        Slope { value: lost + f64::from(PENALTY) / 2.0 * penalty, gradient }
    }
}

/// Turns logits into probabilities, less 1 at the right class; tells the loss of the example.
fn blame(logits: &mut [f32], right: usize) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.iter_mut().for_each(|logit| *logit = (*logit - most).exp());
    let sum: f32 = logits.iter().sum();
    logits.iter_mut().for_each(|odds| *odds /= sum);
    let Some(right) = logits.get_mut(right) else { return 0.0 };
    let lost = -f64::from(right.max(f32::MIN_POSITIVE)).ln();
    *right -= 1.0;
    lost
}

/// The first `columns` columns of some rows, as rows of `length` numbers: the rest is zero.
fn transposed(rows: &[f32], stride: usize, columns: usize, length: usize) -> Vec<f32> {
    let mut to = vec![0.0; columns * length];
    for (at, row) in rows.chunks_exact(stride.max(1)).enumerate() {
        let places = to.iter_mut().skip(at).step_by(length.max(1));
        places.zip(row).for_each(|(place, number)| *place = *number);
    }
    to
}
