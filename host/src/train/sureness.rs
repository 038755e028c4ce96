//! How well confidences are calibrated: of the answers given as 80 % sure, are 80 % right?

/// Bins of equal width.
const BINS: usize = 15;
/// Draws of outcomes: enough for the third digit.
const DRAWS: usize = 1_000;

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sure {
    /// 0 to 1.
    pub(crate) confidence: f64,
    pub(crate) right: bool,
}

/// The expected calibration error: the mean distance of how sure answers were and how often they were right, over bins of
/// equal width.
pub(crate) fn calibration_error(answers: &[Sure]) -> f64 {
    distance(answers, |answer| answer.right)
}

/// What that error is on average when every answer is right with the probability that is its confidence: with few answers,
/// chance alone sets the two apart. Taken over many draws of outcomes, the same every time.
pub(crate) fn calibration_error_by_chance(answers: &[Sure]) -> f64 {
    let mut state = 0;
    let draws = (0..DRAWS).map(|_| distance(answers, |answer| uniform(&mut state) < answer.confidence));
    draws.sum::<f64>() / DRAWS as f64
}

fn distance(answers: &[Sure], mut right: impl FnMut(&Sure) -> bool) -> f64 {
    let mut bins = [0.0; BINS];
    for answer in answers {
        if let Some(bin) = bins.get_mut(((answer.confidence * BINS as f64) as usize).min(BINS - 1)) {
            *bin += f64::from(u8::from(right(answer))) - answer.confidence;
        }
    }
    // A bin's distance of two means, weighted by its size, is a distance of two sums.
    bins.iter().map(|bin: &f64| bin.abs()).sum::<f64>() / answers.len().max(1) as f64
}

/// The next of a row of numbers from 0 to 1 that look random (SplitMix64).
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // As many bits as a fraction holds.
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(confidences: &[f64]) -> Vec<Sure> {
        confidences.iter().map(|&confidence| Sure { confidence, right: true }).collect()
    }

    #[test]
    fn calibration_error_is_how_far_confidence_is_off() {
        let off: Vec<Sure> = (0..10).map(|row| Sure { confidence: 0.9, right: row < 6 }).collect();
        assert!((calibration_error(&off) - 0.3).abs() < 1e-9);
        assert_eq!((calibration_error(&[]), calibration_error(&answers(&[1.0]))), (0.0, 0.0));
    }

    #[test]
    fn few_answers_are_off_by_chance_and_many_are_not() {
        let near = |confidences: &[f64], expected: f64, within: f64| {
            let found = calibration_error_by_chance(&answers(confidences));
            assert!((found - expected).abs() <= within, "{found}, not {expected}");
        };
        // One answer of 0.8 is off by 0.2 four times of five, and by 0.8 once.
        near(&[0.8], 0.32, 0.02);
        // Of two coins half the throws show one of each, which is not off at all, and half are off by a half.
        near(&[0.5, 0.5], 0.25, 0.02);
        // Many are off by their deviation times the root of 2 / pi, here 0.4 * 0.798 / 20.
        near(&[0.8; 400], 0.016, 0.002);
        near(&[1.0], 0.0, 0.0);
        near(&[], 0.0, 0.0);
    }
}
