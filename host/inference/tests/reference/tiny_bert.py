"""Writes expected.json: what a tiny BERT with generated weights must answer. Needs numpy.

    python3 host/inference/tests/reference/tiny_bert.py

The weights come from a linear congruential generator that tests/support/mod.rs repeats bit by bit; the arithmetic
here is float64, so every difference is the encoder's.
"""

import json
import math
import pathlib

import numpy as np

WIDTH, LAYERS, HEADS, INNER, POSITIONS, MAX_TOKENS = 32, 2, 4, 64, 24, 12
VOCABULARY = """[PAD] [UNK] [CLS] [SEP] what is the of a cat sit ##s on mat un ##believ ##able tax law answer ? ,""".split()
TEXTS = [
    "what is the tax law ?",
    "the cat sits on the mat",
    "unbelievable",
    "unknowable answers",
    "a",
    "",
    "the cat sits on the mat , the cat sits on the mat , the cat sits on the mat",
]


def generator(seed=42):
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield ((state >> 40) / 2**24 - 0.5) * 0.5


def weights():
    """Tensors in the order in which the generator fills them. Norm weights are centred on 1."""
    numbers = generator()

    def fill(*shape, centre=0.0):
        count = math.prod(shape)
        values = np.array([next(numbers) for _ in range(count)], dtype=np.float32) + np.float32(centre)
        return values.astype(np.float64).reshape(shape)

    def norm(name):
        return {f"{name}.weight": fill(WIDTH, centre=1.0), f"{name}.bias": fill(WIDTH)}

    def linear(name, inputs, outputs):
        return {f"{name}.weight": fill(outputs, inputs), f"{name}.bias": fill(outputs)}

    tensors = {
        "embeddings.word_embeddings.weight": fill(len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": fill(POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": fill(2, WIDTH),
    }
    tensors |= norm("embeddings.LayerNorm")
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            tensors |= linear(f"{prefix}.attention.self.{part}", WIDTH, WIDTH)
        tensors |= linear(f"{prefix}.attention.output.dense", WIDTH, WIDTH)
        tensors |= norm(f"{prefix}.attention.output.LayerNorm")
        tensors |= linear(f"{prefix}.intermediate.dense", WIDTH, INNER)
        tensors |= linear(f"{prefix}.output.dense", INNER, WIDTH)
        tensors |= norm(f"{prefix}.output.LayerNorm")
    return tensors


def token_ids(text):
    ids = []
    for word in text.split():
        pieces, rest = [], word
        while rest:
            prefix = "##" if pieces else ""
            length = next((n for n in range(len(rest), 0, -1) if prefix + rest[:n] in VOCABULARY), 0)
            if not length:
                pieces = ["[UNK]"]
                break
            pieces.append(prefix + rest[:length])
            rest = rest[length:]
        ids += [VOCABULARY.index(piece) for piece in pieces]
    special = [VOCABULARY.index("[CLS]"), VOCABULARY.index("[SEP]")]
    return special[:1] + ids[: MAX_TOKENS - 2] + special[1:]


def hidden_states(tensors, ids):
    def linear(x, name):
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def heads(x):
        return x.reshape(len(ids), HEADS, WIDTH // HEADS).transpose(1, 0, 2)

    def softmax(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    gelu = np.vectorize(lambda v: 0.5 * v * (1 + math.erf(v / math.sqrt(2))))
    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        q, k, v = (heads(linear(x, f"{prefix}.attention.self.{part}")) for part in ("query", "key", "value"))
        mixed = softmax(q @ k.transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = norm(x + linear(mixed, f"{prefix}.attention.output.dense"), f"{prefix}.attention.output.LayerNorm")
        inner = gelu(linear(x, f"{prefix}.intermediate.dense"))
        x = norm(x + linear(inner, f"{prefix}.output.dense"), f"{prefix}.output.LayerNorm")
    return x


def unit(vector):
    return [round(value, 7) for value in vector / np.linalg.norm(vector)]


def main():
    tensors, cases = weights(), []
    for text in TEXTS:
        hidden = hidden_states(tensors, token_ids(text))
        cases.append({"text": text, "mean": unit(hidden.mean(0)), "cls": unit(hidden[0])})
    lines = ",\n    ".join(json.dumps(case) for case in cases)
    document = f'{{\n  "vocabulary": {json.dumps(VOCABULARY)},\n  "cases": [\n    {lines}\n  ]\n}}\n'
    (pathlib.Path(__file__).parent / "expected.json").write_text(document)


main()
