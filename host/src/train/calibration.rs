//! How much each kind of evidence counts: the weights under which the labels of rows that were not seen are likeliest.
//! Probabilities come out calibrated, as the weights set their sharpness too.

use super::model::{Evidence, KINDS, Sight, Weights, softmax};

/// Newton's method is there long before.
const STEPS: usize = 30;
/// A step that is shorter ends the search.
const SHORT: f64 = 1e-9;
/// Keeps weights finite where the evidence tells all rows apart.
const RIDGE: f64 = 1e-6;

/// A row with the evidence that others give.
#[derive(Debug)]
pub(super) struct Case {
    /// For each label.
    pub(super) evidence: Vec<Evidence>,
    pub(super) label: usize,
    /// Rows of large files count less, so that every file counts the same.
    pub(super) weight: f64,
}

type Vector = [f64; KINDS];
type Matrix = [Vector; KINDS];

/// The weights of all sights.
pub(super) fn weights(cases: &[&Case]) -> Weights {
    Weights(Sight::ALL.map(|sight| fit(cases, sees(sight)).map(|weight| weight as f32)))
}

/// The kinds of evidence that there are.
fn sees(sight: Sight) -> [bool; KINDS] {
    match sight {
        Sight::Whole => [true, true, true],
        Sight::NoNeighbours => [false, true, true],
        Sight::WordsAlone => [false, false, true],
    }
}

fn fit(cases: &[&Case], seen: [bool; KINDS]) -> Vector {
    let mut weights = [0.0; KINDS];
    let (mut loss, mut gradient, mut curvature) = slope(cases, seen, weights);
    for _ in 0..STEPS {
        let step = solve(curvature, gradient);
        let mut length = 1.0;
        let better = loop {
            let next: Vector = std::array::from_fn(|kind| at(&weights, kind) - length * at(&step, kind));
            let there = slope(cases, seen, next);
            if there.0 <= loss {
                break Some((next, there));
            }
            length /= 2.0;
            if length < SHORT {
                break None;
            }
        };
        let Some((next, there)) = better else { break };
        let moved = next.iter().zip(&weights).map(|(next, weight)| (next - weight).abs()).fold(0.0, f64::max);
        weights = next;
        (loss, gradient, curvature) = there;
        if moved < SHORT {
            break;
        }
    }
    weights
}

/// The mean of `-log p(label)` with its gradient and its curvature. A kind that is not seen stays where it is.
fn slope(cases: &[&Case], seen: [bool; KINDS], weights: Vector) -> (f64, Vector, Matrix) {
    let total: f64 = cases.iter().map(|case| case.weight).sum();
    let mut loss = weights.iter().map(|weight| RIDGE * weight * weight / 2.0).sum::<f64>();
    let mut gradient = weights.map(|weight| RIDGE * weight);
    let mut curvature: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| if i == j { RIDGE } else { 0.0 }));
    for case in cases {
        let share = case.weight / total;
        let evidence = case.evidence.iter().map(|evidence| masked(evidence, seen)).collect::<Vec<_>>();
        let odds: Vec<f64> =
            evidence.iter().map(|evidence| evidence.iter().zip(&weights).map(|(e, w)| e * w).sum()).collect();
        let probabilities = softmax(&odds);
        let right = evidence.get(case.label).copied().unwrap_or_default();
        loss -= share * probabilities.get(case.label).copied().unwrap_or_default().max(f64::MIN_POSITIVE).ln();
        let mut mean = [0.0; KINDS];
        for (evidence, probability) in evidence.iter().zip(&probabilities) {
            mean.iter_mut().zip(evidence).for_each(|(mean, evidence)| *mean += probability * evidence);
        }
        gradient.iter_mut().zip(mean.iter().zip(right)).for_each(|(g, (mean, right))| *g += share * (mean - right));
        for (evidence, probability) in evidence.iter().zip(&probabilities) {
            let off: Vector = std::array::from_fn(|kind| at(evidence, kind) - at(&mean, kind));
            for (row, a) in curvature.iter_mut().zip(&off) {
                row.iter_mut().zip(&off).for_each(|(cell, b)| *cell += share * probability * a * b);
            }
        }
    }
    (loss, gradient, curvature)
}

fn masked(evidence: &Evidence, seen: [bool; KINDS]) -> Vector {
    std::array::from_fn(|kind| {
        let seen = seen.get(kind).copied().unwrap_or_default();
        evidence.get(kind).filter(|_| seen).map_or(0.0, |amount| f64::from(*amount))
    })
}

fn at(vector: &Vector, kind: usize) -> f64 {
    vector.get(kind).copied().unwrap_or_default()
}

/// `matrix * x = right`, for a positive definite matrix, by elimination.
fn solve(mut matrix: Matrix, mut right: Vector) -> Vector {
    for pivot in 0..KINDS {
        let (head, tail) = matrix.split_at_mut(pivot + 1);
        let Some(row) = head.last() else { break };
        let diagonal = at(row, pivot);
        let value = at(&right, pivot);
        for (offset, lower) in tail.iter_mut().enumerate() {
            let factor = at(lower, pivot) / diagonal;
            lower.iter_mut().zip(row).for_each(|(cell, above)| *cell -= factor * above);
            if let Some(right) = right.get_mut(pivot + 1 + offset) {
                *right -= factor * value;
            }
        }
    }
    let mut solution = [0.0; KINDS];
    for (place, row) in matrix.iter().enumerate().rev() {
        let known: f64 = row.iter().zip(&solution).skip(place + 1).map(|(cell, x)| cell * x).sum();
        if let Some(x) = solution.get_mut(place) {
            *x = (at(&right, place) - known) / at(row, place);
        }
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let x = solve([[4.0, 1.0, 2.0], [1.0, 3.0, 0.5], [2.0, 0.5, 5.0]], [12.0, 8.5, 18.0]);
        assert!(x.iter().zip([1.0, 2.0, 3.0]).all(|(x, expected)| (x - expected).abs() < 1e-9), "{x:?}");
    }

    /// Of 100 rows, 80 have the label that the words are for, and neighbours say nothing.
    #[test]
    fn evidence_that_is_right_four_times_of_five_makes_four_fifths() {
        let case = |label: usize| Case { evidence: vec![[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]], label, weight: 1.0 };
        let cases: Vec<Case> = (0..100).map(|row| case(usize::from(row % 5 == 0))).collect();
        let weights = weights(&cases.iter().collect::<Vec<_>>());
        for sight in Sight::ALL {
            let odds: Vec<f64> = cases[0].evidence.iter().map(|evidence| weights.log_odds(sight, evidence)).collect();
            assert!((softmax(&odds)[0] - 0.8).abs() < 1e-3, "{sight:?}: {weights:?}");
        }
    }

    #[test]
    fn rows_count_by_their_weight() {
        let case = |label: usize, weight: f64| Case { evidence: vec![[0.0, 0.0, 1.0], [0.0; 3]], label, weight };
        let mut cases: Vec<Case> = (0..90).map(|_| case(0, 1.0 / 90.0)).collect();
        cases.extend((0..10).map(|_| case(1, 1.0 / 10.0)));
        let Weights([[.., words], ..]) = weights(&cases.iter().collect::<Vec<_>>());
        assert!(words.abs() < 1e-3, "two files that contradict each other: {words}");
    }
}
