"""JPEGs that follow no standard to the letter: what OpenCV decodes without a missing pixel is read here, too.

Needs the model (`sightwire models pull ppocr-v4`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from harness import Server
from reading import needs_model, read, start

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needs_model()
    running = start(tmp_path_factory.mktemp("odd"))
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("kind", ODD)
def test_what_lacks_no_pixel_is_read(server: Server, kind: str) -> None:
    plain = written("Gate 42")
    assert RESTART.search(plain)
    odd = ODD[kind](plain)
    assert odd != plain
    there = cv2.imdecode(np.frombuffer(odd, np.uint8), cv2.IMREAD_COLOR)
    # Some versions give nothing without the last marker.
    assert there is None or np.array_equal(there, cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_COLOR))
    answer = read(server, odd)
    assert answer.status == 200, answer.body
    assert answer.json()["text"] == "Gate 42"
