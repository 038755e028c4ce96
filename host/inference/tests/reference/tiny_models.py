"""Writes one folder beside itself for each architecture and head: a tiny model with random weights as Hugging Face's
transformers saves it, and in expected.json what transformers computes with it.

    python3 -m venv target/reference
    target/reference/bin/pip install torch==2.15.0 transformers==5.23.0 tokenizers==0.23.3
    target/reference/bin/python host/inference/tests/reference/tiny_models.py

The same versions write the same files again. The arithmetic here is float64, so every difference is the crate's.
"""

import json
import pathlib
import shutil

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    ModernBertForTokenClassification,
    ModernBertModel,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaForTokenClassification,
    XLMRobertaModel,
)

HERE = pathlib.Path(__file__).parent
POSITIONS = 40
TEXTS = [
    "",
    "a",
    "what is the tax law ?",
    "The cat sits on the mat, and the cat sleeps on the mat.",
    "unbelievable answers",
    "Was kostet ein Café in Zürich?",
    "unknowable \u732b words \U0001f408 here",
]
WORDS = """what is the of a cat sits sleeps on mat and un believ able tax law answer ? , . was kostet ein cafe in zurich
caf\u00e9 z\u00fcrich the words here""".split()
LABELS = {0: "billing", 1: "law", 2: "other"}
TAGS = {0: "O", 1: "B-THING", 2: "I-THING", 3: "B-PLACE"}


def letters():
    return sorted(set("".join(WORDS + ["abcdefghijklmnopqrstuvwxyz"])))


def template(first, last, ids):
    return processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(first, ids[first]), (last, ids[last])],
    )


def word_piece():
    """With the padding and the cut of whoever saved it, as files have them."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(WORDS), "##s", "##able", "##believ"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = template("[CLS]", "[SEP]", vocabulary)
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.enable_padding(length=5)
    tokenizer.enable_truncation(5)
    return tokenizer


def unigram():
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    whole = [(f"\u2581{word}", -3.0 - 0.01 * index) for index, word in enumerate(dict.fromkeys(WORDS))]
    parts = [("s", -5.0), ("able", -5.5), ("believ", -5.5), ("\u2581", -6.0)]
    parts += [(letter, -9.0 - 0.01 * index) for index, letter in enumerate(letters()) if letter != "s"]
    vocabulary = [(token, 0.0) for token in special] + whole + parts
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = template("<s>", "</s>", {token: index for index, token in enumerate(special)})
    tokenizer.add_special_tokens(special)
    return tokenizer


def byte_pairs():
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    vocabulary = {token: index for index, token in enumerate(special + sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = [("t", "h"), ("th", "e"), ("a", "t"), ("c", "at"), ("\u0120", "the"), ("\u0120", "cat"), ("o", "n"), ("i", "s")]
    for left, right in merges:
        vocabulary[left + right] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = template("[CLS]", "[SEP]", vocabulary)
    tokenizer.add_special_tokens(special)
    return tokenizer


SIZES = dict(hidden_size=32, num_attention_heads=4, max_position_embeddings=POSITIONS)


def bert(tokenizer, layers):
    return BertConfig(
        vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=layers, intermediate_size=64, pad_token_id=0, **SIZES
    )


def xlm_roberta(tokenizer, layers):
    sizes = SIZES | {"max_position_embeddings": POSITIONS + 2}
    return XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=layers, intermediate_size=64, type_vocab_size=1,
        layer_norm_eps=1e-5, **sizes
    )  # fmt: skip


def modern_bert(tokenizer, layers, **more):
    """The window is narrower than most texts. Of four layers, two are of either kind."""
    return ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=layers, intermediate_size=48, local_attention=8,
        pad_token_id=3, cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2,
        global_attn_every_n_layers=3, global_rope_theta=1000.0, local_rope_theta=100.0, **SIZES, **more
    )  # fmt: skip


def randomise(model, seed):
    """Far larger than trained models start from, and norms and biases too, so that every one of them shows."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            parameter.normal_(0.0, 0.25)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(1.0)


def numbers(tensor):
    return [round(value, 7) for value in tensor.tolist()]


def unit(tensor):
    return numbers(tensor / tensor.norm())


def embeddings(model, ids):
    hidden = model(torch.tensor([ids])).last_hidden_state[0]
    return {"mean": unit(hidden.mean(0)), "cls": unit(hidden[0])}


def first_layers(count):
    def run(model, ids):
        layers = model.layers
        model.layers = layers[:count]
        answer = embeddings(model, ids)
        model.layers = layers
        return {f"{pooling}_of_{count}_layers": vector for pooling, vector in answer.items()}

    return run


def probabilities(model, ids):
    return {"probabilities": numbers(model(torch.tensor([ids])).logits[0].softmax(-1))}


def of_tokens(model, ids):
    return {"probabilities": [numbers(row) for row in model(torch.tensor([ids])).logits[0].softmax(-1)][1:-1]}


def old_spelling(config):
    """What files of ModernBERT looked like before transformers 5."""
    rope = config.pop("rope_parameters")
    config.pop("layer_types")
    return config | {
        "global_attn_every_n_layers": 3,
        "global_rope_theta": rope["full_attention"]["rope_theta"],
        "local_rope_theta": rope["sliding_attention"]["rope_theta"],
    }


def byte_spans(text, encoding):
    return [[len(text[:begin].encode()), len(text[:end].encode())] for begin, end in encoding.offsets][1:-1]


def write(name, seed, tokenizer, model, answers, change=lambda config: config):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    randomise(model, seed)
    model.eval().save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = change(json.loads((folder / "config.json").read_text()))
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")

    tokenizer.no_padding()
    tokenizer.no_truncation()
    model.double()
    cases = []
    for text in TEXTS:
        encoding = tokenizer.encode(text)
        assert len(encoding.ids) <= POSITIONS, text
        case = {"text": text, "ids": encoding.ids, "spans": byte_spans(text, encoding)}
        with torch.no_grad():
            for answer in answers:
                case |= answer(model, encoding.ids)
        cases.append(case)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (folder / "expected.json").write_text(f"[\n{lines}\n]\n")


def main():
    texts, tokens = dict(id2label=LABELS), dict(id2label=TAGS)
    for family, tokenizer, config, plain, of_texts, of_tokens_ in [
        ("bert", word_piece, bert, BertModel, BertForSequenceClassification, BertForTokenClassification),
        ("xlm-roberta", unigram, xlm_roberta, XLMRobertaModel, XLMRobertaForSequenceClassification,
         XLMRobertaForTokenClassification),
    ]:  # fmt: skip
        t = tokenizer()
        write(family, 1, t, plain(config(t, 3), add_pooling_layer=False), [embeddings])
        for kind, seed, labels, network, answer in [
            ("texts", 2, texts, of_texts, probabilities),
            ("tokens", 3, tokens, of_tokens_, of_tokens),
        ]:
            t = tokenizer()
            c = config(t, 1)
            c.id2label = labels["id2label"]
            write(f"{family}-{kind}", seed, t, network(c), [answer])

    t = byte_pairs()
    answers = [embeddings, first_layers(2)]
    write("modernbert", 4, t, ModernBertModel(modern_bert(t, 4)), answers, old_spelling)
    for pooling, seed in [("cls", 5), ("mean", 6)]:
        c = modern_bert(t, 2, classifier_pooling=pooling, norm_bias=True, attention_bias=True, mlp_bias=True, **texts)
        write(f"modernbert-texts-{pooling}", seed, t, ModernBertForSequenceClassification(c), [probabilities])
    c = modern_bert(t, 2, classifier_bias=True, **tokens)
    write("modernbert-tokens", 7, t, ModernBertForTokenClassification(c), [of_tokens])


main()
