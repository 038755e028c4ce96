//! What is in memory already: a change of the configuration alone loads nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use trackside_components::{ArtefactFile, Component, Digest, Engine, LoadError};
use trackside_guests::BuiltIn;
use trackside_telemetry::Metrics;

/// Components and the files that they read, of the live generation and of the one that is being made.
#[derive(Debug)]
pub(super) struct Known {
    metrics: Arc<Metrics>,
    components: Mutex<BTreeMap<Digest, Component>>,
    /// Those inside the program, by name. They stay.
    built_in: Mutex<BTreeMap<&'static str, Component>>,
    artefacts: Mutex<BTreeMap<Digest, ArtefactFile>>,
}

impl Known {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        let metrics = Arc::clone(metrics);
        Self { metrics, components: Mutex::default(), built_in: Mutex::default(), artefacts: Mutex::default() }
    }

    pub(super) fn component(&self, digest: Digest) -> Option<Component> {
        let loaded = locked(&self.components).get(&digest).cloned();
        loaded.or_else(|| locked(&self.built_in).values().find(|built_in| built_in.digest() == digest).cloned())
    }

    pub(super) fn built_in(&self, which: &BuiltIn) -> Option<Component> {
        locked(&self.built_in).get(which.name).cloned()
    }

    /// Loads a component. Blocks for up to seconds.
    pub(super) fn load(&self, engine: &Engine, wasm: &[u8]) -> Result<Component, LoadError> {
        let component = self.timed(|| engine.load(wasm))?;
        locked(&self.components).insert(component.digest(), component.clone());
        Ok(component)
    }

    /// The same for one that is part of the program.
    pub(super) fn load_built_in(&self, engine: &Engine, which: &'static BuiltIn) -> Result<Component, LoadError> {
        let component = self.timed(|| engine.load_built_in(which.wasm))?;
        locked(&self.built_in).insert(which.name, component.clone());
        Ok(component)
    }

    fn timed(&self, load: impl FnOnce() -> Result<Component, LoadError>) -> Result<Component, LoadError> {
        let started = Instant::now();
        let loaded = load();
        match &loaded {
            Ok(component) if component.compiled_in().is_zero() => self.metrics.compiled("cache", started.elapsed()),
            Ok(component) => self.metrics.compiled("compiled", component.compiled_in()),
            Err(LoadError::Compile { .. }) => self.metrics.compiled("failed", started.elapsed()),
            // It did not come so far.
            Err(_) => {}
        }
        loaded
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
        locked(&self.components).retain(|digest, _| wanted(*digest));
        locked(&self.built_in).values().for_each(Component::put_away);
        locked(&self.artefacts).retain(|digest, _| wanted(*digest));
    }
}

fn locked<K, V>(of: &Mutex<BTreeMap<K, V>>) -> MutexGuard<'_, BTreeMap<K, V>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
