//! Classifiers of texts and of tokens, as the model families publish them.

use crate::{
    About, EmbedError, LoadError, Options,
    config::Task,
    head::Head,
    model::{Model, ModelFiles},
    model_dir::ModelDir,
    sentence::Pooling,
};
use std::{fmt, ops::Range, path::Path};

/// How much of a text gets labels, in bytes: a few dozen passes of a network that takes 512 tokens at once.
const MAX_LABELLED_BYTES: usize = 64 << 10;

/// Puts one of its labels on a text.
#[derive(Debug)]
pub struct Classifier(Classes);

/// Puts one of its labels on each token of a text.
#[derive(Debug)]
pub struct TokenClassifier {
    classes: Classes,
    /// How many special tokens stand in front of a text.
    before: usize,
}

/// How sure a classifier is of a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelScore<'a> {
    pub label: &'a str,
    /// A probability; those of all labels are 1 together.
    pub score: f32,
}

/// The most probable label of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLabel<'a> {
    pub label: &'a str,
    /// Its probability.
    pub score: f32,
    /// The bytes of the text that the token stands for.
    pub span: Range<usize>,
}

struct Classes {
    model: Model,
    head: Head,
    pooling: Pooling,
    labels: Vec<String>,
}

impl Classifier {
    /// Loads a `...ForSequenceClassification` checkpoint of any [`Architecture`](crate::Architecture) from a directory.
    ///
    /// # Errors
    /// [`LoadError`] names the first file and field that does not fit, or the option that this machine cannot meet.
    pub fn load(dir: &Path, options: &Options) -> Result<Self, LoadError> {
        Classes::load(dir, options, Task::Texts).map(Self)
    }

    /// What was loaded, and how it is run.
    pub fn about(&self) -> &About {
        &self.0.model.about
    }

    /// Every label with its probability, in the order of the file. A text beyond the longest input is represented by its
    /// beginning, middle and end.
    ///
    /// # Errors
    /// The variants of [`EmbedError`] that concern the model or the text.
    pub fn classify(&self, text: &str) -> Result<Vec<LabelScore<'_>>, EmbedError> {
        let Classes { model, head, pooling, labels } = &self.0;
        let network = &model.network;
        let probabilities =
            network.pass(&model.tokens.ids(text)?, |rows| head.probabilities(&pooling.pool(rows, network.width())))?;
        Ok(labels.iter().zip(probabilities).map(|(label, score)| LabelScore { label, score }).collect())
    }
}

impl TokenClassifier {
    /// Loads a `...ForTokenClassification` checkpoint of any [`Architecture`](crate::Architecture) from a directory.
    ///
    /// # Errors
    /// [`LoadError`] names the first file and field that does not fit, or the option that this machine cannot meet.
    pub fn load(dir: &Path, options: &Options) -> Result<Self, LoadError> {
        let classes = Classes::load(dir, options, Task::Tokens)?;
        let around = classes.model.tokens.surround([u32::MAX]);
        let before = around.iter().position(|id| *id == u32::MAX).unwrap_or(0);
        Ok(Self { classes, before })
    }

    /// What was loaded, and how it is run.
    pub fn about(&self) -> &About {
        &self.classes.model.about
    }

    /// The label of each token of the first 64 KiB of a text. What does not fit the longest input is labelled in parts
    /// that do not see each other.
    ///
    /// # Errors
    /// The variants of [`EmbedError`] that concern the model or the text.
    pub fn tokens(&self, text: &str) -> Result<Vec<TokenLabel<'_>>, EmbedError> {
        let Model { tokens, network, .. } = &self.classes.model;
        let (text, _) = text.split_at(text.floor_char_boundary(MAX_LABELLED_BYTES));
        let mut found = Vec::new();
        for part in tokens.spans(text)?.chunks(tokens.room()) {
            let ids = tokens.surround(part.iter().map(|(id, _)| *id));
            network.pass(&ids, |rows| {
                let rows = rows.chunks_exact(network.width()).skip(self.before);
                let labelled = part.iter().zip(rows).map(|((_, span), row)| self.classes.best(row, span.clone()));
                found.extend(labelled.flatten());
            })?;
        }
        Ok(found)
    }
}

impl Classes {
    fn load(dir: &Path, options: &Options, task: Task) -> Result<Self, LoadError> {
        let files = ModelFiles::open(&ModelDir::Disk(dir))?;
        let head_config = files.config.head_for(task)?;
        let model = Model::load(&files, options)?;
        let head = Head::load(&files.weights, &files.config, &head_config)?;
        Ok(Self { model, head, pooling: head_config.pooling, labels: head_config.labels })
    }

    fn best(&self, row: &[f32], span: Range<usize>) -> Option<TokenLabel<'_>> {
        let scores = self.labels.iter().zip(self.head.probabilities(row));
        let (label, score) = scores.max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(TokenLabel { label, score, span })
    }
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classes")
            .field("about", &self.model.about)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}
