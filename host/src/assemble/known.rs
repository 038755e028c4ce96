//! What is in memory already, by digest: a change of the configuration alone loads nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use trackside_components::{ArtefactFile, Component, Digest, Engine, LoadError};
use trackside_guests::{BUILT_IN, BuiltIn};
use trackside_telemetry::Metrics;

/// Components and the files that they read, of the live generation and of the one that is being made.
#[derive(Debug)]
pub(super) struct Known {
    metrics: Arc<Metrics>,
    components: Mutex<BTreeMap<Digest, Component>>,
    artefacts: Mutex<BTreeMap<Digest, ArtefactFile>>,
}

impl Known {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self { metrics: Arc::clone(metrics), components: Mutex::default(), artefacts: Mutex::default() }
    }

    pub(super) fn component(&self, digest: Digest) -> Option<Component> {
        locked(&self.components).get(&digest).cloned()
    }

    /// Loads a component. Blocks for up to seconds.
    pub(super) fn load(&self, engine: &Engine, wasm: &[u8]) -> Result<Component, LoadError> {
        self.learn_component(|| engine.load(wasm))
    }

    /// The same for one that is part of the program.
    pub(super) fn load_built_in(&self, engine: &Engine, which: &'static BuiltIn) -> Result<Component, LoadError> {
        self.learn_component(|| engine.load_built_in(which.wasm))
    }

    fn learn_component(&self, load: impl FnOnce() -> Result<Component, LoadError>) -> Result<Component, LoadError> {
        let started = Instant::now();
        let loaded = load();
        match &loaded {
            Ok(component) if component.compiled_in().is_zero() => self.metrics.compiled("cache", started.elapsed()),
            Ok(component) => self.metrics.compiled("compiled", component.compiled_in()),
            Err(LoadError::Compile { .. }) => self.metrics.compiled("failed", started.elapsed()),
            // It did not come so far.
            Err(_) => {}
        }
        let component = loaded?;
        locked(&self.components).insert(component.digest(), component.clone());
        Ok(component)
    }

    pub(super) fn artefact(&self, digest: Digest) -> Option<ArtefactFile> {
        locked(&self.artefacts).get(&digest).cloned()
    }

    pub(super) fn learn(&self, artefact: &ArtefactFile) {
        locked(&self.artefacts).insert(artefact.digest(), artefact.clone());
    }

    /// Forgets all but what is built in and what `wanted` names. The machine code of a built-in component goes, too, where
    /// nothing uses it: a configuration uses few of them.
    pub(super) fn retain(&self, wanted: impl Fn(Digest) -> bool) {
        let is_built_in = |digest: Digest| built_in().iter().any(|(_, built_in)| *built_in == digest);
        let mut components = locked(&self.components);
        components.retain(|digest, _| wanted(*digest) || is_built_in(*digest));
        components.values().for_each(Component::put_away);
        drop(components);
        locked(&self.artefacts).retain(|digest, _| wanted(*digest));
    }
}

fn locked<T>(of: &Mutex<BTreeMap<Digest, T>>) -> MutexGuard<'_, BTreeMap<Digest, T>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The built-in components with their digests, which take some milliseconds to make.
pub(super) fn built_in() -> &'static [(&'static BuiltIn, Digest)] {
    static DIGESTS: OnceLock<Vec<(&BuiltIn, Digest)>> = OnceLock::new();
    DIGESTS.get_or_init(|| BUILT_IN.iter().map(|built_in| (built_in, Digest::of(built_in.wasm))).collect())
}
