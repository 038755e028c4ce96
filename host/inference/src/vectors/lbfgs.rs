//! L-BFGS: minimises a smooth function of many numbers from its values and gradients.

use std::collections::VecDeque;

/// How many steps the estimate of the curvature remembers.
const MEMORY: usize = 8;
/// The share of the decrease that the slope promises which a step has to bring.
const SUFFICIENT: f64 = 1e-4;
/// How often a step is halved before the search is over.
const HALVINGS: usize = 20;

/// A value and its gradient.
pub(super) struct Slope {
    pub(super) value: f64,
    pub(super) gradient: Vec<f32>,
}

/// A step that was taken, and how it changed the gradient.
struct Step {
    moved: Vec<f32>,
    turned: Vec<f32>,
    /// `1 / (moved . turned)`.
    rho: f64,
}

/// Goes downhill from a start, for at most so many steps, until the slope is less than a share of what it was there.
pub(super) fn minimise(
    start: Vec<f32>,
    steps: usize,
    share: f64,
    mut slope_at: impl FnMut(&[f32]) -> Slope,
) -> Vec<f32> {
    let mut place = start;
    let mut here = slope_at(&place);
    let level = share * dot(&here.gradient, &here.gradient).sqrt();
    let mut memory: VecDeque<Step> = VecDeque::with_capacity(MEMORY);
    for _ in 0..steps {
        let direction = direction(&here.gradient, &memory);
        let descent = dot(&direction, &here.gradient);
        let first = if memory.is_empty() { 1.0 / dot(&here.gradient, &here.gradient).sqrt().max(1.0) } else { 1.0 };
        let Some((next, there)) = search(&place, &direction, &here, descent, first, &mut slope_at) else { break };
        let moved = difference(&next, &place);
        let turned = difference(&there.gradient, &here.gradient);
        let curvature = dot(&moved, &turned);
        (place, here) = (next, there);
        if dot(&here.gradient, &here.gradient).sqrt() <= level {
            break;
        }
        if curvature.is_normal() && curvature > 0.0 {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back(Step { moved, turned, rho: 1.0 / curvature });
        }
    }
    place
}

/// Halves a step until it brings what the slope promises. Nothing when no step does: the minimum is reached as nearly as
/// the numbers allow.
fn search(
    place: &[f32],
    direction: &[f32],
    here: &Slope,
    descent: f64,
    first: f64,
    slope_at: &mut impl FnMut(&[f32]) -> Slope,
) -> Option<(Vec<f32>, Slope)> {
    let mut length = first;
    for _ in 0..HALVINGS {
        let next: Vec<f32> =
            place.iter().zip(direction).map(|(at, by)| at + (length * f64::from(*by)) as f32).collect();
        let there = slope_at(&next);
        if there.value <= here.value + SUFFICIENT * length * descent && there.value < here.value {
            return Some((next, there));
        }
        length /= 2.0;
    }
    None
}

/// The direction of descent: the gradient through the inverse of the curvature that the remembered steps show.
fn direction(gradient: &[f32], memory: &VecDeque<Step>) -> Vec<f32> {
    let mut direction: Vec<f32> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for step in memory.iter().rev() {
        let share = step.rho * dot(&step.moved, &direction);
        add(&mut direction, -share, &step.turned);
        shares.push(share);
    }
    if let Some(last) = memory.back() {
        let scale = 1.0 / (last.rho * dot(&last.turned, &last.turned));
        direction.iter_mut().for_each(|by| *by = (f64::from(*by) * scale) as f32);
    }
    for (step, share) in memory.iter().zip(shares.into_iter().rev()) {
        let again = step.rho * dot(&step.turned, &direction);
        add(&mut direction, share - again, &step.moved);
    }
    direction
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(to: &mut [f32], times: f64, by: &[f32]) {
    to.iter_mut().zip(by).for_each(|(to, by)| *to += (times * f64::from(*by)) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long valley: 1,000 times as steep across as along.
    fn valley(at: &[f32]) -> Slope {
        let (x, y) = (at[0] - 3.0, at[1] + 2.0);
        Slope { value: f64::from(x * x + 1000.0 * y * y), gradient: vec![2.0 * x, 2000.0 * y] }
    }

    #[test]
    fn a_valley_is_followed_to_its_lowest_place() {
        let place = minimise(vec![0.0, 0.0], 100, 1e-12, valley);
        assert!((place[0] - 3.0).abs() < 1e-3 && (place[1] + 2.0).abs() < 1e-3, "{place:?}");
    }

    #[test]
    fn a_function_that_only_rises_leaves_the_start_alone() {
        let place =
            minimise(vec![1.0], 10, 0.0, |at| Slope { value: f64::from((at[0] - 1.0).abs()), gradient: vec![1.0] });
        assert_eq!(place, [1.0]);
    }
}
