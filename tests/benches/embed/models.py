"""Makes the files that the bench's peers load, of a BERT sentence encoder with mean pooling.

    models.py onnx MODEL_DIR OUT        fp32.onnx, and int8.onnx by dynamic quantisation per channel
    models.py openvino MODEL_DIR OUT    openvino.xml of fp32.onnx, with activations calibrated on 300 texts

The graphs take token ids of one text and give its unit vector. They have no attention mask: one text needs no padding, and
without it they are a little faster than an export for batches.
"""

import json
import sys
from pathlib import Path

import numpy as np

ONNX_OPSET = 17
CALIBRATION_TEXTS = 300
ROOT = Path(__file__).resolve().parents[3]


class Graph:
    """Collects nodes and constants; every method returns the name of its result."""

    def __init__(self, tensors):
        self.tensors, self.nodes, self.constants = tensors, [], {}

    def constant(self, name, value):
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def weight(self, name):
        return self.constant(name, self.tensors[name].astype(np.float32))

    def node(self, kind, *inputs, **attributes):
        from onnx import helper

        result = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], name=result, **attributes))
        return result

    def linear(self, x, name):
        weight = self.constant(f"{name}.weight", self.tensors[f"{name}.weight"].astype(np.float32).T)
        return self.node("Add", self.node("MatMul", x, weight), self.weight(f"{name}.bias"))

    def norm(self, x, name, epsilon):
        weights = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", x, *weights, axis=-1, epsilon=epsilon)

    def gelu(self, x):
        error = self.node("Erf", self.node("Div", x, self.constant("sqrt2", np.float32(np.sqrt(2)))))
        product = self.node("Mul", x, self.node("Add", error, self.constant("one", np.float32(1))))
        return self.node("Mul", product, self.constant("half", np.float32(0.5)))


def encoder(tensors, config):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph(tensors)
    epsilon, heads, width = config["layer_norm_eps"], config["num_attention_heads"], config["hidden_size"]

    length = graph.node("Slice", graph.node("Shape", "ids"), *(graph.constant(n, np.array([v])) for n, v in [("1", 1), ("2", 2)]))
    words = graph.node("Gather", graph.weight("embeddings.word_embeddings.weight"), "ids")
    types = tensors["embeddings.token_type_embeddings.weight"][0]
    table = graph.constant("places", (tensors["embeddings.position_embeddings.weight"] + types).astype(np.float32))
    places = graph.node("Slice", table, graph.constant("0", np.array([0])), length)
    hidden = graph.norm(graph.node("Add", words, places), "embeddings.LayerNorm", epsilon)

    split, merge = (graph.constant(n, np.array(s)) for n, s in [("split", [0, 0, heads, -1]), ("merge", [0, 0, width])])
    scale = graph.constant("scale", np.float32(np.sqrt(width // heads)))
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"

        def head(part, order):
            projected = graph.linear(hidden, f"{name}.attention.self.{part}")
            return graph.node("Transpose", graph.node("Reshape", projected, split), perm=order)

        scores = graph.node("MatMul", head("query", [0, 2, 1, 3]), head("key", [0, 2, 3, 1]))
        shares = graph.node("Softmax", graph.node("Div", scores, scale), axis=-1)
        seen = graph.node("Transpose", graph.node("MatMul", shares, head("value", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        attended = graph.linear(graph.node("Reshape", seen, merge), f"{name}.attention.output.dense")
        hidden = graph.norm(graph.node("Add", attended, hidden), f"{name}.attention.output.LayerNorm", epsilon)
        inner = graph.gelu(graph.linear(hidden, f"{name}.intermediate.dense"))
        outer = graph.linear(inner, f"{name}.output.dense")
        hidden = graph.norm(graph.node("Add", outer, hidden), f"{name}.output.LayerNorm", epsilon)

    mean = graph.node("ReduceMean", hidden, axes=[1], keepdims=0)
    graph.nodes.append(helper.make_node("LpNormalization", [mean], ["vector"], axis=-1, p=2))
    made = helper.make_graph(
        graph.nodes,
        "encoder",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, width])],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", ONNX_OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def make_onnx(source, out):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from safetensors.numpy import load_file

    tensors = load_file(source / "model.safetensors")
    tensors = {name.removeprefix("bert."): value for name, value in tensors.items()}
    onnx.save(encoder(tensors, json.loads((source / "config.json").read_text())), out / "fp32.onnx")
    quantize_dynamic(out / "fp32.onnx", out / "int8.onnx", per_channel=True, weight_type=QuantType.QInt8)


def texts():
    """Exam questions where they are there, else the paragraphs of this project's documents."""
    questions = ROOT.parent / "shared/data/mmlu-pro/train.jsonl"
    if questions.exists():
        return [json.loads(line)["text"] for line in questions.read_text().splitlines()]
    documents = sorted(ROOT.glob("**/README.md"))
    return [part for file in documents for part in file.read_text().split("\n\n") if len(part) > 40]


def make_openvino(source, out):
    import nncf
    import openvino
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    every = texts()
    picked = every[:: max(1, len(every) // CALIBRATION_TEXTS)][:CALIBRATION_TEXTS]
    ids = [np.array([encoding.ids], dtype=np.int64) for encoding in tokenizer.encode_batch(picked)]
    quantised = nncf.quantize(
        openvino.convert_model(out / "fp32.onnx"),
        nncf.Dataset(ids),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(ids),
    )
    openvino.save_model(quantised, out / "openvino.xml", compress_to_fp16=False)


if __name__ == "__main__":
    make, source, out = sys.argv[1:]
    {"onnx": make_onnx, "openvino": make_openvino}[make](Path(source), Path(out))
