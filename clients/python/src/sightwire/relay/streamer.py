"""The sender: frames in, the newest of them out to all who look."""

from __future__ import annotations

import asyncio
import contextlib
import time
from types import TracebackType
from typing import Any

from .. import pictures
from ..errors import SightwireError
from ..model import State
from ..pictures import Frame
from ..session import OnState, Session
from ..waiting import within
from .link import BACKOFF, Link
from .model import StreamerStats
from .wire import checked, pack, relay_url, streamer_address, text_frame

MODES = ("normal", "enhanced")
STALE_S = 2.0
"""A frame that has waited so long for a connection is not sent any more."""
FLUSH_S = 2.0
"""How long leaving waits for the last frame to go out."""
MAX_FRAME_BYTES = 8 << 20
"""Largest picture, which is also the server's limit unless it is told otherwise (`relay.max_frame_mb`)."""


class Streamer(Session):
    """Sends a live stream to a server's relay.

    ::

        async with Streamer("http://127.0.0.1:8000", "P-1") as streamer:
            await streamer.send(jpeg)

    `send` never waits for the network: while a frame goes out, of the frames that come only the newest is kept, and
    what is dropped is counted. A lost connection is made anew, with growing, random waits in between.

    Parameters
    ----------
    url
        Address of the server; a path in it is where a reverse proxy has put Sightwire.
    stream
        The name under which the stream is seen: 1 to 128 bytes of UTF-8 without control characters.
    mode
        `normal`, or `enhanced` for an analysis of more of its frames.
    wait
        Seconds that entering keeps trying where the server is down or full; 0 gives up at once, None never. A name that
        is taken is an error at once.
    reconnect
        Seconds that a lost connection is tried anew before `send` raises; None tries for ever.
    quality
        Of the JPEG made of an array, 1 to 100.
    silence
        Seconds without a sign of life after which the connection counts as lost.
    on_state
        Called with each new state and a sentence for people, from the event loop.
    """

    _example = "async with Streamer(…)"

    def __init__(
        self,
        url: str,
        stream: str,
        mode: str = "normal",
        *,
        wait: float | None = 0.0,
        reconnect: float | None = None,
        quality: int = 85,
        silence: float = 20.0,
        on_state: OnState | None = None,
    ) -> None:
        super().__init__(relay_url(url), BACKOFF, wait=wait, reconnect=reconnect, on_state=on_state)
        if mode not in MODES:
            raise ValueError(f"mode={mode!r}: it must be one of {', '.join(MODES)}")
        self.stream = checked(stream)
        self.mode = mode
        self.warning: str | None = None
        """What the server last warned of on this connection."""
        self._quality = quality
        self._silence = silence
        self._waiting: tuple[bytes, float] | None = None
        self._is_sending = False
        self._offered = 0
        self._sent = 0
        self._dropped = 0
        self._bytes_sent = 0
        self._told: dict[str, int] = {}

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.flush()
        await self.close()

    async def send(self, frame: Frame) -> bool:
        """Offers a frame; whether there is a connection that it can go out on.

        `frame`: a JPEG file as bytes, or an array as OpenCV gives it: uint8, (height, width, 3) in the order blue,
        green, red, or (height, width) for grey. Arrays, and PNG files, need OpenCV. Raises ValueError for what is no
        picture, and the reason if the streamer has ended.
        """
        offered = time.monotonic()
        self._check_open()
        if pictures.is_jpeg(frame):
            jpeg = pictures.encode_jpeg(frame, self._quality)
        else:
            loop = asyncio.get_running_loop()
            jpeg = await loop.run_in_executor(None, pictures.encode_jpeg, frame, self._quality)
            self._check_open()
        if len(jpeg) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(jpeg) / 1e6:.1f} MB is larger than a relay takes (8 MiB)")
        self._offered += 1
        self._dropped += self._waiting is not None
        self._waiting = (jpeg, offered)
        self._wake.set()
        # A program that sends without a pause must not keep the network from its turn.
        await asyncio.sleep(0)
        return self.state is State.READY

    async def flush(self, timeout: float = FLUSH_S) -> bool:
        """Waits until the newest frame has gone out; False if that took too long."""

        async def settled() -> None:
            while self.state is not State.CLOSED and (self._waiting is not None or self._is_sending):
                await self._next_news()

        with contextlib.suppress(asyncio.TimeoutError):
            await within(settled(), timeout)
        return self._waiting is None and not self._is_sending

    @property
    def stats(self) -> StreamerStats:
        """What has happened so far."""
        return StreamerStats(
            offered=self._offered,
            sent=self._sent,
            dropped=self._dropped,
            bytes_sent=self._bytes_sent,
            connections=self._connections,
            viewers=self._told.get("viewers"),
            received=self._told.get("received"),
            bad=self._told.get("bad"),
            excess=self._told.get("dropped"),
        )

    @property
    def viewers(self) -> int | None:
        """How many see the stream now; None where the server does not say."""
        return self._told.get("viewers")

    async def _wanted(self) -> None:
        while self._waiting is None:
            self._wake.clear()
            await self._wake.wait()

    async def _one_connection(self) -> tuple[SightwireError, float]:
        link = Link(self.url, streamer_address(self.url, self.stream), silence=self._silence)
        try:
            greeting = await link.open({"analysis_mode": self.mode}, "connected")
        except SightwireError as error:
            return error, 0.0
        admitted = time.monotonic()
        if self._waiting is not None and admitted - self._waiting[1] > STALE_S:
            self._waiting = None
            self._dropped += 1
        sending = asyncio.ensure_future(self._send_frames(link))
        try:
            self._connections += 1
            self.warning = None
            self._warn(greeting.get("warning"))
            self._set_state(State.READY, f"{self.stream} is live at {self.url}")
            while True:
                message = await link.receive()
                if isinstance(message, dict):
                    self._on_message(message)
        except SightwireError as error:
            return error, time.monotonic() - admitted
        finally:
            sending.cancel()
            self._is_sending = False
            self._told = {}
            self._news.set()
            await link.close()

    async def _send_frames(self, link: Link) -> None:
        while True:
            while self._waiting is None:
                self._wake.clear()
                await self._wake.wait()
            (jpeg, _), self._waiting = self._waiting, None
            self._is_sending = True
            await link.send(pack(jpeg) if link.is_binary else text_frame(jpeg))
            self._is_sending = False
            self._sent += 1
            self._bytes_sent += len(jpeg)
            self._news.set()

    def _on_message(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "stream_stats":
            counts = ((name, message.get(name)) for name in ("viewers", "received", "bad", "dropped"))
            self._told = {name: value for name, value in counts if isinstance(value, int)}
            self._news.set()
        elif kind == "warning":
            self._warn(message.get("message"))

    def _warn(self, words: object) -> None:
        if isinstance(words, str) and words:
            self.warning = words
            if self._on_state is not None:
                self._on_state(State.READY, f"the server warns: {words}")
