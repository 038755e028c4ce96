//! Exact comparison with many vectors: every row is looked at in full, which for the sizes of a router's tables costs
//! less than any shortcut would save.

use super::VectorsError;
use crate::kernels::{dot_rows_f32, dot_rows_i8};
use std::fmt;

/// Wider than any model's vectors, and narrow enough for sums of products of codes to fit into 32 bits.
const MOST_DIMENSIONS: usize = 65_536;

/// Vectors of length 1, one a row. Similarities to a vector of length 1 are cosines, -1 to 1.
pub struct Index {
    rows: Rows,
    dimensions: usize,
}

enum Rows {
    F32(Vec<f32>),
    /// Each number is its code times the scale of its row.
    Int8 {
        codes: Vec<i8>,
        scales: Vec<f32>,
    },
}

/// A row that is near to a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Its place in the index.
    pub row: u32,
    /// Its cosine with the query.
    pub similarity: f32,
}

impl Index {
    /// An index of whole numbers of rows, one behind the other.
    ///
    /// # Errors
    /// When a row is cut off, or a number is not finite.
    pub fn new(dimensions: usize, values: Vec<f32>) -> Result<Self, VectorsError> {
        check_shape(dimensions, values.len())?;
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(VectorsError::NotFinite { row: at.checked_div(dimensions).unwrap_or_default() }),
            None => Ok(Self { rows: Rows::F32(values), dimensions }),
        }
    }

    /// An index of rows of 8-bit codes, with one scale for each row.
    ///
    /// # Errors
    /// When a row is cut off, or a scale is missing or not finite.
    pub fn quantised(dimensions: usize, mut codes: Vec<i8>, scales: Vec<f32>) -> Result<Self, VectorsError> {
        let rows = check_shape(dimensions, codes.len())?;
        // The kernels count on codes whose negative is a code too.
        codes.iter_mut().for_each(|code| *code = (*code).max(-i8::MAX));
        if scales.len() != rows {
            return Err(VectorsError::Scales { expected: rows, found: scales.len() });
        }
        match scales.iter().position(|scale| !scale.is_finite()) {
            Some(row) => Err(VectorsError::NotFinite { row }),
            None => Ok(Self { rows: Rows::Int8 { codes, scales }, dimensions }),
        }
    }

    /// An index of vectors, in their order.
    ///
    /// # Errors
    /// When they differ in length, or a number is not finite.
    pub fn of<V: AsRef<[f32]>>(vectors: &[V]) -> Result<Self, VectorsError> {
        let expected = vectors.first().map_or(0, |first| first.as_ref().len());
        let mut values = Vec::with_capacity(vectors.len().saturating_mul(expected));
        for vector in vectors.iter().map(AsRef::as_ref) {
            if vector.len() != expected {
                return Err(VectorsError::Dimensions { expected, found: vector.len() });
            }
            values.extend_from_slice(vector);
        }
        Self::new(expected, values)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        let numbers = match &self.rows {
            Rows::F32(values) => values.len(),
            Rows::Int8 { codes, .. } => codes.len(),
        };
        numbers.checked_div(self.dimensions).unwrap_or_default()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of every row.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The similarity of a vector to every row, in order. Codes are compared with codes: the vector is quantised too.
    ///
    /// # Errors
    /// When the vector has another length than the rows.
    pub fn similarities(&self, vector: &[f32]) -> Result<Vec<f32>, VectorsError> {
        let mut similarities = self.products(vector)?;
        similarities.iter_mut().for_each(|similarity| *similarity = similarity.clamp(-1.0, 1.0));
        Ok(similarities)
    }

    /// The dot product of a vector with every row, in order.
    pub(super) fn products(&self, vector: &[f32]) -> Result<Vec<f32>, VectorsError> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        if vector.len() != self.dimensions {
            return Err(VectorsError::Dimensions { expected: self.dimensions, found: vector.len() });
        }
        let mut products = vec![0.0; self.len()];
        match &self.rows {
            Rows::F32(values) => dot_rows_f32(values, self.dimensions, vector, &mut products),
            Rows::Int8 { codes, scales } => {
                let (query, scale) = quantise(vector);
                dot_rows_i8(codes, scales, self.dimensions, &query, scale, &mut products);
            }
        }
        Ok(products)
    }

    /// The `k` rows nearest to a vector, nearest first; of equally near ones the earlier row first.
    ///
    /// # Errors
    /// When the vector has another length than the rows.
    pub fn nearest(&self, vector: &[f32], k: usize) -> Result<Vec<Neighbour>, VectorsError> {
        let similarities = self.similarities(vector)?;
        let order = |a: &Neighbour, b: &Neighbour| b.similarity.total_cmp(&a.similarity).then(a.row.cmp(&b.row));
        // Twice as many as asked for are kept at most; then the worse half goes, and sets the bar for all that follow.
        let mut nearest = Vec::with_capacity(k.saturating_mul(2).min(similarities.len()));
        let mut bar = None;
        for (row, similarity) in (0u32..).zip(similarities) {
            if bar.is_some_and(|bar| similarity <= bar) {
                continue;
            }
            nearest.push(Neighbour { row, similarity });
            if k > 0 && nearest.len() >= k.saturating_mul(2) {
                let (_, last, _) = nearest.select_nth_unstable_by(k - 1, order);
                bar = Some(last.similarity);
                nearest.truncate(k);
            }
        }
        nearest.sort_unstable_by(order);
        nearest.truncate(k);
        Ok(nearest)
    }
}

fn check_shape(dimensions: usize, numbers: usize) -> Result<usize, VectorsError> {
    let (Some(rows), Some(rest)) = (numbers.checked_div(dimensions), numbers.checked_rem(dimensions)) else {
        return if numbers == 0 { Ok(0) } else { Err(VectorsError::Dimensions { expected: 0, found: numbers }) };
    };
    if rest != 0 {
        return Err(VectorsError::Dimensions { expected: dimensions, found: rest });
    }
    if dimensions > MOST_DIMENSIONS {
        return Err(VectorsError::TooWide { most: MOST_DIMENSIONS, found: dimensions });
    }
    if u32::try_from(rows).is_err() {
        return Err(VectorsError::TooMany { rows });
    }
    Ok(rows)
}

/// Codes of -127 to 127 and their scale; all zero for a vector without a finite direction.
fn quantise(vector: &[f32]) -> (Vec<i8>, f32) {
    let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    if !scale.is_normal() {
        return (vec![0; vector.len()], 0.0);
    }
    #[allow(clippy::cast_possible_truncation, reason = "the quotient lies within -127 to 127")]
    let codes = vector.iter().map(|value| (value / scale).round() as i8).collect();
    (codes, scale)
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({} rows of {} dimensions)", self.len(), self.dimensions)
    }
}
