"""Clients of the relay as the prototype's pages have them: JSON texts and nothing of ours."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any
from urllib.parse import quote

import aiohttp
import cv2
import numpy as np
from yarl import URL

from harness import Server

PREFIX = "data:image/jpeg;base64,"
SETTINGS = {
    "cameras.allow": "127.0.0.0/8",
    "cameras.file": "cameras.json",
    "detector.model": "motion",
    # Tests send as fast as they can.
    "relay.max_fps": "1000",
}


def start(**settings: str) -> Server:
    flags = [word for key, value in {**SETTINGS, **settings}.items() for word in ("--set", f"{key}={value}")]
    return Server(args=flags, USE_DUMMY_MODEL="1")


@cache
def picture(number: int = 0) -> bytes:
    """A JPEG file, another for each number."""
    image = np.full((120, 160, 3), 50, np.uint8)
    cv2.putText(image, str(number), (10, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 2)
    return cv2.imencode(".jpg", image)[1].tobytes()


def run(work: Callable[[], Awaitable[None]], seconds: float = 120) -> None:
    asyncio.run(asyncio.wait_for(work(), seconds))


async def fetch(server: Server, path: str) -> dict:
    return await asyncio.get_running_loop().run_in_executor(None, server.get, path)


def data_url(jpeg: bytes) -> str:
    return PREFIX + base64.b64encode(jpeg).decode()


class Old:
    """A page's WebSocket: keeps what it was told, and answers the protocol's own pings as every browser does."""

    PATH = ""

    def __init__(self, url: str, path: str, **options: Any) -> None:
        # As it is: the library would take a comma's escape away.
        self._address = URL(url.replace("http", "ws", 1) + path, encoded=True)
        self._options = options
        self.heard: list[dict[str, Any]] = []
        self.code: int | None = None

    async def __aenter__(self) -> Old:
        self._http = aiohttp.ClientSession()
        try:
            self.ws = await self._http.ws_connect(self._address, max_msg_size=0, **self._options)
        except BaseException:
            await self._http.close()
            raise
        self._reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ws.close()
        await asyncio.wait({self._reading})
        await self._http.close()

    async def _read(self) -> None:
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.heard.append(json.loads(message.data))
        self.code = self.ws.close_code

    async def say(self, message: object) -> None:
        await self.ws.send_str(message if isinstance(message, str) else json.dumps(message))

    def of(self, kind: str, stream: str | None = None) -> list[dict[str, Any]]:
        """What it was told of a kind, about a stream."""
        return [
            one for one in self.heard if one["type"] == kind and (stream is None or one.get("patient_id") == stream)
        ]

    async def hears(self, kind: str, stream: str | None = None, count: int = 1, seconds: float = 20) -> dict[str, Any]:
        """Waits for so many of a kind; the last of them."""
        await until(lambda: len(self.of(kind, stream)) >= count, seconds, f"{count} {kind} {stream or ''}", self)
        return self.of(kind, stream)[count - 1]

    async def is_closed(self, seconds: float = 20) -> int | None:
        """Waits for the end; its code."""
        await asyncio.wait({self._reading}, timeout=seconds)
        assert self._reading.done(), f"not closed within {seconds} s; heard {[one['type'] for one in self.heard]}"
        return self.code


class Streamer(Old):
    """A page that sends a camera's pictures."""

    def __init__(self, url: str, stream: str, hello: object = None, **options: Any) -> None:
        super().__init__(url, f"/ws/stream/{quote(stream, safe='')}", **options)
        self._hello = {"analysis_mode": "normal"} if hello is None else hello

    async def __aenter__(self) -> Streamer:
        await super().__aenter__()
        await self.say(self._hello)
        return self

    async def frame(self, frame: object) -> None:
        await self.say({"type": "frame", "frame": data_url(frame) if isinstance(frame, bytes) else frame})


class Viewer(Old):
    """A page that shows streams."""

    def __init__(self, url: str, query: str = "", **options: Any) -> None:
        super().__init__(url, f"/ws/view{query}", **options)

    async def __aenter__(self) -> Viewer:
        await super().__aenter__()
        return self

    async def sees(self, stream: str, frame: bytes, seconds: float = 20) -> None:
        """Waits until a picture is the newest of its stream."""

        def newest() -> bool:
            frames = self.of("live_frame", stream)
            return bool(frames) and frames[-1]["data"]["frame"] == data_url(frame)

        await until(newest, seconds, f"the picture of {stream}", self)


async def until(check: Callable[[], bool], seconds: float, what: str, old: Old | None = None) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        told = "" if old is None else f"; heard {[one['type'] for one in old.heard][-20:]}, closed {old.ws.close_code}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}{told}"
        await asyncio.sleep(0.005)
