//! The example that newcomers run.

use std::process::Command;
use trackside_tests::place;

#[test]
fn the_hot_swap_example_swaps_and_fails_nothing() {
    let Some(envoy) = place::envoy() else { return };
    let output = Command::new("python3")
        .arg(place::root().join("examples/hot-swap/traffic.py"))
        .arg("--trackside")
        .arg(place::trackside())
        .arg("--envoy")
        .arg(envoy)
        .args(["--cheapest", concat!(env!("OUT_DIR"), "/trackside_example_cheapest.wasm")])
        .args(["--strongest", concat!(env!("OUT_DIR"), "/trackside_example_strongest.wasm")])
        .args(["--swaps", "2", "--rate", "50"])
        // A cache of the tests' own, as the harness gives to routers.
        .env("XDG_CACHE_HOME", place::trackside().with_file_name("test-cache"))
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("2 swaps, 0 failed"), "{said}");
    assert!(said.contains("refused: E0412"), "{said}");
    for line in ["generation 2: strongest", "generation 3: cheapest", "1  small", "2  large", "3  small"] {
        assert!(said.contains(line), "{line}: {said}");
    }
}
