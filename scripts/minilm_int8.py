"""Writes all-MiniLM-L6-v2 as an ONNX model with int8 weights.

    python minilm_int8.py model.safetensors model.onnx           # the int8 model
    python minilm_int8.py --float model.safetensors model.onnx   # the same graph in float32
    python minilm_int8.py --compare model.safetensors tokenizer.json   # both, side by side

The published weights come without a graph, so the graph is written here: BERT with six layers, from
`input_ids`, `attention_mask` and `token_type_ids` to `last_hidden_state`. Pooling is left to the caller.

It promises the same bytes on every machine: the arithmetic is plain IEEE float32, one operation at a time,
and the file holds no dates and no names of machines. `fetch-models` relies on that and checks the hash.

How int8 is done, and why:

* Weights are symmetric int8 with one scale per output column (for the word table: per row). One scale for a
  whole matrix loses much more, because the columns differ in size.
* Activations are quantized while running, per text. So a text's vector depends on what shares its batch:
  embed one text per call.
* The weights are stored already transposed. A product whose second operand is not a constant stays float32.
* Query, key and value are one product, and the division by the square root of the head size is part of the
  query's weights. It is the same arithmetic with fewer steps.
"""

import json
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HIDDEN, HEADS, LAYERS = 384, 12, 6
HEAD = HIDDEN // HEADS
EPSILON = 1e-12  # of every layer normalization, from the model's config.json


def read_safetensors(path):
    """The float32 tensors of a safetensors file, by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(data[start:end], "<f4").reshape(entry["shape"])
    return tensors


def quantize(weights, axis):
    """Symmetric int8 with one scale for each slice along `axis`: weights are about `quantized * scale`."""
    scale = np.max(np.abs(weights), axis=axis, keepdims=True) / np.float32(127)
    scale = np.where(scale == 0, np.float32(1), scale)  # a slice of zeros, such as an unused word
    return np.rint(weights / scale).astype(np.int8), scale


class Graph:
    """Nodes and constants of a graph that grows. Names are counted, so the same calls give the same bytes."""

    def __init__(self, int8):
        self.int8 = int8
        self.nodes = []
        self.constants = {}
        self.quantized = {}  # activations already quantized, by name

    def constant(self, name, value):
        """Adds a constant once and returns its name."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def add(self, kind, *inputs, outputs=1, **attributes):
        """Adds a node and returns the name of its output, or a list of names."""
        name = f"{kind}_{len(self.nodes)}"
        names = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x, name, weights, bias):
        """`x · weights + bias`, in int8 with the sum in int32, or in float32."""
        if self.int8:
            if x not in self.quantized:
                self.quantized[x] = self.add("DynamicQuantizeLinear", x, outputs=3)
            values, scale, zero = self.quantized[x]
            rounded, scales = quantize(weights, axis=0)
            product = self.add(
                "MatMulInteger",
                values,
                self.constant(f"{name}.int8", rounded),
                zero,
                self.constant("zero", np.int8(0)),
            )
            scale = self.add("Mul", scale, self.constant(f"{name}.scale", scales.reshape(-1)))
            product = self.add("Mul", self.add("Cast", product, to=TensorProto.FLOAT), scale)
        else:
            product = self.add("MatMul", x, self.constant(f"{name}.weight", weights))
        return self.add("Add", product, self.constant(f"{name}.bias", bias))

    def lookup(self, name, table, ids):
        """The rows `ids` of a table of words."""
        if not self.int8:
            return self.add("Gather", self.constant(name, table), ids)
        rounded, scales = quantize(table, axis=1)
        rows = self.add("Gather", self.constant(f"{name}.int8", rounded), ids)
        scale = self.add("Gather", self.constant(f"{name}.scale", scales), ids)
        return self.add("Mul", self.add("Cast", rows, to=TensorProto.FLOAT), scale)


def embeddings(graph, tensors):
    """Words, positions and token types, summed and normalized."""
    words = graph.lookup("words", tensors["embeddings.word_embeddings.weight"], "input_ids")
    # The two small tables stay float32: they are 1 % of the file and enter every token.
    types = graph.add("Gather", graph.constant("types", tensors["embeddings.token_type_embeddings.weight"]), "token_type_ids")
    zero, one = graph.constant("start", np.int64(0)), graph.constant("step", np.int64(1))
    length = graph.add("Gather", graph.add("Shape", "input_ids"), one)
    places = graph.add("Range", zero, length, one)
    positions = graph.add("Gather", graph.constant("positions", tensors["embeddings.position_embeddings.weight"]), places)
    return normalize(graph, tensors, graph.add("Add", graph.add("Add", words, types), positions), "embeddings")


def normalize(graph, tensors, x, place):
    """Layer normalization with the weights of `place`."""
    weight, bias = (f"{place}.LayerNorm.{part}" for part in ("weight", "bias"))
    inputs = x, graph.constant(weight, tensors[weight]), graph.constant(bias, tensors[bias])
    return graph.add("LayerNormalization", *inputs, axis=-1, epsilon=EPSILON)


def dense(graph, tensors, x, place):
    """A linear layer whose weights the file holds as [output, input]."""
    return graph.linear(x, place, tensors[f"{place}.weight"].T, tensors[f"{place}.bias"])


def attention(graph, tensors, x, mask, place):
    """Self-attention of all heads."""
    def joined(part):
        query, key, value = (tensors[f"{place}.self.{name}.{part}"] for name in ("query", "key", "value"))
        return np.concatenate([query / np.float32(np.sqrt(HEAD)), key, value]).T

    heads = graph.constant("heads", np.array([0, 0, 3, HEADS, HEAD], np.int64))
    all_three = graph.add("Reshape", graph.linear(x, f"{place}.self", joined("weight"), joined("bias")), heads)
    # [batch, token, 3, head, size] -> [3, batch, head, token, size]
    all_three = graph.add("Transpose", all_three, perm=[2, 0, 3, 1, 4])
    query, key, value = (
        graph.add("Gather", all_three, graph.constant(f"index_{i}", np.int64(i)), axis=0) for i in range(3)
    )
    scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
    weights = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", weights, value), perm=[0, 2, 1, 3])
    mixed = graph.add("Reshape", mixed, graph.constant("whole", np.array([0, 0, HIDDEN], np.int64)))
    return dense(graph, tensors, mixed, f"{place}.output.dense")


def gelu(graph, x):
    """x/2 · (1 + erf(x/√2)), in the form that ONNX Runtime fuses into one step."""
    inner = graph.add("Erf", graph.add("Div", x, graph.constant("root_two", np.float32(np.sqrt(2)))))
    inner = graph.add("Mul", x, graph.add("Add", inner, graph.constant("one", np.float32(1))))
    return graph.add("Mul", inner, graph.constant("half", np.float32(0.5)))


def build(tensors, int8=True):
    """The whole model."""
    graph = Graph(int8)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.add("Unsqueeze", mask, graph.constant("middle", np.array([1, 2], np.int64)))
    mask = graph.add("Sub", graph.constant("one", np.float32(1)), mask)
    mask = graph.add("Mul", mask, graph.constant("far_below", np.float32(-10000)))  # what padding scores
    x = embeddings(graph, tensors)
    for layer in range(LAYERS):
        place = f"encoder.layer.{layer}"
        attended = attention(graph, tensors, x, mask, f"{place}.attention")
        x = normalize(graph, tensors, graph.add("Add", attended, x), f"{place}.attention.output")
        inner = gelu(graph, dense(graph, tensors, x, f"{place}.intermediate.dense"))
        inner = dense(graph, tensors, inner, f"{place}.output.dense")
        x = normalize(graph, tensors, graph.add("Add", inner, x), f"{place}.output")
    graph.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"], name="output"))
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "token"]) for name in names]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "token", HIDDEN])
    body = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], list(graph.constants.values()))
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


SENTENCES = [
    "That is a happy person",
    "That is a happy dog",
    "That is a very happy person",
    "Today is a sunny day",
    "Every parent may take 16 weeks of parental leave, and may split them into two periods.",
    "How long is parental leave?",
]


def compare(weights, tokenizer):
    """Prints the similarities of a few sentences by both models, and fails where they differ."""
    import onnxruntime  # wanted for this check alone
    from tokenizers import Tokenizer

    tokens = Tokenizer.from_file(tokenizer)
    tokens.no_padding()
    tensors = read_safetensors(weights)
    similarities, vectors = [], []
    for int8 in (False, True):
        session = onnxruntime.InferenceSession(build(tensors, int8).SerializeToString())
        rows = []
        for sentence in SENTENCES:
            ids = np.array([tokens.encode(sentence).ids], np.int64)
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            row = session.run(None, feed)[0][0].mean(axis=0)
            rows.append(row / np.linalg.norm(row))
        vectors.append(np.array(rows))
        similarities.append(vectors[-1] @ vectors[-1].T)
    print("float32, similarity to the first sentence:", np.round(similarities[0][0], 4))
    print("int8,    similarity to the first sentence:", np.round(similarities[1][0], 4))
    same = np.sum(vectors[0] * vectors[1], axis=1)
    print("cosine of each sentence's two vectors:    ", np.round(same, 4))
    if same.min() < 0.98 or np.abs(similarities[0] - similarities[1]).max() > 0.04:
        sys.exit("the int8 model differs too much from the float32 model")


def main(arguments):
    """See the top of the file."""
    option = arguments.pop(0) if arguments and arguments[0].startswith("--") else None
    if len(arguments) != 2 or option not in (None, "--float", "--compare"):
        sys.exit(__doc__)
    if option == "--compare":
        return compare(*arguments)
    model = build(read_safetensors(arguments[0]), int8=option is None)
    onnx.checker.check_model(model)
    with open(arguments[1], "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(sys.argv[1:])
