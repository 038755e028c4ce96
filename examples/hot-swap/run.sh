#!/usr/bin/env bash
# Swaps a selector while requests flow through Envoy, and counts what became of them. Needs Rust, and Python 3 with pip.
#   examples/hot-swap/run.sh                 six swaps under 200 requests a second
#   examples/hot-swap/run.sh --swaps 20 --rate 500
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tests/setup.sh
cargo build --locked --release -p trackside
cargo build --locked --profile guest --target wasm32-wasip2 -p trackside-example-cheapest -p trackside-example-strongest
readonly built="${CARGO_TARGET_DIR:-target}"
exec python3 examples/hot-swap/traffic.py --trackside "$built/release/trackside" --envoy target/envoy/envoy \
  --cheapest "$built/wasm32-wasip2/guest/trackside_example_cheapest.wasm" \
  --strongest "$built/wasm32-wasip2/guest/trackside_example_strongest.wasm" "$@"
