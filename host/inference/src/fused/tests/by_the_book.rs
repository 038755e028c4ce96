//! A BERT forward pass written for clarity alone.

use crate::{
    fused::{BertWeights, LayerWeights, LinearWeights, Matrix, NormWeights},
    kernels::tests::erf,
};

type Rows = Vec<Vec<f32>>;

pub(super) fn forward(weights: &BertWeights, ids: &[u32]) -> Vec<f32> {
    let width = weights.words.columns();
    let sums = ids.iter().enumerate().map(|(place, id)| {
        let word = row(&weights.words, *id as usize);
        word.iter().zip(&weights.places[place * width..]).map(|(word, place)| word + place).collect()
    });
    let mut hidden: Rows = sums.map(|sum: Vec<f32>| norm(&weights.norm, &sum)).collect();
    for layer in &weights.layers {
        hidden = layer_forward(layer, weights.heads, &hidden);
    }
    hidden.concat()
}

fn layer_forward(layer: &LayerWeights, heads: usize, hidden: &Rows) -> Rows {
    let [queries, keys, values] = [&layer.query, &layer.key, &layer.value].map(|part| linear(part, hidden));
    let attended = attend(heads, &queries, &keys, &values);
    let hidden = add_norm(&layer.attention_norm, hidden, &linear(&layer.attention_out, &attended));
    let mut inner = linear(&layer.inner, &hidden);
    inner.iter_mut().flatten().for_each(|value| *value = gelu(*value));
    add_norm(&layer.norm, &hidden, &linear(&layer.outer, &inner))
}

fn attend(heads: usize, queries: &Rows, keys: &Rows, values: &Rows) -> Rows {
    let width = queries[0].len() / heads;
    let mut out = vec![vec![0.0; width * heads]; queries.len()];
    for (query, out) in queries.iter().zip(&mut out) {
        for head in (0..heads).map(|head| head * width..(head + 1) * width) {
            let score = |key: &Vec<f32>| dot(&query[head.clone()], &key[head.clone()]) / (width as f32).sqrt();
            let scores: Vec<f32> = keys.iter().map(score).collect();
            let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let total: f32 = scores.iter().map(|score| (score - highest).exp()).sum();
            for (score, value) in scores.iter().zip(values) {
                let share = (score - highest).exp() / total;
                out[head.clone()].iter_mut().zip(&value[head.clone()]).for_each(|(out, value)| *out += share * value);
            }
        }
    }
    out
}

fn linear(weights: &LinearWeights, rows: &Rows) -> Rows {
    let matrix: Rows = (0..weights.weight.rows()).map(|output| row(&weights.weight, output)).collect();
    let outputs =
        |input: &Vec<f32>| matrix.iter().zip(&weights.bias).map(|(row, bias)| dot(row, input) + bias).collect();
    rows.iter().map(outputs).collect()
}

fn row(matrix: &Matrix, index: usize) -> Vec<f32> {
    match matrix {
        Matrix::F32 { columns, values, .. } => values[index * columns..(index + 1) * columns].to_vec(),
        Matrix::Int8 { columns, values, scales, .. } => {
            values[index * columns..(index + 1) * columns].iter().map(|code| f32::from(*code) * scales[index]).collect()
        }
    }
}

fn add_norm(weights: &NormWeights, rows: &Rows, added: &Rows) -> Rows {
    let sum = |(row, added): (&Vec<f32>, &Vec<f32>)| row.iter().zip(added).map(|(a, b)| a + b).collect::<Vec<_>>();
    rows.iter().zip(added).map(sum).map(|sum| norm(weights, &sum)).collect()
}

fn norm(weights: &NormWeights, row: &[f32]) -> Vec<f32> {
    let count = row.len() as f32;
    let mean = row.iter().sum::<f32>() / count;
    let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
    let scale = (variance + weights.epsilon).sqrt().recip();
    let parameters = weights.weight.iter().zip(&weights.bias);
    row.iter().zip(parameters).map(|(value, (weight, bias))| (value - mean) * scale * weight + bias).collect()
}

/// In eight sums, so that the compiler may use vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

fn gelu(value: f32) -> f32 {
    (0.5 * f64::from(value) * (1.0 + erf(f64::from(value) * std::f64::consts::FRAC_1_SQRT_2))) as f32
}
