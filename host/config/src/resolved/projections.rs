//! What is derived from signals before decisions see them (`routing.projections`).

use super::Predicate;

/// Partitions, scores and mappings of one profile.
#[derive(Clone, Debug, Default)]
pub struct Projections {
    /// In the order of the file.
    pub partitions: Vec<Partition>,
    /// Each behind those that it reads.
    pub scores: Vec<Score>,
    /// How many matches of the embedding signal are kept once partitions are settled, the surest first; 0 keeps all.
    /// `None` where no partition needs more than the component itself leaves.
    pub embedding_top_k: Option<usize>,
}

/// Rules of one signal type of which one holds at any time.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// Name, unique.
    pub name: String,
    /// The type of all its members.
    pub signal: String,
    /// Names of rules, at least one.
    pub members: Vec<String>,
    /// The member that holds when none matched.
    pub default: String,
    /// How the winner's confidence comes about.
    pub semantics: Semantics,
}

/// How the winner's confidence comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Semantics {
    /// It keeps its own.
    Exclusive,
    /// Its share of all members that matched: the softmax of their confidences divided by this temperature, above 0.
    Softmax(f64),
}

/// A weighted sum over signals and other scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Name, unique.
    pub name: String,
    /// What is added up.
    pub inputs: Vec<ScoreInput>,
    /// The mappings that read it, in the order of the file.
    pub mappings: Vec<Mapping>,
}

/// One term of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreInput {
    /// The factor.
    pub weight: f64,
    /// What it applies to.
    pub value: InputValue,
}

/// Where the value of a term comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum InputValue {
    /// One number when the signal matched, another when it did not.
    Binary {
        /// The signal.
        of: Reference,
        /// The value of a match.
        hit: f64,
        /// The value of none.
        miss: f64,
    },
    /// The signal's confidence, 0 when it did not match.
    Confidence(Reference),
    /// The signal's raw value, 0 when there is none.
    Raw(Reference),
    /// The value of another score.
    Score(String),
    /// The confidence of a mapping's output, 0 when it does not hold.
    Output(String),
}

/// A rule of a signal, by type and by the name that its matches go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Signal type.
    pub signal: String,
    /// Name.
    pub name: String,
}

/// Names for ranges of a score. Leaves of type `projection` refer to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Name, unique.
    pub name: String,
    /// Which of the outputs hold.
    pub emit: Emit,
    /// How fast confidence grows with the distance to the nearest bound, above 0; 12 unless set.
    pub slope: f64,
    /// The ranges.
    pub outputs: Vec<MappingOutput>,
}

/// Which of the outputs hold whose bounds do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// The first one (`threshold_bands`).
    First,
    /// All (`multi_emit`).
    All,
}

/// One range of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingOutput {
    /// Name, unique among all outputs.
    pub name: String,
    /// The bounds; without any it always holds.
    pub bounds: Predicate,
}
