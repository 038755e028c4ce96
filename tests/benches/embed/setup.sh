#!/usr/bin/env bash
# What the bench compares with: ONNX Runtime and its model files and, where they install, OpenVINO and its own.
# Needs python3 (3.10 or newer, with venv) and what tests/setup.sh leaves behind. Leaves under target/bench-embed/:
#   venv/                   onnxruntime with its library, openvino
#   model/                  all-MiniLM-L6-v2 without its limit of 256 tokens
#   fp32.onnx, int8.onnx    made of it by models.py
#   openvino.xml, .bin      int8 with calibrated activations
# A second run finds them in place and does nothing.
set -euo pipefail

readonly onnx_pins=(numpy==2.4.6 safetensors==0.8.0 onnx==1.23.2 onnxruntime==1.31.1)
readonly openvino_pins=(openvino==2026.4.1 nncf==3.4.0 tokenizers==0.23.3)

readonly here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$here/../../.."
readonly source="target/models/all-MiniLM-L6-v2"
readonly out="target/bench-embed"
readonly python="$out/venv/bin/python"
readonly pip=("$python" -m pip install --quiet --disable-pip-version-check)
readonly stamp="$out/setup"
readonly wanted="${onnx_pins[*]} ${openvino_pins[*]} $(sha256sum "$here/models.py" | cut -d' ' -f1)"

if [[ "$(cat "$stamp" 2>/dev/null)" == "$wanted" ]]; then
  echo "setup: $out is in place"
  exit 0
fi

mkdir -p "$out/model"
rm -f "$stamp"
for file in config.json tokenizer.json model.safetensors modules.json 1_Pooling; do
  ln -sfn "$(realpath "$source/$file")" "$out/model/$file"
done
[[ -x "$python" ]] || python3 -m venv "$out/venv"
"${pip[@]}" "${onnx_pins[@]}"
"$python" "$here/models.py" onnx "$out/model" "$out"
if "${pip[@]}" "${openvino_pins[@]}"; then
  "$python" "$here/models.py" openvino "$out/model" "$out"
else
  echo "setup: OpenVINO does not install here; the bench leaves it out"
fi
echo "$wanted" >"$stamp"
