//! What encoders and classifiers share: a tokenizer and a network out of one directory.

use crate::{
    About, LoadError, Options,
    config::Config,
    model_dir::{Contents, ModelDir},
    network::{self, MAX_TOKENS, Network},
    sentence,
    tokens::Tokens,
    weights::{self, Weights},
};

/// The files of a model, read and taken apart.
#[derive(Debug)]
pub(crate) struct ModelFiles {
    name: String,
    pub(crate) config: Config,
    pub(crate) tokenizer: Contents,
    pub(crate) weights: Weights,
    pub(crate) max_tokens: usize,
}

pub(crate) struct Model {
    pub(crate) tokens: Tokens,
    pub(crate) network: Network,
    pub(crate) about: About,
}

impl ModelFiles {
    pub(crate) fn open(dir: &ModelDir<'_>) -> Result<Self, LoadError> {
        let config = Config::load(dir)?;
        let max_tokens = sentence::max_tokens(dir)?.unwrap_or(MAX_TOKENS).min(MAX_TOKENS).min(config.positions());
        let tokenizer = dir.tokenizer()?;
        let words = network::words_name(config.architecture);
        let weights = Weights::parse(dir.weights()?, words, config.architecture.prefix())?;
        let name = weights.metadata(weights::NAME).map_or_else(|| dir.name(), str::to_owned);
        Ok(Self { name, config, tokenizer, weights, max_tokens })
    }
}

impl Model {
    pub(crate) fn load(files: &ModelFiles, options: &Options) -> Result<Self, LoadError> {
        let config = &files.config;
        let (width, layers) = (config.width(), config.layers());
        let dimensions = at_most("dimensions", options.dimensions, width)?;
        let layers = at_most("layers", options.layers, layers)?;
        let tokens = Tokens::load(&files.tokenizer, config.words(), files.max_tokens)?;
        let network = Network::load(config, &files.weights, options, layers, files.max_tokens)?;
        let about = About {
            name: files.name.clone(),
            architecture: config.architecture,
            dimensions,
            max_tokens: files.max_tokens,
            precision: network.engine().precision(),
            instructions: network.engine().instructions(),
            weights_bytes: files.weights.file().bytes.len(),
        };
        Ok(Self { tokens, network, about })
    }
}

/// How much of something is kept.
pub(crate) fn at_most(option: &'static str, wanted: Option<usize>, whole: usize) -> Result<usize, LoadError> {
    match wanted {
        Some(0) => Err(LoadError::Nothing { option }),
        wanted => Ok(wanted.unwrap_or(whole).min(whole)),
    }
}
