//! What can be wrong with vectors.

use crate::kernels::NoEngine;

/// Why vectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    #[error("a vector has {found} dimensions, expected {expected}")]
    Dimensions { expected: usize, found: usize },
    #[error("a vector has {found} dimensions, expected at most {most}")]
    TooWide { most: usize, found: usize },
    #[error("row {row} holds a number that is not finite")]
    NotFinite { row: usize },
    #[error("there are {found} scales, expected one for each of {expected} rows")]
    Scales { expected: usize, found: usize },
    #[error("there are {found} vectors, expected one for each of {expected} texts")]
    Texts { expected: usize, found: usize },
    #[error("there are {rows} rows, expected at most {}", u32::MAX)]
    TooMany { rows: usize },
    #[error("there are {found} classes, expected at least {least}")]
    TooFewClasses { found: usize, least: usize },
    #[error("class {class} has no example")]
    EmptyClass { class: usize },
    #[error("{examples} examples of {classes} classes are too many to fit")]
    TooLarge { examples: usize, classes: usize },
    #[error(transparent)]
    NoEngine(#[from] NoEngine),
}
