//! A sentence encoder: texts in, unit vectors out.

use crate::{
    About, EmbedError, Embedder, Embedding, Fingerprint, LoadError, Options,
    embedded::MINI_LM,
    model::{Model, ModelFiles, at_most},
    model_dir::ModelDir,
    sentence::Pooling,
};
use std::{fmt, path::Path};

/// Part of every fingerprint: change it with any change that moves vectors.
const ARITHMETIC: &str = "2";

/// A sentence encoder. Immutable: any number of threads may share one, and each embeds on its own.
pub struct Encoder {
    model: Model,
    pooling: Pooling,
    fingerprint: Fingerprint,
}

impl Encoder {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` from a directory, and respects `modules.json` with
    /// its pooling and `sentence_bert_config.json` where they exist. Reads and digests all weights: about 0.1 s for 90 MB.
    ///
    /// # Errors
    /// [`LoadError`] names the first file and field that does not fit, or the option that this machine cannot meet.
    pub fn load(dir: &Path, options: &Options) -> Result<Self, LoadError> {
        Self::open(&ModelDir::Disk(dir), options)
    }

    /// Loads the model inside the binary, all-MiniLM-L6-v2 with weights of 8 bits.
    ///
    /// # Errors
    /// [`LoadError`] when this machine cannot meet the options.
    pub fn embedded(options: &Options) -> Result<Self, LoadError> {
        Self::open(&ModelDir::Binary(&MINI_LM), options)
    }

    fn open(dir: &ModelDir<'_>, options: &Options) -> Result<Self, LoadError> {
        let files = ModelFiles::open(dir)?;
        let pooling = Pooling::of(dir)?;
        let model = Model::load(&files, options)?;
        let layers = at_most("layers", options.layers, files.config.layers())?;
        let fingerprint = fingerprint(&files, &model, pooling, layers);
        Ok(Self { model, pooling, fingerprint })
    }

    /// What was loaded, and how it is run.
    pub fn about(&self) -> &About {
        &self.model.about
    }

    /// Embeds token ids, special tokens included, as they are. Those beyond the longest input are left out.
    ///
    /// # Errors
    /// [`EmbedError::NoDirection`] for no ids, [`EmbedError::UnknownToken`] for one that the model has no vector for.
    pub fn embed_ids(&self, ids: &[u32]) -> Result<Embedding, EmbedError> {
        let network = &self.model.network;
        let mut pooled = network.pass(ids, |rows| self.pooling.pool(rows, network.width()))?;
        pooled.truncate(self.model.about.dimensions);
        Embedding::normalise(pooled)
    }
}

fn fingerprint(files: &ModelFiles, model: &Model, pooling: Pooling, layers: usize) -> Fingerprint {
    let (original, stored) = files.weights.digests();
    let about = &model.about;
    let kept = format!("{pooling:?} {} {layers}", about.dimensions);
    let way = format!("{ARITHMETIC} {} {}", about.max_tokens, model.network.engine());
    Fingerprint::of_model(
        &[original.as_bytes(), kept.as_bytes()],
        &[stored.as_bytes(), &files.config.file.bytes, &files.tokenizer.bytes, way.as_bytes()],
    )
}

impl Embedder for Encoder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.model.about.dimensions
    }

    fn embed(&self, text: &str) -> Result<Embedding, EmbedError> {
        self.embed_ids(&self.model.tokens.ids(text)?)
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("about", &self.model.about)
            .field("pooling", &self.pooling)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
