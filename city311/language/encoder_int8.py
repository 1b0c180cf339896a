"""The sentence encoder in 8 bits: a quarter of the size and less than half of the time of 32.

How far the numbers go that enter each product is found once, on texts kept beside this file. With these fixed ranges,
instead of ranges found anew for whatever is read, a text gives the same vector alone and among others, in a training
and afterwards. A few columns go much further than all others and would leave those hardly any steps; so each column is
divided by a factor that its weights are multiplied by (SmoothQuant, Xiao et al. 2023).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TEXTS = Path(__file__).with_name("encoder_texts.yml")

_SHARE = 0.8
"""How much of the difficulty goes over to the weights: 0 leaves it with the numbers that enter, 1 leaves them none."""
_SUFFIX = ".smooth"

Feed = Mapping[str, Any]
"""What the graph is given for one text: the name of each input, and its array."""


def quantise(source: Path, target: Path, feeds: Sequence[Feed]) -> None:
    """Write the graph in ``source``, whose matrix products have a constant on their right, to ``target`` in 8 bits.

    Args:
        source: an ONNX file in 32 bits.
        target: where the other goes.
        feeds: texts that show how far the numbers go.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    smooth = target.with_suffix(_SUFFIX)
    onnx.save(_smoothed(onnx.load(str(source)), feeds), str(smooth))
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the quantiser advises a pre-processing that this graph does not need
    try:
        quantize_static(
            smooth,
            target,
            _reader(feeds),
            quant_format=QuantFormat.QDQ,  # in which results stay in 32 bits
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,  # processors without VNNI would overflow
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )
    finally:
        root.setLevel(level)
        smooth.unlink(missing_ok=True)


def _smoothed(model: Any, feeds: Sequence[Feed]) -> Any:
    """The same graph, in which no column that enters a product goes much further than the others."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    constants = {one.name: one for one in graph.initializer}
    of_entering = defaultdict(list)
    for node in graph.node:
        if node.op_type == "MatMul":
            of_entering[node.input[0]].append(node.input[1])
    furthest = _furthest(model, set(of_entering), feeds)
    even: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        if node.op_type == "MatMul":
            entering = node.input[0]
            if entering not in even:
                even[entering] = f"{entering}.even"
                weights = [numpy_helper.to_array(constants[name]) for name in of_entering[entering]]
                largest = np.abs(np.concatenate(weights, axis=1)).max(axis=1)
                factors = furthest[entering] ** _SHARE / largest ** (1 - _SHARE)
                factors = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
                for name, values in zip(of_entering[entering], weights, strict=True):
                    constants[name].CopyFrom(numpy_helper.from_array(values * factors[:, None], name))
                divisors = numpy_helper.from_array(1 / factors, f"{entering}.divisors")
                graph.initializer.append(divisors)
                nodes.append(helper.make_node("Mul", [entering, divisors.name], [even[entering]], name=even[entering]))
                # The quantiser must know the type, and sees none behind an operator of ONNX Runtime's own.
                shape = ["batch", "length", len(factors)]
                graph.value_info.append(helper.make_tensor_value_info(even[entering], TensorProto.FLOAT, shape))
            node.input[0] = even[entering]
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _furthest(model: Any, names: set[str], feeds: Sequence[Feed]) -> dict[str, Any]:
    """The largest number, sign aside, in each column of the values ``names``."""
    import onnxruntime
    from onnx import ModelProto, TensorProto, helper

    shown = ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in sorted(names))
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    furthest: dict[str, Any] = dict.fromkeys(names, np.float32(1e-6))
    for feed in feeds:
        for name, values in zip(sorted(names), session.run(sorted(names), feed), strict=True):
            furthest[name] = np.maximum(furthest[name], np.abs(values).max(axis=(0, 1)))
    return furthest


def _reader(feeds: Sequence[Feed]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._feeds = iter(feeds)

        def get_next(self) -> Feed | None:
            return next(self._feeds, None)

    return Reader()
