//! Prototypes: few texts that stand for many.

use super::{Index, VectorsError};
use crate::kernels::dot_rows_f32;

/// How prototypes are picked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clustering {
    /// Texts at least this similar to the centre of a neighbourhood fall into its cluster.
    pub similarity: f32,
    /// At most this many prototypes are kept, of the largest clusters; 0 keeps all.
    pub most: usize,
}

/// Picks prototypes, and answers with their places in `texts`.
///
/// Of equal texts only the first counts. Greedily, the text with the most neighbours among those that are left (itself
/// included) makes a cluster of them; the text of a cluster with the highest mean similarity to the others represents
/// it; clusters are ordered by size, then that mean, largest first. Every tie goes to the text that sorts first, so that
/// the order of the texts does not matter.
///
/// Takes time and memory in the square of the number of texts: 10,000 are seconds and 13 MB.
///
/// # Errors
/// When vectors are missing, differ in length, or hold a number that is not finite.
pub fn prototypes<T, V>(texts: &[T], vectors: &[V], how: Clustering) -> Result<Vec<usize>, VectorsError>
where
    T: AsRef<str>,
    V: AsRef<[f32]>,
{
    if texts.len() != vectors.len() {
        return Err(VectorsError::Texts { expected: texts.len(), found: vectors.len() });
    }
    let mut sorted: Vec<(&str, usize, &[f32])> = texts
        .iter()
        .zip(vectors)
        .enumerate()
        .map(|(at, (text, vector))| (text.as_ref(), at, vector.as_ref()))
        .collect();
    sorted.sort_by_key(|&(text, at, _)| (text, at));
    sorted.dedup_by_key(|&mut (text, ..)| text);
    let rows: Vec<&[f32]> = sorted.iter().map(|&(.., vector)| vector).collect();
    Index::of(&rows)?;
    let mut clusters: Vec<Cluster> = Neighbourhoods::of(&rows, how.similarity)
        .clusters()
        .into_iter()
        .map(|members| represent(&members, &rows))
        .collect();
    clusters.sort_by(|a, b| {
        b.size.cmp(&a.size).then(b.mean_similarity.total_cmp(&a.mean_similarity)).then(a.medoid.cmp(&b.medoid))
    });
    let most = if how.most == 0 { clusters.len() } else { how.most };
    Ok(clusters.iter().take(most).filter_map(|cluster| Some(sorted.get(cluster.medoid)?.1)).collect())
}

/// A cluster by the row that represents it.
struct Cluster {
    medoid: usize,
    size: usize,
    mean_similarity: f32,
}

/// Finds the row that is most similar to the other rows of its cluster. A row alone is perfectly similar.
fn represent(members: &[usize], rows: &[&[f32]]) -> Cluster {
    let flat: Vec<f32> =
        members.iter().filter_map(|&member| rows.get(member)).flat_map(|row| row.iter().copied()).collect();
    let others = members.len().saturating_sub(1);
    let mut best = Cluster { medoid: 0, size: members.len(), mean_similarity: f32::NEG_INFINITY };
    let mut similarities = vec![0.0; members.len()];
    for (place, &member) in members.iter().enumerate() {
        let Some(row) = rows.get(member) else { continue };
        dot_rows_f32(&flat, row.len(), row, &mut similarities);
        let others_only = similarities.iter().enumerate().filter(|&(other, _)| other != place);
        let sum: f64 = others_only.map(|(_, &similarity)| f64::from(similarity)).sum();
        #[allow(clippy::cast_possible_truncation, reason = "a mean of cosines fits")]
        let mean_similarity = if others == 0 { 1.0 } else { (sum / others as f64) as f32 };
        if mean_similarity > best.mean_similarity {
            best = Cluster { medoid: member, mean_similarity, ..best };
        }
    }
    best
}

/// Which rows are near to which: a square of bits.
struct Neighbourhoods {
    rows: usize,
    bits: Vec<u64>,
}

impl Neighbourhoods {
    fn of(rows: &[&[f32]], least: f32) -> Self {
        let mut near = Self { rows: rows.len(), bits: vec![0; rows.len() * rows.len().div_ceil(64)] };
        let flat: Vec<f32> = rows.iter().flat_map(|row| row.iter().copied()).collect();
        let mut similarities = vec![0.0; rows.len()];
        for (at, row) in rows.iter().enumerate() {
            // A row is near to itself, whatever rounding says; and what is near is so both ways.
            near.set(at, at);
            let later = flat.get((at + 1) * row.len()..).unwrap_or_default();
            let similarities = similarities.get_mut(at + 1..).unwrap_or_default();
            dot_rows_f32(later, row.len(), row, similarities);
            for (other, _) in similarities.iter().enumerate().filter(|&(_, &similarity)| similarity >= least) {
                near.set(at, at + 1 + other);
                near.set(at + 1 + other, at);
            }
        }
        near
    }

    fn set(&mut self, row: usize, near: usize) {
        let place = row * self.rows.div_ceil(64) + near / 64;
        if let Some(word) = self.bits.get_mut(place) {
            *word |= 1 << (near % 64);
        }
    }

    /// The rows near to one that are left.
    fn near<'a>(&'a self, row: usize, left: &'a [u64]) -> impl Iterator<Item = usize> + 'a {
        let words = self.rows.div_ceil(64);
        let bits = self.bits.get(row * words..(row + 1) * words).unwrap_or_default();
        bits.iter().zip(left).enumerate().flat_map(|(place, (bits, left))| ones(bits & left, place * 64))
    }

    /// Takes the largest neighbourhood out until nothing is left.
    fn clusters(&self) -> Vec<Vec<usize>> {
        let mut left = vec![u64::MAX; self.rows.div_ceil(64)];
        let mut counts: Vec<usize> = (0..self.rows).map(|row| self.near(row, &left).count()).collect();
        let mut clusters = Vec::new();
        loop {
            // The first of the largest; a row that is taken counts nothing.
            let largest = counts.iter().enumerate().rev().max_by_key(|&(_, count)| count);
            let Some((centre, _)) = largest.filter(|&(_, &count)| count > 0) else { return clusters };
            let members: Vec<usize> = self.near(centre, &left).collect();
            for &member in &members {
                for near in self.near(member, &left) {
                    if let Some(count) = counts.get_mut(near) {
                        *count -= 1;
                    }
                }
                if let Some(word) = left.get_mut(member / 64) {
                    *word &= !(1 << (member % 64));
                }
            }
            for &member in &members {
                if let Some(count) = counts.get_mut(member) {
                    *count = 0;
                }
            }
            clusters.push(members);
        }
    }
}

/// The places of the bits that are set, from a start.
fn ones(mut word: u64, start: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = word.trailing_zeros() as usize;
        (word != 0).then(|| {
            word &= word - 1;
            start + place
        })
    })
}
