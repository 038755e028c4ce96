use super::{Random, padded_rows, rounds};
use crate::kernels::{BLOCK_START, Engine, Heads, Instructions, Precision, Room, padded};

/// What a token attends to, by the book: softmax of the scores, which are powers of two here, times the values.
fn expected(heads: Heads, tokens: usize, projected: &[f32]) -> Vec<f64> {
    let row = heads.count * heads.width;
    let number = |token: usize, part: usize, column: usize| f64::from(projected[token * 3 * row + part * row + column]);
    let mut out = vec![0.0; tokens * row];
    for (query, out) in out.chunks_exact_mut(row).enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            let head = column / heads.width * heads.width..(column / heads.width + 1) * heads.width;
            let score = |key: usize| head.clone().map(|at| number(query, 0, at) * number(key, 1, at)).sum::<f64>();
            let shares: Vec<f64> = (0..tokens).map(|key| score(key).exp2()).collect();
            let mixed: f64 = shares.iter().enumerate().map(|(key, share)| share * number(key, 2, column)).sum();
            *out = mixed / shares.iter().sum::<f64>();
        }
    }
    out
}

#[test]
fn each_token_gets_the_values_in_shares_by_its_scores() {
    let mut random = Random::new(6);
    let mut room = Room::default();
    for _ in 0..rounds(60) {
        let most = if cfg!(miri) { 12 } else { 70 };
        let heads = Heads { count: 1 + random.below(3), width: 1 + random.below(most) };
        let (tokens, row) = (1 + random.below(most), heads.count * heads.width);
        let projected = random.numbers(tokens * 3 * row);
        let expected = expected(heads, tokens, &projected);
        let projected = padded_rows(&projected, 3 * row);
        let block = BLOCK_START * (1 + random.below(20));
        for engine in Engine::all_here() {
            for (index, projected) in projected.chunks(block * padded(3 * row)).enumerate() {
                heads.take(engine, projected, index * block, tokens, &mut room);
            }
            let mut out = vec![f32::NAN; tokens * padded(row)];
            heads.attend(engine, tokens, &mut room, &mut out);
            let bf16 = engine.precision() == Precision::Bf16
                || engine.precision() == Precision::Int8 && engine.instructions() == Instructions::Avx512Bf16;
            let error = if bf16 { 2e-2 } else { 2e-6 };
            for (expected, out) in expected.chunks_exact(row).zip(out.chunks_exact(padded(row))) {
                for (expected, found) in expected.iter().zip(out) {
                    let off = (f64::from(*found) - expected).abs();
                    assert!(off < error, "{engine}: {found}, not {expected}, of {tokens} tokens and {heads:?}");
                }
                assert!(out[row..].iter().all(|number| *number == 0.0));
            }
        }
    }
}

#[test]
fn scores_beyond_all_measure_give_numbers_still() {
    let heads = Heads { count: 1, width: 16 };
    let mut room = Room::default();
    for engine in Engine::all_here() {
        for score in [1e6, -1e6, f32::MAX] {
            let projected: Vec<f32> = [[score; 16], [1.0; 16], [0.5; 16]].concat().repeat(5);
            heads.take(engine, &projected, 0, 5, &mut room);
            let mut out = vec![0.0; 5 * 16];
            heads.attend(engine, 5, &mut room, &mut out);
            assert!(out.iter().all(|number| (number - 0.5).abs() < 1e-2), "{engine}: {out:?}");
        }
    }
}
