"""A relay made of aiohttp, which does what a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import time
from collections.abc import Awaitable
from typing import Any, Callable

from aiohttp import WSMsgType, web

PROTOCOL = "sightwire.v1"
JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def jpeg(number: int = 0, size: int = 0) -> bytes:
    """A file that passes for a JPEG, told from others by its number."""
    return b"\xff\xd8\xff" + str(number).encode() + bytes(size) + b"\xff\xd9"


def picture(stream: str, sequence: int, body: bytes, captured: float | None = None) -> bytes:
    name = stream.encode()
    us = int((time.time() if captured is None else captured) * 1e6)
    return struct.pack(">BBHQQ", 1, len(name), 0, sequence, us) + name + body


class Socket:
    """One client's connection, as the server sees it."""

    def __init__(self, request: web.Request, ws: web.WebSocketResponse) -> None:
        self.path = request.rel_url.raw_path
        self.query = request.rel_url.raw_query_string
        self.is_binary = ws.ws_protocol == PROTOCOL
        self.ws = ws
        self.texts: list[dict[str, Any]] = []
        self.frames: list[bytes] = []
        self.reads = asyncio.Event()

    async def say(self, **message: Any) -> None:
        await self.ws.send_str(json.dumps(message))

    async def read(self) -> None:
        async for message in self.ws:
            if message.type is WSMsgType.BINARY:
                self.frames.append(message.data)
            elif message.type is WSMsgType.TEXT:
                self.texts.append(json.loads(message.data))


class Relay:
    """The server. `refuse` is the code and the words with which the next connections are turned away, `greet` whether
    they are greeted, `speaks` whether the binary messages are known, `reads` whether frames are read
    before the socket's own `reads` is set, `answers` whether the pings of viewers are answered."""

    def __init__(self) -> None:
        self.url = ""
        self.refuse: tuple[int, str] | None = None
        self.greet = True
        self.speaks = True
        self.reads = True
        self.clock_ahead = 0.0
        self.answers = True
        self.active: list[str] = []
        self.sockets: list[Socket] = []

    async def __aenter__(self) -> Relay:
        app = web.Application()
        app.router.add_get("/ws/stream/{stream}", self._streamer)
        app.router.add_get("/ws/view", self._viewer)
        app.router.add_get("/full/ws/view", self._full)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self.sockets:
            socket.reads.set()
        await self._runner.cleanup()

    @property
    def newest(self) -> Socket:
        return self.sockets[-1]

    async def close(self, code: int, words: str = "") -> None:
        """Ends the newest connection with a code, after an error message if there are words."""
        if words:
            await self.newest.say(type="error", message=words)
        await self.newest.ws.close(code=code)

    async def _open(self, request: web.Request) -> Socket | None:
        ws = web.WebSocketResponse(protocols=[PROTOCOL] if self.speaks else [], autoping=True)
        await ws.prepare(request)
        socket = Socket(request, ws)
        self.sockets.append(socket)
        if self.refuse is not None:
            code, words = self.refuse
            await socket.say(type="error", message=words)
            await ws.close(code=code, message=b"in short")
            return None
        return socket

    async def _streamer(self, request: web.Request) -> web.StreamResponse:
        socket = await self._open(request)
        if socket is None:
            return web.Response()
        with contextlib.suppress(ConnectionError):
            hello = await socket.ws.receive_json()
            socket.texts.append(hello)
            if self.greet:
                mode = hello["analysis_mode"]
                await socket.say(type="connected", patient_id="?", analysis_mode=mode, warning=None)
            if not self.reads:
                await socket.reads.wait()
            await socket.read()
        return socket.ws

    async def _viewer(self, request: web.Request) -> web.StreamResponse:
        socket = await self._open(request)
        if socket is None:
            return web.Response()
        await socket.say(type="viewer_connected", active_streams=self.active, timestamp=time.time())
        async for message in socket.ws:
            told = json.loads(message.data)
            socket.texts.append(told)
            if told["type"] == "ping" and self.answers:
                await socket.say(type="pong", timestamp=time.time() + self.clock_ahead)
        return socket.ws

    async def _full(self, _request: web.Request) -> web.Response:
        return web.json_response({"detail": "full"}, status=503)


def run(work: Callable[[Relay], Awaitable[None]]) -> None:
    """Does it with a relay of its own."""

    async def whole() -> None:
        async with Relay() as relay:
            await asyncio.wait_for(work(relay), 120)

    asyncio.run(whole())
