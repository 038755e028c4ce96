//! From bytes to a component that is checked and has introduced itself.

use crate::abi::v0_1::bindings::exports::trackside::router::lifecycle;
use crate::abi::v0_1::{self, Indices};
use crate::artefact_file::ArtefactFile;
use crate::call::Bounds;
use crate::capability::{Capability, Embed, NoModel};
use crate::configured::Configured;
use crate::description::{Description, Role, is_type_name};
use crate::digest::Digest;
use crate::engine::Engine;
use crate::error::{CallError, ConfigureError, DescriptionError, LoadError};
use crate::guest::{Code, Guest};
use crate::held_code::HeldCode;
use crate::imports;
use crate::limits::Limits;
use crate::machine_code::{CodeOrigin, MachineCode};
use crate::sections;
use crate::setup::Setup;
use crate::state::{MetricNames, Scope};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Four times the largest language runtime seen in a component.
pub(crate) const MOST_BYTES: usize = 128 << 20;

/// A component that was loaded: it fits the contract, its machine code is in memory, and it has introduced itself. Cheap
/// to clone.
#[derive(Clone)]
pub struct Component(Arc<Inner>);

struct Inner {
    engine: Engine,
    digest: Digest,
    code: HeldCode,
    /// The bytes, where they are there for ever.
    wasm: Option<&'static [u8]>,
    roles: Vec<Role>,
    origin: CodeOrigin,
    capabilities: BTreeSet<Capability>,
    description: Description,
    metric_names: Arc<MetricNames>,
    cases: Option<Box<[u8]>>,
    compiled_in: Duration,
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
    /// it introduce itself. Blocks for up to seconds, or for minutes when it is compiled apart and the cores are busy; call it
    /// where that is allowed.
    ///
    /// # Errors
    /// Says what in the component does not fit, and what would.
    pub fn load(&self, wasm: &[u8]) -> Result<Component, LoadError> {
        self.load_from(wasm, None)
    }

    /// The same for a component that is part of the program, whose machine code can be put away: see
    /// [`Component::put_away`].
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn load_built_in(&self, wasm: &'static [u8]) -> Result<Component, LoadError> {
        self.load_from(wasm, Some(wasm))
    }

    fn load_from(&self, wasm: &[u8], lasting: Option<&'static [u8]>) -> Result<Component, LoadError> {
        if wasm.len() > MOST_BYTES {
            return Err(LoadError::TooLarge { bytes: wasm.len(), limit: MOST_BYTES });
        }
        let digest = Digest::of(wasm);
        let (code, capabilities, origin, compiled_in) = self.code(digest, wasm)?;
        let description = self.describe(digest, &code)?;
        let cases = sections::cases(wasm).map(Box::from);
        let (engine, metric_names) = (self.clone(), Arc::default());
        let roles = Role::ALL.into_iter().filter(|role| code.indices.offers(*role)).collect();
        let code = HeldCode::new(code);
        Ok(Component(Arc::new(Inner {
            engine,
            digest,
            code,
            wasm: lasting,
            roles,
            origin,
            capabilities,
            description,
            metric_names,
            cases,
            compiled_in,
        })))
    }

    /// What instances are made from, with what it imports, where it came from and how long the compiler took.
    fn code(
        &self,
        digest: Digest,
        wasm: &[u8],
    ) -> Result<(Code, BTreeSet<Capability>, CodeOrigin, Duration), LoadError> {
        let MachineCode { component, origin, compiled_in } = self.machine_code(digest, wasm)?;
        let ty = component.component_type();
        let capabilities = imports::check(digest, &ty, self.wasmtime())?;
        let exported = |interface: &str| imports::exports(&ty, self.wasmtime(), interface);
        if !exported("lifecycle") {
            return Err(LoadError::MissingExport { digest, interface: "lifecycle", role: None });
        }
        let mut linker = self.linker();
        imports::stub_wasi(&mut linker, digest, &ty, self.wasmtime())?;
        let contract = |error: wasmtime::Error| LoadError::Contract { digest, reason: format!("{error:#}") };
        let pre = linker.instantiate_pre(&component).map_err(contract)?;
        let indices = Indices::new(&pre, exported).map_err(contract)?;
        Ok((Code { pre, indices }, capabilities, origin, compiled_in))
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
                let scope = Arc::new(self.scope(digest.short(), false, Arc::default(), None, Arc::new(NoModel)));
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
        embed: Arc<dyn Embed>,
    ) -> Scope {
        let (capabilities, shelf) = (self.capabilities().clone(), Arc::clone(self.shelf()));
        Scope { component, capabilities, embed, reads_body, metric_names, artefact, shelf, kept: OnceLock::new() }
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
        self.0.roles.contains(&role)
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

    /// How long its machine code was compiled, without waiting for other compilations: 0 when it was in the cache.
    #[must_use]
    pub fn compiled_in(&self) -> Duration {
        self.0.compiled_in
    }

    /// Requests to try it with and what it is to answer, which its author put into its custom section `trackside:cases`. As
    /// the author wrote them, at most 1 MiB.
    #[must_use]
    pub fn cases(&self) -> Option<&[u8]> {
        self.0.cases.as_deref()
    }

    /// The identity of what [`Component::configure`] would make: two set-ups of one identity make components that behave the
    /// same, so that one will do. Tells the model only where the component may use it.
    #[must_use]
    pub fn identity(&self, setup: &Setup<'_>) -> Digest {
        setup.identity(self.0.digest, self.compares_texts())
    }

    /// Gives it its settings, and the file that it may read as its artefact, and keeps the instance that took them warm.
    /// Also embeds what it declares to compare requests with, which with a model and many texts takes long.
    ///
    /// # Errors
    /// When a capability that it imports is not granted or not there, when it refuses the settings, when it does not come
    /// through the call, or when something that it declares cannot be built.
    pub async fn configure(&self, setup: Setup<'_>) -> Result<Configured, ConfigureError> {
        let component = || self.0.description.serves.clone();
        for &capability in &self.0.capabilities {
            if !capability.is_offered() {
                return Err(ConfigureError::NotOffered { component: component(), capability });
            }
            if !setup.grants.contains(capability) {
                return Err(ConfigureError::NotGranted { component: component(), capability });
            }
        }
        // Whoever does not use the model must not keep it in memory when another one takes its place.
        let embed = if self.compares_texts() { setup.embed } else { Arc::new(NoModel) };
        let scope = self.new_scope(setup.artefact, embed);
        Configured::new(self.clone(), setup.settings.to_string(), *setup.limits, scope).await
    }

    fn compares_texts(&self) -> bool {
        self.wants().contains(&Capability::Embeddings) || self.wants().contains(&Capability::Neighbours)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Gives the machine code of a built-in component back, unless something that is configured with it is in use. It
    /// is loaded again when it is configured.
    pub fn put_away(&self) {
        if self.0.wasm.is_some() {
            self.0.code.put_away();
        }
    }

    /// The machine code. Where it was put away it comes from the cache, and at worst from the compiler.
    pub(crate) async fn code(&self) -> Result<Arc<Code>, CallError> {
        if let Some(code) = self.0.code.get() {
            return Ok(code);
        }
        let component = self.clone();
        let loading = tokio::task::spawn_blocking(move || {
            let Inner { engine, digest, code, wasm, .. } = &*component.0;
            let (loaded, ..) = engine.code(*digest, wasm.unwrap_or_default())?;
            Ok(code.lend(loaded))
        });
        let unavailable = |reason: String| CallError::Instantiate { reason };
        let loaded: Result<_, LoadError> = loading.await.map_err(|error| unavailable(error.to_string()))?;
        loaded.map_err(|error| unavailable(error.to_string()))
    }

    fn new_scope(&self, artefact: Option<ArtefactFile>, embed: Arc<dyn Embed>) -> Scope {
        let Description { serves, needs, .. } = &self.0.description;
        let reads_body = needs.contains(&crate::description::Need::Body);
        self.0.engine.scope(serves.clone(), reads_body, Arc::clone(&self.0.metric_names), artefact, embed)
    }
}
