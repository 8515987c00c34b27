"""JPEGs that follow no standard to the letter: what OpenCV decodes without a missing pixel is a picture here, too.

So it is for viewers, the detector, the recogniser and the reader of text alike.

Needs the model (`sightwire models pull ppocr-v4`).
"""

from __future__ import annotations

import base64
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
import socketio
from PIL import Image, ImageDraw, ImageFont

from harness import Server, wait_until
from reading import get, needs_model, read

RESTART = re.compile(rb"\xff[\xd0-\xd7]")


def written(words: str) -> bytes:
    picture = Image.new("RGB", (320, 96), "white")
    ImageDraw.Draw(picture).text((20, 30), words, fill="black", font=ImageFont.load_default(34))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90, restart_marker_rows=1)
    return file.getvalue()


# Each as a board makes it of a picture.
ODD: dict[str, Callable[[bytes], bytes]] = {
    "three bytes before each restart marker": lambda jpeg: RESTART.sub(lambda found: b"\x12\x34\x56" + found[0], jpeg),
    "no last marker": lambda jpeg: jpeg.removesuffix(b"\xff\xd9"),
    "zeros behind it": lambda jpeg: jpeg + bytes(500),
    "another picture behind it": lambda jpeg: jpeg + written("No 7"),
}


HALF = "half of it"
PLAIN = written("Gate 42")


def sent(kind: str) -> bytes:
    odd = PLAIN[: len(PLAIN) // 2] if kind == HALF else ODD[kind](PLAIN)
    assert odd != PLAIN
    return odd


class Board(BaseHTTPRequestHandler):
    """A camera that sends one of these over and over, which its path names."""

    def do_GET(self) -> None:  # noqa: N802 (the name is the library's)
        jpeg = sent(unquote(self.path.partition("?")[2]))
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        try:
            while True:
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                time.sleep(0.1)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def boards() -> Iterator[str]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Board)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needs_model()
    settings = {
        "cameras.allow": "127.0.0.0/8",
        "cameras.file": "cameras.json",
        "detector.model": "motion",
        "reader.folder": str(tmp_path_factory.mktemp("odd")),
    }
    running = Server(args=[word for key, value in settings.items() for word in ("--set", f"{key}={value}")])
    yield running
    assert running.stop() == 0


def pixels(jpeg: bytes) -> np.ndarray | None:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def is_the_same(picture: np.ndarray | None) -> bool:
    """But for what was drawn into it, and another encoder."""
    plain = pixels(PLAIN)
    assert plain is not None
    return picture is not None and picture.shape == plain.shape and float(np.mean(cv2.absdiff(picture, plain))) < 4


@pytest.mark.parametrize("kind", ODD)
def test_opencv_sees_what_lacks_no_pixel(kind: str) -> None:
    assert RESTART.search(PLAIN)
    there = pixels(sent(kind))
    # Some versions give nothing without the last marker.
    assert there is None or np.array_equal(there, pixels(PLAIN))


@pytest.mark.parametrize("kind", [*ODD, HALF])
def test_its_text_is_read(server: Server, kind: str) -> None:
    answer = read(server, sent(kind))
    assert answer.status == 200, answer.body
    said = answer.json()
    assert said["text"] == "Gate 42" or kind == HALF
    # That no pixel is missing is not known without the last marker.
    assert bool(said.get("notes")) == (kind in {"no last marker", HALF}), said


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("path", ["proxy?esp32_url", "detect?fps=10&camera_url"])
def test_a_camera_that_sends_it_is_watched_and_analysed(server: Server, boards: str, path: str, kind: str) -> None:
    url = f"{server.url}/stream/{path}={quote(f'{boards}/stream?{quote(kind)}', safe='')}"
    with closing(urlopen(url, timeout=30)) as answer:
        # First there may be words.
        wait_until(lambda: is_the_same(pixels(part(answer))), 30, "its picture")


def part(answer: HTTPResponse) -> bytes:
    """The next picture of a stream."""
    length = 0
    while line := answer.readline():
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
        elif line == b"\r\n" and length:
            return answer.read(length)
    return b""


def broken_frames(server: Server) -> float:
    metrics = get(server, "/metrics").body.decode()
    (line,) = re.findall(r"^sightwire_recognizer_frames_broken_total (\S+)$", metrics, re.MULTILINE)
    return float(line)


@pytest.mark.parametrize("kind", [*ODD, HALF])
def test_the_recogniser_takes_it(server: Server, kind: str) -> None:
    before = broken_frames(server)
    replies: list[object] = []
    client = socketio.Client(reconnection=False)
    client.on("prediction", replies.append)
    client.connect(server.url, wait_timeout=10)
    try:
        for _ in range(3):
            client.emit("frame", {"image": base64.b64encode(sent(kind)).decode()})
        wait_until(lambda: len(replies) >= 3, 20, "replies")
        wait_until(
            lambda: broken_frames(server) - before == (3 if kind == HALF else 0), 20, "what is broken is counted"
        )
    finally:
        client.disconnect()
