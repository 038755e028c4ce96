//! What a component is configured with.

use crate::artefact_file::ArtefactFile;
use crate::capability::{Embed, Grants};
use crate::digest::Digest;
use crate::limits::Limits;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;

/// What a component is configured with. Its [`identity`](crate::Component::identity) tells whether two of them come to the
/// same.
#[derive(Clone)]
pub struct Setup<'a> {
    /// Its settings, which it gets as JSON text.
    pub settings: &'a serde_json::Value,
    /// Capabilities that it may use.
    pub grants: &'a Grants,
    /// Bounds on each of its calls, and on all of its instances.
    pub limits: &'a Limits,
    /// The file that it may read while it is configured.
    pub artefact: Option<ArtefactFile>,
    /// The model that it compares texts with, for as long as it lives.
    pub embed: Arc<dyn Embed>,
}

impl fmt::Debug for Setup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("settings", self.settings)
            .field("grants", self.grants)
            .field("limits", self.limits)
            .field("artefact", &self.artefact)
            .field("fingerprint", &self.embed.fingerprint())
            .finish()
    }
}

impl Setup<'_> {
    pub(crate) fn identity(&self, component: Digest, compares_texts: bool) -> Digest {
        let Limits { memory_bytes, table_elements, instances, deadline, configure_deadline, output_bytes } =
            *self.limits;
        let fingerprint = self.embed.fingerprint().filter(|_| compares_texts);
        let granted: Vec<_> = self.grants.iter().map(|capability| capability.as_str()).collect();
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            // The length first, so that what ends one part cannot begin the next.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        };
        add(component.as_bytes());
        add(self.settings.to_string().as_bytes());
        add(granted.join(" ").as_bytes());
        for bytes in [memory_bytes, table_elements, instances, output_bytes] {
            add(&bytes.to_le_bytes());
        }
        for time in [deadline, configure_deadline] {
            add(&time.as_nanos().to_le_bytes());
        }
        add(self.artefact.as_ref().map(|file| file.digest()).as_ref().map_or(&[], |digest| digest.as_bytes()));
        add(fingerprint.unwrap_or_default().as_bytes());
        Digest::from(<[u8; 32]>::from(hash.finalize()))
    }
}
