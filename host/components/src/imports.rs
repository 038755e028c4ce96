//! What a component asks for, and whether it can have it.

use crate::abi::v0_1::{ALWAYS_GRANTED, PACKAGE, VERSION, serves};
use crate::capability::Capability;
use crate::digest::Digest;
use crate::error::{LoadError, Stop};
use crate::state::State;
use std::collections::BTreeSet;
use wasmtime::Engine;
use wasmtime::component::types::{self, ComponentInstance, ComponentItem};
use wasmtime::component::{Linker, LinkerInstance, ResourceType};

/// Checks every import and export name by itself, so that a refusal can say which one is the matter. Tells which
/// capabilities the component will need.
pub(crate) fn check(digest: Digest, ty: &types::Component, engine: &Engine) -> Result<BTreeSet<Capability>, LoadError> {
    let imports = ty.imports(engine).map(|(name, _)| name);
    let exports = ty.exports(engine).map(|(name, _)| name);
    for name in imports.chain(exports) {
        check_version(digest, name)?;
    }
    let mut capabilities = BTreeSet::new();
    for (name, _) in ty.imports(engine) {
        match own_interface(name) {
            Some((interface, _)) if ALWAYS_GRANTED.contains(&interface) => {}
            Some((interface, _)) => match interface.parse() {
                Ok(capability) => drop(capabilities.insert(capability)),
                Err(_) => return Err(unknown(digest, name)),
            },
            None if is_wasi(name) => {}
            None => return Err(unknown(digest, name)),
        }
    }
    Ok(capabilities)
}

/// Whether a component exports an interface of the contract.
pub(crate) fn exports(ty: &types::Component, engine: &Engine, interface: &str) -> bool {
    ty.exports(engine).any(|(name, _)| own_interface(name).is_some_and(|(found, _)| found == interface))
}

/// Puts something behind every WASI import. Toolchains import parts of WASI that they never call; those that are called
/// trap. The one exception seeds hash maps, which work the same with any number.
pub(crate) fn stub_wasi(
    linker: &mut Linker<State>,
    digest: Digest,
    ty: &types::Component,
    engine: &Engine,
) -> Result<(), LoadError> {
    for (name, item) in ty.imports(engine).filter(|(name, _)| is_wasi(name)) {
        let ComponentItem::ComponentInstance(interface) = item.ty else { return Err(unknown(digest, name)) };
        linker
            .instance(name)
            .and_then(|mut instance| stub_interface(&mut instance, name, &interface, engine))
            .map_err(|_| unknown(digest, name))?;
    }
    Ok(())
}

fn stub_interface(
    linker: &mut LinkerInstance<'_, State>,
    interface: &str,
    ty: &ComponentInstance,
    engine: &Engine,
) -> wasmtime::Result<()> {
    for (name, item) in ty.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(_) if name == "insecure-seed" => {
                linker.func_wrap(name, |_, (): ()| Ok((seed(),)))?;
            }
            ComponentItem::ComponentFunc(_) => {
                let function = format!("{interface}#{name}");
                linker.func_new(name, move |_, _, _, _| Err(Stop::Ungranted(function.clone()).into()))?;
            }
            ComponentItem::Resource(_) => linker.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?,
            ComponentItem::Type(_) => {}
            _ => return Err(Stop::Ungranted(interface.to_owned()).into()),
        }
    }
    Ok(())
}

/// Without randomness the maps are still correct.
fn seed() -> (u64, u64) {
    (getrandom::u64().unwrap_or_default(), getrandom::u64().unwrap_or_default())
}

fn check_version(digest: Digest, name: &str) -> Result<(), LoadError> {
    match own_interface(name) {
        Some((_, version)) if !serves(version) => {
            Err(LoadError::Version { digest, interface: name.to_owned(), found: version.to_owned(), served: VERSION })
        }
        _ => Ok(()),
    }
}

/// Interface and version of a name in our package.
fn own_interface(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix(PACKAGE)?.strip_prefix('/')?;
    Some(rest.split_once('@').unwrap_or((rest, "")))
}

fn is_wasi(name: &str) -> bool {
    name.starts_with("wasi:")
}

fn unknown(digest: Digest, name: &str) -> LoadError {
    LoadError::UnknownImport { digest, import: name.to_owned() }
}
