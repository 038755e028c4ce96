#!/usr/bin/env bash
# Changes everything at random under load, with an executable that was built for speed, and fails if a request fails, if
# two generations mix, or if memory grows.
#   tests/soak.sh              a minute of 2,000 requests a second, with a change every 250 ms
#   tests/soak.sh 600          ten minutes of it: what memory was after the first may grow by a tenth at most
#   tests/soak.sh 60 1000      a minute at another rate
# The seed is printed; TRACKSIDE_RELOAD_SEED=... makes the same changes again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/setup.sh
export TRACKSIDE_REQUIRE_ENVOY=1
export TRACKSIDE_RELOAD_SECONDS="${1:-60}" TRACKSIDE_RELOAD_RATE="${2:-2000}"
# Both packages in each command, as in tests/bench.sh.
readonly packages=(--locked -p trackside -p trackside-tests)
cargo build "${packages[@]}" --release --bin trackside --test reload
cargo test "${packages[@]}" --release --test reload -- --nocapture storm
