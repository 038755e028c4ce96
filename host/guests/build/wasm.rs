//! Builds packages of this workspace to WebAssembly components, from within a build script. Shared with `tests/build.rs`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";

/// What the outer build sets for its own compiler, and what must not reach the one for components: native flags, lint
/// drivers, wrappers.
const NOT_INHERITED: [&str; 7] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC",
];

/// Builds packages, and answers with the path of a copy of each, in the same order. The copies lie in the script's
/// output folder and change only when their content does.
pub(crate) fn build(root: &Path, packages: &[String]) -> Result<Vec<PathBuf>, String> {
    for input in ["wit", "plugins/sdk", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    ensure_target(root)?;
    let out = out_dir()?;
    let target_dir = shared_target_dir(&out)?;
    let mut cargo = command(&variable("CARGO")?, root);
    cargo.args(["build", "--quiet", "--profile", "guest", "--target", TARGET, "--target-dir"]).arg(&target_dir);
    cargo.args(packages.iter().flat_map(|package| ["-p", package]));
    run(&mut cargo, "the components do not build")?;
    packages.iter().map(|package| copy(&target_dir, package, &out)).collect()
}

pub(crate) fn out_dir() -> Result<PathBuf, String> {
    variable("OUT_DIR").map(PathBuf::from)
}

/// Leaves a file alone that already has this content, so that nothing that includes it is compiled again.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

fn copy(target_dir: &Path, package: &str, out: &Path) -> Result<PathBuf, String> {
    let file = format!("{}.wasm", package.replace('-', "_"));
    let built = target_dir.join(TARGET).join("guest").join(&file);
    let content = fs::read(&built).map_err(|error| format!("{} was not built: {error}", built.display()))?;
    let copy = out.join(file);
    write_if_changed(&copy, &content)?;
    Ok(copy)
}

/// A folder of its own, because the outer build holds the lock of the other one, and one for all scripts, because they
/// share most of what is compiled: `<target>/guests`, four levels up from `<target>/<profile>/build/<package>/out`.
fn shared_target_dir(out: &Path) -> Result<PathBuf, String> {
    let target = out.ancestors().nth(4).ok_or_else(|| format!("{} is not where cargo puts it", out.display()))?;
    Ok(target.join("guests"))
}

/// A checkout whose toolchain was installed by other means than `rust-toolchain.toml` lacks the target: ask rustup once.
fn ensure_target(root: &Path) -> Result<(), String> {
    if target_is_installed(root)? {
        return Ok(());
    }
    let added = command("rustup", root).args(["target", "add", TARGET]).status();
    if added.is_ok_and(|status| status.success()) && target_is_installed(root)? {
        return Ok(());
    }
    Err(format!("the compiler has no standard library for {TARGET}: run `rustup target add {TARGET}` and build again"))
}

fn target_is_installed(root: &Path) -> Result<bool, String> {
    let rustc = variable("RUSTC")?;
    let asked = command(&rustc, root).args(["--print", "target-libdir", "--target", TARGET]).output();
    let asked = asked.map_err(|error| format!("{rustc} does not start: {error}"))?;
    Ok(Path::new(String::from_utf8_lossy(&asked.stdout).trim()).is_dir())
}

fn command(program: &str, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    command
}

fn run(command: &mut Command, what_it_means: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what_it_means} ({status}); the compiler's messages are above")),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}

fn variable(name: &str) -> Result<String, String> {
    let value = env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))?;
    value.into_string().map_err(|value| format!("{name} is not Unicode: {}", value.display()))
}
