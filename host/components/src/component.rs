//! From bytes to a component that is checked and has introduced itself.

use crate::abi::v0_1::bindings::exports::trackside::router::lifecycle;
use crate::abi::v0_1::{self, Indices};
use crate::artefact;
use crate::artefact_file::ArtefactFile;
use crate::call::Bounds;
use crate::capability::{Capability, Grants};
use crate::code_cache::Found;
use crate::configured::Configured;
use crate::description::{Description, Role, is_type_name};
use crate::digest::Digest;
use crate::engine::Engine;
use crate::error::{CallError, ConfigureError, DescriptionError, LoadError};
use crate::guest::{Code, Guest};
use crate::imports;
use crate::limits::Limits;
use crate::state::{MetricNames, Scope};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

/// Four times the largest language runtime seen in a component.
const MOST_BYTES: usize = 128 << 20;

/// A component that was loaded: it fits the contract, its machine code is in memory, and it has introduced itself. Cheap
/// to clone.
#[derive(Clone)]
pub struct Component(Arc<Inner>);

struct Inner {
    engine: Engine,
    digest: Digest,
    code: Code,
    origin: CodeOrigin,
    capabilities: BTreeSet<Capability>,
    description: Description,
    metric_names: Arc<MetricNames>,
}

/// Where a component's machine code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOrigin {
    /// From the cache.
    Cached,
    /// From the compiler.
    Compiled,
    /// From the compiler, because what the cache held was damaged or not made here.
    Recompiled,
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { role, serves, .. } = &self.0.description;
        f.debug_struct("Component")
            .field("digest", &self.0.digest)
            .field("role", role)
            .field("serves", serves)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Loads a component: compiles it unless the cache has its machine code, checks what it imports and exports, and lets
    /// it introduce itself. Blocks for up to seconds; call it where that is allowed.
    ///
    /// # Errors
    /// Says what in the component does not fit, and what would.
    pub fn load(&self, wasm: &[u8]) -> Result<Component, LoadError> {
        if wasm.len() > MOST_BYTES {
            return Err(LoadError::TooLarge { bytes: wasm.len(), limit: MOST_BYTES });
        }
        let digest = Digest::of(wasm);
        let (machine_code, origin) = self.machine_code(digest, wasm)?;
        let ty = machine_code.component_type();
        let capabilities = imports::check(digest, &ty, self.wasmtime())?;
        let exported = |interface: &str| imports::exports(&ty, self.wasmtime(), interface);
        if !exported("lifecycle") {
            return Err(LoadError::MissingExport { digest, interface: "lifecycle", role: None });
        }
        let mut linker = self.linker();
        imports::stub_wasi(&mut linker, digest, &ty, self.wasmtime())?;
        let contract = |error: wasmtime::Error| LoadError::Contract { digest, reason: format!("{error:#}") };
        let pre = linker.instantiate_pre(&machine_code).map_err(contract)?;
        let indices = Indices::new(&pre, exported).map_err(contract)?;
        let code = Code { pre, indices };
        let description = self.describe(digest, &code)?;
        let metric_names = Arc::default();
        let engine = self.clone();
        Ok(Component(Arc::new(Inner { engine, digest, code, origin, capabilities, description, metric_names })))
    }

    fn machine_code(
        &self,
        digest: Digest,
        wasm: &[u8],
    ) -> Result<(wasmtime::component::Component, CodeOrigin), LoadError> {
        let found = self.cache().map_or(Found::Nothing, |cache| cache.look_up(digest, self.wasmtime()));
        let origin = match found {
            Found::Code(verified) => match artefact::load(self.wasmtime(), &verified) {
                Ok(component) => return Ok((component, CodeOrigin::Cached)),
                Err(_) => CodeOrigin::Recompiled,
            },
            Found::Refused => CodeOrigin::Recompiled,
            Found::Nothing => CodeOrigin::Compiled,
        };
        let invalid = |error: wasmtime::Error| LoadError::Invalid { digest, reason: format!("{error:#}") };
        let component = artefact::compile(self.wasmtime(), wasm).map_err(invalid)?;
        if let Some(cache) = self.cache() {
            let kept = component.serialize().map_err(std::io::Error::other);
            if let Err(reason) = kept.and_then(|code| cache.store(digest, self.wasmtime(), &code)) {
                // The next start compiles again; this one has what it needs.
                tracing::warn!(digest = %digest.short(), reason = %reason, "machine code was not cached");
            }
        }
        Ok((component, origin))
    }

    fn describe(&self, digest: Digest, code: &Code) -> Result<Description, LoadError> {
        let raw = self.run_describe(digest, code).map_err(|source| LoadError::Describe { digest, source })?;
        let description = resolve(raw).map_err(|source| LoadError::Description { digest, source })?;
        let role = description.role;
        if !code.indices.offers(role) {
            let interface = v0_1::interface_of(role);
            return Err(LoadError::MissingExport { digest, interface, role: Some(role.as_str()) });
        }
        Ok(description)
    }

    /// Guests run on an asynchronous runtime, and whether the caller's thread has one, or may block in it, is not known
    /// here. So this one call brings its own.
    fn run_describe(&self, digest: Digest, code: &Code) -> Result<lifecycle::Description, CallError> {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let runtime = runtime.map_err(|error| CallError::Instantiate { reason: error.to_string() })?;
            runtime.block_on(async {
                let limits = Limits::default();
                let start = Instant::now();
                let deadline = start + limits.configure_deadline;
                let bounds = Bounds { engine: self, limits: &limits, start, deadline, request: None };
                let scope = Arc::new(self.scope(digest.short(), false, Arc::default(), None));
                let describe = Guest::start(code, scope, bounds, async |exports, store| {
                    exports.lifecycle.call_describe(store).await
                });
                describe.await.map(|(_, description)| description)
            })
        };
        thread::scope(|scope| scope.spawn(run).join())
            .unwrap_or_else(|_| Err(CallError::Instantiate { reason: "the host panicked".to_owned() }))
    }

    fn scope(
        &self,
        component: String,
        reads_body: bool,
        metric_names: Arc<MetricNames>,
        artefact: Option<ArtefactFile>,
    ) -> Scope {
        let (capabilities, shelf) = (self.capabilities().clone(), Arc::clone(self.shelf()));
        Scope { component, capabilities, reads_body, metric_names, artefact, shelf, kept: OnceLock::new() }
    }
}

fn resolve(raw: lifecycle::Description) -> Result<Description, DescriptionError> {
    let role: Role = raw.role.parse()?;
    if !is_type_name(&raw.serves) {
        return Err(DescriptionError::Serves(raw.serves.chars().take(80).collect()));
    }
    let on_failure = match raw.on_failure.as_str() {
        "" => role.default_policy(),
        asked => asked.parse()?,
    };
    Ok(Description {
        role,
        serves: raw.serves,
        version: raw.version.chars().take(64).collect(),
        schema: serde_json::from_str(&raw.settings_schema).map_err(DescriptionError::Schema)?,
        needs: raw.needs.iter().map(|need| need.parse()).collect::<Result<_, _>>()?,
        on_failure,
    })
}

impl Component {
    /// The identity of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// What it says about itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// Whether it exports what a role needs. It may do so for more roles than the one it names.
    #[must_use]
    pub fn offers(&self, role: Role) -> bool {
        self.0.code.indices.offers(role)
    }

    /// The capabilities that it imports and so needs to be granted.
    #[must_use]
    pub fn wants(&self) -> &BTreeSet<Capability> {
        &self.0.capabilities
    }

    /// Where its machine code came from.
    #[must_use]
    pub fn code_origin(&self) -> CodeOrigin {
        self.0.origin
    }

    /// Gives it its settings, and the file that it may read as its artefact, and keeps the instance that took them warm.
    /// Also embeds what it declares to compare requests with, which with a model and many texts takes long.
    ///
    /// # Errors
    /// When a capability that it imports is not granted or not there, when it refuses the settings, when it does not come
    /// through the call, or when something that it declares cannot be built.
    pub async fn configure(
        &self,
        settings: &serde_json::Value,
        grants: &Grants,
        limits: &Limits,
        artefact: Option<ArtefactFile>,
    ) -> Result<Configured, ConfigureError> {
        let component = || self.0.description.serves.clone();
        for &capability in &self.0.capabilities {
            if !capability.is_offered() {
                return Err(ConfigureError::NotOffered { component: component(), capability });
            }
            if !grants.contains(capability) {
                return Err(ConfigureError::NotGranted { component: component(), capability });
            }
        }
        Configured::new(self.clone(), settings.to_string(), *limits, artefact).await
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn code(&self) -> &Code {
        &self.0.code
    }

    pub(crate) fn new_scope(&self, artefact: Option<ArtefactFile>) -> Scope {
        let Description { serves, needs, .. } = &self.0.description;
        let reads_body = needs.contains(&crate::description::Need::Body);
        self.0.engine.scope(serves.clone(), reads_body, Arc::clone(&self.0.metric_names), artefact)
    }
}
