"""Which frame goes next, and when: a few are under way at most, and of those that wait only the newest is kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Outgoing:
    """A frame on its way."""

    id: int
    picture: bytes
    offered: float
    """When it was given to `send`, in seconds of the monotonic clock."""


REMEMBERED = 512
"""Frames whose time of sending is kept, for the delay of predictions that have seen them."""


class Pacer:
    """Bounded: at most `limit` frames that the server has not answered, and one that waits.

    It holds no clock and no connection, so everything about it can be tested in no time.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"in_flight={limit}: at least one frame has to be under way")
        self._limit = limit
        self._waiting: Outgoing | None = None
        self._flying: deque[int] = deque()
        self._offered_at: dict[int, float] = {}
        self._silent_since = 0.0
        self.sent = 0
        self.answered = 0
        self.dropped = 0
        self.newest: int | None = None
        """The last frame that went out over this connection."""
        self.sent_here = 0
        """Frames sent over this connection."""

    @property
    def in_flight(self) -> int:
        """Frames that the server has not answered yet."""
        return len(self._flying)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and everything is answered."""
        return self._waiting is None and not self._flying

    def offer(self, frame: Outgoing) -> None:
        """Takes a frame; one that still waited has been overtaken and is dropped."""
        if self._waiting is not None:
            self.dropped += 1
        self._waiting = frame

    def take(self, now: float) -> Outgoing | None:
        """The frame to send now, which then counts as sent; None while too many are under way."""
        frame = self._waiting
        if frame is None or len(self._flying) >= self._limit:
            return None
        self._waiting = None
        if not self._flying:
            self._silent_since = now
        self._flying.append(frame.id)
        self._offered_at[frame.id] = frame.offered
        while len(self._offered_at) > REMEMBERED:
            del self._offered_at[next(iter(self._offered_at))]
        self.sent += 1
        self.sent_here += 1
        self.newest = frame.id
        return frame

    def reply(self, frame: int | None, now: float) -> None:
        """The server has answered a frame: all up to this one, since it answers in order and leaves out those it
        cannot use. A server that does not say which (None) has answered the oldest."""
        self._silent_since = now
        if frame is None:
            if self._flying:
                self._flying.popleft()
                self.answered += 1
            return
        if frame in self._flying:
            self.answered += 1
        while self._flying and self._flying[0] <= frame:
            self._flying.popleft()

    def offered_at(self, frame: int | None) -> float | None:
        """When a frame was offered; None where that is long ago."""
        return None if frame is None else self._offered_at.get(frame)

    def silence(self, now: float) -> float:
        """Seconds that the server has answered nothing although frames are under way."""
        return now - self._silent_since if self._flying else 0.0

    def disconnected(self) -> None:
        """What was under way will never be answered, and what waits would be old when the connection is back."""
        if self._waiting is not None:
            self.dropped += 1
        self._waiting = None
        self._flying.clear()
        self.newest = None
        self.sent_here = 0
