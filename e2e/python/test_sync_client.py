"""The prototype's desktop client: python-socketio's blocking client, a camera loop at 25 frames a second."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import socketio

from harness import FPS, Server, clip, verdict, wait_until


class OldClient:
    """As its users wrote it: it knows `status`, `prediction` and `error`, and nothing of our extensions."""

    def __init__(self, **options: object) -> None:
        self.statuses: list[dict] = []
        self.predictions: list[dict] = []
        self.errors: list[dict] = []
        self.disconnects = 0
        self.sio = socketio.Client(**options)
        self.sio.on("status", self.statuses.append)
        self.sio.on("prediction", self.predictions.append)
        self.sio.on("error", self.errors.append)
        self.sio.on("disconnect", self._left)

    def _left(self, *_reason: object) -> None:
        self.disconnects += 1

    def connect(self, url: str, transports: list[str] | None = None) -> None:
        self.sio.connect(url, transports=transports, wait_timeout=10)
        wait_until(lambda: bool(self.statuses), 10, "status after connect")

    def play(self, frames: list[str]) -> None:
        start = time.monotonic()
        for i, frame in enumerate(frames):
            time.sleep(max(0.0, start + i / FPS - time.monotonic()))
            self.sio.emit("frame", {"image": frame})

    def answered(self, count: int) -> None:
        wait_until(lambda: len(self.predictions) >= count, 20, f"{count} replies")


@pytest.fixture
def client() -> Iterator[OldClient]:
    made = OldClient(reconnection=False)
    yield made
    made.sio.disconnect()


TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"], None]


@pytest.mark.parametrize("transports", TRANSPORTS, ids=lambda names: "+".join(names or ["default"]))
def test_a_reply_for_every_frame(server: Server, client: OldClient, transports: list[str] | None) -> None:
    client.connect(server.url, transports)
    frames = clip("left")
    client.play(frames)
    client.answered(len(frames))
    time.sleep(0.2)
    assert client.statuses == [{"message": "ready"}]
    assert len(client.predictions) == len(frames)
    assert client.errors == []
    for answer in client.predictions:
        assert set(answer) == {"label", "score"}
        assert isinstance(answer["label"], str)
        assert 0.0 <= answer["score"] <= 1.0


@pytest.mark.parametrize("gesture", ["still", "left", "right", "up", "down", "wave"])
def test_the_gesture_in_the_clip_is_recognised(server: Server, client: OldClient, gesture: str) -> None:
    client.connect(server.url)
    frames = clip(gesture)
    # A result comes with the reply to a later frame, perhaps to one of the next clip.
    for played in range(1, 6):
        client.play(frames)
        client.answered(played * len(frames))
        if verdict(client.predictions) == gesture:
            break
    assert verdict(client.predictions) == gesture


def test_a_data_url_prefix_is_accepted(server: Server, client: OldClient) -> None:
    client.connect(server.url)
    client.sio.emit("frame", {"image": "data:image/jpeg;base64," + clip("left")[0]})
    client.answered(1)


def test_bytes_instead_of_base64_are_accepted(server: Server, client: OldClient) -> None:
    client.connect(server.url)
    client.sio.emit("frame", {"image": base64.b64decode(clip("left")[0])})
    client.answered(1)


def test_base64_without_decode_is_accepted(server: Server, client: OldClient) -> None:
    client.connect(server.url)
    client.sio.emit("frame", {"image": clip("left")[0].encode()})
    client.answered(1)


@pytest.mark.parametrize("extension", [".webp", ".bmp", ".tiff", ".png"])
def test_what_opencv_writes_is_a_frame(server: Server, client: OldClient, extension: str) -> None:
    client.connect(server.url)
    frames = [cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), cv2.IMREAD_COLOR) for jpeg in clip("wave")]
    encoded = [base64.b64encode(cv2.imencode(extension, frame)[1].tobytes()).decode() for frame in frames]
    for played in range(1, 6):
        client.play(encoded)
        client.answered(played * len(encoded))
        if verdict(client.predictions) == "wave":
            break
    assert verdict(client.predictions) == "wave"


def test_call_returns_after_each_frame_good_or_bad(server: Server, client: OldClient) -> None:
    client.connect(server.url)
    for image in [clip("left")[0], "@", clip("left")[1]]:
        assert client.sio.call("frame", {"image": image}, timeout=10) is None
    client.answered(2)


def test_bad_frames_get_no_reply_and_end_nothing(server: Server, client: OldClient) -> None:
    client.connect(server.url)
    for bad in [
        {"image": ""},
        {"image": "@@@"},
        {"image": None},
        {},
        None,
        "x",
        7,
        {"image": clip("left")[0][:101]},
    ]:
        client.sio.emit("frame", bad)
    client.sio.emit("frame", {"image": clip("left")[0]})
    client.answered(1)
    time.sleep(0.2)
    assert len(client.predictions) == 1
    assert client.disconnects == 0


def test_a_full_server_says_so_and_disconnects() -> None:
    server = Server(MAX_CLIENTS="1", USE_DUMMY_MODEL="1")
    inside, outside = OldClient(reconnection=False), OldClient(reconnection=False)
    try:
        inside.connect(server.url)
        outside.sio.connect(server.url, wait_timeout=10)
        wait_until(lambda: outside.disconnects == 1, 20, "the refused client is disconnected")
        assert outside.errors == [{"message": "Server at capacity, please try again later"}]
        assert outside.statuses == []
        inside.sio.emit("frame", {"image": clip("left")[0]})
        inside.answered(1)
    finally:
        inside.sio.disconnect()
        outside.sio.disconnect()
        assert server.stop() == 0


def test_a_client_comes_back_by_itself_after_a_restart() -> None:
    first = Server(USE_DUMMY_MODEL="1")
    client = OldClient(reconnection_delay=0.1, reconnection_delay_max=0.5)
    try:
        client.connect(first.url)
        client.play(clip("left")[:5])
        client.answered(5)
        address = first.address
        assert first.stop() == 0
        wait_until(lambda: client.disconnects == 1, 20, "the end noticed")
        second = Server(listen=address, USE_DUMMY_MODEL="1")
        try:
            wait_until(lambda: len(client.statuses) == 2, 30, "a second status")
            client.play(clip("left")[:5])
            client.answered(10)
            assert client.predictions[-1]["label"] == "hello"
        finally:
            client.sio.disconnect()
            assert second.stop() == 0
    finally:
        client.sio.disconnect()
        first.stop()
