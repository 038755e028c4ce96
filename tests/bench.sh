#!/usr/bin/env bash
# What routing costs, beside bare gRPC on the same machine: builds both sides with the release profile, then measures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Both packages in each command: cargo then picks the same features of what they share, and compiles it once.
readonly packages=(--locked -p trackside -p trackside-tests)
cargo build "${packages[@]}" --release --bin trackside --bench routing
cargo bench "${packages[@]}" --bench routing
