//! The networks, behind one pass: token ids in, a vector for each token out.

mod bert;
mod levels;
mod linear;
mod modern_bert;
mod portable_bert;
mod row_ops;

pub(crate) use levels::{Level, Levelled};
pub(crate) use row_ops::{gelu, normalise};

use crate::{
    Architecture, EmbedError, Engine, Instructions, LoadError, Options, Precision,
    config::{Config, NetworkConfig},
    fused::{BertWeights, FusedBert, Scratch, Unfit},
    tokens::Tokens,
    weights::Weights,
};
use candle_core::Tensor;
use modern_bert::ModernBert;
use portable_bert::PortableBert;
use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

/// The longest input of any network, in tokens: attention's time and memory grow with the square, and 2048 tokens take a
/// 300 M parameter model about two seconds already.
pub(crate) const MAX_TOKENS: usize = 2048;

/// The name of the word table, by which a network is recognised inside a larger one.
pub(crate) fn words_name(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Bert | Architecture::XlmRoberta => bert::WORDS,
        Architecture::ModernBert => modern_bert::WORDS,
    }
}

/// A network, ready to run.
pub(crate) struct Network {
    kernels: Kernels,
    engine: Engine,
    words: usize,
    width: usize,
    max_tokens: usize,
}

enum Kernels {
    /// With scratch memory for as many passes as ever ran at once.
    Fused(FusedBert, Mutex<Vec<Scratch>>),
    Bert(PortableBert),
    ModernBert(ModernBert),
}

impl Network {
    /// `layers` of the configured ones are kept, at least 1.
    pub(crate) fn load(
        config: &Config,
        weights: &Weights,
        options: &Options,
        layers: usize,
        max_tokens: usize,
    ) -> Result<Self, LoadError> {
        // candle hands every product to a process-wide thread pool once it is large enough for gemm's threshold. Several
        // texts at once keep all cores busy without it, and short texts are slower on two threads than on one.
        gemm::set_threading_threshold(usize::MAX);
        let tensors = weights.of_encoder();
        let (kernels, engine) = match &config.network {
            NetworkConfig::Bert(bert) => {
                let engine = Engine::choose(options.precision, options.instructions)?;
                let levels = bert::read_levels(tensors, bert, layers)?.unwrap_or_default();
                (bert_kernels(bert::read(tensors, bert, layers)?, &levels, engine)?, engine)
            }
            NetworkConfig::ModernBert(modern) => {
                let engine = portable(config.architecture, options)?;
                (Kernels::ModernBert(ModernBert::load(tensors, modern, layers, max_tokens)?), engine)
            }
        };
        Ok(Self { kernels, engine, words: config.words(), width: config.width(), max_tokens })
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// Hands the vectors of all tokens, row by row, to `read`. Ids beyond the longest input are left out.
    pub(crate) fn pass<R>(&self, ids: &[u32], read: impl FnOnce(&[f32]) -> R) -> Result<R, EmbedError> {
        let (ids, _) = ids.split_at(ids.len().min(self.max_tokens));
        if ids.is_empty() {
            return Err(EmbedError::NoDirection { length: 0.0 });
        }
        match &self.kernels {
            Kernels::Fused(bert, idle) => {
                let mut scratch = idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
                let answer = bert.forward(ids, &mut scratch).map(read);
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
                Ok(answer?)
            }
            Kernels::Bert(bert) => Ok(read(&rows(&bert.forward(self.known(ids)?)?)?)),
            Kernels::ModernBert(modern) => Ok(read(&rows(&modern.forward(self.known(ids)?)?)?)),
        }
    }

    /// The ids, if the model has a vector for each.
    fn known<'i>(&self, ids: &'i [u32]) -> Result<&'i [u32], EmbedError> {
        match ids.iter().find(|id| **id as usize >= self.words) {
            Some(&id) => Err(EmbedError::UnknownToken { id, words: self.words }),
            None => Ok(ids),
        }
    }

    /// The length of each token's vector.
    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

fn bert_kernels(mut weights: BertWeights, levels: &[Level], engine: Engine) -> Result<Kernels, LoadError> {
    if engine.instructions() == Instructions::Portable {
        levels::undo(&mut weights, levels);
        return Ok(Kernels::Bert(PortableBert::new(weights).map_err(failed)?));
    }
    Ok(Kernels::Fused(FusedBert::pack(weights, engine).level(levels), Mutex::default()))
}

/// What quantising levels in a network before it rounds.
pub(crate) fn levels(config: &Config, weights: &Weights, tokens: &Tokens) -> Result<Vec<Levelled>, LoadError> {
    match &config.network {
        NetworkConfig::Bert(bert) => levels::find(weights.of_encoder(), bert, tokens),
        NetworkConfig::ModernBert(_) => Ok(Vec::new()),
    }
}

/// The engine of a network that has no kernels of its own.
fn portable(architecture: Architecture, options: &Options) -> Result<Engine, LoadError> {
    let (precision, instructions) = (options.precision, options.instructions);
    let fits = matches!(precision, Precision::Auto | Precision::Fp32)
        && matches!(instructions, None | Some(Instructions::Portable));
    if !fits {
        return Err(LoadError::NoKernels { architecture, precision, instructions });
    }
    Ok(Engine::choose(Precision::Fp32, Some(Instructions::Portable))?)
}

fn rows(hidden: &Tensor) -> candle_core::Result<Vec<f32>> {
    hidden.flatten_all()?.to_vec1()
}

impl From<Unfit> for EmbedError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::TooLong { tokens, places } => Self::TooLong { tokens, places },
            Unfit::UnknownToken { id, words } => Self::UnknownToken { id, words },
        }
    }
}

fn failed(source: candle_core::Error) -> LoadError {
    LoadError::Network { source: Box::new(source) }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("engine", &self.engine)
            .field("width", &self.width)
            .field("max_tokens", &self.max_tokens)
            .finish_non_exhaustive()
    }
}
