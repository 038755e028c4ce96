use super::{Random, padded_rows, rounds};
use crate::kernels::{
    Engine, Norm,
    dispatch::{Kernel, Task},
    dot::Dot,
    lanes::{Lanes, gelu, power_of_two, rough_power_of_two},
    padded,
};

enum Function {
    Gelu,
    PowerOfTwo,
    RoughPowerOfTwo,
}

struct Apply<'a>(Function, &'a mut [f32]);

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let lanes = dot.lanes();
        for values in self.1.chunks_mut(D::Lanes::COUNT) {
            let value = lanes.read(values);
            let result = match self.0 {
                Function::Gelu => gelu(lanes, value),
                Function::PowerOfTwo => power_of_two(lanes, value),
                Function::RoughPowerOfTwo => rough_power_of_two(lanes, value),
            };
            lanes.write(result, values);
        }
    }
}

/// Numbers from `-limit` to `limit`, in steps that are no round numbers; not a multiple of any vector.
fn span(limit: f32) -> Vec<f32> {
    let count = rounds(20_000) as i32;
    (-count..=count).map(|step| step as f32 / count as f32 * limit).collect()
}

/// The error function, by its Taylor series near zero and its continued fraction beyond.
pub(crate) fn erf(x: f64) -> f64 {
    if x.abs() > 3.0 {
        let fraction = (1..60).rev().fold(x.abs(), |rest, step| x.abs() + f64::from(step) / 2.0 / rest);
        return x.signum() * (1.0 - (-x * x).exp() / fraction / std::f64::consts::PI.sqrt());
    }
    let (mut sum, mut term) = (x, x);
    for step in 1..80 {
        term *= -x * x / f64::from(step);
        sum += term / f64::from(2 * step + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn gelu_is_within_its_error() {
    for engine in Engine::all_here() {
        let inputs = span(12.0);
        let mut outputs = inputs.clone();
        engine.run(Task::Rows, Apply(Function::Gelu, &mut outputs));
        for (input, output) in inputs.iter().zip(outputs) {
            let input = f64::from(*input);
            let expected = 0.5 * input * (1.0 + erf(input / 2f64.sqrt()));
            assert!((f64::from(output) - expected).abs() < 5e-5, "{engine}: gelu({input}) is {output}, not {expected}");
        }
    }
}

#[test]
fn powers_of_two_are_within_their_errors() {
    for engine in Engine::all_here() {
        // The rough one of a whole number is just under the power, which at -126 has no exponent left.
        for (function, limit, error) in [(Function::PowerOfTwo, 126.0, 4e-7), (Function::RoughPowerOfTwo, 125.0, 8e-5)]
        {
            let inputs = span(limit);
            let mut outputs = inputs.clone();
            engine.run(Task::Rows, Apply(function, &mut outputs));
            for (input, output) in inputs.iter().zip(outputs) {
                let expected = f64::from(*input).exp2();
                assert!((f64::from(output) / expected - 1.0).abs() < error, "{engine}: 2^{input} is {output}");
            }
        }
    }
}

#[test]
fn norm_is_that_of_the_sum_and_keeps_the_padding_zero() {
    let mut random = Random::new(2);
    for _ in 0..rounds(60) {
        let (rows, width) = (1 + random.below(5), 2 + random.below(100));
        let [values, added] = [(); 2].map(|()| random.numbers(rows * width));
        let [weights, biases] = [(); 2].map(|()| random.numbers(width));
        let norm = Norm::new(&weights, &biases, 1e-5);
        for engine in Engine::all_here() {
            let mut out = padded_rows(&values, width);
            norm.add_and_apply(engine, &mut out, &padded_rows(&added, width));
            for (row, out) in out.chunks_exact(padded(width)).enumerate() {
                let numbers = row * width..(row + 1) * width;
                let sums = values[numbers.clone()].iter().zip(&added[numbers]).map(|(a, b)| f64::from(a + b));
                let sums: Vec<f64> = sums.collect();
                let mean = sums.iter().sum::<f64>() / width as f64;
                let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / width as f64;
                for (column, sum) in sums.iter().enumerate() {
                    let expected = (sum - mean) / (variance + 1e-5).sqrt() * f64::from(weights[column])
                        + f64::from(biases[column]);
                    let found = f64::from(out[column]);
                    assert!((found - expected).abs() < 2e-5, "{engine}: {found}, not {expected}, of {width}");
                }
                assert!(out[width..].iter().all(|number| *number == 0.0));
            }
        }
    }
}
