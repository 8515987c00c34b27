"""Triton with a detector that finds one thing in each picture: `serve.py PORT pixels|jpeg`; three ports are taken."""

import sys
from typing import Any

import numpy as np
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def find(requests: list[Any]) -> list[dict[str, np.ndarray]]:
    """One box over the upper left of what was given, in its pixels."""
    answers = []
    for request in requests:
        if "jpeg" in request.data:
            jpeg = request.data["jpeg"].reshape(-1)[0]
            if not jpeg.startswith(b"\xff\xd8"):
                raise ValueError("this is no JPEG")
            box = [0, 0, 160, 120]
        else:
            box = [0, 0, 32, 24]
        answers.append(
            {
                "boxes": np.array([box], np.float32),
                "scores": np.array([0.75], np.float32),
                "classes": np.array([3], np.int32),
                "labels": np.array([b"bicycle"], np.object_),
            }
        )
    return answers


def main() -> None:
    """Serves until it is killed."""
    port, takes = int(sys.argv[1]), sys.argv[2]
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=port,
        grpc_address="127.0.0.1",
        grpc_port=port + 1,
        metrics_port=port + 2,
        allow_metrics=False,
    )
    jpeg = Tensor(name="jpeg", dtype=np.bytes_, shape=(1,))
    pixels = Tensor(name="image", dtype=np.uint8, shape=(1, 64, 64, 3))
    outputs = [
        Tensor(name="boxes", dtype=np.float32, shape=(-1, 4)),
        Tensor(name="scores", dtype=np.float32, shape=(-1,)),
        Tensor(name="classes", dtype=np.int32, shape=(-1,)),
        Tensor(name="labels", dtype=np.bytes_, shape=(-1,)),
    ]
    with Triton(config=config) as triton:
        inputs = [jpeg if takes == "jpeg" else pixels]
        triton.bind("detect", find, inputs=inputs, outputs=outputs, config=ModelConfig(batching=False))
        triton.serve()


if __name__ == "__main__":
    main()
