use super::{Random, padded_rows, rounds};
use crate::kernels::{Activation, Channel, Engine, Instructions, Linear, Precision, Rows, padded};

struct Case {
    rows: usize,
    inputs: usize,
    outputs: usize,
    values: Vec<f32>,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl Case {
    fn random(random: &mut Random, most: usize) -> Self {
        let (rows, inputs, outputs) = (1 + random.below(70), 1 + random.below(most), 1 + random.below(most));
        let weights = random.numbers(inputs * outputs);
        Self { rows, inputs, outputs, values: random.numbers(rows * inputs), weights, biases: random.numbers(outputs) }
    }

    fn pack(&self, engine: Engine, activation: Activation) -> Linear {
        let channels: Vec<_> =
            self.weights.chunks(self.inputs).map(Channel::F32).zip(self.biases.iter().copied()).collect();
        Linear::pack(engine, activation, self.inputs, &channels, None)
    }

    /// What `linear` makes of the rows, without their padding. Nothing beyond them may change.
    fn apply(&self, linear: &Linear) -> Vec<f32> {
        let stride = padded(self.outputs);
        let values = padded_rows(&self.values, self.inputs);
        let mut out = vec![f32::NAN; self.rows * stride + 50];
        linear.apply(values.as_slice().into(), &mut Rows::default(), Some(linear), &mut out);
        let (out, beyond) = out.split_at(self.rows * stride);
        assert!(beyond.iter().all(|number| number.is_nan()));
        assert!(out.chunks_exact(stride).all(|row| row[self.outputs..].iter().all(|number| *number == 0.0)));
        out.chunks_exact(stride).flat_map(|row| row[..self.outputs].to_vec()).collect()
    }

    /// The exact result, and how far one with rounded operands may be from it.
    fn expected(&self, engine: Engine, row: usize, output: usize) -> (f64, f64) {
        let values = &self.values[row * self.inputs..(row + 1) * self.inputs];
        let weights = &self.weights[output * self.inputs..(output + 1) * self.inputs];
        let (value_error, weight_error) = match engine.precision() {
            Precision::Int8 => {
                // The padding counts in a row's range.
                let filler = if self.inputs.is_multiple_of(16) { values[0] } else { 0.0 };
                let range = values.iter().fold(filler, |high, value| high.max(*value))
                    - values.iter().fold(filler, |low, value| low.min(*value));
                let highest = weights.iter().fold(0.0, |high: f32, weight| high.max(weight.abs()));
                (f64::from(range) / span(engine) / 2.0, f64::from(highest) / 127.0 / 2.0)
            }
            Precision::Bf16 => (1.0 / 256.0 / 2.0, 1.0 / 256.0 / 2.0),
            Precision::Auto | Precision::Fp32 => (0.0, 0.0),
        };
        let pairs = || values.iter().zip(weights).map(|(value, weight)| (f64::from(*value), f64::from(*weight)));
        let sum = pairs().map(|(value, weight)| value * weight).sum::<f64>() + f64::from(self.biases[output]);
        let error = pairs().map(|(value, weight)| {
            weight.abs() * value_error + (value.abs() + value_error) * weight_error + value.abs() * weight.abs() * 1e-6
        });
        (sum, error.sum::<f64>() + 1e-5)
    }
}

fn span(engine: Engine) -> f64 {
    if engine.instructions() == Instructions::Avx2 { 127.0 } else { 255.0 }
}

#[test]
fn a_product_is_off_by_no_more_than_its_operands_are_rounded() {
    let mut random = Random::new(3);
    for _ in 0..rounds(60) {
        let case = Case::random(&mut random, if cfg!(miri) { 40 } else { 200 });
        for engine in Engine::all_here() {
            let out = case.apply(&case.pack(engine, Activation::Identity));
            for (index, found) in out.iter().enumerate() {
                let (expected, error) = case.expected(engine, index / case.outputs, index % case.outputs);
                let off = (f64::from(*found) - expected).abs();
                assert!(off <= error, "{engine}: {found} is {off} off {expected}, more than {error}");
            }
        }
    }
}

/// Whole numbers that every format holds as they are: any slip in a layout shows, however small its weight.
#[test]
fn a_product_of_whole_numbers_is_exact() {
    let mut random = Random::new(4);
    for _ in 0..rounds(60) {
        let mut case = Case::random(&mut random, if cfg!(miri) { 40 } else { 300 });
        case.inputs = case.inputs.max(2);
        case.biases.iter_mut().for_each(|bias| *bias = (*bias * 10.0).round());
        for engine in Engine::all_here() {
            let highest = span(engine) as usize;
            case.values = (0..case.rows * case.inputs).map(|_| random.below(highest + 1) as f32).collect();
            case.values.chunks_mut(case.inputs).for_each(|row| (row[0], row[1]) = (0.0, highest as f32));
            let codes: Vec<i8> =
                (0..case.outputs * case.inputs).map(|_| (random.below(255) as i16 - 127) as i8).collect();
            case.weights = codes.iter().map(|code| f32::from(*code)).collect();
            case.weights.chunks_mut(case.inputs).for_each(|row| row[0] = 127.0);
            let from_floats = case.apply(&case.pack(engine, Activation::Identity));
            for (index, found) in from_floats.iter().enumerate() {
                let (expected, _) = case.expected(engine, index / case.outputs, index % case.outputs);
                assert_eq!(f64::from(*found), expected, "{engine} at {index}");
            }

            let codes: Vec<i8> = case.weights.iter().map(|weight| *weight as i8).collect();
            let channels: Vec<_> = codes.chunks(case.inputs).map(|codes| Channel::Int8 { codes, scale: 1.0 }).collect();
            let channels: Vec<_> = channels.into_iter().zip(case.biases.iter().copied()).collect();
            let linear = Linear::pack(engine, Activation::Identity, case.inputs, &channels, None);
            assert_eq!(case.apply(&linear), from_floats, "{engine}");
        }
    }
}

#[test]
fn a_row_comes_out_the_same_in_any_company() {
    let mut random = Random::new(5);
    for _ in 0..rounds(20) {
        let case = Case::random(&mut random, if cfg!(miri) { 30 } else { 200 });
        for engine in Engine::all_here() {
            let linear = case.pack(engine, Activation::Gelu);
            let together = case.apply(&linear);
            for row in 0..case.rows {
                let values = case.values[row * case.inputs..(row + 1) * case.inputs].to_vec();
                let (weights, biases) = (Vec::new(), Vec::new());
                let alone = Case { rows: 1, inputs: case.inputs, outputs: case.outputs, values, weights, biases };
                let alone = alone.apply(&linear);
                assert_eq!(alone, together[row * case.outputs..(row + 1) * case.outputs], "{engine}");
            }
        }
    }
}
