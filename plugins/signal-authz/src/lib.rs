//! The component that serves the signal type `authz`: tells which roles the user of a request has.

mod roles;
mod settings;

use trackside_sdk::{Component, Failure, Match, RequestHead, Signal, SignalSettings, current};

use roles::Bindings;
pub use settings::{Identity, RoleBinding};

/// The configured signal.
#[derive(Debug)]
pub struct Authz {
    bindings: Bindings,
    identity: Identity,
}

impl Component for Authz {
    type Settings = SignalSettings<RoleBinding, Identity>;
    const SERVES: &'static str = "authz";

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        Ok(Self { bindings: Bindings::new(settings.rules)?, identity: settings.module })
    }
}

impl Signal for Authz {
    fn evaluate(&self, _head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let user = current::header(&self.identity.user_header.to_ascii_lowercase());
        let groups = current::header(&self.identity.groups_header.to_ascii_lowercase());
        Ok(self.bindings.roles(user.as_deref(), groups.as_deref()))
    }
}

trackside_sdk::export!(signal: Authz);
