"""Writes languages.bin from the model of py3langid 0.4.0 (data/model.npz.xz in its wheel).

python convert.py model.npz.xz languages.bin        (needs numpy)

Kept are the classes that have an ISO 639-1 code. Scores of features are kept as steps above the least score of their
class, which four of five are at. All numbers are little-endian:

  u32 classes, u32 slots (a power of 2), f32 step
  classes x: 2 bytes code, f32 prior, f32 least score
  slots x:   u64 key of the feature (0: empty slot)
  slots x:   u32 where the feature's steps begin
  slots x:   a bit for each class that has a step, padded to whole bytes
  steps:     u8, for the bits that are set, in order

A key is the feature's bytes, of which there are at most 6, behind a leading 1. Its slot is the next empty one from
(key * 0x9E3779B97F4A7C15 mod 2^64) >> (64 - log2 slots).
"""

import io
import lzma
import sys
from collections import deque

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
BITS = 17

with lzma.open(sys.argv[1]) as packed:
    model = np.load(io.BytesIO(packed.read()))
rows = model["nextmove"].reshape(-1, 256)[model["nextmove_row"]]

# The automaton reads bytes; the shortest way to a state spells what it stands for.
spelled = {0: b""}
waiting = deque([0])
while waiting:
    state = waiting.popleft()
    for byte, following in enumerate(rows[state]):
        if int(following) not in spelled:
            spelled[int(following)] = spelled[state] + bytes([byte])
            waiting.append(int(following))
features = {}
for state in sorted(spelled, key=lambda state: len(spelled[state])):
    feature = int(model["out_feat"][state])
    if feature >= 0:
        features.setdefault(feature, spelled[state])
assert max(map(len, features.values())) <= 6

codes = model["classes"].tolist()
kept = [index for index, code in enumerate(codes) if len(code) == 2]
scores = model["ptc"].astype(np.float32)[:, kept]
least = scores.min(axis=0)
above = scores - least
step = np.float32(above.max() / 255)
steps = np.where(above > 0, np.maximum(1, np.round(above / step)), 0).astype(np.uint8)

slots = 1 << BITS
keys = np.zeros(slots, dtype="<u8")
rows_of = np.full(slots, -1)
for feature, spelling in features.items():
    key = int.from_bytes(b"\1" + spelling, "big")
    slot = (key * GOLDEN % (1 << 64)) >> (64 - BITS)
    while keys[slot]:
        slot = (slot + 1) % slots
    keys[slot], rows_of[slot] = key, feature

begins, masks, values = np.zeros(slots, dtype="<u4"), bytearray(), bytearray()
for slot, feature in enumerate(rows_of):
    row = steps[feature] if feature >= 0 else np.zeros(len(kept), dtype=np.uint8)
    begins[slot] = len(values)
    masks += np.packbits(row > 0, bitorder="little").tobytes()
    values += row[row > 0].tobytes()

with open(sys.argv[2], "wb") as out:
    out.write(np.array([len(kept), slots], dtype="<u4").tobytes() + np.array([step], dtype="<f4").tobytes())
    for position, index in enumerate(kept):
        out.write(codes[index].encode() + np.array([model["pc"][index], least[position]], dtype="<f4").tobytes())
    out.write(keys.tobytes() + begins.tobytes() + masks + values)
