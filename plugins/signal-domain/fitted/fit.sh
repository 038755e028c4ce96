#!/bin/sh
# Fits domain.safetensors anew: fit.sh EXAM.jsonl... -- CHAT.jsonl...
#
# The files of each kind become one, as every file counts the same when evidence is weighed. The model is the original,
# not the one of 8 bits inside the program: MODEL names its folder. Needs a built `trackside` on the path.
set -eu
: "${MODEL:?set MODEL to the folder of all-MiniLM-L6-v2 with its original weights}"
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

kind=exam
for file; do
    if [ "$file" = -- ]; then
        kind=chat
    else
        cat "$file" >> "$work/$kind.jsonl"
    fi
done
trackside train domain --data "$work/exam.jsonl" "$work/chat.jsonl" \
    --model "$MODEL" --precision fp32 --out "$here/domain.safetensors"
