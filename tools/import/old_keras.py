"""Makes an h5 file of today look as an older TensorFlow would have written it.

What is different was taken from files of the same models that TensorFlow 2.3.1 itself wrote: its configuration knows
neither where a class comes from nor how it was built, some layers had fewer settings, MobileNetV2 padded its input in
a layer of its own, cells of recurrent layers were counted through the model, and names were stored as bytes.
"""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np

# What the files of a TensorFlow release give as `keras_version`.
AGES = {"2.3": "2.4.0"}

NEWER_KEYS = ("module", "registered_name", "build_config")
NEWER_SETTINGS = {
    "Functional": ("trainable",),
    "GlobalAveragePooling2D": ("keepdims",),
    "GlobalAveragePooling3D": ("keepdims",),
    "GlobalMaxPooling1D": ("keepdims",),
}


def make_older(file: h5py.File, age: str) -> None:
    """Rewrites the configuration and the names in an open h5 model file; the weights stay as they are."""
    version = AGES[age]
    config = older(json.loads(file.attrs["model_config"]))
    file.attrs["model_config"] = json.dumps(config).encode("utf-8")
    file.attrs["keras_version"] = version
    weights = file["model_weights"]
    weights.attrs["keras_version"] = version.encode("utf-8")
    del weights["top_level_model_weights"]
    cells = 0
    for layer in names_in(weights, "layer_names"):
        names = names_in(weights[layer], "weight_names")
        for cell in ("gru_cell", "lstm_cell"):
            place = f"{layer}/{cell}"
            if place not in weights[layer]:
                continue
            if cells:
                weights[layer].move(place, f"{place}_{cells}")
                names = [name.replace(f"{place}/", f"{place}_{cells}/") for name in names]
            cells += 1
        set_names(weights[layer], "weight_names", names)
    set_names(weights, "layer_names", names_in(weights, "layer_names"))


def names_in(group: h5py.Group, key: str) -> list[str]:
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in group.attrs[key]]


def set_names(group: h5py.Group, key: str, names: list[str]) -> None:
    group.attrs[key] = np.array([name.encode("utf-8") for name in names]) if names else np.array([], dtype=np.float64)


def older(value: Any) -> Any:
    if isinstance(value, list):
        return [older(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: older(item) for key, item in value.items()}
    if "class_name" in kept:
        for key in NEWER_KEYS:
            kept.pop(key, None)
        for key in NEWER_SETTINGS.get(kept["class_name"], ()):
            kept["config"].pop(key, None)
        if kept["class_name"] == "Functional" and str(kept["config"].get("name", "")).startswith("mobilenetv2"):
            pad_in_a_layer(kept["config"]["layers"])
    return kept


def pad_in_a_layer(layers: list[dict[str, Any]]) -> None:
    """The first convolution's own padding as a layer before it. `same` pads an even input only behind."""
    index = next(index for index, layer in enumerate(layers) if layer["name"] == "Conv1")
    convolution = layers[index]
    padding = {
        "name": "Conv1_pad",
        "trainable": True,
        "dtype": "float32",
        "padding": [[0, 1], [0, 1]],
        "data_format": "channels_last",
    }
    layers.insert(
        index,
        {
            "class_name": "ZeroPadding2D",
            "config": padding,
            "name": "Conv1_pad",
            "inbound_nodes": convolution["inbound_nodes"],
        },
    )
    convolution["config"]["padding"] = "valid"
    convolution["inbound_nodes"] = [[["Conv1_pad", 0, 0, {}]]]
