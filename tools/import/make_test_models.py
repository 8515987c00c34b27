"""Makes Keras models with random weights for the tests of import_model.py.

    python make_test_models.py --kind wlasl20 --out wlasl20.h5 [--seed 7] [--age 2.3]

Runs in the same environment as import_model.py. Nothing is trained; the weights are drawn so that every layer
passes something on and the outputs differ between clips, because networks are compared by their outputs.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Callable

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from clips import generate_clips  # noqa: E402
from old_keras import AGES, make_older  # noqa: E402
from tensorflow import keras  # noqa: E402
from tensorflow.keras import layers  # noqa: E402

TINY_INPUT = (10, 64, 64, 3)
TINY_LABELS = 6


def wlasl20() -> keras.Model:
    """The sign model of the prototype: MobileNetV2 over each of ten frames, two GRUs, 20 words."""
    mobilenet = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(224, 224, 3))
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=(10, 224, 224, 3)),
            layers.TimeDistributed(mobilenet),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
            layers.GRU(256, return_sequences=True),
            layers.BatchNormalization(),
            layers.GRU(256),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(20, activation="softmax"),
        ]
    )


def tiny_backbone() -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT[1:]),
            layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, strides=2, padding="same"),
            layers.Conv2D(12, 1, activation="relu"),
        ],
        name="tiny_backbone",
    )


def tiny_head() -> list[keras.layers.Layer]:
    return [
        layers.GRU(16),
        layers.Dense(12, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(TINY_LABELS, activation="softmax"),
    ]


def tiny() -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT),
            layers.TimeDistributed(tiny_backbone()),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
            *tiny_head(),
        ]
    )


def tiny_functional() -> keras.Model:
    clip = keras.Input(TINY_INPUT)
    x = layers.TimeDistributed(tiny_backbone())(clip)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    for layer in tiny_head():
        x = layer(x)
    return keras.Model(clip, x)


def tiny_branched() -> keras.Model:
    """Two paths behind the features that meet again, so that the head is not a plain chain."""
    clip = keras.Input(TINY_INPUT)
    x = layers.TimeDistributed(tiny_backbone())(clip)
    features = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    x = layers.Concatenate()([layers.Bidirectional(layers.GRU(8))(features), layers.GlobalMaxPooling1D()(features)])
    return keras.Model(clip, layers.Dense(TINY_LABELS, activation="softmax")(x))


def tiny_maps() -> keras.Model:
    """The backbone ends in a small picture per frame, which the layers after it need as one."""
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT),
            layers.Rescaling(2.0, offset=-1.0),
            layers.TimeDistributed(tiny_backbone()),
            layers.TimeDistributed(layers.AveragePooling2D(4)),
            layers.Dropout(0.2),
            layers.ConvLSTM2D(4, 3),
            layers.Flatten(),
            layers.Dense(TINY_LABELS, activation="softmax"),
        ]
    )


def tiny_lstm() -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT, batch_size=1),
            layers.TimeDistributed(layers.Conv2D(6, 3, strides=4, activation="relu")),
            layers.TimeDistributed(layers.BatchNormalization()),
            layers.TimeDistributed(layers.Flatten()),
            layers.LSTM(12, return_sequences=True),
            layers.LSTM(12),
            layers.Dense(TINY_LABELS, activation="softmax"),
        ]
    )


def tiny_old_gru() -> keras.Model:
    """Recurrent layers that TensorFlow runs step by step, arithmetic on the input, and a frozen nested backbone."""
    clip = keras.Input(TINY_INPUT)
    frames = keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT),
            layers.TimeDistributed(tiny_backbone()),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
        ]
    )
    frames.trainable = False
    x = frames(clip * 2.0 - 1.0, training=False)
    x = layers.GRU(16, reset_after=False, return_sequences=True)(x)
    x = layers.LSTM(12, recurrent_dropout=0.2)(x)
    return keras.Model(clip, layers.Dense(TINY_LABELS, activation="softmax")(x))


def tiny_one_clip() -> keras.Model:
    """Made for a single clip at once, by a size that its graph holds as a constant."""
    clip = keras.Input(TINY_INPUT, batch_size=1)
    x = layers.TimeDistributed(tiny_backbone())(clip)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    x = tf.reshape(x, (1, TINY_INPUT[0] * 12))
    return keras.Model(clip, layers.Dense(TINY_LABELS, activation="softmax")(x))


def conv3d() -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT),
            layers.Conv3D(8, 3, strides=(1, 2, 2), padding="same", activation="relu"),
            layers.MaxPooling3D((2, 2, 2)),
            layers.Conv3D(16, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling3D(),
            layers.Dense(TINY_LABELS, activation="softmax"),
        ]
    )


def wrong_shape() -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT[1:]),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(TINY_LABELS, activation="softmax"),
        ]
    )


@keras.utils.register_keras_serializable(package="signs")
class Emphasis(keras.layers.Layer):
    """A layer that only the person who trained the model has."""

    def call(self, features: tf.Tensor) -> tf.Tensor:
        return features * tf.sigmoid(features)


def custom_layer() -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT),
            layers.TimeDistributed(tiny_backbone()),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
            Emphasis(),
            *tiny_head(),
        ]
    )


def lambda_layer() -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT),
            layers.Lambda(lambda clip: clip * 2.0 - 1.0),
            layers.TimeDistributed(tiny_backbone()),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
            *tiny_head(),
        ]
    )


def with_output(activation: str | None) -> keras.Model:
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=TINY_INPUT),
            layers.TimeDistributed(tiny_backbone()),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
            *tiny_head()[:-1],
            layers.Dense(TINY_LABELS, activation=activation),
        ]
    )


KINDS: dict[str, Callable[[], keras.Model]] = {
    "wlasl20": wlasl20,
    "tiny": tiny,
    "tiny-keras": tiny,
    "tiny-functional": tiny_functional,
    "tiny-branched": tiny_branched,
    "tiny-maps": tiny_maps,
    "tiny-lstm": tiny_lstm,
    "tiny-old-gru": tiny_old_gru,
    "tiny-one-clip": tiny_one_clip,
    "conv3d": conv3d,
    "wrong-shape": wrong_shape,
    "custom-layer": custom_layer,
    "lambda-layer": lambda_layer,
    "not-probabilities": lambda: with_output(None),
    "sigmoid": lambda: with_output("sigmoid"),
    "truncated": tiny,
    "not-keras": tiny,
    "savedmodel": tiny,
}


# Not h5 files of a whole model.
NOT_H5 = ("tiny-keras", "savedmodel", "not-keras")


def leaf_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that hold weights themselves, in the order in which the model lists them."""
    inner = list(getattr(layer, "layers", []))
    for name in ("layer", "forward_layer", "backward_layer"):
        if isinstance(getattr(layer, name, None), keras.layers.Layer):
            inner.append(getattr(layer, name))
    if not inner:
        return [layer]
    return [leaf for child in inner for leaf in leaf_layers(child)]


def randomize(model: keras.Model, seed: int) -> None:
    """Draws weights that keep the signal's size from layer to layer (He et al., arXiv:1502.01852), biases too."""
    rng = np.random.default_rng(seed)
    seen: set[int] = set()
    for layer in leaf_layers(model):
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        drawn = []
        for variable in layer.weights:
            shape, name = variable.shape, variable.name.split("/")[-1].split(":")[0]
            if name == "gamma":
                value = rng.uniform(0.7, 1.3, shape)
            elif name == "beta":
                # Most units of a rectifier stay open, which keeps the network as smooth as a trained one.
                value = rng.uniform(0.5, 1.5, shape)
            elif name in ("bias", "moving_mean"):
                value = rng.normal(0.0, 0.2, shape)
            elif name == "moving_variance":
                value = rng.uniform(0.5, 1.5, shape)
            else:
                fan_in = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
                value = rng.normal(0.0, np.sqrt(2.0 / fan_in), shape)
            drawn.append(value.astype(np.float32))
        if drawn:
            layer.set_weights(drawn)


def settle(model: keras.Model, clips: np.ndarray) -> None:
    """Gives each BatchNormalization the statistics of what really reaches it, as training does. With others a deep
    random network multiplies the last bit of its input until it shows, and nothing can be compared with it."""
    norms = [layer for layer in leaf_layers(model) if isinstance(layer, layers.BatchNormalization)]
    momentum = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(clips, training=True)
    for layer, usual in zip(norms, momentum):
        layer.momentum = usual


def spread_outputs(model: keras.Model, clips: np.ndarray) -> None:
    """Scales each Dense layer at the end so that its outputs vary between clips as much as a trained model's."""
    first = next(index for index, layer in enumerate(model.layers) if isinstance(layer, layers.Dense))
    reaching = keras.Model(model.inputs, model.layers[first].input)
    values = np.concatenate([np.asarray(reaching(clip[None], training=False)) for clip in clips])
    for layer in model.layers[first:]:
        if isinstance(layer, layers.Dense):
            kernel, bias = layer.get_weights()
            sums = values @ kernel
            center = sums.mean(axis=0)
            scale = 1.2 / max(float(np.sqrt(np.mean((sums - center) ** 2))), 1e-6)
            # Centred, so that a ReLU passes about half of it and no single label wins every clip.
            layer.set_weights([kernel * scale, bias - center * scale])
        values = np.asarray(layer(values, training=False))


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def save(model: keras.Model, kind: str, out: Path, age: str | None) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    if kind == "savedmodel":
        model.save(out, save_format="tf")
    elif kind == "tiny-keras":
        model.save(out, save_format="keras")
    elif kind == "not-keras":
        model.save_weights(out, save_format="h5")
    else:
        model.save(out, save_format="h5")
    if age:
        with h5py.File(out, "r+") as file:
            make_older(file, age)
    if kind == "truncated":
        cut(out)


def make(kind: str, out: Path, seed: int = 7, age: str | None = None) -> None:
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = KINDS[kind]()
    randomize(model, seed)
    if len(model.input_shape) == 5:
        _, window, height, width, _ = model.input_shape
        clips = generate_clips(6, window, height, width, seed).astype(np.float32) / 255.0
        settle(model, clips[: model.input_shape[0] or 2])
        spread_outputs(model, clips)
    save(model, kind, out, age)


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes a Keras model with random weights for the tests of the import.")
    parser.add_argument("--kind", required=True, choices=sorted(KINDS))
    parser.add_argument("--out", required=True, type=Path, help="the file to write (a folder for savedmodel)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--age", choices=sorted(AGES), help="make an h5 file look as if this TensorFlow had written it")
    args = parser.parse_args()
    if args.age and args.kind in NOT_H5:
        parser.error(f"--age is for h5 files of whole models, not for {args.kind}")
    make(args.kind, args.out, args.seed, args.age)
    return 0


if __name__ == "__main__":
    sys.exit(main())
