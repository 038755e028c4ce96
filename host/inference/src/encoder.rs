//! A sentence encoder loaded from a directory.

use crate::{
    EmbedError, Embedder, Embedding, Fingerprint, LoadError,
    bert::Bert,
    model_dir::{ModelDir, Pooling},
    tokens::Tokens,
    weights::Weights,
};
use std::{fmt, path::Path};

/// Part of every fingerprint: change it with any change that moves vectors.
const ARITHMETIC: &[u8] = b"bert f32";

/// A BERT-family sentence encoder. Immutable: any number of threads may share one, and each embeds on its own.
pub struct Encoder {
    tokens: Tokens,
    bert: Bert,
    pooling: Pooling,
    dimensions: usize,
    max_tokens: usize,
    fingerprint: Fingerprint,
}

impl Encoder {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` from a directory, and respects `modules.json` with
    /// its pooling and `sentence_bert_config.json` where they exist. Reads and digests all weights: tens of
    /// milliseconds for MiniLM.
    ///
    /// # Errors
    /// [`LoadError`] names the first file and field that does not fit.
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        // candle hands every product to a process-wide thread pool once it is large enough for gemm's threshold. Several
        // texts at once keep all cores busy without it, and short texts are slower on two threads than on one.
        gemm::set_threading_threshold(usize::MAX);

        let dir = ModelDir(dir);
        let (shape, config) = dir.architecture()?;
        let pooling = dir.pooling()?;
        let max_tokens = dir.max_tokens()?.map_or(shape.positions, |max| max.min(shape.positions));
        let tokenizer = dir.tokenizer()?;
        let tokens = Tokens::load(&tokenizer, shape.words, max_tokens)?;
        let weights = dir.weights()?;
        let bert = Bert::load(&Weights::parse(&weights)?, &shape)?;
        let settings = format!("{pooling:?} {max_tokens}");
        let parts = [ARITHMETIC, &config.bytes, &tokenizer.bytes, &weights.bytes, settings.as_bytes()];
        Ok(Self { tokens, bert, pooling, dimensions: shape.width, max_tokens, fingerprint: Fingerprint::of(&parts) })
    }

    /// The longest input in tokens, special tokens included; what follows is left out.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }
}

impl Embedder for Encoder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed(&self, text: &str) -> Result<Embedding, EmbedError> {
        let ids = self.tokens.ids(text)?;
        if ids.is_empty() {
            return Err(EmbedError::NoDirection { length: 0.0 });
        }
        let hidden = self.bert.forward(&ids)?;
        let pooled = match self.pooling {
            Pooling::Mean => hidden.mean(0),
            Pooling::Cls => hidden.get(0),
        };
        Embedding::normalise(pooled?.to_vec1()?)
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("dimensions", &self.dimensions)
            .field("max_tokens", &self.max_tokens)
            .field("pooling", &self.pooling)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
