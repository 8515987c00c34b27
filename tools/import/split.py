"""Where a clip network can be cut in two.

A network that begins with layers which look at one frame at a time (`TimeDistributed`) is cut behind the last of
them: the part before is the backbone, run once for each new frame; the part after is the head, run once for each
window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from network import Clip, Network, clip_of, labels_of
from refusal import Refusal
from tensorflow import keras
from tensorflow.keras import layers

# They act on each value alone (at inference dropout and noise do nothing), or along the last axis, so they may stand
# among TimeDistributed layers.
ELEMENTWISE = (
    layers.Activation,
    layers.AlphaDropout,
    layers.Dropout,
    layers.ELU,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.LeakyReLU,
    layers.ReLU,
    layers.Rescaling,
    layers.SpatialDropout3D,
    layers.ThresholdedReLU,
)
# Arithmetic with a constant, such as `x / 127.5`, which Keras turns into layers of its own.
ARITHMETIC = frozenset({"cast", "math.add", "math.divide", "math.multiply", "math.subtract", "math.truediv"})
OLD_ARITHMETIC = frozenset({"Add", "AddV2", "Mul", "RealDiv", "Sub"})

# Recurrent layers that ONNX has no operator for are written out step by step up to this window. As a loop they are
# several times slower, and the OpenVINO provider cannot run them at all.
LONGEST_UNROLLED = 64


class Graph:
    """The calls of a Keras model in their order, so that they can be repeated on other tensors."""

    def __init__(self, model: keras.Model) -> None:
        self.input = model.inputs[0]
        self.output = model.outputs[0]
        depths = sorted(model._nodes_by_depth, reverse=True)
        self.calls = [call for depth in depths for call in model._nodes_by_depth[depth] if not call.is_input]

    def run(self, tensor: Any, replacement: Any) -> Any:
        """The output if `tensor` were `replacement`; only what follows from that tensor is called again."""
        known = {id(tensor): replacement}
        for call in self.calls:
            if all(id(taken) in known for taken in call.keras_inputs) and id(self.output) not in known:
                # Keras takes the replacements from a list, one for each place.
                spares = {str(id(taken)): [known[id(taken)]] * len(call.keras_inputs) for taken in call.keras_inputs}
                args, kwargs = call.map_arguments(spares)
                results = call_opened(call.layer, args, kwargs)
                for old, new in zip(tf.nest.flatten(call.outputs), tf.nest.flatten(results)):
                    known.setdefault(id(old), new)
        return known[id(self.output)]

    def only_reader(self, tensor: Any) -> Any | None:
        """The call that takes this tensor and nothing else, if it is the only one that does."""
        readers = [call for call in self.calls if any(taken is tensor for taken in call.keras_inputs)]
        if len(readers) != 1 or tensor is self.output:
            return None
        call = readers[0]
        if len(call.keras_inputs) != 1 or len(tf.nest.flatten(call.outputs)) != 1:
            return None
        return call if acts_with_constants(call.layer) or called_plainly(call) else None


def called_plainly(call: Any) -> bool:
    """Whether the layer got a tensor alone. `training=False`, as for a frozen network, changes nothing here."""
    return len(call.call_args) == 1 and all(key == "training" and not value for key, value in call.call_kwargs.items())


def acts_with_constants(layer: keras.layers.Layer) -> bool:
    """Whether the layer is arithmetic between each value and a number."""
    kind = type(layer).__name__
    if kind == "TFOpLambda":
        return layer.symbol in ARITHMETIC
    if kind == "TensorFlowOpLayer":
        return layer.node_def.op in OLD_ARITHMETIC and all(np.ndim(value) == 0 for value in layer.constants.values())
    return False


def call_opened(layer: keras.layers.Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls the layer; a model with one input and one output is called layer by layer, so that the network made of
    these calls is flat."""
    if isinstance(layer, keras.Model) and len(layer.inputs) == len(layer.outputs) == len(args) == 1:
        graph = Graph(layer)
        return graph.run(graph.input, args[0])
    return layer(*args, **kwargs)


def take_apart(model: keras.Model, name: str, whole: bool = False) -> Network:
    """Cuts the network where it can be cut, unless it is wanted `whole`; a network without a cut stays whole."""
    clip = clip_of(model, name)
    network = flat(model, clip, labels_of(model, name), name)
    if scales_itself(network.whole):
        network.notes.append(
            "The network begins by scaling pixels itself. The server gives it values from 0 to 1, as its "
            "predecessor did; if it was trained on 0 to 255, its predictions will be wrong."
        )
    if whole:
        return network
    graph = Graph(network.whole)
    calls = per_frame_calls(graph)
    if not calls or clip.window == 1:
        return network
    cut = calls[-1].outputs
    network.backbone = backbone_of(calls, clip)
    network.features = int(network.backbone.outputs[0].shape[1])
    network.head = head_of(graph, cut, network.features, network.batch)
    if 4 * network.features > clip.height * clip.width * 3:
        network.notes.append(
            f"The backbone gives {network.features} values for a frame, which take more memory than the frame itself."
        )
    return network


def flat(model: keras.Model, clip: Clip, labels: int, name: str) -> Network:
    """The network for any number of clips at once, or for one if it was made for that."""
    refuse_state(model, name)
    if clip.window <= LONGEST_UNROLLED:
        unroll(model)
    failure: Exception | None = None
    for batch in (None, 1):
        frames = keras.Input((clip.window, clip.height, clip.width, 3), batch_size=batch, name="frames")
        graph = Graph(model)
        try:
            scores = graph.run(graph.input, frames)
        except Exception as cause:
            failure = cause
            continue
        if tuple(scores.shape) == (batch, labels):
            return Network(clip, labels, keras.Model(frames, scores), batch)
    raise Refusal("unsupported", f"{name} cannot be taken apart into its layers: {failure}") from failure


def refuse_state(layer: keras.layers.Layer, name: str) -> None:
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            refuse_state(inner, name)
    elif getattr(layer, "stateful", False) and isinstance(layer, (layers.RNN, layers.Bidirectional)):
        raise Refusal(
            "unsupported",
            f"{name} remembers earlier clips ({layer.name} has stateful=True), so one clip has no answer of its own. "
            "Build it with stateful=False, load its weights and save it again.",
        )


def unroll(model: keras.Model) -> None:
    """Lets recurrent layers run step by step where they would become a loop: those that are not the plain GRU or LSTM,
    and those that skip masked frames."""
    for call in Graph(model).calls:
        if isinstance(call.layer, keras.Model):
            unroll(call.layer)
            continue
        masked = any(getattr(tensor, "_keras_mask", None) is not None for tensor in call.keras_inputs)
        both = (getattr(call.layer, side, None) for side in ("forward_layer", "backward_layer"))
        for layer in (call.layer, *both):
            convolutional = type(layer).__name__.startswith("ConvLSTM")
            plain = getattr(layer, "_could_use_gpu_kernel", False) and not masked
            if isinstance(layer, layers.RNN) and not convolutional and not plain:
                layer.unroll = True
                layer._could_use_gpu_kernel = False


def per_frame_calls(graph: Graph) -> list[Any]:
    """The calls at the beginning that look at one frame at a time, up to the last TimeDistributed."""
    calls: list[Any] = []
    last = 0
    tensor = graph.input
    while (call := graph.only_reader(tensor)) is not None:
        if not isinstance(call.layer, layers.TimeDistributed) and not acts_on_each_value(call, tensor):
            break
        tensor = call.outputs
        if getattr(tensor, "_keras_mask", None) is not None:
            break
        calls.append(call)
        if isinstance(call.layer, layers.TimeDistributed):
            last = len(calls)
    return calls[:last]


def acts_on_each_value(call: Any, tensor: Any) -> bool:
    if isinstance(call.layer, layers.BatchNormalization):
        return list(call.layer.axis) == [len(tensor.shape) - 1]
    if acts_with_constants(call.layer):
        # A constant with a shape of its own could be one for each frame.
        return all(
            np.ndim(value) == 0 for value in (*call.call_args, *call.call_kwargs.values()) if value is not tensor
        )
    return isinstance(call.layer, ELEMENTWISE)


def backbone_of(calls: list[Any], clip: Clip) -> keras.Model:
    """The network over one frame; what it gives is flat."""
    frame = keras.Input((clip.height, clip.width, 3), name="frames")
    x = frame
    for call in calls:
        if isinstance(call.layer, layers.TimeDistributed):
            x = call.layer.layer(x)
        else:
            # With a window of one, because the layer may know how many sides its input has.
            shape = tuple(x.shape[1:])
            args, kwargs = call.map_arguments({str(id(call.keras_inputs[0])): [layers.Reshape((1, *shape))(x)]})
            x = layers.Reshape(shape)(call.layer(*args, **kwargs))
    if len(x.shape) != 2:
        x = layers.Flatten()(x)
    return keras.Model(frame, x)


def head_of(graph: Graph, cut: Any, features: int, batch: int | None) -> keras.Model:
    """The network over the features of a window, which get back the shape that they had at the cut."""
    flat_features = keras.Input((cut.shape[1], features), batch_size=batch, name="features")
    x = flat_features
    if len(cut.shape) != 3:
        x = layers.Reshape(tuple(cut.shape[1:]))(x)
    return keras.Model(flat_features, graph.run(cut, x))


def last_activation(network: keras.Model) -> str | None:
    """The activation that makes the scores, by its Keras name; None where the last layer has none."""
    graph = Graph(network)
    tensor = graph.output
    while True:
        call = next(call for call in graph.calls if any(tensor is out for out in tf.nest.flatten(call.outputs)))
        if not isinstance(call.layer, (layers.Dropout, layers.Flatten, layers.Reshape)):
            break
        tensor = call.keras_inputs[0]
    if isinstance(call.layer, layers.Softmax):
        return "softmax"
    if isinstance(call.layer, layers.TimeDistributed):
        return None
    activation = getattr(call.layer, "activation", None)
    return None if activation is None else keras.activations.serialize(activation)


def scales_itself(network: keras.Model) -> bool:
    """Whether the first thing that happens to pixels is a scaling that brings 0–255 to about 0–1 or -1–1."""
    while True:
        calls = Graph(network).calls
        if not calls:
            return False
        layer = calls[0].layer
        layer = layer.layer if isinstance(layer, layers.TimeDistributed) else layer
        if not isinstance(layer, keras.Model):
            break
        network = layer
    kind = type(layer).__name__
    if kind == "Rescaling":
        factor = float(np.mean(layer.scale))
    elif kind == "TFOpLambda" and layer.symbol in ("math.truediv", "math.divide"):
        numbers = [value for value in (*calls[0].call_args, *calls[0].call_kwargs.values()) if isinstance(value, float)]
        factor = 1.0 / numbers[0] if numbers and numbers[0] else 0.0
    elif kind == "TensorFlowOpLayer" and layer.node_def.op == "RealDiv" and layer.constants:
        factor = 1.0 / float(np.max(next(iter(layer.constants.values()))))
    else:
        return False
    return 0.0 < abs(factor) < 0.02
