"""One connection to a relay, from the handshake to its end. It is never reused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import aiohttp
from yarl import URL

from ..errors import AtCapacity, Ended, NameTaken, NotAllowed, SightwireError, Unreachable
from ..link import unreachable
from ..session import Backoff, NoFrames
from ..waiting import within
from .wire import PROTOCOL, parsed

BACKOFF = Backoff(first=1.0, first_full=1.0, longest=30.0)
CONNECT_S = 10.0
"""How long a connection may take to be made."""
GREETING_S = 10.0
"""How long the server may take to admit this client; it asks the old sender of the name first, which takes 2 s."""
GOODBYE_S = 2.0
"""How long a connection may take to close."""
MAX_MESSAGE_BYTES = 16 << 20
"""Largest message that is taken from a server: the largest picture as base64, and some."""
UNSENT_BYTES = 128 << 10
"""What the kernel may hold of a picture that is not on its way yet: more would be old by the time it goes."""

FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError)
"""What a try to connect may end with."""


REASONS: dict[int, tuple[type[SightwireError], str]] = {
    1008: (NotAllowed, "the server does not allow it"),
    1009: (Unreachable, "the server found a message too long"),
    1001: (Unreachable, "the server is stopping"),
    1013: (AtCapacity, "the server is full"),
    4008: (Unreachable, "the server gave this connection up: it took no pictures"),
    4090: (NameTaken, "this stream is live elsewhere"),
    4400: (Unreachable, "the server got ten frames in a row that are no pictures"),
    4408: (NoFrames, "the server got no frame for too long"),
    4410: (Ended, "an administrator has ended it"),
}
"""What the codes mean with which a server closes."""
OF_STATUS: dict[int, type[SightwireError]] = {401: NotAllowed, 403: NotAllowed, 422: NotAllowed, 503: AtCapacity}
"""What it means when a server answers with HTTP instead."""


class Link:
    """A connection; admitted by the server once `open` has returned."""

    def __init__(self, url: str, address: str, *, silence: float) -> None:
        self._url = url
        self._address = URL(address, encoded=True)
        # aiohttp asks after `heartbeat` seconds and gives the answer half of that again.
        self._heartbeat = silence * 2 / 3
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._said = ""
        self.is_binary = False
        """Whether the server takes and gives pictures as bytes."""

    async def open(self, hello: dict[str, Any] | None, greeting: str) -> dict[str, Any]:
        """Connects, says `hello`, and waits for the message of the type `greeting`, which it returns.

        Raises `Unreachable` or `Refused`.
        """
        try:
            try:
                ws = await within(self._connect(), CONNECT_S)
                if hello is not None:
                    await ws.send_str(json.dumps(hello))
                return await within(self._greeted(greeting), GREETING_S)
            except FAILURES as error:
                raise self._why_not(error) from error
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        self._http = http = aiohttp.ClientSession()
        self._ws = ws = await http.ws_connect(
            self._address,
            protocols=(PROTOCOL,),
            heartbeat=self._heartbeat,
            max_msg_size=MAX_MESSAGE_BYTES,
        )
        self.is_binary = ws.protocol == PROTOCOL
        line = ws.get_extra_info("socket")
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if line is not None and option is not None:
            with contextlib.suppress(OSError):
                line.setsockopt(socket.IPPROTO_TCP, option, UNSENT_BYTES)
        return ws

    async def _greeted(self, greeting: str) -> dict[str, Any]:
        while True:
            message = await self.receive()
            if isinstance(message, dict) and message.get("type") == greeting:
                return message

    def _why_not(self, error: BaseException) -> SightwireError:
        if isinstance(error, aiohttp.WSServerHandshakeError):
            kind = OF_STATUS.get(error.status)
            if kind is not None:
                return kind(f"{self._url} refuses the connection (HTTP {error.status})")
            return Unreachable(f"the server at {self._url} has no relay (HTTP {error.status})")
        if isinstance(error, asyncio.TimeoutError):
            what = "does not answer" if self._ws is None else "takes connections, and does not greet as a relay does"
            return Unreachable(f"{self._url} {what}")
        return unreachable(self._url, str(error) or type(error).__name__)

    async def receive(self) -> bytes | dict[str, Any]:
        """The next message: bytes, or JSON (empty for what is none). At the end of the connection raises why it ended.

        The server's pings are answered here.
        """
        assert self._ws is not None
        while True:
            message = await self._ws.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                told: bytes = message.data
                return told
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise self._end(message.extra if isinstance(message.extra, str) else "")
            fields = parsed(message.data)
            if fields.get("type") == "error":
                self._said = str(fields.get("message") or "")
            elif fields.get("type") == "ping":
                await self.say({"type": "pong"})
            return fields

    def _end(self, reason: str) -> SightwireError:
        """Why it ended, in the server's own words where there are any."""
        assert self._ws is not None
        code = self._ws.close_code
        kind, words = REASONS.get(code or 0, (Unreachable, "the connection was lost"))
        if isinstance(self._ws.exception(), asyncio.TimeoutError):
            words = "nothing came from the server any more: the connection is dead"
        return kind(self._said or reason or words)

    async def say(self, message: dict[str, Any]) -> None:
        """Sends a JSON message. That the connection has ended meanwhile, `receive` tells."""
        await self.send(json.dumps(message))

    async def send(self, message: str | bytes) -> None:
        """Sends a message, and waits while the network takes nothing. Its end is told by `receive`."""
        assert self._ws is not None
        with contextlib.suppress(OSError, aiohttp.ClientError, RuntimeError):
            if isinstance(message, str):
                await self._ws.send_str(message)
            else:
                await self._ws.send_bytes(message)

    async def close(self) -> None:
        """Says goodbye; afterwards the server keeps nothing of this client."""
        if self._ws is not None:
            with contextlib.suppress(Exception):
                await within(self._ws.close(), GOODBYE_S)
        if self._http is not None:
            with contextlib.suppress(Exception):
                await self._http.close()
