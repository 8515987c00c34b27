"""Clients of the relay as the prototype's pages have them: JSON texts and nothing of ours. And a socket by hand."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any
from urllib.parse import quote, urlparse

import aiohttp
import cv2
import numpy as np
from yarl import URL

from harness import Server

PREFIX = "data:image/jpeg;base64,"
V1 = "sightwire.v1"
HEADER = struct.Struct(">BBHQQ")
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


def run(work: Callable[[], Awaitable[None]], seconds: float = 60) -> None:
    asyncio.run(asyncio.wait_for(work(), seconds))


async def fetch(server: Server, path: str) -> dict:
    return await asyncio.get_running_loop().run_in_executor(None, server.get, path)


def request(server: Server, path: str, method: str = "GET", body: dict | None = None) -> int:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


async def until_gone(server: Server) -> None:
    deadline = time.monotonic() + 5
    while (await fetch(server, "/streams/active"))["count"]:
        assert time.monotonic() < deadline, "no stream left"
        await asyncio.sleep(0.01)


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
        self.bytes: list[bytes] = []
        self.at: list[float] = []
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
                self.at.append(time.monotonic())
            elif message.type is aiohttp.WSMsgType.BINARY:
                self.bytes.append(message.data)
        self.code = self.ws.close_code

    @property
    def pictures(self) -> list[tuple[str, int, float, bytes]]:
        """What came as bytes: stream, sequence, time of capture in seconds, JPEG."""
        return [unpacked(message) for message in self.bytes]

    async def say(self, message: object) -> None:
        await self.ws.send_str(message if isinstance(message, str) else json.dumps(message))

    def of(self, kind: str, stream: str | None = None) -> list[dict[str, Any]]:
        """What it was told of a kind, about a stream."""
        return [
            one for one in self.heard if one["type"] == kind and (stream is None or one.get("patient_id") == stream)
        ]

    async def hears(self, kind: str, stream: str | None = None, count: int = 1, seconds: float = 5) -> dict[str, Any]:
        """Waits for so many of a kind; the last of them."""
        await until(lambda: len(self.of(kind, stream)) >= count, seconds, f"{count} {kind} {stream or ''}", self)
        return self.of(kind, stream)[count - 1]

    async def is_closed(self, seconds: float = 5) -> int | None:
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

    async def sees(self, stream: str, frame: bytes, seconds: float = 5) -> None:
        """Waits until a picture is the newest of its stream."""

        def newest() -> bool:
            frames = self.of("live_frame", stream)
            return bool(frames) and frames[-1]["data"]["frame"] == data_url(frame)

        await until(newest, seconds, f"the picture of {stream}", self)


def unpacked(message: bytes) -> tuple[str, int, float, bytes]:
    """The parts of a picture's binary message."""
    kind, length, zero, sequence, captured_us = HEADER.unpack_from(message)
    assert (kind, zero) == (1, 0)
    name = message[HEADER.size : HEADER.size + length].decode()
    return name, sequence, captured_us / 1e6, message[HEADER.size + length :]


def packed(jpeg: bytes) -> bytes:
    """The binary message of a sender."""
    return HEADER.pack(1, 0, 0, 0, 0) + jpeg


async def until(check: Callable[[], bool], seconds: float, what: str, old: Old | None = None) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        told = "" if old is None else f"; heard {[one['type'] for one in old.heard][-20:]}, closed {old.ws.close_code}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}{told}"
        await asyncio.sleep(0.005)


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Raw:
    """A WebSocket by hand, for what no library would send; it answers nothing by itself."""

    def __init__(self, url: str, path: str, *, receive_bytes: int | None = None, headers: str = "") -> None:
        address = urlparse(url)
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(10)
        self.socket.connect((address.hostname, address.port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{headers}\r\n".encode()
        )
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            got = self.socket.recv(1)
            assert got, f"no answer to the handshake: {self.head!r}"
            self.head += got

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    def send(self, payload: bytes, kind: int = TEXT, *, last: bool = True, masked: bool = True) -> None:
        self.socket.sendall(frame(payload, kind, last=last, masked=masked))

    def say(self, message: object) -> None:
        self.send(json.dumps(message).encode())

    def receive(self) -> tuple[int, bytes]:
        """The next frame of the protocol: its kind and payload. (0, b"") at the end of the connection."""
        try:
            head = self._exactly(2)
            length = head[1] & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", self._exactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self._exactly(8))
            return head[0] & 0x0F, self._exactly(length)
        except (ConnectionError, EOFError):
            return 0, b""

    def hears(self, kind: str) -> dict[str, Any]:
        """Reads on to a message of a kind."""
        while True:
            opcode, payload = self.receive()
            assert opcode in (TEXT, PING, PONG), (opcode, payload[:200])
            if opcode == TEXT and (message := json.loads(payload))["type"] == kind:
                return message

    def close_code(self) -> int | None:
        """Reads on to the end; the code with which the server closed, None where it just hung up."""
        while True:
            opcode, payload = self.receive()
            if opcode == CLOSE:
                return struct.unpack(">H", payload[:2])[0] if payload else None
            if opcode == 0:
                return None

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            got = self.socket.recv(count - len(parts))
            if not got:
                raise EOFError
            parts += got
        return bytes(parts)


def frame(payload: bytes, kind: int = TEXT, *, last: bool = True, masked: bool = True) -> bytes:
    """A frame of the WebSocket protocol, as a client sends it."""
    length = len(payload)
    if length < 126:
        size = bytes([length | 0x80 * masked])
    elif length < 1 << 16:
        size = bytes([126 | 0x80 * masked]) + struct.pack(">H", length)
    else:
        size = bytes([127 | 0x80 * masked]) + struct.pack(">Q", length)
    head = bytes([kind | 0x80 * last]) + size
    if not masked:
        return head + payload
    key = os.urandom(4)
    times = -(-length // 4)
    # As one large number: a loop over 20 MB would take as long as the test.
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes((key * times)[:length], "big") if length else 0
    return head + key + mixed.to_bytes(length, "big")
