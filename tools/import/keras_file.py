"""Reads model files: Keras `.h5` from TensorFlow 2.3's age on and `.keras`, told apart by their content."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import trust
from refusal import Refusal

if TYPE_CHECKING:
    import tensorflow as tf

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
TRAINING = ("compile_config", "_initializer", "_regularizer", "_constraint")
DROPOUT = ("dropout", "recurrent_dropout")
SAVE_WHOLE = "Save the whole model with model.save('model.h5') and import that."


@dataclass
class Loaded:
    """A model that Keras has rebuilt, and what its file says of itself."""

    model: tf.keras.Model
    format: str
    keras_version: str | None
    label_names: list[str] | None = None
    notes: list[str] = field(default_factory=list)


def load(path: Path, kind: str) -> Loaded:
    """Rebuilds the model with its weights, without any code from the file. `kind` is what `recognise` said."""
    try:
        return load_h5(path) if kind == "h5" else load_keras(path)
    except Refusal:
        raise
    except Exception as cause:
        raise refusal_for(cause, path) from cause


def recognise(path: Path) -> str:
    """`h5` or `keras`; refuses everything else by what it is. Needs no TensorFlow, so the answer comes at once."""
    name = path.name
    if not path.exists():
        raise Refusal("not-found", f"There is no file {path}.")
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            raise Refusal(
                "unsupported",
                f"{name} is a SavedModel folder, which can hold any program and is therefore not opened. "
                "Save the model as one file with tf.keras.models.load_model(folder).save('model.h5') and import that.",
            )
        raise Refusal("not-keras", f"{name} is a folder. Give the model's .h5 or .keras file.")
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as cause:
        raise Refusal("not-found", f"{path} cannot be read: {cause.strerror}.") from cause
    if not start:
        raise Refusal("truncated", f"{name} is empty. Copy or download it again.")
    if start.startswith(HDF5_SIGNATURE):
        return "h5"
    if start.startswith(b"PK\x03\x04"):
        return "keras"
    if start[4:8] == b"TFL3":
        raise Refusal(
            "unsupported",
            f"{name} is a TensorFlow Lite model, which cannot be imported. Import the Keras model it was made from.",
        )
    hint = ""
    if start.startswith(b"version https://git-lfs"):
        hint = " It is a Git LFS pointer; fetch the file itself with git lfs pull."
    elif start.lstrip()[:1] == b"<":
        hint = " It looks like a web page, perhaps saved in place of the download."
    raise Refusal("not-keras", f"{name} is not a Keras model file (.h5 or .keras).{hint}")


def load_h5(path: Path) -> Loaded:
    import keras3
    import tensorflow as tf

    # In memory, because the configuration is changed before Keras reads it.
    content = io.BytesIO(path.read_bytes())
    try:
        file = h5py.File(content, "r+")
    except OSError as cause:
        raise Refusal(
            "truncated", f"{path.name} breaks off or is damaged. Copy or download it again ({first_line(cause)})."
        ) from cause
    with file:
        raw = file.attrs.get("model_config")
        if raw is None:
            if "layer_names" in file.attrs or "layers" in file or "_layer_checkpoint_dependencies" in file:
                raise Refusal("not-keras", f"{path.name} holds only weights, not the network. {SAVE_WHOLE}")
            raise Refusal("not-keras", f"{path.name} is an HDF5 file without a Keras model. {SAVE_WHOLE}")
        config = json.loads(text_of(raw))
        weights = file["model_weights"]
        version = file.attrs.get("keras_version", weights.attrs.get("keras_version"))
        version = None if version is None else text_of(version)
        trust.check_links(file, path.name)
        notes: list[str] = []
        config = without_training(config, notes)
        trust.check_config(config, path.name)
        if major(version) == 3:
            model = keras3.build(config, path.name)
            keras3.set_from_h5(model, weights, path.name)
        else:
            file.attrs["model_config"] = json.dumps(config).encode("utf-8")
            model = tf.keras.models.load_model(file, compile=False)
        return Loaded(model, "h5", version, label_names(dict(file.attrs)), notes)


def load_keras(path: Path) -> Loaded:
    import keras3
    import tensorflow as tf

    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as cause:
        raise Refusal("truncated", f"{path.name} breaks off or is damaged. Copy or download it again.") from cause
    with archive:
        members = archive.namelist()
        if "config.json" not in members or "model.weights.h5" not in members:
            raise Refusal("not-keras", f"{path.name} is an archive, but not one that Keras wrote. {SAVE_WHOLE}")
        config = json.loads(archive.read("config.json"))
        metadata = json.loads(archive.read("metadata.json")) if "metadata.json" in members else {}
        version = metadata.get("keras_version")
        notes: list[str] = []
        config = without_training(config, notes)
        trust.check_config(config, path.name)
        weights = archive.read("model.weights.h5")
    with h5py.File(io.BytesIO(weights), "r") as file:
        trust.check_links(file, path.name)
        if major(version) == 3:
            model = keras3.build(config, path.name)
            keras3.set_from_keras(model, config, file, path.name)
            return Loaded(model, "keras", version, None, notes)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"
        with zipfile.ZipFile(copy, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("metadata.json", json.dumps(metadata))
            archive.writestr("model.weights.h5", weights)
        model = tf.keras.models.load_model(copy, compile=False, safe_mode=True)
    return Loaded(model, "keras", version, None, notes)


def without_training(config: Any, notes: list[str]) -> Any:
    """The configuration in single precision and without what only training needs, which is often the trainer's own
    code: losses, initial weights, penalties."""
    if isinstance(config, list):
        return [without_training(item, notes) for item in config]
    if not isinstance(config, dict):
        return config
    kept = {key: without_training(item, notes) for key, item in config.items() if not key.endswith(TRAINING)}
    precision = kept.get("dtype")
    if isinstance(precision, dict):
        precision = (precision.get("config") or {}).get("name")
    if isinstance(precision, str) and "float" in precision:
        note = f"The model was made with {precision}; it is imported in float32."
        if precision != "float32" and note not in notes:
            notes.append(note)
        kept["dtype"] = "float32"
    for key in DROPOUT:
        # Recurrent layers that know dropout take a slower way even where they do not use it.
        if isinstance(kept.get(key), float):
            kept[key] = 0.0
    return kept


def label_names(attributes: dict[str, Any]) -> list[str] | None:
    """Names of the labels, where somebody has put them into the file; Keras itself has no place for them."""
    for key in ("labels", "label_names", "class_names", "classes"):
        value = attributes.get(key)
        if value is None:
            continue
        try:
            names = json.loads(text_of(value)) if isinstance(value, (str, bytes)) else [text_of(name) for name in value]
        except (TypeError, ValueError):
            continue
        if isinstance(names, list) and names and all(isinstance(name, str) and name for name in names):
            return names
    return None


def text_of(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def major(version: str | None) -> int:
    head = (version or "2").split(".")[0]
    return int(head) if head.isdigit() else 2


def first_line(cause: BaseException) -> str:
    return next((line.strip() for line in str(cause).splitlines() if line.strip()), type(cause).__name__)[:300]


def refusal_for(cause: Exception, path: Path) -> Refusal:
    """What Keras could not do with the file, in words."""
    words = str(cause)
    if any(
        sign in words for sign in ("Unknown layer", "Unknown activation", "Could not locate", "Unknown initializer")
    ):
        return Refusal(
            "custom-layer",
            f"{path.name} names something that Keras 2.15 does not have: {first_line(cause)} "
            "Replace it by what Keras offers and save the model again.",
        )
    if isinstance(cause, (OSError, KeyError, json.JSONDecodeError, UnicodeDecodeError)):
        return Refusal(
            "truncated", f"{path.name} is incomplete or damaged: {first_line(cause)}. Copy or download it again."
        )
    return Refusal(
        "unsupported",
        f"{path.name} cannot be rebuilt by Keras 2.15: {first_line(cause)} "
        "Load it with the TensorFlow it was made with, and save it again as .h5.",
    )
