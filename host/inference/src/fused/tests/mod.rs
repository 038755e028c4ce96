//! The forward pass of every engine of this machine against one by the book.

mod by_the_book;

use super::{BertWeights, FusedBert, LayerWeights, LinearWeights, Matrix, NormWeights, Scratch, Unfit};
use crate::kernels::{Engine, Instructions, Precision, tests::Random};
use std::borrow::Cow;

struct Shape {
    words: usize,
    places: usize,
    width: usize,
    heads: usize,
    inner: usize,
    layers: usize,
}

/// The shapes of real models in small, and one that no vector width divides.
const SHAPES: [Shape; 3] = [
    Shape { words: 50, places: 512, width: 64, heads: 2, inner: 256, layers: 2 },
    Shape { words: 50, places: 80, width: 128, heads: 2, inner: 200, layers: 1 },
    Shape { words: 50, places: 80, width: 78, heads: 3, inner: 91, layers: 2 },
];

impl Shape {
    /// Small random weights.
    fn weights(&self, random: &mut Random) -> BertWeights {
        let mut linear = |rows: usize, columns: usize| {
            let scale = 1.5 / (columns as f32).sqrt();
            let values = random.numbers(rows * columns).iter().map(|value| value * scale).collect();
            LinearWeights { weight: Matrix::F32 { rows, columns, values }, bias: random.numbers(rows) }
        };
        let layers = (0..self.layers).map(|_| LayerWeights {
            query: linear(self.width, self.width),
            key: linear(self.width, self.width),
            value: linear(self.width, self.width),
            attention_out: linear(self.width, self.width),
            attention_norm: norm(self.width),
            inner: linear(self.inner, self.width),
            outer: linear(self.width, self.inner),
            norm: norm(self.width),
        });
        let layers = layers.collect();
        let words = linear(self.words, self.width).weight;
        let places = random.numbers(self.places * self.width);
        BertWeights { words, places, norm: norm(self.width), layers, heads: self.heads }
    }
}

fn norm(width: usize) -> NormWeights {
    let numbers = |start: f32| (0..width).map(|at| start + (at as f32 * 0.7).sin() * 0.3).collect();
    NormWeights { weight: numbers(1.0), bias: numbers(0.0), epsilon: 1e-12 }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The sum of all rows, which has the direction of their mean.
fn pooled(hidden: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in hidden.chunks_exact(width) {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// The least cosine between the vectors of an engine and those by the book. Eight bits for random weights, of which none
/// is more important than another, cost more than for trained ones.
fn bar(engine: Engine) -> f64 {
    match (engine.precision(), engine.instructions()) {
        (Precision::Int8, Instructions::Avx2) => 0.995,
        (Precision::Int8, _) => 0.998,
        _ => 0.9999,
    }
}

fn ids(random: &mut Random, count: usize, words: usize) -> Vec<u32> {
    (0..count).map(|_| random.below(words) as u32).collect()
}

#[test]
fn every_engine_agrees_with_the_book_at_every_length() {
    let mut random = Random::new(1);
    for shape in &SHAPES {
        let weights = shape.weights(&mut random);
        let engines = Engine::all_here();
        let engines: Vec<_> =
            engines.iter().map(|engine| (engine, FusedBert::pack(weights.clone(), *engine))).collect();
        let mut scratch = Scratch::default();
        for tokens in (1..=70).chain([128, 257, 512]).filter(|tokens| *tokens <= shape.places) {
            let ids = ids(&mut random, tokens, shape.words);
            let expected = by_the_book::forward(&weights, &ids);
            for (engine, bert) in &engines {
                let found = bert.forward(&ids, &mut scratch).unwrap();
                assert_eq!(found.len(), expected.len());
                let near = cosine(&pooled(found, shape.width), &pooled(&expected, shape.width));
                assert!(near > bar(**engine), "{engine}: {near} at {tokens} tokens of width {}", shape.width);
                if engine.precision() == Precision::Fp32 {
                    let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(off < 1e-3, "{engine}: off by {off} at {tokens} tokens of width {}", shape.width);
                }
            }
        }
    }
}

#[test]
fn codes_in_the_file_are_used_as_they_are() {
    let mut random = Random::new(2);
    for shape in &SHAPES {
        let coded = shape.weights(&mut random).quantised();
        let ids = ids(&mut random, 33, shape.words);
        let expected = by_the_book::forward(&coded, &ids);
        for engine in Engine::all_here() {
            let mut scratch = Scratch::default();
            let bert = FusedBert::pack(coded.clone(), engine);
            let found = bert.forward(&ids, &mut scratch).unwrap();
            let near = cosine(&pooled(found, shape.width), &pooled(&expected, shape.width));
            assert!(near > bar(engine), "{engine}: {near} at width {}", shape.width);
        }
    }
}

impl BertWeights {
    /// All matrices as codes, in the simplest way.
    fn quantised(mut self) -> Self {
        self.words = quantised(&self.words);
        for layer in &mut self.layers {
            let LayerWeights { query, key, value, attention_out, inner, outer, .. } = layer;
            for linear in [query, key, value, attention_out, inner, outer] {
                linear.weight = quantised(&linear.weight);
            }
        }
        self
    }
}

fn quantised(matrix: &Matrix) -> Matrix {
    let Matrix::F32 { rows, columns, values } = matrix else { return matrix.clone() };
    let scales: Vec<f32> =
        values.chunks(*columns).map(|row| row.iter().fold(0f32, |high, value| high.max(value.abs())) / 127.0).collect();
    let codes = values.iter().enumerate().map(|(at, value)| (value / scales[at / columns]).round() as i8).collect();
    Matrix::Int8 { rows: *rows, columns: *columns, values: Cow::Owned(codes), scales }
}

#[test]
fn a_text_comes_out_the_same_whatever_was_computed_before() {
    let mut random = Random::new(3);
    for shape in &SHAPES {
        let weights = shape.weights(&mut random);
        for engine in Engine::all_here() {
            let bert = FusedBert::pack(weights.clone(), engine);
            let mut used = Scratch::default();
            for tokens in [70, 3, 41, 8, 66, 1] {
                let ids = ids(&mut random, tokens, shape.words);
                let fresh = bert.forward(&ids, &mut Scratch::default()).unwrap().to_vec();
                assert_eq!(bert.forward(&ids, &mut used).unwrap(), fresh, "{engine} at {tokens} tokens");
            }
        }
    }
}

#[test]
fn ids_without_a_vector_are_errors_and_no_ids_give_no_rows() {
    let shape = Shape { words: 7, places: 5, width: 16, heads: 1, inner: 16, layers: 1 };
    let weights = shape.weights(&mut Random::new(4));
    for engine in Engine::all_here() {
        let bert = FusedBert::pack(weights.clone(), engine);
        let mut scratch = Scratch::default();
        assert_eq!(bert.forward(&[], &mut scratch), Ok(&[][..]));
        assert_eq!(bert.forward(&[6, 7], &mut scratch), Err(Unfit::UnknownToken { id: 7, words: 7 }));
        assert_eq!(bert.forward(&[u32::MAX], &mut scratch), Err(Unfit::UnknownToken { id: u32::MAX, words: 7 }));
        assert_eq!(bert.forward(&[0; 6], &mut scratch), Err(Unfit::TooLong { tokens: 6, places: 5 }));
        assert_eq!(bert.forward(&[0; 5], &mut scratch).map(<[f32]>::len), Ok(80));
    }
}
