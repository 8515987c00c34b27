"""Requests, generated pictures and zips for the tests of text reading."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import struct
import uuid
import zipfile
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Optional

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from harness import HOME, Server, wait_until

PATIENCE_S = 60.0
# What a file that was sent looks like: name, content.
File = tuple[Optional[str], bytes]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        return self.json()["detail"]


def needs_model() -> None:
    folder = HOME / "models/ppocr-v4"
    if len(list(folder.glob("*.onnx"))) < 3:
        pytest.skip("the model ppocr-v4 is not here: `cargo xtask setup`, or `sightwire models pull ppocr-v4`")


def start(folder: Path, made: type[Server] = Server, **settings: str) -> Server:
    """A server that reads text and recognises no signs; `_` stands for the first dot of a key."""
    given = {"reader_folder": str(folder), **settings}
    sets = [f"--set={key.replace('_', '.', 1)}={value}" for key, value in given.items()]
    return made("127.0.0.1:0", ["--set=recognizer.dummy=true", *sets])


def drawn(text: str) -> Image.Image:
    """A picture of a line."""
    picture = Image.new("RGB", (320, 96), "white")
    ImageDraw.Draw(picture).text((20, 24), text, fill="black", font=ImageFont.load_default(36))
    return picture


def scan(*texts: str) -> bytes:
    """A PDF as scanners make it: a picture on each page."""
    first, *others = (drawn(text) for text in texts)
    file = io.BytesIO()
    first.save(file, format="PDF", save_all=True, append_images=others, resolution=200)
    return file.getvalue()


def call(
    server: Server,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Answer:
    connection = http.client.HTTPConnection(server.address, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def get(server: Server, path: str) -> Answer:
    return call(server, "GET", path)


def form(files: Sequence[File], options: dict[str, str] | None = None) -> tuple[bytes, dict[str, str]]:
    """The body of a form, and its headers."""
    boundary, parts = uuid.uuid4().hex, []
    for name, value in (options or {}).items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for file, content in files:
        named = "" if file is None else f'; filename="{file}"'
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"{named}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def read(server: Server, content: bytes, query: str = "") -> Answer:
    return call(server, "POST", "/api/v1/read" + query, content, {"Content-Type": "application/octet-stream"})


def begin(server: Server, files: Sequence[File], query: str = "", options: dict[str, str] | None = None) -> str:
    """The address of a batch that begins."""
    answer = call(server, "POST", "/api/v1/jobs" + query, *form(files, options))
    assert answer.status == 201, answer.body
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
    return answer.headers["location"]


def ended(server: Server, job: str) -> dict[str, Any]:
    """The summary of a batch that has ended."""
    wait_until(lambda: get(server, job).json()["state"] != "running", PATIENCE_S, "the batch ends")
    return get(server, job).json()


def rows(server: Server, job: str, query: str = "") -> list[dict[str, Any]]:
    return get(server, f"{job}/files{query}").json()["files"]


class Events:
    """One who listens to a batch."""

    def __init__(self, server: Server, job: str, last_id: str = "") -> None:
        self.server, self.job, self.last_id = server, job, last_id
        self.open()

    def open(self) -> None:
        self.connection = http.client.HTTPConnection(self.server.address, timeout=PATIENCE_S)
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        self.connection.request("GET", f"{self.job}/events", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.headers["Content-Type"] == "text/event-stream"

    def next(self) -> tuple[str, str, Any] | None:
        """Name, id, data; None at the end."""
        name, number = "", ""
        for line in self.answer:
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key == "event":
                name = value
            elif key == "id":
                number = value
            elif key == "data":
                event = name, number, json.loads(value)
                self.last_id = number or self.last_id
                return event
        return None

    def all(self) -> list[tuple[str, str, Any]]:
        """Up to the end. Who takes nothing for three seconds is let go, and comes back for the rest, as browsers do."""
        events: list[tuple[str, str, Any]] = []
        for _ in range(5):
            # A line may be cut off.
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                while event := self.next():
                    events.append(event)
            self.close()
            if events and events[-1][0] == "end":
                break
            self.open()
        return events

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


def on_disk(folder: Path) -> list[Path]:
    """Files of batches. A folder that goes while this looks has none (`Path.rglob` would raise)."""
    return [Path(inside, name) for inside, _, names in os.walk(folder) for name in names if name != "lock"]


# Pictures.


@cache
def page(words: str, width: int = 400, height: int = 80, end: str = ".png") -> bytes:
    """A picture with a line of text."""
    return bytes(cv2.imencode(end, pixels(words, width, height))[1])


def pixels(words: str, width: int = 400, height: int = 80) -> np.ndarray:
    picture = np.full((height, width, 3), 255, np.uint8)
    return cv2.putText(picture, words, (20, height // 2 + 14), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2, cv2.LINE_AA)


@cache
def pages(*words: str) -> bytes:
    """A TIFF with a page for each."""
    return bytes(cv2.imencodemulti(".tif", [pixels(text) for text in words])[1])


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is so large and has no pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    empty = b"IDAT" + zlib.compress(b"")
    chunks = [struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in (head, empty)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def bomb(name: str, gigabytes: int) -> bytes:
    """A zip of one file that says it is small, and is not."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(64 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    content = block * (gigabytes * 16) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    # Version, flags, deflated, time, date, checksum, packed, unpacked, length of name, of extra fields.
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, 0, len(content), 1000, len(name), 0)
    local = b"PK\x03\x04" + common + name.encode()
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name.encode()
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(content), 0)
    return local + content + central + end
