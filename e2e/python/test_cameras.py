"""Cameras as OpenCV's `VideoCapture` sees them, and how old pictures are for a viewer who is too slow."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlparse

import cv2
import numpy as np
import pytest

from harness import Camera, Server, wait_until

# Longer than a busy machine may let a viewer wait for its turn.
DEADLINE_S = 8
SETTINGS = {
    "cameras.allow": "127.0.0.0/8",
    "cameras.file": "cameras.json",
    "cameras.linger_s": "0.3",
    "cameras.stalled_after_s": "5",
    "cameras.viewer_deadline_s": str(DEADLINE_S),
    "detector.model": "motion",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    flags = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    running = Server(args=flags, USE_DUMMY_MODEL="1")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def camera() -> Iterator[Camera]:
    running = Camera()
    yield running
    assert running.stop() == 0


def paths(url: str) -> dict[str, str]:
    camera = quote(url, safe="")
    return {
        "proxy": f"/stream/proxy?esp32_url={camera}",
        "detect": f"/stream/detect?camera_url={camera}&fps=20",
        "tracking": f"/stream/tracking?camera_url={camera}&fps=20",
    }


@contextmanager
def capture(url: str) -> Iterator[cv2.VideoCapture]:
    opened = cv2.VideoCapture(url)
    try:
        assert opened.isOpened(), url
        yield opened
    finally:
        opened.release()


@pytest.mark.parametrize("kind", ["proxy", "detect", "tracking"])
def test_video_capture_reads_thirty_frames_and_leaves(server: Server, camera: Camera, kind: str) -> None:
    seen = set()
    with capture(server.url + paths(camera.url)[kind]) as opened:
        for _ in range(30):
            good, frame = opened.read()
            assert good
            assert frame.shape == (240, 320, 3)
            seen.add(frame.tobytes())
    assert len(seen) >= 20, "each is another"
    wait_until(lambda: camera.get("/status")["stream_clients"] == 0, 20, "the camera is closed")


def test_video_capture_of_a_users_camera_needs_nothing_but_the_address(server: Server, camera: Camera) -> None:
    """`/stream/proxy` with an address that names the stream itself."""
    with capture(f"{server.url}/stream/proxy?esp32_url={quote(camera.url + '/stream', safe='')}") as opened:
        assert opened.read()[0]
        assert opened.get(cv2.CAP_PROP_FRAME_WIDTH) == 320


def test_video_capture_reads_on_while_the_camera_stalls_and_after(server: Server) -> None:
    ill = Camera()
    try:
        with capture(server.url + paths(ill.url)["proxy"]) as opened:
            good, before = opened.read()
            assert good
            ill.fails("stall")
            # What is on its way, and then banners: the last picture, greyed, with words across its foot.
            banner, deadline = before, time.monotonic() + 40
            while np.mean(np.abs(banner.astype(int) - before)) < 20:
                assert time.monotonic() < deadline, "a banner"
                good, banner = opened.read()
                assert good
                assert banner.shape == before.shape
            ill.fails()
            again, deadline = banner, time.monotonic() + 40
            while np.mean(np.abs(again.astype(int) - before)) >= 20:
                assert time.monotonic() < deadline, "pictures"
                good, again = opened.read()
                assert good
    finally:
        assert ill.stop() == 0


class Clock(BaseHTTPRequestHandler):
    """A camera whose pictures show when they were taken: 24 bits of milliseconds as black and white squares."""

    FPS = 20
    SQUARE = 32
    # Noise costs bytes, as a real scene does.
    NOISE = np.random.default_rng(7).integers(0, 256, (480, 640, 3), dtype=np.uint8)

    def do_GET(self) -> None:  # noqa: N802 (the name is the library's)
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        due = time.monotonic()
        try:
            while True:
                jpeg = self.picture(int(time.monotonic() * 1000))
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                due += 1 / self.FPS
                time.sleep(max(0.0, due - time.monotonic()))
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass

    @classmethod
    def picture(cls, ms: int) -> bytes:
        image = np.roll(cls.NOISE, ms % 640, axis=1)
        for bit in range(24):
            top, left = (bit // 8) * cls.SQUARE, (bit % 8) * cls.SQUARE
            value = 255 if ms >> bit & 1 else 0
            image[top : top + cls.SQUARE, left : left + cls.SQUARE] = value
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes()

    @classmethod
    def age(cls, jpeg: bytes) -> float:
        """Seconds since the picture was taken."""
        now = int(time.monotonic() * 1000)
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        ms = 0
        for bit in range(24):
            top, left = (bit // 8) * cls.SQUARE + 8, (bit % 8) * cls.SQUARE + 8
            ms |= int(np.mean(image[top : top + 16, left : left + 16]) > 127) << bit
        return ((now - ms) % (1 << 24)) / 1000


@pytest.fixture(scope="module")
def clock() -> Iterator[str]:
    camera = ThreadingHTTPServer(("127.0.0.1", 0), Clock)
    camera.daemon_threads = True
    thread = threading.Thread(target=camera.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{camera.server_address[1]}"
    camera.shutdown()
    camera.server_close()
    thread.join()


def pictures(server: Server, path: str, bytes_per_s: float | None = None) -> Iterator[bytes]:
    """Pictures of a stream, over a socket that buffers next to nothing and reads no faster than told."""
    address = urlparse(server.url)
    with socket.socket() as viewer:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        viewer.settimeout(20)
        viewer.connect((address.hostname, address.port))
        viewer.sendall(f"GET {path} HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n".encode())
        begun, read, rest = time.monotonic(), 0, b""
        while True:
            bytes_now = viewer.recv(4096)
            assert bytes_now, "the stream has ended"
            read += len(bytes_now)
            rest += bytes_now
            head = rest.find(b"Content-Length: ")
            end = rest.find(b"\r\n\r\n", head)
            if head >= 0 and end >= 0:
                length = int(rest[head + 16 : rest.find(b"\r\n", head)])
                if len(rest) >= end + 4 + length:
                    yield rest[end + 4 : end + 4 + length]
                    rest = rest[end + 4 + length :]
            if bytes_per_s is not None:
                time.sleep(max(0.0, begun + read / bytes_per_s - time.monotonic()))


@pytest.mark.parametrize("kind", ["proxy", "detect"])
def test_a_viewer_who_keeps_up_sees_what_is_now(server: Server, clock: str, kind: str) -> None:
    source = pictures(server, paths(clock)[kind])
    ages = [Clock.age(next(source)) for _ in range(40)]
    source.close()
    # The machine may be busy for some of them.
    assert min(ages[-15:]) < 0.5, ages


def slow_ages(server: Server, path: str, rate: float, count: int) -> tuple[list[float], float]:
    """How old pictures were when they came to a viewer who reads so many bytes a second, and how long all took."""
    source = pictures(server, path, rate)
    begun = time.monotonic()
    ages = [Clock.age(next(source)) for _ in range(count)]
    source.close()
    return ages, time.monotonic() - begun


def test_a_viewer_who_is_too_slow_loses_pictures_and_never_sees_old_ones(server: Server, clock: str) -> None:
    size, count = len(Clock.picture(0)), 30
    rate = Clock.FPS * size / 5
    # What the kernel holds for it, which is bounded, and the time that a picture takes at this rate.
    bound = (512 * 1024 + 2 * size) / rate
    kinds = ["proxy", "detect"]
    with ThreadPoolExecutor() as together:
        found = list(together.map(lambda kind: slow_ages(server, paths(clock)[kind], rate, count), kinds))
    for kind, (ages, took) in zip(kinds, found):
        words = f"{kind}: {count} pictures in {took:.1f} s, bound {bound:.2f} s, ages {[round(age, 2) for age in ages]}"
        print(words)
        assert count < took * Clock.FPS * 0.7, f"it was slower than the camera: {words}"
        early, late = ages[: count // 2], ages[count // 2 :]
        # The machine may be busy for some of them.
        assert min(late) < bound, words
        # Not older the longer it watches.
        assert min(late) < min(early) + bound / 2, words


def test_a_viewer_who_reads_ten_kilobytes_a_second_is_kept(server: Server, camera: Camera) -> None:
    """The deadline is for who accepts nothing, and this one always accepts something."""
    begun, count = time.monotonic(), 0
    for _ in pictures(server, paths(camera.url)["proxy"], 10_000):
        count += 1
        if time.monotonic() > begun + 2 * DEADLINE_S:
            break
    assert count >= 1
