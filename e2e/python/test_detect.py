"""`sightwire detect` with the real YOLOX-nano against a reference in NumPy, its network run by OpenCV.

Needs the model: in the store (`sightwire models pull yolox-nano`) or in the folder SIGHTWIRE_MODEL_MIRROR. Looks at the
pictures in the folder SIGHTWIRE_TEST_PICTURES, or at generated ones, in which there is little to be sure of.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from harness import BIN, HOME, environment

SIDE = 416
STRIDES = (8, 16, 32)
IOU = 0.5
NEAR_PX = 0.5
NEAR = 0.01
# Pictures by whoever runs this, and generated ones: what is found in those is hardly anything.
CONFIDENCE = 0.25
CONFIDENCE_GENERATED = 0.02


class Box(NamedTuple):
    label: str
    confidence: float
    edges: np.ndarray


def model() -> tuple[Path, dict[str, str]]:
    """The file, and the environment in which the command finds it."""
    mirror = os.environ.get("SIGHTWIRE_MODEL_MIRROR")
    places = [(HOME / "models/yolox-nano/yolox_nano.onnx", {})]
    if mirror:
        places.append((Path(mirror) / "yolox_nano.onnx", {"SIGHTWIRE_MODEL_MIRROR": mirror}))
    for file, extra in places:
        if file.is_file():
            return file, extra
    pytest.skip("the model yolox-nano is not here: `sightwire models pull yolox-nano`, or SIGHTWIRE_MODEL_MIRROR")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], float]:
    """Files, and the confidence from which boxes are compared."""
    folder = os.environ.get("SIGHTWIRE_TEST_PICTURES")
    if folder:
        files = sorted(file for end in ("jpg", "png") for file in Path(folder).glob(f"*.{end}"))
        assert files, f"no .jpg and no .png in {folder}"
        return files, CONFIDENCE
    out = tmp_path_factory.mktemp("pictures")
    command = [BIN, "sample", "still", "--out", out, "--frames", "3"]
    subprocess.run(command, env=environment({"HOME": str(out)}), check=True, capture_output=True)
    # Wide and high ones, whose sides are rounded.
    for index, (width, height) in enumerate([(640, 427), (333, 500), (1000, 90)]):
        picture = cv2.imread(str(out / f"{index:03}.jpg"))
        cv2.imwrite(str(out / f"{index:03}.png"), cv2.resize(picture, (width, height)))
    return sorted(out.glob("*.png")), CONFIDENCE_GENERATED


def detect(files: list[Path], confidence: float, extra: dict[str, str]) -> dict[str, list[Box]]:
    command = [BIN, "detect", "--format", "json", "--model", "yolox-nano", "--confidence", str(confidence), *files]
    ended = subprocess.run(command, env=environment(extra), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(file) for file in files]
    return {
        line["file"]: [Box(d["label"], d["confidence"], np.array(d["box"])) for d in line["detections"]]
        for line in lines
    }


def labels() -> list[str]:
    text = (Path(__file__).parents[2] / "models/yolox-nano.toml").read_text()
    return json.loads("[" + text.split("labels = [")[1].split("]")[0].strip().rstrip(",") + "]")


def prepared(picture: np.ndarray) -> tuple[np.ndarray, float]:
    """As YOLOX's own `preproc` does it."""
    height, width = picture.shape[:2]
    ratio = min(SIDE / height, SIDE / width)
    small = cv2.resize(
        picture, (max(1, int(width * ratio)), max(1, int(height * ratio))), interpolation=cv2.INTER_LINEAR
    )
    padded = np.full((SIDE, SIDE, 3), 114, np.uint8)
    padded[: small.shape[0], : small.shape[1]] = small
    return padded.transpose(2, 0, 1)[None].astype(np.float32), ratio


def reference(network: cv2.dnn.Net, names: list[str], file: Path, confidence: float) -> list[Box]:
    picture = cv2.imread(str(file))
    values, ratio = prepared(picture)
    network.setInput(values)
    output = network.forward()[0].astype(np.float64)
    places, strides = [], []
    for stride in STRIDES:
        count = SIDE // stride
        x, y = np.meshgrid(np.arange(count), np.arange(count))
        places.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((count * count, 1), stride))
    places, strides = np.concatenate(places), np.concatenate(strides)
    centre = (output[:, :2] + places) * strides
    half = np.exp(output[:, 2:4]) * strides / 2
    edges = np.concatenate([centre - half, centre + half], axis=1) / ratio
    scores = output[:, 4:5] * output[:, 5:]
    classes, sure = scores.argmax(axis=1), scores.max(axis=1)
    height, width = picture.shape[:2]
    kept: list[int] = []
    for index in np.argsort(-sure, kind="stable"):
        if sure[index] < confidence:
            break
        if all(classes[index] != classes[other] or iou(edges[index], edges[other]) <= IOU for other in kept):
            kept.append(index)
    limits = np.array([width, height, width, height])
    return [Box(names[classes[i]], sure[i], edges[i].clip(0, limits)) for i in kept[:50]]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = np.prod(sides.clip(0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def same(a: Box, b: Box) -> bool:
    return (
        a.label == b.label and abs(a.confidence - b.confidence) <= NEAR and np.abs(a.edges - b.edges).max() <= NEAR_PX
    )


def test_boxes_are_those_of_the_reference(pictures: tuple[list[Path], float]) -> None:
    file, extra = model()
    files, confidence = pictures
    network = cv2.dnn.readNetFromONNX(str(file))
    names = labels()
    found = detect(files, confidence, extra)
    compared = 0
    for picture in files:
        ours = found[str(picture)]
        # What is just at the limit may be on either side of it.
        margin = min(NEAR, confidence / 2)
        theirs = reference(network, names, picture, confidence - margin)
        for box in ours:
            assert any(same(box, other) for other in theirs), f"{picture.name}: {box} is not among {theirs}"
        for box in theirs:
            if box.confidence >= confidence + margin:
                assert any(same(box, other) for other in ours), f"{picture.name}: {box} was not found: {ours}"
        compared += len(ours)
    assert compared > 0, "there was nothing to compare"
    print(f"{compared} boxes in {len(files)} pictures are the same")


def test_motion_is_refused_for_stills_with_what_to_do_instead() -> None:
    command = [BIN, "detect", "--model", "motion", "street.jpg"]
    ended = subprocess.run(command, env=environment({}), capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "sightwire models pull yolox-nano" in ended.stderr
