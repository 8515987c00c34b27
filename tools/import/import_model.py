"""Brings a Keras sign model into the form that the server runs: ONNX files and a report on them.

    python import_model.py convert --source model.h5 --out folder [--clips 8] [--whole]
    python import_model.py versions

Progress is printed as one JSON object a line; a refusal is the line {"error": words, "kind": word} and exit status 1.
Whatever the libraries print goes to standard error. The report is written last: a folder without one is incomplete.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback
from importlib import metadata
from pathlib import Path
from typing import Any

# Before TensorFlow is loaded: no GPU, and no word that is not an error.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from refusal import Refusal  # noqa: E402

PACKAGES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy", "h5py")
THREADS = 2
MOST_CLIPS = 64


class Lines:
    """The JSON lines on standard output, which nothing else reaches from here on."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self.file = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def write(self, line: dict[str, Any]) -> None:
        self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.file.flush()

    def step(self, step: str, text: str, done: float) -> None:
        self.write({"step": step, "text": text, "done": done})


def convert(source: Path, out: Path, count: int, whole: bool, lines: Lines) -> None:
    """Writes the networks, the clips they were checked with and `report.json` into `out`."""
    import keras_file

    name = source.name
    lines.step("start", "Starting TensorFlow", 0.0)
    kind = keras_file.recognise(source)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("ERROR")

    import comparison
    import onnx_files
    import split

    lines.step("load", f"Reading {name}", 0.15)
    loaded = keras_file.load(source, kind)
    lines.step("split", "Looking for the part that sees one frame at a time", 0.3)
    network = split.take_apart(loaded.model, name, whole)
    checks = comparison.ask_original(loaded.model, network, count, name)
    files = {}
    if network.backbone is not None and network.head is not None:
        lines.step("convert-backbone", "Converting the part that runs for each frame", 0.45)
        files["backbone.onnx"] = onnx_files.convert(network.backbone, "frames", "features", name)
        lines.step("convert-head", "Converting the part that runs for each window", 0.7)
        files["head.onnx"] = onnx_files.convert(network.head, "features", "scores", name)
    else:
        lines.step("convert", "Converting the network as a whole", 0.45)
        files["whole.onnx"] = onnx_files.convert(network.whole, "frames", "scores", name)
    lines.step("compare", f"Comparing with the original on {count} generated clips", 0.8)
    difference = comparison.difference(files, checks, network.batch, name)
    notes = [*loaded.notes, *network.notes]
    loops = [file for file, model in files.items() if onnx_files.has_loop(model)]
    if loops:
        notes.append("A recurrent layer became a loop, which is slow and runs on the plain CPU provider only.")
    label_names = loaded.label_names
    report = {
        "window": network.clip.window,
        "height": network.clip.height,
        "width": network.clip.width,
        "labels": network.labels,
        "features": network.features,
        "split": network.backbone is not None,
        "batch": onnx_files.BATCH if network.batch is None else network.batch,
        "loops": loops,
        "softmax_added": network.softmax_added,
        "clips": count,
        "difference": difference,
        "format": loaded.format,
        "keras_version": loaded.keras_version,
        "tensorflow": tf.__version__,
        "parameters": loaded.model.count_params(),
        "layers": [described(layer) for layer in loaded.model.layers],
        "label_names": label_names if label_names and len(label_names) == network.labels else None,
        "notes": notes,
    }
    lines.step("write", "Writing the files", 0.95)
    contents = {file: model.SerializeToString() for file, model in files.items()}
    contents["check_input.u8"] = checks.clips.tobytes()
    contents["check_output.f32"] = checks.scores.astype("<f4").tobytes()
    contents["report.json"] = (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    write_all(out, contents)
    lines.write({"step": "done", "done": 1.0})


def described(layer: Any) -> str:
    inner = getattr(layer, "layer", None)
    return type(layer).__name__ + (f"({type(inner).__name__})" if inner is not None else "")


def write_all(out: Path, contents: dict[str, bytes]) -> None:
    """Writes the files in order; what an earlier import left under these names goes first."""
    out.mkdir(parents=True, exist_ok=True)
    for file in ("report.json", "backbone.onnx", "head.onnx", "whole.onnx"):
        (out / file).unlink(missing_ok=True)
    for file, content in contents.items():
        part = out / f"{file}.part"
        part.write_bytes(content)
        part.replace(out / file)


def versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        names = ("tensorflow-cpu", "tensorflow-cpu-aws", "tensorflow") if package == "tensorflow" else (package,)
        found[package] = next(filter(None, map(version_of, names)), None)
    return found


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def clip_count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_CLIPS:
        raise argparse.ArgumentTypeError(f"{count} is not between 1 and {MOST_CLIPS}")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description="Imports a Keras sign model as ONNX.")
    commands = parser.add_subparsers(dest="command", required=True)
    converting = commands.add_parser("convert", help="convert a model file and compare the result with the original")
    converting.add_argument("--source", required=True, type=Path, help="the .h5 or .keras file")
    converting.add_argument("--out", required=True, type=Path, help="the folder to write to")
    converting.add_argument("--clips", type=clip_count, default=8, help="generated clips to compare on (default: 8)")
    converting.add_argument("--whole", action="store_true", help="do not split it, though it could be")
    commands.add_parser("versions", help="print the versions of what this runs with, as JSON")
    args = parser.parse_args()
    if args.command == "versions":
        print(json.dumps(versions()))
        return 0
    lines = Lines()
    try:
        convert(args.source, args.out, args.clips, args.whole, lines)
    except Refusal as refusal:
        lines.write({"error": refusal.text, "kind": refusal.kind})
        return 1
    except Exception as cause:
        traceback.print_exc()
        reason = f"{type(cause).__name__}: {cause}".splitlines()[0][:300]
        words = f"The import of {args.source.name} failed for a reason it has no words for ({reason})."
        lines.write({"error": f"{words} Please report it with the kind of model.", "kind": "convert"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
