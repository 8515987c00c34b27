"""A store with a detector whose answers are known: it tells the colours of what it sees.

`python tiny.py FOLDER` makes one.
"""

from __future__ import annotations

import hashlib
import struct
import sys
import zlib
from pathlib import Path

from harness import HOME

NAME = "tiny"
LABELS = ["blue", "green", "red"]
SIDE = 32
# Places of strides 8, 16 and 32.
PLACES = 16 + 4 + 1
RUNTIME = HOME / "runtime"

MANIFEST = """name = "tiny"
title = "tiny"
task = "object-detection"
licence = "MIT"
origin = "test"
[detect]
format = "yolox"
width = 32
height = 32
colour = "bgr"
divide_by = 1.0
confidence = 0.25
iou = 0.5
labels = ["blue", "green", "red"]
[[files]]
role = "network"
name = "network.onnx"
sha256 = "{digest}"
source = "imported"
"""


def varint(value: int) -> bytes:
    head = b""
    while value > 127:
        head, value = head + bytes([value & 127 | 128]), value >> 7
    return head + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def node(op: str, inputs: list[str], output: str, **attributes: int | list[int]) -> bytes:
    fields = b"".join(part(1, name) for name in inputs) + part(2, output) + part(3, output) + part(4, op)
    for name, value in attributes.items():
        if isinstance(value, int):
            attribute = part(1, name) + number(3, value) + number(20, 2)
        else:
            attribute = part(1, name) + b"".join(number(8, one) for one in value) + number(20, 7)
        fields += part(5, attribute)
    return part(1, fields)


def constant(name: str, shape: list[int], kind: int, values: bytes) -> bytes:
    return part(5, b"".join(number(1, side) for side in shape) + number(2, kind) + part(8, name) + part(9, values))


def side(field: int, name: str, shape: list[int]) -> bytes:
    sides = b"".join(part(1, number(1, size)) for size in shape)
    return part(field, part(1, name) + part(2, part(1, number(1, 1) + part(2, sides))))


def network() -> bytes:
    """A YOLOX over 32×32 pixels: at each place a box of the stride's size, with the mean of its blue, green and red, in
    1/255, as confidences of the three classes."""
    lead = struct.pack("<5f", 0.5, 0.5, 0.0, 0.0, 1.0) * PLACES
    graph = part(2, "tiny") + constant("lead", [1, PLACES, 5], 1, lead)
    graph += constant("scale", [1], 1, struct.pack("<f", 1 / 255))
    graph += constant("flat", [3], 7, struct.pack("<3q", 1, 3, -1))
    for stride in (8, 16, 32):
        window = [stride, stride]
        graph += node("AveragePool", ["images"], f"mean{stride}", kernel_shape=window, strides=window)
        graph += node("Reshape", [f"mean{stride}", "flat"], f"flat{stride}")
    graph += node("Concat", ["flat8", "flat16", "flat32"], "means", axis=2)
    graph += node("Mul", ["means", "scale"], "scores")
    graph += node("Transpose", ["scores"], "rows", perm=[0, 2, 1])
    graph += node("Concat", ["lead", "rows"], "output", axis=2)
    graph += side(11, "images", [1, 3, SIDE, SIDE]) + side(12, "output", [1, PLACES, 8])
    return number(1, 8) + part(8, number(2, 13)) + part(7, graph)


def store(folder: Path) -> Path:
    """A store in that folder with the detector, and with the library of the usual one."""
    model = folder / "models" / NAME
    model.mkdir(parents=True)
    (folder / "runtime").symlink_to(RUNTIME)
    (model / "network.onnx").write_bytes(network())
    digest = hashlib.sha256((model / "network.onnx").read_bytes()).hexdigest()
    (folder / "models" / f"{NAME}.toml").write_text(MANIFEST.format(digest=digest))
    return folder


def pixels(width: int, height: int) -> bytes:
    """Grey, with a square of 16 pixels at (16, 32) that is red; red, green and blue of each pixel."""
    inside = [[16 <= x < 32 and 32 <= y < 48 for x in range(width)] for y in range(height)]
    return b"".join(bytes([250, 10, 10] if red else [60, 60, 60]) for row in inside for red in row)


def png(width: int, height: int) -> bytes:
    """The same as a file."""
    values, line = pixels(width, height), width * 3
    rows = b"".join(b"\0" + values[at : at + line] for at in range(0, len(values), line))

    def chunk(kind: bytes, content: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + end

    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    store(Path(sys.argv[1]))
