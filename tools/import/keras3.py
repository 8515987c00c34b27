"""Models that Keras 3 saved, rebuilt with the layers of Keras 2.

The layers that sign models are made of compute the same in both. Their settings differ in names, and weights are
found by the names of layers, never by their order, which the two do not share.
"""

from __future__ import annotations

import re
from typing import Any

import h5py
import numpy as np
import tensorflow as tf
from refusal import Refusal

# Computing alike in Keras 2 and 3, checked layer by layer.
SAME_LAYERS = frozenset(
    [
        "Activation",
        "Add",
        "AlphaDropout",
        "Average",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "BatchNormalization",
        "Bidirectional",
        "Concatenate",
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "ConvLSTM2D",
        "Cropping2D",
        "Dense",
        "DepthwiseConv2D",
        "Dropout",
        "ELU",
        "Flatten",
        "Functional",
        "GRU",
        "GaussianDropout",
        "GaussianNoise",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "InputLayer",
        "LSTM",
        "LayerNormalization",
        "LeakyReLU",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "Maximum",
        "Minimum",
        "Multiply",
        "PReLU",
        "Permute",
        "ReLU",
        "RepeatVector",
        "Rescaling",
        "Reshape",
        "SeparableConv2D",
        "Sequential",
        "SimpleRNN",
        "Softmax",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "Subtract",
        "TimeDistributed",
        "ZeroPadding2D",
        "ZeroPadding3D",
    ]
)

# Settings that Keras 2 lacks, with the values at which they change nothing (none given: they never do).
NEW_SETTINGS: dict[str, tuple[Any, ...]] = {
    "autocast": (True,),
    "build_input_shape": (),
    "lora_alpha": (),
    "lora_rank": (None,),
    "optional": (False,),
    "quantization_config": (None,),
    "renorm": (False,),
    "renorm_clipping": (),
    "renorm_momentum": (),
    "rms_scaling": (False,),
    "seed": (),
    "zero_output_for_mask": (False,),
}
RENAMED_SETTINGS = {("InputLayer", "batch_shape"): "batch_input_shape", ("LeakyReLU", "negative_slope"): "alpha"}

RENAMED_ACTIVATIONS = {"silu": "swish"}
# The same name, another function.
CHANGED_ACTIVATIONS = frozenset({"hard_sigmoid", "leaky_relu"})


def build(config: dict[str, Any], name: str) -> tf.keras.Model:
    """The model with fresh weights."""
    return tf.keras.models.model_from_config(to_keras2(config, name))


def refuse(name: str, what: str) -> Refusal:
    return Refusal(
        "unsupported",
        f"{name} was saved by Keras 3 and {what}, which cannot be carried over to Keras 2. "
        "Rebuild the model with TensorFlow 2.15 (or with the package tf_keras), load its weights and save it as .h5.",
    )


def to_keras2(value: Any, name: str) -> Any:
    """A configuration in the form of Keras 2."""
    if isinstance(value, list):
        return [to_keras2(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if kind == "function":
        return value["config"]
    if kind is None or "config" not in value:
        return {key: to_keras2(item, name) for key, item in value.items()}
    if is_layer(value) and kind not in SAME_LAYERS:
        raise refuse(name, f"uses {kind}")
    settings: dict[str, Any] = {}
    for key, item in (value["config"] or {}).items():
        if key in NEW_SETTINGS:
            if NEW_SETTINGS[key] and item not in NEW_SETTINGS[key]:
                raise refuse(name, f"sets {key} in {kind}")
            continue
        setting = to_keras2(item, name)
        if key in ("activation", "recurrent_activation") and isinstance(setting, str):
            if setting in CHANGED_ACTIVATIONS:
                raise refuse(name, f"uses the activation {setting}")
            setting = RENAMED_ACTIVATIONS.get(setting, setting)
        settings[RENAMED_SETTINGS.get((kind, key), key)] = setting
    result = {"class_name": kind, "config": settings}
    if kind == "Functional":
        for key in ("input_layers", "output_layers"):
            if settings[key] and isinstance(settings[key][0], str):
                settings[key] = [settings[key]]
    if kind == "Bidirectional":
        # Keras 2 puts these prefixes before the names itself.
        for key, prefix in (("layer", "forward_"), ("backward_layer", "backward_")):
            inner = (settings.get(key) or {}).get("config", {})
            if str(inner.get("name", "")).startswith(prefix):
                inner["name"] = inner["name"][len(prefix) :]
    if "inbound_nodes" in value:
        result["name"] = value.get("name", settings["name"])
        result["inbound_nodes"] = [call_of(node, name) for node in value["inbound_nodes"]]
    return result


def is_layer(value: dict[str, Any]) -> bool:
    module = str(value.get("module", "keras.layers"))
    return module in ("keras", "keras.layers") or "inbound_nodes" in value or not module.startswith("keras.")


def call_of(node: dict[str, Any], name: str) -> list[Any]:
    """One call of a layer: Keras 2 lists the tensors it takes, each with the settings of the call."""
    settings = {key: item for key, item in (node.get("kwargs") or {}).items() if item is not None}
    if len(node["args"]) != 1 or settings.keys() - {"training"}:
        raise refuse(name, "calls a layer with several tensors or settings")
    taken = node["args"][0] if isinstance(node["args"][0], list) else [node["args"][0]]
    if not all(isinstance(tensor, dict) and tensor.get("class_name") == "__keras_tensor__" for tensor in taken):
        raise refuse(name, "calls a layer with a constant")
    return [[*tensor["config"]["keras_history"], dict(settings)] for tensor in taken]


def inner_layers(layer: tf.keras.layers.Layer) -> dict[str, tf.keras.layers.Layer]:
    """The layers inside a layer that is no model, by the names under which Keras 3 stores them."""
    names: tuple[str, ...] = ("layer", "forward_layer", "backward_layer", "cell")
    if isinstance(layer, tf.keras.layers.Bidirectional):
        names = names[1:]
    found = {name: getattr(layer, name, None) for name in names}
    return {name: inner for name, inner in found.items() if isinstance(inner, tf.keras.layers.Layer)}


def own_variables(layer: tf.keras.layers.Layer) -> list[tf.Variable]:
    return [] if isinstance(layer, tf.keras.Model) else [*layer._trainable_weights, *layer._non_trainable_weights]


def assign(variable: tf.Variable, stored: h5py.Dataset, name: str) -> None:
    if tuple(variable.shape) != stored.shape:
        raise Refusal(
            "truncated",
            f"{name} is damaged: its weights {stored.name} have the shape {stored.shape}, "
            f"and its network needs {tuple(variable.shape)}. Save or copy it again.",
        )
    variable.assign(np.asarray(stored))


def stored_below(group: h5py.Group) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    group.visititems(lambda path, item: found.update({path: item}) if isinstance(item, h5py.Dataset) else None)
    return {path: item for path, item in found.items() if "seed_generator" not in path}


def set_from_h5(model: tf.keras.Model, weights: h5py.Group, name: str) -> None:
    """Weights from an `.h5` file, where each variable's path ends in its layer's name and its own."""
    for layer in model.layers:
        stored = stored_below(weights[layer.name]) if layer.name in weights else {}
        taken: set[str] = set()
        for owner, variable, depth in variables_with_owner(layer, layer.name, 2):
            own = variable.name.split("/")[-1].split(":")[0]
            if own == "depthwise_kernel" and owner.startswith("depthwise"):
                own = "kernel"
            names = {own, "kernel"} if own == "depthwise_kernel" else {own}
            matching = [
                path
                for path in stored
                if path.split("/")[-1] in names and len(path.split("/")) >= depth and path.split("/")[-depth] == owner
            ]
            if len(matching) != 1:
                raise refuse(name, f"has {len(matching)} weights named {own} for the layer {owner}")
            assign(variable, stored[matching[0]], name)
            taken.add(matching[0])
        if taken != set(stored):
            raise refuse(name, f"has weights in {layer.name} that the layer does not know")


def variables_with_owner(layer: tf.keras.layers.Layer, owner: str, depth: int) -> Any:
    """Each variable with the name of the layer it belongs to, and how far before the path's end that name stands
    (a recurrent layer's variables lie in its cell)."""
    if isinstance(layer, tf.keras.Model):
        for inner in layer.layers:
            yield from variables_with_owner(inner, inner.name, 2)
        return
    for key, inner in inner_layers(layer).items():
        yield from variables_with_owner(inner, owner if key == "cell" else inner.name, 3 if key == "cell" else 2)
    for variable in own_variables(layer):
        yield owner, variable, depth


def set_from_keras(model: tf.keras.Model, config: dict[str, Any], weights: h5py.Group, name: str) -> None:
    """Weights from a `.keras` file, where the layers of a model are counted by their class."""
    stored = stored_below(weights)
    taken: set[str] = set()

    def fill(layer: tf.keras.layers.Layer, config: dict[str, Any], path: str) -> None:
        if isinstance(layer, tf.keras.Model):
            count: dict[str, int] = {}
            for part in config["config"]["layers"]:
                key = snake_case(part["class_name"])
                number = count[key] = count.get(key, -1) + 1
                inner = part["config"]["name"]
                if part["class_name"] != "InputLayer":
                    fill(layer.get_layer(inner), part, f"{path}layers/{key}{f'_{number}' if number else ''}/")
            return
        for key, inner in inner_layers(layer).items():
            fill(inner, config["config"].get(key, config["config"].get("layer", config)), f"{path}{key}/")
        for index, variable in enumerate(own_variables(layer)):
            place = f"{path}vars/{index}"
            if place not in stored:
                raise Refusal("truncated", f"{name} is damaged: it lacks the weights {place}. Save or copy it again.")
            assign(variable, stored[place], name)
            taken.add(place)

    fill(model, config, "")
    if taken != set(stored):
        raise refuse(name, f"has weights that no layer knows ({sorted(set(stored) - taken)[0]})")


def snake_case(name: str) -> str:
    """A class's name as Keras 3 writes it in its files, such as `conv2d` and `re_lu`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
