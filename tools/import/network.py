"""What a clip network takes and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from refusal import Refusal
from tensorflow import keras
from tensorflow.keras import layers


@dataclass
class Clip:
    """`window` frames of height × width pixels, BGR, each value divided by 255."""

    window: int
    height: int
    width: int


@dataclass
class Network:
    """A Keras network in the form in which it is converted: `backbone` and `head`, or `whole` alone."""

    clip: Clip
    labels: int
    whole: keras.Model
    # Clips at once: any number (None), or 1 where the network was made for one.
    batch: int | None = None
    backbone: keras.Model | None = None
    head: keras.Model | None = None
    features: int | None = None
    softmax_added: bool = False
    notes: list[str] = field(default_factory=list)


def clip_of(model: keras.Model, name: str) -> Clip:
    """The window and picture size that the model takes; refuses what is no clip model."""
    needed = (
        "A sign model takes one clip of colour pictures, (window, height, width, 3), for example (10, 224, 224, 3), "
        "all of fixed size."
    )
    if not model.inputs:
        raise Refusal("shape", f"{name} does not say what it takes. Call model.build() and save it again. {needed}")
    if len(model.inputs) != 1:
        raise Refusal("shape", f"{name} has {len(model.inputs)} inputs. {needed}")
    tensor = model.inputs[0]
    shape = tuple(tensor.shape)
    found = f"The input of {name} has the shape {in_words(shape)}"
    if len(shape) != 5 or shape[4] != 3 or shape[0] not in (None, 1):
        hint = " That is a single picture, not a clip." if len(shape) == 4 else ""
        raise Refusal("shape", f"{found}.{hint} {needed}")
    if any(side is None or side < 1 for side in shape[1:4]):
        raise Refusal("shape", f"{found}, which leaves a size open. {needed}")
    if tensor.dtype != tf.float32:
        raise Refusal("shape", f"{found} of the type {tensor.dtype.name}, and float32 is needed. {needed}")
    return Clip(*shape[1:4])


def labels_of(model: keras.Model, name: str) -> int:
    """How many labels the model tells apart; refuses what does not give one row of scores for a clip."""
    needed = "A sign model gives one score for each label, (labels)."
    if len(model.outputs) != 1:
        raise Refusal("shape", f"{name} has {len(model.outputs)} outputs. {needed}")
    shape = tuple(model.outputs[0].shape)
    found = f"The output of {name} has the shape {in_words(shape)}"
    if len(shape) != 2 or shape[0] not in (None, 1) or shape[1] is None:
        hint = " If it scores every frame, give its last recurrent layer return_sequences=False." * (len(shape) == 3)
        raise Refusal("shape", f"{found}. {needed}{hint}")
    if shape[1] < 2:
        raise Refusal(
            "output", f"{found}: a single score. Sign models need a softmax over two labels or more; train it so."
        )
    return int(shape[1])


def in_words(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"


def ensure_probabilities(network: Network, scores: np.ndarray, activation: str | None, name: str) -> np.ndarray:
    """The scores as probabilities. Raw scores of a Dense layer (logits) get the softmax that training had in its loss;
    anything else that is not probabilities is refused."""
    if not np.isfinite(scores).all():
        raise Refusal("output", f"{name} answers with values that are no numbers (NaN or infinity).")
    if (scores >= 0.0).all() and np.abs(scores.sum(axis=1) - 1.0).max() < 1e-3:
        return scores
    if activation == "linear":
        if network.head is not None:
            network.head = with_softmax(network.head)
        network.whole = with_softmax(network.whole)
        network.softmax_added = True
        network.notes.append("The model gives raw scores; a softmax was added to make them probabilities.")
        return np.asarray(tf.nn.softmax(scores))
    if activation == "sigmoid":
        why = "it scores each label on its own (sigmoid), so that several may be true at once"
    else:
        why = f"its last activation is {activation or 'unknown'}"
    raise Refusal(
        "output",
        f"The outputs of {name} are not probabilities: {why}. Give its last layer a softmax and train it again.",
    )


def with_softmax(network: keras.Model) -> keras.Model:
    return keras.Model(network.inputs, layers.Softmax()(network.outputs[0]))
