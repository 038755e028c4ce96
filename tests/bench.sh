#!/usr/bin/env bash
# Builds the benches that are named, and what they measure, with the release profile, and runs them; all without a name.
#   tests/bench.sh roundtrip semantic footprint     what the router costs
#   tests/bench.sh swap                           how soon a change serves, and what it costs the requests meanwhile
#   tests/bench.sh embed                          what an embedding costs, beside ONNX Runtime and OpenVINO
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ $# -gt 0 ]] || set -- roundtrip semantic footprint swap embed
benches=()
for name in "$@"; do
  benches+=(--bench "$name")
  if [[ "$name" == embed ]]; then
    tests/setup.sh
    tests/benches/embed/setup.sh
  fi
done

# Both packages in each command: cargo then picks the same features of what they share, and compiles it once.
readonly packages=(--locked -p trackside -p trackside-tests)
cargo build "${packages[@]}" --release --bin trackside "${benches[@]}"
cargo bench "${packages[@]}" "${benches[@]}"
