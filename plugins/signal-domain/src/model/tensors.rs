//! The names under which a fitted classifier is stored.

/// Metadata: the labels, a JSON list of strings.
pub(crate) const LABELS: &str = "labels";

/// U32, one a stem.
pub(crate) const STEMS: &str = "words.stems";
/// F32, one a stem.
pub(crate) const RARITY: &str = "words.rarity";
/// I8, stems by labels.
pub(crate) const WEIGHTS: &str = "words.weights";
/// F32, one a label.
pub(crate) const SCALES: &str = "words.scales";
/// F32, sights by kinds of evidence.
pub(crate) const SIGHTS: &str = "sights";
