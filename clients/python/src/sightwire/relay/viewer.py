"""The viewer: the newest pictures of live streams, for a reader that may be slow."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import Any, Callable

from ..errors import SightwireError
from ..model import State
from ..session import OnState, Session
from .link import BACKOFF, Link
from .model import Detection, Overlay, Picture, StreamState, StreamView, ViewerStats
from .newest import Newest
from .streams import Stream, Streams
from .wire import EVERY, checked, picture_of, relay_url, unpack, viewer_address

STALE_S = 1.0
"""A picture of a stream that is not there any more is given so long after its arrival, and not later."""
FAST_PROBES, PROBE_S, PROBE_EVERY_S = 4, 0.5, 15.0
"""The server's clock is asked for so many times so many seconds apart, and then at longer intervals."""
UNANSWERED_S = 2.0
"""A question that is open for so long is asked anew."""
PROBES = 8
"""Answers of which the quickest tells how far the server's clock is from this one."""

OnStream = Callable[[StreamView], None]


@dataclass(frozen=True)
class _Arrived:
    picture: Picture
    at: float


class Viewer(Session):
    """Sees live streams of a server's relay.

    ::

        async with Viewer("http://127.0.0.1:8000", ["P-1"]) as viewer:
            async for picture in viewer:
                print(picture.stream, picture.sequence, len(picture.jpeg))

    The iterator gives the newest picture of each stream that has a new one, streams taking turns: however long the loop
    takes over a picture, the next is of now, and what was overtaken is counted. A lost connection is made anew, with
    growing, random waits in between. Nothing here grows, however slow the loop or the network is.

    Parameters
    ----------
    url
        Address of the server; a path in it is where a reverse proxy has put Sightwire.
    streams
        Names of streams; `*` stands for all of the relay, and a camera's id opens that camera. Without names:
        all of the relay. A stream that is not there yet comes when it begins.
    overlays
        Also asks for what analyses find: `Picture.detections`, and `overlays()`.
    wait
        Seconds that entering keeps trying where the server is down or full; 0 gives up at once, None never.
    reconnect
        Seconds that a lost connection is tried anew before the iterator raises; None tries for ever.
    silence
        Seconds without a sign of life after which the connection counts as lost.
    on_state
        Called with each new state and a sentence for people, from the event loop.
    on_stream
        Called with each stream whose state has changed, from the event loop.
    """

    _example = "async with Viewer(…)"

    def __init__(
        self,
        url: str,
        streams: Iterable[str] | None = None,
        overlays: bool = False,
        *,
        wait: float | None = 0.0,
        reconnect: float | None = None,
        silence: float = 20.0,
        on_state: OnState | None = None,
        on_stream: OnStream | None = None,
    ) -> None:
        super().__init__(relay_url(url), BACKOFF, wait=wait, reconnect=reconnect, on_state=on_state)
        if isinstance(streams, str):
            raise TypeError(f"streams={streams!r}: it must be a list of names, as in [{streams!r}]")
        self.streams = None if streams is None else tuple(name if name == EVERY else checked(name) for name in streams)
        if self.streams is not None and not self.streams:
            raise ValueError("streams=[]: name a stream, or leave it out for all")
        self._overlays = overlays
        self._silence = silence
        self._on_stream = on_stream
        self._unread: Newest[_Arrived] = Newest()
        self._unread_overlays: Newest[Overlay] = Newest()
        self._found: dict[str, Overlay] = {}
        self._known = Streams(self._forget)
        now = time.monotonic()
        for name in self.streams or ():
            if name != EVERY:
                self._known.known(name, now)
        self._asked: tuple[float, float] | None = None
        self._probes: deque[tuple[float, float]] = deque(maxlen=PROBES)
        self._pictures = 0
        self._missed = 0
        self._skipped = 0

    def __aiter__(self) -> Viewer:
        return self

    async def __anext__(self) -> Picture:
        """The newest picture of the stream whose turn it is; the iterator ends when the viewer is closed."""
        while True:
            while (arrived := self._unread.take()) is not None:
                if self._is_of_now(arrived):
                    picture = arrived.picture
                    return replace(picture, overlay=self._found.get(picture.stream))
                self._skipped += 1
            await self._more()

    async def overlays(self) -> AsyncIterator[Overlay]:
        """The newest that an analysis has found in each stream, streams taking turns. Needs `overlays=True`.

        Ends when the viewer is closed.
        """
        if not self._overlays:
            raise ValueError("overlays were not asked for: Viewer(…, overlays=True)")
        while True:
            while (overlay := self._unread_overlays.take()) is not None:
                yield overlay
            try:
                await self._more()
            except StopAsyncIteration:
                return

    @property
    def states(self) -> dict[str, StreamView]:
        """Each stream that was asked for or seen, as it is now. Of those that have ended only some are remembered."""
        now = time.monotonic()
        return {stream.name: stream.view(now) for stream in self._known}

    @property
    def stats(self) -> ViewerStats:
        """What has happened so far."""
        return ViewerStats(self._pictures, self._missed, self._skipped, self._connections)

    @property
    def clock_offset(self) -> float | None:
        """Seconds that the server's clock is ahead of this one; None while that is not known."""
        return min(self._probes)[1] if self._probes else None

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        if self.state is State.CLOSED:
            if self._runner is None:
                self._check_open()
            raise StopAsyncIteration
        await self._next_news()

    def _is_of_now(self, arrived: _Arrived) -> bool:
        stream = self._known.get(arrived.picture.stream)
        gone = stream is None or stream.state in (StreamState.ENDED, StreamState.WAITING)
        return (self.state is State.READY and not gone) or time.monotonic() - arrived.at < STALE_S

    async def _one_connection(self) -> tuple[SightwireError, float]:
        link = Link(self.url, viewer_address(self.url, self.streams, overlays=self._overlays), silence=self._silence)
        try:
            greeting = await link.open(None, "viewer_connected")
        except SightwireError as error:
            return error, 0.0
        admitted = time.monotonic()
        self._probes.clear()
        self._asked = None
        probing = asyncio.ensure_future(self._probe(link))
        try:
            self._connections += 1
            self._greet(greeting, admitted)
            self._set_state(State.READY, f"connected to {self.url}")
            while True:
                message = await link.receive()
                now = time.monotonic()
                if isinstance(message, bytes):
                    unpacked = unpack(message)
                    if unpacked is not None:
                        self._on_picture(*unpacked, now)
                else:
                    self._on_message(message, now)
        except SightwireError as error:
            self._changed(*self._known.lost(str(error), time.monotonic()))
            return error, time.monotonic() - admitted
        finally:
            probing.cancel()
            self._news.set()
            await link.close()

    def _greet(self, greeting: dict[str, Any], now: float) -> None:
        """What went on without a connection: streams that are there, and those that are not any more."""
        active = greeting.get("active_streams")
        there = {name for name in active if isinstance(name, str)} if isinstance(active, list) else set()
        for name in there:
            self._known.known(name, now)
        for stream in self._known:
            # Counts begin anew: what a dead connection did not bring is no loss of this one.
            stream.sequence = None
            if stream.name not in there and stream.name not in (self.streams or ()) and stream.kind != "camera":
                self._end(stream, None, now)

    def _on_picture(self, name: str, sequence: int, captured: float, jpeg: bytes, now: float) -> None:
        stream = self._known.known(name, now)
        if stream is None:
            return
        offset = self.clock_offset
        delay = None if offset is None or captured <= 0.0 else max(0.0, time.time() + offset - captured)
        self._pictures += 1
        self._missed += stream.arrived(sequence, delay, now)
        if stream.state in (StreamState.WAITING, StreamState.ENDED) and stream.becomes(StreamState.LIVE, None, now):
            self._changed(stream)
        self._skipped += self._unread.put(name, _Arrived(Picture(name, sequence, captured, jpeg), now))
        self._news.set()

    def _on_message(self, message: dict[str, Any], now: float) -> None:
        kind, name = message.get("type"), message.get("patient_id")
        if kind == "pong":
            self._on_pong(message, now)
        elif kind == "stream_state":
            changed = self._known.told(message, now)
            if changed is not None:
                self._changed(changed)
        elif not isinstance(name, str):
            return
        elif kind == "live_frame":
            jpeg = picture_of(message.get("data"))
            known = self._known.known(name, now)
            if jpeg is not None and known is not None:
                # A server that sends text does not count them.
                self._on_picture(name, 1 if known.sequence is None else known.sequence + 1, time.time(), jpeg, now)
        elif kind == "overlay_data":
            overlay = overlay_of(message)
            if overlay is not None and self._known.get(name) is not None:
                self._found[name] = overlay
                self._unread_overlays.put(name, overlay)
                self._news.set()
        elif kind == "stream_ended":
            stream = self._known.get(name)
            if stream is not None:
                reason = message.get("reason")
                self._end(stream, reason if isinstance(reason, str) else None, now)

    async def _probe(self, link: Link) -> None:
        """Asks for the server's clock now and then."""
        while True:
            # One question at a time: answers do not say what they are an answer to.
            if self._asked is None or time.monotonic() - self._asked[1] > UNANSWERED_S:
                self._asked = (time.time(), time.monotonic())
                await link.say({"type": "ping"})
            await asyncio.sleep(PROBE_S if len(self._probes) < FAST_PROBES else PROBE_EVERY_S)

    def _on_pong(self, message: dict[str, Any], now: float) -> None:
        told = message.get("timestamp")
        if isinstance(told, (int, float)) and self._asked is not None:
            sent, sent_at = self._asked
            took = now - sent_at
            self._probes.append((took, told - (sent + took / 2)))
            self._asked = None

    def _forget(self, name: str) -> None:
        self._unread.forget(name)
        self._unread_overlays.forget(name)
        self._found.pop(name, None)

    def _end(self, stream: Stream, reason: str | None, now: float) -> None:
        self._found.pop(stream.name, None)
        self._unread_overlays.forget(stream.name)
        if stream.becomes(StreamState.ENDED, reason, now):
            self._changed(stream)

    def _changed(self, *streams: Stream) -> None:
        if self._on_stream is not None:
            now = time.monotonic()
            for stream in streams:
                self._on_stream(stream.view(now))


def overlay_of(message: dict[str, Any]) -> Overlay | None:
    """What an `overlay_data` says; None where it is not as it should be. A detection that is not is left out."""
    name, data = message.get("patient_id"), message.get("data")
    if not isinstance(name, str) or not isinstance(data, dict):
        return None
    metrics = data.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    found = metrics.get("detections")
    made = [_detection(one) for one in found] if isinstance(found, list) else []
    delay_ms = metrics.get("delay_ms")
    return Overlay(
        stream=name,
        frame=_whole(message.get("frame_num")),
        detections=tuple(one for one in made if one is not None),
        width=_whole(metrics.get("width")),
        height=_whole(metrics.get("height")),
        model=str(metrics.get("model") or ""),
        delay=delay_ms / 1e3 if isinstance(delay_ms, (int, float)) else None,
        data=data,
    )


def _detection(one: Any) -> Detection | None:
    try:
        left, top, right, bottom = (float(edge) for edge in one["box"])
        label, confidence, track = str(one["label"]), float(one["confidence"]), one.get("track")
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return Detection(label, confidence, (left, top, right, bottom), track if isinstance(track, int) else None)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
