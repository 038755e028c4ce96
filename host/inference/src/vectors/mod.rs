//! What is done with vectors once there are some: exact comparison, prototypes of many texts, and classifiers fitted to
//! examples. All of it is deterministic: equal inputs give equal results on one machine.

mod artefact;
mod error;
mod head;
mod index;
mod lbfgs;
mod prototypes;
mod softmax;

pub use artefact::{ArtefactError, Labelled};
pub use error::VectorsError;
pub use head::{Head, Method, UnknownMethod};
pub use index::{Index, Neighbour};
pub use prototypes::{Clustering, prototypes};

#[cfg(test)]
mod tests;
