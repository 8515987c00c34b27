"""One connection to a server, from the handshake to its end. It is never reused."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from typing import Any, Callable
from urllib.parse import urlsplit

import aiohttp
import socketio

from .errors import AtCapacity, NoModel, Refused, SightwireError, Unreachable
from .model import Model
from .pacing import Outgoing
from .waiting import within

CONNECT_S = 10.0
"""How long a connection may take to be made."""
GREETING_S = 5.0
"""How long the server's `status` may take to come through it."""
FACTS_S = 0.3
"""How long the facts about the model are waited for; there are none while the server loads it."""
GOODBYE_S = 2.0
"""How long a connection may take to close."""

FAILURES = (socketio.exceptions.SocketIOError, aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError)
"""What a try to connect may end with."""

EXTRAS = {"extras": True}
"""What tells the server that this client understands more than the prototype's."""

Listener = Callable[[str, "dict[str, Any]"], None]


def normalized(url: str) -> str:
    """The address of a server with its scheme; raises ValueError for what is none."""
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    wrong = f"{url!r} is not the address of a server, such as http://127.0.0.1:8000"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ValueError(f"{wrong} ({error})") from error
    if not usable:
        raise ValueError(wrong)
    return text.rstrip("/")


def unreachable(url: str, reason: str) -> Unreachable:
    """The error for an address at which nothing answers; takes the socket's own words out of aiohttp's."""
    inner = re.search(r" ssl:\S+ \[(.*)\]$", reason)
    return Unreachable(f"no Sightwire server answers at {url} ({inner[1] if inner else reason})")


class Silent(Unreachable):
    """There is a Socket.IO server, and it says nothing."""


class Link:
    """A connection, admitted by the server once `open` has returned."""

    def __init__(self, url: str, listener: Listener) -> None:
        self._url = url
        self._listener = listener
        self._sio: Any = None
        self._base64 = True
        self._begin()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[SightwireError | None] = loop.create_future()
        """Done when the connection is gone, with the reason if there is one."""
        self._greeted: asyncio.Future[bool] = loop.create_future()
        self._facts = asyncio.Event()
        self._refusal: SightwireError | None = None
        self._http_detail = ""

    async def open(self) -> None:
        """Connects and waits until the server has admitted this client; raises `Unreachable` or `Refused`."""
        try:
            try:
                await self._connect("websocket", EXTRAS)
            except Silent:
                # The prototype's servers choke on a client that says anything as it comes.
                self._begin()
                await self._connect("websocket", None)
            except Unreachable as error:
                if isinstance(error.__cause__, asyncio.TimeoutError):
                    raise
                # Some proxies let no websocket through; where nothing answers at all, this finds out why.
                self._begin()
                await self._connect("polling", EXTRAS)
        except BaseException:
            await self.close()
            raise

    async def _connect(self, transport: str, auth: dict[str, bool] | None) -> None:
        # Ctrl-C belongs to the program. request_timeout is also how long a websocket's goodbye may take.
        self._sio = sio = socketio.AsyncClient(reconnection=False, handle_sigint=False, request_timeout=GOODBYE_S)
        sio.on("status", self._on_status)
        sio.on("error", self._on_error)
        sio.on("connect_error", self._on_connect_error)
        sio.on("disconnect", self._on_disconnect)
        for event in ("model", "prediction", "result"):
            sio.on(event, self._forward(event))
        path = urlsplit(self._url).path.strip("/")
        connecting = sio.connect(
            self._url,
            transports=[transport],
            auth=auth,
            socketio_path=f"{path}/socket.io" if path else "socket.io",
            wait=False,
        )
        try:
            await within(connecting, CONNECT_S)
            await asyncio.wait({self._greeted}, timeout=GREETING_S)
            if not self._greeted.done():
                raise Silent(f"{self._url} takes connections, and does not greet as a Sightwire server does")
            if not self._greeted.result():
                raise ConnectionError("the connection ended at once")
        except FAILURES as error:
            with contextlib.suppress(Exception):
                await sio.disconnect()
            raise (self._refusal or self._unreachable(error)) from error
        except Silent:
            with contextlib.suppress(Exception):
                await sio.disconnect()
            raise
        if auth is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(self._facts.wait(), FACTS_S)

    def _unreachable(self, error: Exception) -> SightwireError:
        reason = str(error) or type(error).__name__
        if "status code 503" in reason:
            return AtCapacity(self._http_detail or "the server has too many connections")
        if isinstance(error, asyncio.TimeoutError):
            reason = f"nothing came within {CONNECT_S:.0f} s"
        return unreachable(self._url, reason)

    async def send(self, frame: Outgoing) -> None:
        """Sends a frame. Nothing else may send at the same time."""
        image: object = base64.b64encode(frame.picture).decode("ascii") if self._base64 else frame.picture
        with contextlib.suppress(socketio.exceptions.SocketIOError, OSError):
            await self._sio.emit("frame", {"image": image, "id": frame.id})

    def lose(self, why: str) -> None:
        """Gives the connection up."""
        self._end(Unreachable(why))

    async def close(self) -> None:
        """Says goodbye; afterwards the server keeps nothing of this client."""
        self._end(None)
        if self._sio is not None:
            with contextlib.suppress(Exception):
                await within(self._sio.disconnect(), 2 * GOODBYE_S)

    def _end(self, reason: SightwireError | None) -> None:
        if not self._greeted.done():
            self._greeted.set_result(False)
        if not self.ended.done():
            self.ended.set_result(reason)

    def _on_status(self, *_data: object) -> None:
        if not self._greeted.done():
            self._greeted.set_result(True)

    def _on_error(self, data: object = None, *_rest: object) -> None:
        message = str(data.get("message", data)) if isinstance(data, dict) else str(data)
        if message.startswith("Server at capacity"):
            self._refusal = AtCapacity(message)
        elif "no model" in message:
            self._refusal = NoModel(message)
        else:
            self._refusal = Refused(message)
        self._end(self._refusal)

    def _on_connect_error(self, data: object = None, *_rest: object) -> None:
        if isinstance(data, dict):
            self._http_detail = str(data.get("detail") or data.get("message") or "")

    def _on_disconnect(self, *_reason: object) -> None:
        self._end(self._refusal)

    def _forward(self, event: str) -> Callable[..., None]:
        def handler(data: object = None, *_rest: object) -> None:
            if not isinstance(data, dict):
                return
            if event == "model":
                # Whoever describes its model takes pictures as they are; the prototype's servers take base64 only.
                self._base64 = False
                self._facts.set()
            if not self.ended.done():
                self._listener(event, data)

        return handler


def facts(data: dict[str, Any]) -> Model | None:
    """What a `model` event says; None where it is not as it should be."""
    try:
        return Model(
            name=str(data["name"]),
            labels=tuple(str(label) for label in data["labels"]),
            window=int(data["window"]),
            threshold=float(data["threshold"]),
            width=int(data["width"]),
            height=int(data["height"]),
            arming=bool(data.get("arming", False)),
        )
    except (KeyError, TypeError, ValueError):
        return None
