"""Readers of text to compare: Sightwire by its command or its API, RapidOCR in this process."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

from score import Found

# Pictures for one start of the command.
AT_ONCE = 200
DEADLINE_S = 1800


def by_command(command: str, files: Sequence[Path]) -> dict[str, list[Found]]:
    """Runs the command with files behind it; it prints one JSON object a file."""
    found: dict[str, list[Found]] = {}
    for start in range(0, len(files), AT_ONCE):
        some = [str(file) for file in files[start : start + AT_ONCE]]
        ended = subprocess.run(
            [*shlex.split(command), *some], stdout=subprocess.PIPE, text=True, check=False, timeout=DEADLINE_S
        )
        for text in ended.stdout.splitlines():
            row = json.loads(text)
            if "regions" not in row:
                sys.exit(f"{row.get('file')}: {row.get('error')}")
            found[Path(row["file"]).name] = regions(row)
        missing = [file for file in some if Path(file).name not in found]
        if missing:
            sys.exit(f"`{command}` ended with {ended.returncode} and said nothing of {missing[0]}")
    return found


def by_url(url: str, files: Sequence[Path]) -> dict[str, list[Found]]:
    """Posts the files to a server, one after the other."""
    found = {}
    for file in files:
        request = urllib.request.Request(f"{url.rstrip('/')}/api/v1/read", data=file.read_bytes(), method="POST")
        with urllib.request.urlopen(request, timeout=120) as answer:
            found[file.name] = regions(json.load(answer))
    return found


def regions(row: dict) -> list[Found]:
    """The lines of an answer of Sightwire."""
    return [
        Found(np.array(region["polygon"], np.float32), region["text"], region.get("row")) for region in row["regions"]
    ]


def by_tesseract(files: Sequence[Path], language: str = "eng", mode: int = 3) -> dict[str, list[Found]]:
    """Tesseract with its defaults: its own order, lines of its blocks and paragraphs. Mode 1 finds directions, too."""
    found = {}
    for file in files:
        command = ["tesseract", str(file), "-", "-l", language, "--psm", str(mode), "tsv"]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE_S)
        lines: dict[tuple[str, ...], list[list[str]]] = {}
        for row in ended.stdout.splitlines()[1:]:
            cells = row.split("\t")
            if cells[0] == "5" and cells[-1].strip():
                lines.setdefault(tuple(cells[1:5]), []).append(cells)
        found[file.name] = [line(words) for words in lines.values()]
    return found


def line(words: Sequence[Sequence[str]]) -> Found:
    """Tesseract's words of one line."""
    boxes = np.array([[float(cell) for cell in word[6:10]] for word in words])
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    polygon = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    return Found(polygon, " ".join(word[-1] for word in words))


def by_rapidocr(files: Sequence[Path], kept: Path, angle: bool = True) -> dict[str, list[Found]]:
    """RapidOCR with its defaults, or without its angle class, by which it loses many long lines.

    What it found is kept by the picture's bytes and the version, for it is slow.
    """
    names = ("rapidocr-onnxruntime", "onnxruntime", "opencv-python")
    version = " ".join(f"{name} {metadata.version(name)}" for name in names) + ("" if angle else " upright")
    kept.mkdir(parents=True, exist_ok=True)
    engine = None
    found = {}
    for file in files:
        key = hashlib.sha256(version.encode() + file.read_bytes()).hexdigest()
        answer = kept / f"{key}.json"
        if not answer.is_file():
            if engine is None:
                from rapidocr_onnxruntime import RapidOCR

                engine = RapidOCR()
            result, _ = engine(str(file), use_cls=angle)
            rows = [{"polygon": np.array(box).tolist(), "text": text} for box, text, _ in result or []]
            answer.write_text(json.dumps(rows, ensure_ascii=False))
        found[file.name] = regions({"regions": json.loads(answer.read_text())})
    return found
