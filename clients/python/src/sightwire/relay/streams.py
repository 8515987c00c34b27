"""What a viewer knows of each stream. It holds no clock and no connection: the time is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Callable

from .model import StreamState, StreamView

WINDOW_S = 2.0
"""Rates and losses are of the last so many seconds."""
MAX_ARRIVALS = 512
"""Arrivals that are kept for them."""
MAX_STREAMS = 1024
"""Streams that are kept; past that one that has ended goes, and where none has, a new one is not taken."""

_STATES = {
    "starting": StreamState.WAITING,
    "running": StreamState.LIVE,
    "stalled": StreamState.STALLED,
    "frozen": StreamState.FROZEN,
}


class Stream:
    """One stream: its state, and the arrivals of the last seconds."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.state = StreamState.WAITING
        self.reason: str | None = None
        self.since = now
        self.kind: str | None = None
        self.mode: str | None = None
        self.pictures = 0
        self.missed = 0
        self.sequence: int | None = None
        # When, how many were missed before it, and how long it took.
        self._arrivals: deque[tuple[float, int, float | None]] = deque(maxlen=MAX_ARRIVALS)

    def becomes(self, state: StreamState, reason: str | None, since: float) -> bool:
        """Whether that is another state than before."""
        changed = (state, reason) != (self.state, self.reason)
        if state is not self.state:
            self.since = since
        self.state, self.reason = state, reason
        if state is StreamState.ENDED:
            # What begins under this name again counts anew.
            self.sequence = None
            self._arrivals.clear()
        return changed

    def arrived(self, sequence: int, delay: float | None, now: float) -> int:
        """Counts a picture; how many are missing before it."""
        missed = 0
        if self.sequence is None:
            self.pictures = self.missed = 0
        elif sequence > self.sequence:
            missed = sequence - self.sequence - 1
        self.sequence = sequence
        self.pictures += 1
        self.missed += missed
        self._arrivals.append((now, missed, delay))
        return missed

    def view(self, now: float) -> StreamView:
        """How it is now."""
        recent = [arrival for arrival in self._arrivals if now - arrival[0] < WINDOW_S]
        missed = sum(arrival[1] for arrival in recent)
        delays = [arrival[2] for arrival in recent if arrival[2] is not None]
        return StreamView(
            stream=self.name,
            state=self.state,
            reason=self.reason,
            since=max(0.0, now - self.since),
            kind=self.kind,
            mode=self.mode,
            pictures=self.pictures,
            missed=self.missed,
            fps=len(recent) / WINDOW_S,
            lost_percent=100.0 * missed / (missed + len(recent)) if recent else 0.0,
            delay=sum(delays) / len(delays) if delays else None,
        )


class Streams:
    """All streams that a viewer has heard of, in the order in which it did."""

    def __init__(self, forget: Callable[[str], None]) -> None:
        self._streams: dict[str, Stream] = {}
        # Called with the name of one that makes room.
        self._forget = forget

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._streams.values())

    def get(self, name: str) -> Stream | None:
        """A stream that is known."""
        return self._streams.get(name)

    def known(self, name: str, now: float) -> Stream | None:
        """A stream, perhaps a new one; None where there are too many."""
        stream = self._streams.get(name)
        if stream is None:
            if len(self._streams) >= MAX_STREAMS:
                ended = (old for old in self if old.state is StreamState.ENDED)
                first = next(ended, None)
                if first is None:
                    return None
                del self._streams[first.name]
                self._forget(first.name)
            stream = self._streams[name] = Stream(name, now)
        return stream

    def told(self, message: dict[str, Any], now: float) -> Stream | None:
        """Takes a `stream_state`; the stream if anything has changed."""
        name, state = message.get("patient_id"), _STATES.get(str(message.get("state")))
        stream = self.known(name, now) if isinstance(name, str) and state is not None else None
        if stream is None or state is None:
            return None
        kind, mode, since = message.get("kind"), message.get("analysis_mode"), message.get("since_s")
        stream.kind = kind if isinstance(kind, str) else stream.kind
        stream.mode = mode if isinstance(mode, str) else stream.mode
        reason = message.get("reason")
        begun = now - since if isinstance(since, (int, float)) else now
        return stream if stream.becomes(state, reason if isinstance(reason, str) else None, begun) else None

    def lost(self, why: str, now: float) -> list[Stream]:
        """The connection is gone: nothing is known of what was there. Those that have changed."""
        return [
            stream
            for stream in self
            if stream.state is not StreamState.ENDED and stream.becomes(StreamState.WAITING, why, now)
        ]
