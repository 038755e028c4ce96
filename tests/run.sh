#!/usr/bin/env bash
# Every test of the project: installs what they need, builds the executable that they drive, runs them.
# What is passed on the command line goes to `cargo test`, as in `tests/run.sh --test envoy`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/setup.sh
# From here on a missing Envoy is a failure, not a skipped test.
export TRACKSIDE_REQUIRE_ENVOY=1
# The same selection as the test run's, so that nothing is compiled twice.
cargo build --locked --workspace --bins --tests
cargo test --locked --workspace --no-fail-fast "$@"
