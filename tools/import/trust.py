"""What a model file may ask for. Keras rebuilds a model by looking up names from the file and calling what it finds;
only layers and functions that compute on numbers are let through, so that importing a model never runs its code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
from refusal import Refusal

# Part of Keras, but they run code from the file or open other files.
UNSAFE = frozenset({"TFSMLayer", "TextVectorization", "StringLookup", "IntegerLookup", "Hashing", "HashedCrossing"})

# What configurations name beside the layers, initializers, regularizers and constraints of `tf.keras`.
STRUCTURE = frozenset(
    {"Functional", "Model", "Sequential", "TensorShape", "__ellipsis__", "__keras_tensor__", "__tuple__", "function"}
)

# Calls of TensorFlow functions inside a functional model, such as `x / 255.0`.
FUNCTION_LAYERS = frozenset({"TFOpLambda", "SlicingOpLambda"})
FUNCTION_PREFIXES = ("math.", "nn.", "__operators__.")
FUNCTIONS = frozenset(
    {
        "cast",
        "clip_by_value",
        "compat.v1.shape",
        "compat.v1.transpose",
        "concat",
        "expand_dims",
        "identity",
        "image.resize",
        "reshape",
        "shape",
        "split",
        "squeeze",
        "stack",
        "tile",
        "transpose",
        "unstack",
    }
)

# The same as TensorFlow up to 2.3 wrote them: single operations of a graph.
OPERATIONS = frozenset(
    [
        "Add",
        "AddV2",
        "BiasAdd",
        "Cast",
        "ConcatV2",
        "Exp",
        "ExpandDims",
        "Identity",
        "Max",
        "Maximum",
        "Mean",
        "Minimum",
        "Mul",
        "Neg",
        "Pack",
        "RealDiv",
        "Relu",
        "Relu6",
        "Reshape",
        "Rsqrt",
        "Shape",
        "Sigmoid",
        "Softmax",
        "Sqrt",
        "Square",
        "Squeeze",
        "StridedSlice",
        "Sub",
        "Sum",
        "Tanh",
        "Transpose",
    ]
)


def objects(config: Any) -> Iterator[dict[str, Any]]:
    """Every part of a configuration that names a class."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        for value in config.values():
            yield from objects(value)
    elif isinstance(config, list):
        for value in config:
            yield from objects(value)


def public_names() -> frozenset[str]:
    from tensorflow import keras

    modules = (keras.layers, keras.initializers, keras.regularizers, keras.constraints)
    return frozenset(name for module in modules for name in dir(module)) - UNSAFE


def check_config(config: Any, name: str) -> None:
    """Refuses a configuration that names anything but what Keras itself offers for computing."""
    known = public_names() | STRUCTURE
    strangers: list[str] = []
    for part in objects(config):
        kind = str(part["class_name"])
        settings = part.get("config")
        if kind in ("Lambda", "__lambda__"):
            raise Refusal("lambda", lambda_words(name, settings))
        if kind in FUNCTION_LAYERS:
            function = str((settings or {}).get("function", ""))
            if not function.startswith(FUNCTION_PREFIXES) and function not in FUNCTIONS:
                strangers.append(f"tf.{function}")
        elif kind == "TensorFlowOpLayer":
            operation = operation_of(settings or {})
            if operation not in OPERATIONS:
                strangers.append(f"the TensorFlow operation {operation}")
        elif kind not in known or not from_keras(part):
            strangers.append(kind.split(">")[-1])
    if strangers:
        listed = ", ".join(dict.fromkeys(strangers))
        raise Refusal(
            "custom-layer",
            f"{name} uses {listed}, which is not part of Keras, so it cannot be rebuilt here. "
            "Replace it by layers that Keras offers and save the model again.",
        )


def from_keras(part: dict[str, Any]) -> bool:
    """Whether newer files, which say where a class comes from, say that it is Keras."""
    module = part.get("module")
    if part["class_name"] == "function":
        return module == "builtins" and isinstance(part.get("config"), str) and part["config"].isidentifier()
    registered = part.get("registered_name")
    return (module is None or module == "keras" or str(module).startswith("keras.")) and (
        registered is None or registered == part["class_name"]
    )


def lambda_words(name: str, settings: Any) -> str:
    layer = f" ({settings['name']})" if isinstance(settings, dict) and isinstance(settings.get("name"), str) else ""
    return (
        f"{name} has a Lambda layer{layer}: Python code inside the file, which is never run here. "
        "Replace it by layers that Keras offers, such as Rescaling or Reshape, and save the model again."
    )


def operation_of(settings: dict[str, Any]) -> str:
    import json

    definition = settings.get("node_def")
    if isinstance(definition, str):
        try:
            definition = json.loads(definition)
        except ValueError:
            return "?"
    return str(definition.get("op", "?")) if isinstance(definition, dict) else "?"


def check_links(group: h5py.Group, name: str) -> None:
    """Refuses an h5 file whose weights lie in other files."""
    for key in group:
        link = group.get(key, getlink=True)
        item = group.get(key) if isinstance(link, h5py.HardLink) else None
        if isinstance(item, h5py.Group):
            check_links(item, name)
        elif not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
            raise Refusal(
                "unsupported",
                f"{name} points to other files or places for its content ({group.name}/{key}). "
                "Save the model again in one file.",
            )
