//! Builds the built-in components and writes the table that `src/lib.rs` includes.

mod wasm;

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, process};

/// Folders of `plugins/` that hold a component, by what their names start with.
const ROLES: [&str; 5] = ["ask", "signal-", "ranking-", "selector-", "plugin-"];

fn main() {
    if let Err(reason) = run() {
        println!("cargo::error={reason}");
        process::exit(1);
    }
}

fn run() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let plugins = root.join("plugins");
    println!("cargo::rerun-if-changed={}", plugins.display());
    let names = components(&plugins)?;
    let packages: Vec<_> = names.iter().map(|name| format!("trackside-{name}")).collect();
    let built = wasm::build(&root, &packages)?;

    let mut table = String::from("&[\n");
    for (name, wasm) in names.iter().zip(&built) {
        writeln!(table, "    BuiltIn {{ name: {name:?}, wasm: include_bytes!({:?}) }},", wasm.display().to_string())
            .map_err(|error| error.to_string())?;
    }
    table.push(']');
    wasm::write_if_changed(&wasm::out_dir()?.join("built_in.rs"), table.as_bytes())
}

fn components(plugins: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", plugins.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(plugins).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if ROLES.iter().any(|role| name.starts_with(role)) && entry.path().join("Cargo.toml").is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
