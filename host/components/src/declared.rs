//! What a component declares in `configure` to compare requests with: built once, shared by all its instances, and by
//! every component that declares the same.

use crate::capability::{Embed, EmbedFailure};
use crate::digest::Digest;
use crate::vectors::{Clustering, Compare, HeadMethod, Nearest, Vectors, VectorsFailure};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The contract's limit on the texts of a bank, and of a head.
pub(crate) const MOST_TEXTS: usize = 100_000;
/// The contract's limit on the texts of which prototypes are kept.
pub(crate) const MOST_CLUSTERED: usize = 10_000;
/// The contract's limit on the classes of a head.
pub(crate) const MOST_CLASSES: usize = 1000;
/// More names than a component has reasons for: the largest configurations have a hundred rules of a type.
pub(crate) const MOST_NAMES: usize = 1000;
/// Most bytes of one name.
pub(crate) const MOST_NAME_BYTES: usize = 256;
/// Most bytes of everything that one component declares. As much as an artefact may have.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// Embedding runs while a configuration is loaded, where nobody waits but the operator.
const PATIENCE: Duration = Duration::from_secs(600);

/// One thing to compare with.
#[derive(Debug)]
pub(crate) enum Declaration {
    /// Built when `configure` has ended: inside the guest's call, a slow model would look like a slow component.
    Texts(Recipe),
    /// Needs no model's time, and so was built when it was declared.
    Index(Arc<Built>),
}

/// What is to be made of texts.
#[derive(Debug)]
pub(crate) enum Recipe {
    Bank { texts: Vec<String> },
    Prototypes { texts: Vec<String>, how: Clustering },
    Head { method: HeadMethod, classes: Vec<Vec<String>> },
}

/// What one run of `configure` has declared so far, by name.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    named: HashMap<String, Declaration>,
    bytes: usize,
}

/// Something that is ready to be asked.
#[derive(Debug)]
pub(crate) enum Built {
    Bank(Arc<dyn Compare>),
    Head(Arc<dyn Compare>),
    /// With the bytes that it was read from, by which it is recognised.
    Index(Arc<[u8]>, Arc<dyn Nearest>),
}

/// Everything that one configured component declared. Never modified: another configuration makes others. What was made
/// of texts is recognised by their digest, an index by being the same one.
#[derive(Debug, Default)]
pub(crate) struct Kept(HashMap<String, (Option<Digest>, Arc<Built>)>);

/// What was built and is still in use, by any component.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<HashMap<Digest, Weak<Built>>>);

/// Why something that was declared could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildFailure {
    /// Its texts could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedFailure),
    /// The vectors do not make what was asked for.
    #[error(transparent)]
    Vectors(#[from] VectorsFailure),
}

impl Declarations {
    /// Adds a declaration, in place of an earlier one of the same name. Where there are too many, tells the limit.
    pub(crate) fn add(&mut self, name: String, declaration: Declaration) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(name.len()).saturating_add(declaration.bytes());
        if self.bytes > MOST_BYTES {
            return Err(format!("a component declares at most {MOST_BYTES} bytes"));
        }
        if name.len() > MOST_NAME_BYTES {
            return Err(format!("a name has at most {MOST_NAME_BYTES} bytes"));
        }
        if self.named.len() >= MOST_NAMES && !self.named.contains_key(&name) {
            return Err(format!("a component declares at most {MOST_NAMES} names"));
        }
        self.named.insert(name, declaration);
        Ok(())
    }
}

impl Declaration {
    fn bytes(&self) -> usize {
        match self {
            Self::Texts(recipe) => recipe.texts().into_iter().flatten().map(String::len).sum(),
            Self::Index(built) => built.bytes().map_or(0, <[u8]>::len),
        }
    }
}

impl Recipe {
    /// The texts, class by class where there are classes.
    fn texts(&self) -> Vec<&[String]> {
        match self {
            Self::Bank { texts } | Self::Prototypes { texts, .. } => vec![texts],
            Self::Head { classes, .. } => classes.iter().map(Vec::as_slice).collect(),
        }
    }

    fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        match self {
            Self::Bank { .. } => hash.update([0]),
            Self::Prototypes { how, .. } => {
                hash.update([1]);
                hash.update(how.similarity.to_le_bytes());
                hash.update(how.most.to_le_bytes());
            }
            Self::Head { method: HeadMethod::Mean, .. } => hash.update([2]),
            Self::Head { method: HeadMethod::Linear, .. } => hash.update([3]),
        }
        for texts in self.texts() {
            hash.update(texts.len().to_le_bytes());
            for text in texts {
                hash.update(text.len().to_le_bytes());
                hash.update(text);
            }
        }
        Digest::from(<[u8; 32]>::from(hash.finalize()))
    }

    /// Embeds the texts and builds, of which the second would hold up everything else on this thread.
    async fn build(self, embed: &dyn Embed, vectors: &Arc<dyn Vectors>) -> Result<Built, BuildFailure> {
        let texts: Vec<String> = self.texts().concat();
        let rows = embed.embed_all(&texts, Instant::now() + PATIENCE).await?;
        if rows.len() != texts.len() {
            let message = format!("the model made {} vectors of {} texts", rows.len(), texts.len());
            return Err(EmbedFailure::Internal(message).into());
        }
        let vectors = Arc::clone(vectors);
        let building = tokio::task::spawn_blocking(move || self.make(&rows, &*vectors));
        let built = building.await.unwrap_or_else(|error| Err(VectorsFailure::Invalid(error.to_string())));
        Ok(built?)
    }

    fn make(&self, rows: &[Arc<[f32]>], vectors: &dyn Vectors) -> Result<Built, VectorsFailure> {
        match self {
            Self::Bank { .. } => vectors.bank(rows).map(Built::Bank),
            Self::Prototypes { texts, how } => {
                let picked = vectors.prototypes(texts, rows, *how)?.into_iter();
                let picked: Vec<_> = picked.filter_map(|at| rows.get(at).cloned()).collect();
                vectors.bank(&picked).map(Built::Bank)
            }
            Self::Head { method, classes } => {
                let mut rows = rows.iter().cloned();
                let classes: Vec<Vec<_>> =
                    classes.iter().map(|texts| rows.by_ref().take(texts.len()).collect()).collect();
                vectors.head(*method, &classes).map(Built::Head)
            }
        }
    }
}

impl Built {
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Index(bytes, _) => Some(bytes),
            Self::Bank(_) | Self::Head(_) => None,
        }
    }
}

impl Kept {
    /// Embeds and builds what was declared. On failure, also tells which name.
    pub(crate) async fn build(
        declared: Declarations,
        shelf: &Shelf,
        embed: &dyn Embed,
        vectors: &Arc<dyn Vectors>,
    ) -> Result<Self, (String, BuildFailure)> {
        let mut kept = HashMap::with_capacity(declared.named.len());
        for (name, declaration) in declared.named {
            let thing = match declaration {
                Declaration::Index(built) => (None, built),
                Declaration::Texts(recipe) => {
                    let digest = recipe.digest();
                    let place = place(embed.fingerprint().unwrap_or_default(), &digest);
                    let built = match shelf.find(place) {
                        Some(built) => built,
                        None => match recipe.build(embed, vectors).await {
                            Ok(built) => shelf.keep(place, built),
                            Err(failure) => return Err((name, failure)),
                        },
                    };
                    (Some(digest), built)
                }
            };
            kept.insert(name, thing);
        }
        Ok(Self(kept))
    }

    /// What has this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Built>> {
        self.0.get(name).map(|(_, built)| built)
    }

    /// Whether a new instance declares what the first one did. Where it does not, tells a name.
    pub(crate) fn check(&self, declared: &Declarations) -> Result<(), String> {
        let same = |name: &str, declaration: &Declaration| match (self.0.get(name), declaration) {
            (Some((digest, _)), Declaration::Texts(recipe)) => *digest == Some(recipe.digest()),
            (Some((_, kept)), Declaration::Index(built)) => Arc::ptr_eq(kept, built),
            (None, _) => false,
        };
        let other = declared.named.iter().find(|(name, declaration)| !same(name, declaration)).map(|(name, _)| name);
        let missing = || self.0.keys().find(|name| !declared.named.contains_key(*name));
        other.or_else(missing).map_or(Ok(()), |name| Err(name.clone()))
    }
}

/// Where something stands on the shelf: what one model makes of texts is nothing to another.
fn place(model: &str, content: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update(content.as_bytes());
    hash.update(model);
    Digest::from(<[u8; 32]>::from(hash.finalize()))
}

impl Shelf {
    fn find(&self, place: Digest) -> Option<Arc<Built>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place)?.upgrade()
    }

    fn keep(&self, place: Digest, built: Built) -> Arc<Built> {
        let built = Arc::new(built);
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.retain(|_, built| built.strong_count() > 0);
        shelf.insert(place, Arc::downgrade(&built));
        built
    }

    /// The index in these bytes: the one of another component that has the same, or a new one.
    pub(crate) fn index(
        &self,
        bytes: Arc<[u8]>,
        model: &str,
        vectors: &dyn Vectors,
    ) -> Result<Arc<Built>, VectorsFailure> {
        let place = place(model, &Digest::of(&bytes));
        if let Some(built) = self.find(place) {
            return Ok(built);
        }
        let index = vectors.index(&bytes, model)?;
        Ok(self.keep(place, Built::Index(bytes, index)))
    }
}

#[cfg(test)]
mod tests;
