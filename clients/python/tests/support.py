"""What the tests share: clips as files, a line that can be cut, the server's own account of its clients."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import threading
import urllib.request
from typing import IO, Any, Callable, TypeVar

import sightwire
from harness import FPS, Server, clip

PLAYS = 5
"""So often a clip is played at most: it lasts a second, of which a busy machine may see too little."""

T = TypeVar("T")


def jpegs(gesture: str, frames: int = FPS) -> list[bytes]:
    """A generated clip, as files."""
    return [base64.b64decode(frame) for frame in clip(gesture, frames)]


def verdict(predictions: list[sightwire.Prediction]) -> str:
    """The label that gathered the highest sum of scores."""
    sums: dict[str, float] = {}
    for prediction in predictions:
        if prediction.label != sightwire.NONE:
            sums[prediction.label] = sums.get(prediction.label, 0.0) + prediction.score
    return max(sums, key=lambda label: sums[label], default=sightwire.NONE)


async def recognised(source: sightwire.SourceLike | Callable[[], sightwire.SourceLike], url: str, gesture: str) -> str:
    """The verdict on a clip, which is played until the gesture is seen in it, or often enough."""
    label = sightwire.NONE
    for _ in range(PLAYS):
        clip = source() if callable(source) else source
        # A sample is given up by the server when it is not taken for three seconds.
        with contextlib.suppress(sightwire.SourceError):
            # Enough under way that no frame has to give way to a newer one.
            label = verdict([one async for one in sightwire.recognize(clip, url, in_flight=FPS)])
        if label == gesture:
            break
    return label


def repeated(run: Callable[[], T], enough: Callable[[T], bool]) -> T:
    """What a run gave that was enough, or the last of so many."""
    for _ in range(PLAYS - 1):
        given = run()
        if enough(given):
            return given
    return run()


def line_of(
    process: subprocess.Popen[str], lines: IO[str] | None, wanted: Callable[[str], bool], seconds: float = 60.0
) -> str:
    """The next line of a process that is wanted; one that takes too long over it is killed."""
    assert lines is not None
    late = threading.Timer(seconds, process.kill)
    late.start()
    try:
        line = next(filter(wanted, lines), None)
    finally:
        late.cancel()
    assert line is not None, "it ended without such a line"
    return line


async def until(check: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    for _ in range(int(seconds * 100)):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


def status(server: Server) -> dict[str, Any]:
    with urllib.request.urlopen(f"{server.url}/api/v1/status", timeout=30) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


async def gone(server: Server) -> None:
    """Waits until the server has no client any more."""
    loop = asyncio.get_running_loop()
    for _ in range(2000):
        if (await loop.run_in_executor(None, status, server))["recognizer"]["clients"] == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the server still has the client")


class Line:
    """A TCP connection's way to the real server, which can be held up, cut, or closed to websockets."""

    def __init__(self, server: Server) -> None:
        self._host, port = server.address.rsplit(":", 1)
        self._port = int(port)
        self.no_websockets = False
        self._open = asyncio.Event()
        self._open.set()
        self._copying: set[asyncio.Future[Any]] = set()
        self.connections = 0
        self.url = ""

    async def __aenter__(self) -> Line:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def hold(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Ends all connections."""
        for copying in self._copying:
            copying.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n")
            if self.no_websockets and b"transport=websocket" in head:
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                writer.close()
                return
            there, back = await asyncio.open_connection(self._host, self._port)
            back.write(head)
            tasks = [asyncio.ensure_future(self._copy(a, b)) for a, b in ((reader, back), (there, writer))]
            self._copying.update(tasks)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for end in (writer, back):
                end.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._open.wait()
                writer.write(data)
                await writer.drain()


async def next_of(view: sightwire.Viewer, seconds: float = 20.0) -> sightwire.Picture:
    """The next picture, which has to come in time."""
    return await asyncio.wait_for(view.__anext__(), seconds)
