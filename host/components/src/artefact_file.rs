//! A file that the configuration gives to a component.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The bytes of such a file. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct ArtefactFile(Arc<[u8]>);

impl ArtefactFile {
    /// The contract's limit.
    pub const MOST_BYTES: usize = 64 << 20;

    /// Takes a file's content; nothing when it is larger than [`Self::MOST_BYTES`].
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= Self::MOST_BYTES).then(|| Self(bytes.into()))
    }

    pub(crate) fn shared(&self) -> &Arc<[u8]> {
        &self.0
    }
}

impl Deref for ArtefactFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ArtefactFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArtefactFile({} bytes)", self.0.len())
    }
}
