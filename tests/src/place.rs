//! Where things lie, and what to do when they do not.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie one folder below the top").to_owned()
}

/// The profile's folder, such as `target/debug`: tests run from the `deps` folder inside it.
fn profile() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    test.ancestors().nth(2).expect("tests run two folders below target/<profile>").to_owned()
}

/// The `trackside` executable that was built beside the tests.
///
/// A test run does not build it, so an old one could be tested by mistake. Cargo leaves a list of its sources beside it, and
/// a source that is newer fails the test.
pub fn trackside() -> PathBuf {
    let binary = profile().join("trackside");
    let built = modified(&binary)
        .unwrap_or_else(|| panic!("{} is missing: run `cargo build` first, or tests/run.sh", binary.display()));
    let sources = std::fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    let sources = sources.split_once(": ").map_or("", |(_, sources)| sources);
    let newer = sources.split_whitespace().find(|path| modified(Path::new(path)).is_some_and(|time| time > built));
    if let Some(path) = newer {
        panic!("{} is older than {path}: run `cargo build` first, or tests/run.sh", binary.display());
    }
    binary
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// The Envoy executable, or `None` after a line that says that the test is skipped. Fails the test instead where Envoy is
/// required: on a build server, and in `tests/run.sh`.
pub fn envoy() -> Option<PathBuf> {
    need(root().join("target/envoy/envoy"), "tests/setup.sh installs it")
}

/// The folder of the small sentence encoder, under the same terms as [`envoy`].
pub fn encoder() -> Option<PathBuf> {
    need(root().join("target/models/all-MiniLM-L6-v2"), "tests/setup.sh installs it")
}

fn need(path: PathBuf, remedy: &str) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0" && value != "false");
    assert!(!set("CI") && !set("TRACKSIDE_REQUIRE_ENVOY"), "{} is missing: {remedy}", path.display());
    println!("skipped: {} is missing, {remedy}", path.display());
    None
}

/// A configuration from the field, beside the repository. `None` after a line that says that the test is skipped.
pub fn shared_config(name: &str) -> Option<PathBuf> {
    shared(&format!("configs/{name}"))
}

/// A file or folder of the material beside the repository, under the same terms as [`shared_config`].
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not part of the project and absent here", path.display());
    None
}
