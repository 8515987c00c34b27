"""The client: frames in, predictions out, and a connection that comes back by itself."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from . import link as wire
from . import pictures
from .errors import SightwireError, Unreachable
from .link import Link
from .model import NONE, Model, Prediction, State, Stats
from .pacing import Outgoing, Pacer
from .pictures import Frame
from .session import Backoff, OnState, Session

DEFAULT_URL = "http://127.0.0.1:8000"
MAX_UNREAD = 64
"""Predictions that wait for the iterator; past that the oldest goes."""
BACKOFF = Backoff(first=0.25, first_full=1.0, longest=10.0)


class Recognizer(Session):
    """A client of a Sightwire server.

    ::

        async with Recognizer("http://127.0.0.1:8000") as r:
            await r.send(jpeg)
            async for prediction in r:
                print(prediction.label, prediction.score)

    `send` never waits for the server: at most `in_flight` frames are under way, of the frames that wait for that only
    the newest is kept, and what is dropped is counted. A lost connection is made anew, with growing, random waits in
    between. Nothing here grows, however slow the server, the network or the loop over the predictions is.

    Parameters
    ----------
    url
        Address of the server; a path in it is where a reverse proxy has put Sightwire.
    wait
        Seconds that entering keeps trying where the server is down or full; 0 gives up at once, None never.
    reconnect
        Seconds that a lost connection is tried anew before the iterator raises; None tries for ever.
    in_flight
        Frames that may be under way. 4 are enough for 25 a second up to 160 ms from here to the server and back.
    quality
        Of the JPEG made of an array, 1 to 100.
    answer_timeout
        Seconds without a reply, frames being under way, after which the connection counts as lost.
    on_state
        Called with each new state and a sentence for people, from the event loop.
    """

    _example = "async with Recognizer(…) as r"

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        wait: float | None = 0.0,
        reconnect: float | None = None,
        in_flight: int = 4,
        quality: int = 90,
        answer_timeout: float = 10.0,
        on_state: OnState | None = None,
    ) -> None:
        super().__init__(wire.normalized(url), BACKOFF, wait=wait, reconnect=reconnect, on_state=on_state)
        self.model: Model | None = None
        """What the server runs; None while it loads its model, and where it is one of the prototype."""
        self._quality = quality
        self._answer_timeout = answer_timeout
        self._pacer = Pacer(in_flight)
        self._link: Link | None = None
        self._outbox: deque[Outgoing] = deque()  # bounded by the pacer: all of these are under way
        self._offered = 0
        self._turned_away = 0
        self._unread: deque[Prediction] = deque()
        self._predictions = 0
        self._missed = 0
        self._seen: int | None = None
        self._pushes = True

    async def send(self, frame: Frame) -> int:
        """Offers a frame and returns its number, which predictions name as `seen`.

        `frame`: a JPEG or PNG file as bytes, or an array as OpenCV gives it: uint8, (height, width, 3) in the order
        blue, green, red, or (height, width) for grey. Arrays need OpenCV. Send a live picture's frames as they come:
        the model looks at consecutive ones, and was trained on 25 a second.

        Without a connection the frame is dropped, for it would be old when there is one. Raises ValueError for what
        is no picture, and the reason if the recogniser has ended.
        """
        offered = time.monotonic()
        self._check_open()
        if pictures.is_array(frame):
            picture = await asyncio.get_running_loop().run_in_executor(None, pictures.encode, frame, self._quality)
            self._check_open()
        else:
            picture = pictures.encode(frame, self._quality)
        number = self._offered
        self._offered += 1
        if self._link is None:
            self._turned_away += 1
        else:
            self._pacer.offer(Outgoing(number, picture, offered))
            self._take_what_may_go()
            # A program that sends without a pause must not keep replies from being read.
            await asyncio.sleep(0)
        return number

    async def flush(self, timeout: float = 2.0) -> bool:
        """Waits until all frames are answered and a prediction has seen the newest; False if that took too long.

        A frame may never be seen: at capacity the server takes turns, and a window has to be full first.
        """

        async def settled() -> None:
            while self._link is not None and not self._is_settled():
                await self._next_news()

        try:
            await asyncio.wait_for(settled(), timeout)
        except asyncio.TimeoutError:
            return False
        return self._link is not None

    @property
    def stats(self) -> Stats:
        """What has happened so far."""
        return Stats(
            offered=self._offered,
            sent=self._pacer.sent,
            answered=self._pacer.answered,
            dropped=self._pacer.dropped + self._turned_away,
            predictions=self._predictions,
            missed=self._missed,
            connections=self._connections,
        )

    @property
    def in_flight(self) -> int:
        """Frames that were sent and not answered yet."""
        return self._pacer.in_flight

    def __aiter__(self) -> Recognizer:
        return self

    async def __anext__(self) -> Prediction:
        """The next prediction, as soon as it is made; the iterator ends when the recogniser is closed.

        Before the first prediction, and from servers that do not push predictions, each frame's reply comes instead.
        """
        while not self._unread:
            if self._error is not None:
                raise self._error
            if self.state is State.CLOSED:
                raise StopAsyncIteration
            await self._next_news()
        return self._unread.popleft()

    def _is_settled(self) -> bool:
        pacer = self._pacer
        if not pacer.idle:
            return False
        if self.model is None or not self._pushes or pacer.sent_here < self.model.window:
            return True
        return pacer.newest is None or (self._seen is not None and self._seen >= pacer.newest)

    async def _one_connection(self) -> tuple[SightwireError, float]:
        """Why it ended, or could not be made, and how many seconds it lasted."""
        link = Link(self.url, self._on_event)
        try:
            await link.open()
        except SightwireError as error:
            return error, 0.0
        admitted = time.monotonic()
        sender = asyncio.ensure_future(self._send_frames(link))
        try:
            self._connections += 1
            self._link = link
            self._seen = None
            name = f": model {self.model.name}, {len(self.model.labels)} labels" if self.model else ""
            self._set_state(State.READY, f"connected to {self.url}{name}")
            while not link.ended.done():
                await asyncio.wait({link.ended}, timeout=min(1.0, self._answer_timeout / 4))
                if self._pacer.silence(time.monotonic()) > self._answer_timeout:
                    link.lose(
                        f"no reply to any frame for {self._answer_timeout:.0f} s: the connection is dead, or the "
                        "server takes none of these pictures"
                    )
            reason = link.ended.result() or Unreachable("the connection was lost")
            return reason, time.monotonic() - admitted
        finally:
            self._link = None
            self._pacer.disconnected()
            self._outbox.clear()
            sender.cancel()
            self._news.set()
            await link.close()

    def _take_what_may_go(self) -> None:
        while (frame := self._pacer.take(time.monotonic())) is not None:
            self._outbox.append(frame)
            self._wake.set()

    async def _send_frames(self, link: Link) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outbox:
                await link.send(self._outbox.popleft())

    def _on_event(self, event: str, data: dict[str, Any]) -> None:
        if event == "model":
            self.model = wire.facts(data)
            self._seen = None
            self._news.set()
            return
        seen = _whole(data.get("seen"))
        if event == "prediction":
            frame = _whole(data.get("id"))
            self._pacer.reply(frame, time.monotonic())
            self._take_what_may_go()
            if seen is None:
                # A reply that names a frame repeats what `result` has told already; one that does not may have been
                # written just before the first `result`, and come just after it.
                if self._seen is None:
                    self._tell(data, frame, None)
                # A server that tests the wiring answers without ever making a prediction.
                self._pushes = data.get("score") == 0
            self._news.set()
        else:
            if seen is not None:
                self._seen = seen
            self._tell(data, None, seen)

    def _tell(self, data: dict[str, Any], frame: int | None, seen: int | None) -> None:
        label, score, scores = data.get("label"), data.get("score"), data.get("scores")
        if not isinstance(label, str) or not isinstance(score, (int, float)):
            return
        labels = self.model.labels if self.model else ()
        named = dict(zip(labels, scores)) if isinstance(scores, list) and len(scores) == len(labels) else {}
        offered = self._pacer.offered_at(seen)
        delay = None if offered is None else time.monotonic() - offered
        if len(self._unread) == MAX_UNREAD:
            self._unread.popleft()
            self._missed += 1
        # Before the first prediction `none` 0.0 stands for "not yet".
        self._predictions += seen is not None or score > 0
        meant = label != NONE or not (self.model and self.model.arming)
        self._unread.append(Prediction(label, float(score), frame, seen, named, delay, meant))
        self._news.set()


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
