use super::{Random, rounds};
use crate::kernels::{
    Engine, Precision,
    dispatch::Task,
    dot_rows_f32, dot_rows_i8,
    neighbours::{DotCodes, DotRows},
};

#[test]
fn products_with_rows_of_numbers() {
    let mut random = Random::new(7);
    for _ in 0..rounds(100) {
        let (count, dims) = (random.below(20), 1 + random.below(200));
        let (rows, query) = (random.numbers(count * dims), random.numbers(dims));
        let expected: Vec<f64> = rows
            .chunks(dims)
            .map(|row| row.iter().zip(&query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum())
            .collect();
        let check = |out: &[f32]| {
            for (found, expected) in out.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-4, "{found}, not {expected}");
            }
        };
        let mut out = vec![f32::NAN; count];
        dot_rows_f32(&rows, dims, &query, &mut out);
        check(&out);
        for engine in Engine::all_here() {
            engine.run(Task::Rows, DotRows { rows: &rows, dims, query: &query, out: &mut out });
            check(&out);
        }
    }
}

#[test]
fn products_with_rows_of_codes_are_exact() {
    let mut random = Random::new(8);
    for _ in 0..rounds(100) {
        let (count, dims) = (random.below(20), 1 + random.below(300));
        let mut codes = |count: usize| -> Vec<i8> {
            // The ends of the range come often: where pair sums would not fit, they must show.
            let code = |random: &mut Random| [127, -127, random.below(255) as i16 - 127][random.below(3)] as i8;
            (0..count).map(|_| code(&mut random)).collect()
        };
        let (rows, query) = (codes(count * dims), codes(dims));
        let scales: Vec<f32> = (0..count).map(|row| [0.5, 1.0, 2.0][row % 3]).collect();
        let product = |(row, scale): (&[i8], &f32)| {
            let sum: i32 = row.iter().zip(&query).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            sum as f32 * scale * 0.25
        };
        let expected: Vec<f32> = rows.chunks(dims).zip(&scales).map(product).collect();
        let mut out = vec![f32::NAN; count];
        dot_rows_i8(&rows, &scales, dims, &query, 0.25, &mut out);
        assert_eq!(out, expected);
        for engine in Engine::all_here().into_iter().filter(|engine| engine.precision() == Precision::Int8) {
            let (rows, scales, query) = (&rows[..], &scales[..], &query[..]);
            engine.run(Task::Linear, DotCodes { rows, scales, dims, query, query_scale: 0.25, out: &mut out });
            assert_eq!(out, expected, "{engine}");
        }
    }
}
