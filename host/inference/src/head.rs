//! A classification head: the vector of a text or token in, the probability of each label out.

use crate::{
    Architecture, LoadError,
    config::{Config, HeadConfig, NetworkConfig, Task},
    dot,
    fused::{LinearWeights, NormWeights},
    network::{gelu, normalise},
    weights::{Bias, Weights, numbers},
};

pub(crate) struct Head {
    dense: Option<Dense>,
    classifier: Linear,
}

/// What some heads do before they classify.
struct Dense {
    linear: Linear,
    then: Then,
}

enum Then {
    Tanh,
    GeluAndNorm(NormWeights),
}

/// `weight · x + bias`, with a row of weights per bias.
struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Head {
    pub(crate) fn load(weights: &Weights, config: &Config, head: &HeadConfig) -> Result<Self, LoadError> {
        let (width, labels) = (config.width(), head.labels.len());
        let (whole, encoder) = (weights.all(), weights.of_encoder());
        let tanh = |weights: LinearWeights| Dense { linear: weights.into(), then: Then::Tanh };
        let (dense, classifier) = match (&config.network, config.architecture, head.task) {
            (NetworkConfig::ModernBert(modern), ..) => {
                let linear = whole.linear("head.dense", width, width, Bias::from(head.dense_bias))?.into();
                let norm = whole.norm("head.norm", width, modern.norm_epsilon, Bias::from(modern.norm_bias))?;
                (Some(Dense { linear, then: Then::GeluAndNorm(norm) }), "classifier")
            }
            (_, Architecture::XlmRoberta, Task::Texts) => {
                (Some(tanh(whole.linear("classifier.dense", width, width, Bias::Stored)?)), "classifier.out_proj")
            }
            (_, _, Task::Texts) => {
                (Some(tanh(encoder.linear("pooler.dense", width, width, Bias::Stored)?)), "classifier")
            }
            (_, _, Task::Tokens) => (None, "classifier"),
        };
        let classifier = whole.linear(classifier, width, labels, Bias::Stored)?.into();
        Ok(Self { dense, classifier })
    }

    /// One number per label, together 1.
    pub(crate) fn probabilities(&self, vector: &[f32]) -> Vec<f32> {
        let mut scores = match &self.dense {
            Some(dense) => self.classifier.forward(&dense.forward(vector)),
            None => self.classifier.forward(vector),
        };
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
        let sum: f32 = scores.iter().sum();
        scores.iter_mut().for_each(|score| *score /= sum);
        scores
    }
}

impl Dense {
    fn forward(&self, vector: &[f32]) -> Vec<f32> {
        let mut output = self.linear.forward(vector);
        match &self.then {
            Then::Tanh => output.iter_mut().for_each(|value| *value = value.tanh()),
            Then::GeluAndNorm(norm) => {
                output.iter_mut().for_each(|value| *value = gelu(*value));
                normalise(&mut output, norm);
            }
        }
        output
    }
}

impl Linear {
    fn forward(&self, vector: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(vector.len().max(1));
        rows.zip(&self.bias).map(|(row, bias)| dot(row, vector) + bias).collect()
    }
}

impl From<LinearWeights> for Linear {
    fn from(weights: LinearWeights) -> Self {
        Self { weight: numbers(weights.weight), bias: weights.bias }
    }
}
