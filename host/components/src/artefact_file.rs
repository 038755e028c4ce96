//! A file that the configuration gives to a component.

use crate::digest::Digest;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The bytes of such a file. Cheap to clone.
#[derive(Clone)]
pub struct ArtefactFile {
    bytes: Arc<[u8]>,
    digest: Digest,
}

impl ArtefactFile {
    /// The contract's limit.
    pub const MOST_BYTES: usize = 64 << 20;

    /// Takes a file's content; nothing when it is larger than [`Self::MOST_BYTES`].
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= Self::MOST_BYTES).then(|| Self { digest: Digest::of(&bytes), bytes: bytes.into() })
    }

    /// The identity of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn shared(&self) -> &Arc<[u8]> {
        &self.bytes
    }
}

impl PartialEq for ArtefactFile {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for ArtefactFile {}

impl Deref for ArtefactFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for ArtefactFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArtefactFile({} bytes)", self.bytes.len())
    }
}
