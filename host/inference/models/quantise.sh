#!/usr/bin/env bash
# Makes the model inside the binary again, from the weights that tests/setup.sh fetches, and checks that it came out the
# same byte for byte. Run it after a change of the quantised format, then commit what changed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
readonly source="target/models/all-MiniLM-L6-v2"
readonly target="host/inference/models/all-MiniLM-L6-v2"

[[ -f "$source/model.safetensors" ]] || tests/setup.sh
cargo run --release --locked --bin trackside -- model quantise "$source" "$target"
if ! (cd "$target" && sha256sum --check --quiet SHA256SUMS); then
  echo "quantise: the files differ from SHA256SUMS; if they should, write it anew in $target:" >&2
  echo '  find . -type f ! -name README.md ! -name SHA256SUMS -printf "%P\n" | LC_ALL=C sort | xargs sha256sum >SHA256SUMS' >&2
  exit 1
fi
echo "quantise: $target is what SHA256SUMS says"
