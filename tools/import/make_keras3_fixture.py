"""Makes fixtures/: one small model as Keras 3 saves it, and Keras 3's own answers.

Run by hand where Keras 3 is installed (3.15.1 with TensorFlow 2.21 made the files that are there); the import's own
environment has Keras 2 and cannot write such files. The weights are random.

    python make_keras3_fixture.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from clips import generate_clips  # noqa: E402
from keras import layers  # noqa: E402

FIXTURES = Path(__file__).parent / "fixtures"
CLIP = (4, 24, 24, 3)
CLIPS = 8


def model() -> keras.Model:
    backbone = keras.Sequential(
        [
            layers.InputLayer(shape=CLIP[1:]),
            layers.Conv2D(4, 3, strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3),
        ],
        name="backbone",
    )
    # Frozen, as a pretrained backbone is: its weights are then listed in another order.
    backbone.trainable = False
    clip = keras.Input(CLIP)
    x = layers.TimeDistributed(backbone)(clip)
    features = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    sequence = layers.Bidirectional(layers.GRU(3))(features)
    strongest = layers.GlobalMaxPooling1D()(layers.Dense(4, activation="silu")(features))
    x = layers.Dropout(0.5)(layers.Concatenate()([sequence, strongest]))
    return keras.Model(clip, layers.Dense(5, activation="softmax")(x))


def randomize(network: keras.Model) -> None:
    rng = np.random.default_rng(3)
    for variable in network.variables:
        name = variable.path.split("/")[-1]
        if "seed" in name:
            continue
        low, high = (0.3, 0.9) if name == "moving_variance" else (-1.0, 1.0)
        variable.assign(rng.uniform(low, high, variable.shape).astype(np.float32))


def main() -> None:
    network = model()
    randomize(network)
    FIXTURES.mkdir(exist_ok=True)
    network.save(FIXTURES / "keras3.keras")
    network.save(FIXTURES / "keras3.h5")
    clips = generate_clips(CLIPS, *CLIP[:3]).astype(np.float32) / np.float32(255.0)
    scores = np.asarray(network(clips, training=False)).astype(float)
    answers = {"keras": keras.__version__, "scores": [[round(score, 7) for score in row] for row in scores.tolist()]}
    (FIXTURES / "keras3.json").write_text(json.dumps(answers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
