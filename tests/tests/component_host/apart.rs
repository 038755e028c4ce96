//! Compiled in a process of its own, once traffic has begun.

use crate::forge;
use crate::world::{MISBEHAVING, World, ask, limits, rule};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trackside_components::{CacheDir, CodeOrigin, CompileFailure, Compiler, Engine, EngineOptions, LoadError};
use trackside_tests::place;

fn engine(world: &Arc<World>, program: PathBuf, cache: Option<&Path>) -> Engine {
    let cache = cache.map(|path| CacheDir::open(path).unwrap());
    let engine = world.engine(EngineOptions { cache, compiler: Compiler::Apart(program), instances: 20 });
    engine.traffic_begins();
    engine
}

/// A program in the place of the compiler.
fn script(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("compiler");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    path
}

fn failure(program: &str) -> CompileFailure {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&Arc::new(World::default()), script(&folder, program), None);
    match engine.load(MISBEHAVING).unwrap_err() {
        LoadError::Compile { source, .. } => source,
        other => panic!("{other}"),
    }
}

/// Processes whose command line ends with the compiler's argument, and whose parent is this one.
fn compilers() -> Vec<u32> {
    let ours = |pid: &u32| {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let parent = read("stat").rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        parent == Some(std::process::id()) && read("cmdline").contains("compile-component")
    };
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(ours).collect()
}

#[tokio::test]
async fn what_was_compiled_apart_runs_and_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let world = Arc::new(World::default());
    let component = engine(&world, place::trackside(), Some(home.path())).load(MISBEHAVING).unwrap();
    assert_eq!(component.code_origin(), CodeOrigin::Compiled);
    assert!(component.compiled_in() > Duration::ZERO);
    let configured = world.configure(&component, &rule("match"), &limits(), None).await.unwrap();
    assert_eq!(ask(&configured, "").await.unwrap().len(), 1);

    let here = world.engine(EngineOptions { cache: Some(CacheDir::open(home.path()).unwrap()), ..Default::default() });
    let again = here.load(MISBEHAVING).unwrap();
    assert_eq!((again.code_origin(), again.compiled_in()), (CodeOrigin::Cached, Duration::ZERO));
}

#[test]
fn before_traffic_begins_nothing_is_started() {
    let compiler = Compiler::Apart("/no/such/program".into());
    let engine = Arc::new(World::default()).engine(EngineOptions { compiler, instances: 20, cache: None });
    engine.load(MISBEHAVING).unwrap();
    engine.traffic_begins();
    let error = engine.load(MISBEHAVING).unwrap_err();
    assert!(matches!(&error, LoadError::Compile { source: CompileFailure::Start(_), .. }), "{error}");
}

#[test]
fn invalid_bytes_are_told_as_here() {
    let world = Arc::new(World::default());
    let apart = engine(&world, place::trackside(), None);
    let here = world.engine(EngineOptions { instances: 20, ..EngineOptions::default() });
    for bytes in [&b""[..], b"not wasm at all", &forge::core_module(), &MISBEHAVING[..MISBEHAVING.len() / 2]] {
        assert_eq!(apart.load(bytes).unwrap_err().to_string(), here.load(bytes).unwrap_err().to_string());
    }
}

#[test]
fn a_compiler_that_is_killed_or_fails_is_told_with_what_it_said() {
    let killed = failure("kill -KILL $$");
    assert!(matches!(&killed, CompileFailure::Ended { signal: 9, complaint } if complaint.is_empty()), "{killed}");
    let aborted = failure("cat >/dev/null; echo 'memory allocation of 5 bytes failed' >&2; kill -ABRT $$");
    assert_eq!(aborted.to_string(), "the compiler was ended by signal 6: memory allocation of 5 bytes failed");
    let failed = failure("echo 'no idea' >&2; exit 3");
    assert_eq!(failed.to_string(), "the compiler failed: no idea");
    assert!(matches!(failure("kill -XCPU $$"), CompileFailure::TooSlow));
}

#[test]
fn machine_code_of_somebody_else_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&Arc::new(World::default()), script(&folder, "cat >/dev/null; echo nonsense"), None);
    let error = engine.load(MISBEHAVING).unwrap_err();
    assert!(matches!(&error, LoadError::Invalid { .. }), "{error}");
}

#[test]
fn one_is_compiled_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let turns = folder.path().join("turns");
    let program =
        format!("mkdir {0}/busy || echo both >> {0}/turns; sleep 0.3; rmdir {0}/busy; exit 1", folder.path().display());
    let engine = engine(&Arc::new(World::default()), script(&folder, &program), None);
    thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let (engine, wasm) = (engine.clone(), forge::with_custom_section(MISBEHAVING, name, b""));
            scope.spawn(move || engine.load(&wasm).unwrap_err());
        }
    });
    assert!(!turns.exists(), "two were compiled at once");
}

#[test]
fn what_waits_for_the_compiler_can_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let program = format!("touch {}; exec sleep 60", begun.display());
    let engine = engine(&Arc::new(World::default()), script(&folder, &program), None);
    let started = Instant::now();
    thread::scope(|scope| {
        let loads: Vec<_> = (0..2).map(|_| scope.spawn(|| engine.load(MISBEHAVING))).collect();
        while !begun.exists() {
            assert!(started.elapsed() < Duration::from_secs(20), "the compiler does not begin");
            thread::sleep(Duration::from_millis(5));
        }
        engine.stop_loading();
        for load in loads {
            let error = load.join().unwrap().unwrap_err();
            assert!(matches!(&error, LoadError::Compile { source: CompileFailure::GivenUp, .. }), "{error}");
        }
    });
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
}

#[test]
fn the_compiler_is_last_in_the_queue_and_bounded() {
    let engine = engine(&Arc::new(World::default()), place::trackside(), None);
    let seen = thread::scope(|scope| {
        let load = scope.spawn(|| engine.load(&forge::slow_to_compile(MISBEHAVING, 5000)));
        let mut seen = None;
        while seen.is_none() && !load.is_finished() {
            seen = compilers().into_iter().find_map(|pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
                let nice: i64 = stat.rsplit(") ").next()?.split(' ').nth(16)?.parse().ok()?;
                let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
                (nice == 19 && limits.contains("Max cpu time              120")).then_some(limits)
            });
        }
        engine.stop_loading();
        seen
    });
    let limits = seen.expect("a compiler was seen at the lowest priority");
    let line = limits.lines().find(|line| line.starts_with("Max address space")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("2147483648"), "{limits}");
}

#[tokio::test]
async fn machine_code_that_nothing_uses_can_be_put_away() {
    let home = tempfile::tempdir().unwrap();
    let world = Arc::new(World::default());
    let cache = Some(CacheDir::open(home.path()).unwrap());
    let compiler = Compiler::Apart("/no/such/program".into());
    let engine = world.engine(EngineOptions { cache, compiler, instances: 20 });
    let [lasting, other] = [engine.load_built_in(MISBEHAVING).unwrap(), engine.load(MISBEHAVING).unwrap()];
    engine.traffic_begins();
    let configure = async |component| world.configure(component, &rule("match"), &limits(), None).await;

    lasting.put_away();
    let configured = configure(&lasting).await.unwrap();
    assert_eq!(ask(&configured, "").await.unwrap().len(), 1);
    lasting.put_away();
    // From here on it cannot be loaded: neither from the cache nor by the compiler.
    for file in fs::read_dir(home.path()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    drop(configure(&lasting).await.expect("it is in use"));
    drop(configured);
    let error = configure(&lasting).await.unwrap_err();
    assert!(error.to_string().contains("the compiler cannot be run"), "{error}");

    other.put_away();
    configure(&other).await.expect("bytes that are not there for ever are kept");
}
