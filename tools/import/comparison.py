"""Whether the converted networks answer as the original does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from clips import generate_clips
from network import Network, ensure_probabilities
from refusal import Refusal
from split import last_activation

# Probabilities; float32 in another order of operations differs by about a hundredth of this.
LARGEST_DIFFERENCE = 1e-4
SMALLEST_VARIATION = 1e-6


@dataclass
class Checks:
    """Generated clips, u8 [clips, window, height, width, 3], and the original's answers, f32 [clips, labels]."""

    clips: np.ndarray
    scores: np.ndarray


def ask_original(model: tf.keras.Model, network: Network, count: int, name: str) -> Checks:
    """Runs the original on generated clips. Adds the softmax that it lacks to `network`."""
    size = network.clip
    clips = generate_clips(count, size.window, size.height, size.width)
    scores = np.concatenate([np.asarray(model(as_input(clip[None]), training=False)) for clip in clips])
    scores = ensure_probabilities(network, scores, last_activation(network.whole), name)
    if (scores.max(axis=0) - scores.min(axis=0)).max() < SMALLEST_VARIATION:
        network.notes.append("The model gives nearly the same answer to every generated clip.")
    return Checks(clips, scores.astype(np.float32))


def as_input(frames: np.ndarray) -> np.ndarray:
    return frames.astype(np.float32) / np.float32(255.0)


def difference(files: dict[str, onnx.ModelProto], checks: Checks, batch: int | None, name: str) -> float:
    """The largest difference between any probability of the converted networks and of the original."""
    try:
        scores = converted_scores(files, checks.clips, batch)
    except Exception as cause:
        raise Refusal("convert", f"ONNX Runtime cannot run what {name} became: {str(cause)[:300]}") from cause
    worst = float(np.abs(scores - checks.scores).max())
    if not worst <= LARGEST_DIFFERENCE:
        raise Refusal(
            "compare",
            f"{name} was converted, but the result answers differently: its probabilities are off by up to "
            f"{worst:.2g}, and {LARGEST_DIFFERENCE:g} is allowed. It is not imported; please report the kind of model.",
        )
    return worst


def converted_scores(files: dict[str, onnx.ModelProto], clips: np.ndarray, batch: int | None) -> np.ndarray:
    networks = {name: session(model) for name, model in files.items()}
    # Two at once where that is possible, so that a network which only works for one is found out.
    at_once = 2 if batch is None else 1
    scores = []
    for start in range(0, len(clips), at_once):
        chosen = clips[start : start + at_once]
        if "whole.onnx" in networks:
            scores.append(networks["whole.onnx"].run(["scores"], {"frames": as_input(chosen)})[0])
            continue
        features = [networks["backbone.onnx"].run(["features"], {"frames": as_input(clip)})[0] for clip in chosen]
        scores.append(networks["head.onnx"].run(["scores"], {"features": np.stack(features)})[0])
    return np.concatenate(scores)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
