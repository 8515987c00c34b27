"""Keras networks as ONNX, in which only the number of frames or clips, `n`, is open."""

from __future__ import annotations

import logging

import onnx
import tensorflow as tf
from refusal import Refusal

OPSET = 13
BATCH = "n"
LOOPS = ("Loop", "Scan")


def convert(network: tf.keras.Model, input_name: str, output_name: str, file: str) -> onnx.ModelProto:
    """The network as ONNX with these names; refuses what has no counterpart there."""
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    signature = [tf.TensorSpec(network.inputs[0].shape, tf.float32, name=input_name)]
    try:
        model, _ = tf2onnx.convert.from_keras(network, signature, opset=OPSET)
        graph = model.graph
        rename(graph, graph.input[0].name, input_name)
        rename(graph, graph.output[0].name, output_name)
        name_batch(graph, network.inputs[0].shape[0])
        onnx.checker.check_model(model, full_check=True)
    except Exception as cause:
        line = next((line.strip() for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
        raise Refusal("convert", f"{file} has layers that cannot be written as ONNX: {line[:300]}") from cause
    return model


def rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    if old == new:
        return
    if any(new in node.output for node in graph.node):
        rename(graph, new, f"{new}_inside")
    for value in (*graph.input, *graph.output):
        if value.name == old:
            value.name = new
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def name_batch(graph: onnx.GraphProto, batch: int | None) -> None:
    """Gives the first side of input and output its one name, and drops the converter's own names for sides inside."""
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        first = value.type.tensor_type.shape.dim[0]
        if batch is None:
            first.dim_param = BATCH
        else:
            first.dim_value = batch
    for value in (*graph.input, *graph.output):
        for side in value.type.tensor_type.shape.dim[1:]:
            if not side.dim_value:
                raise ValueError(f"{value.name} has a side of unknown size")


def has_loop(model: onnx.ModelProto) -> bool:
    """Whether a layer became a loop, which the OpenVINO provider cannot run."""
    return any(node.op_type in LOOPS for node in model.graph.node)
