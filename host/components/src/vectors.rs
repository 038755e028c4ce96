//! What is done with vectors once texts are embedded, as traits: an index, prototypes and classifiers are built and asked
//! without knowing how.

use std::fmt;
use std::sync::Arc;

/// Builds what vectors are compared with. Building computes, up to seconds for the largest that the contract allows, and is
/// called on a thread where that hurts nobody.
pub trait Vectors: Send + Sync {
    /// Takes vectors in: comparing answers with a similarity for each, in their order.
    fn bank(&self, vectors: &[Arc<[f32]>]) -> Result<Arc<dyn Compare>, VectorsFailure>;

    /// Picks prototypes of embedded texts, and answers with their places.
    fn prototypes(
        &self,
        texts: &[String],
        vectors: &[Arc<[f32]>],
        how: Clustering,
    ) -> Result<Vec<usize>, VectorsFailure>;

    /// Fits a classifier to the vectors of each class: comparing answers with a number for each class.
    fn head(&self, method: HeadMethod, classes: &[Vec<Arc<[f32]>>]) -> Result<Arc<dyn Compare>, VectorsFailure>;

    /// Reads labelled vectors, which must have been made by `model`. Must be quick: it is called where requests are served.
    fn index(&self, bytes: &[u8], model: &str) -> Result<Arc<dyn Nearest>, VectorsFailure>;
}

/// Compares vectors with something. Called on the threads that serve requests.
pub trait Compare: Send + Sync {
    /// How many numbers there are to an answer.
    fn size(&self) -> usize;

    /// One number for each thing to compare with.
    fn compare(&self, vector: &[f32]) -> Result<Vec<f32>, VectorsFailure>;
}

/// Finds what is near to vectors. Called on the threads that serve requests.
pub trait Nearest: Send + Sync {
    /// The `k` rows nearest to a vector, nearest first; fewer when there are no more.
    fn nearest(&self, vector: &[f32], k: usize) -> Result<Vec<Neighbour>, VectorsFailure>;
}

/// How prototypes are picked: see `clustering` in the contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clustering {
    /// Least similarity of a text to the centre of its neighbourhood.
    pub similarity: f32,
    /// Most prototypes; 0 keeps all.
    pub most: usize,
}

/// How a classifier is fitted: see `head` in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadMethod {
    /// By the similarity to the mean of a class.
    Mean,
    /// A linear head that answers with log odds.
    Linear,
}

impl HeadMethod {
    /// The method of a name in the contract.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "mean" => Some(Self::Mean),
            "linear" => Some(Self::Linear),
            _ => None,
        }
    }

    pub(crate) fn least_classes(self) -> usize {
        match self {
            Self::Mean => 1,
            Self::Linear => 2,
        }
    }
}

/// A row that is near to a vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its place in the index.
    pub row: u32,
    /// Its cosine with the vector.
    pub similarity: f32,
    /// Its label.
    pub label: u32,
}

/// Why vectors could not be built or compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VectorsFailure {
    /// They were made by another model than the one that is loaded.
    #[error("the vectors were made by model {made_by}, and {loaded} is loaded")]
    OtherModel {
        /// The model that made them.
        made_by: String,
        /// The model that is loaded.
        loaded: String,
    },
    /// They are not what they should be, with a reason for the operator.
    #[error("{0}")]
    Invalid(String),
}

impl fmt::Debug for dyn Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compare({})", self.size())
    }
}

impl fmt::Debug for dyn Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nearest")
    }
}
