"""A connection that comes back by itself: what a recogniser, a streamer and a viewer have in common."""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Callable, ClassVar, TypeVar

from .errors import AtCapacity, Closed, Ended, NameTaken, NoModel, NotAllowed, SightwireError, Unreachable
from .model import State

STEADY_S = 5.0
"""A connection that lasted so long was a good one: the waits begin anew."""

Self = TypeVar("Self", bound="Session")
OnState = Callable[[State, str], None]


class NoFrames(Unreachable):
    """The server has ended a stream for want of frames."""


@dataclass(frozen=True)
class Backoff:
    """Seconds to wait before the next try to connect."""

    first: float
    """The first wait; each further one is twice as long."""
    first_full: float
    """The same where the server is full: it needs no crowd at its door."""
    longest: float

    def after(self, failures: int, *, full: bool) -> float:
        """The wait after so many failed tries: never the same for all clients, or a server that comes back would meet
        them all at once."""
        first = self.first_full if full else self.first
        return min(self.longest, first * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)


class Session(ABC):
    """Keeps a connection to a server until it is closed, or until trying is no longer worth it."""

    _example: ClassVar[str]
    """How it is entered, for those who have not."""

    def __init__(
        self, url: str, backoff: Backoff, *, wait: float | None, reconnect: float | None, on_state: OnState | None
    ) -> None:
        self.url = url
        """The server's address."""
        self.state = State.CLOSED
        """Where it stands."""
        self._backoff = backoff
        self._patience = wait
        self._patience_later = reconnect
        self._on_state = on_state
        self._connections = 0
        self._error: SightwireError | None = None
        self._runner: asyncio.Task[None] | None = None
        # Made when entered: before Python 3.10 they belong to the event loop of their birth.
        self._news: asyncio.Event
        self._wake: asyncio.Event

    async def __aenter__(self: Self) -> Self:
        if self._runner is not None:
            raise Closed(f"a {type(self).__name__} can be entered once; make a new one")
        self._news, self._wake = asyncio.Event(), asyncio.Event()
        self._set_state(State.CONNECTING, f"connecting to {self.url}")
        self._runner = asyncio.ensure_future(self._run())
        try:
            await self.ready()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def ready(self) -> None:
        """Waits until the server has admitted this client; raises if it never will."""
        while self.state not in (State.READY, State.QUIET):
            self._check_open()
            await self._next_news()

    async def close(self) -> None:
        """Says goodbye; the server frees this client's place at once. What has come can still be read."""
        if self._runner is not None and not self._runner.done():
            self._runner.cancel()
            await asyncio.wait({self._runner})
        if self.state is not State.CLOSED:
            self._set_state(State.CLOSED, "closed")

    @abstractmethod
    async def _one_connection(self) -> tuple[SightwireError, float]:
        """Why it ended, or could not be made, and how many seconds it lasted."""

    async def _wanted(self) -> None:
        """Waits until a connection is of use again, after the server has ended a stream without frames."""
        return  # Who sends no stream has a use for it at once.

    async def _run(self) -> None:
        lost_at = time.monotonic()
        failures = 0
        try:
            while True:
                error, lasted = await self._one_connection()
                now = time.monotonic()
                if lasted > 0.0:
                    lost_at = now
                if lasted > STEADY_S:
                    failures = 0
                if isinstance(error, NoFrames):
                    self._set_state(State.QUIET, f"{error}; goes on with the next frame")
                    await self._wanted()
                    lost_at = time.monotonic()
                else:
                    if self._is_final(error):
                        raise error
                    patience = self._patience_later if self._connections else self._patience
                    left = None if patience is None else patience - (now - lost_at)
                    if left is not None and left <= 0.0:
                        raise error
                    delay = self._backoff.after(failures, full=isinstance(error, AtCapacity))
                    if left is not None:
                        delay = min(delay, left)
                    failures += 1
                    self._set_state(state_of(error), f"{error}; trying again in {delay:.1f} s")
                    await asyncio.sleep(delay)
                self._set_state(State.CONNECTING, f"connecting to {self.url}")
        except SightwireError as error:
            self._error = error
            self._set_state(State.CLOSED, str(error))

    def _is_final(self, error: SightwireError) -> bool:
        # A name that is taken when the connection comes back is mostly taken by what is left of the old connection.
        return isinstance(error, (NotAllowed, Ended)) or (isinstance(error, NameTaken) and self._connections == 0)

    async def _next_news(self) -> None:
        # Several may wait: each clears the event and looks for itself whether this was what it waited for.
        self._news.clear()
        await self._news.wait()

    def _check_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self.state is State.CLOSED:
            raise Closed(f"the {type(self).__name__} is closed, or was not entered (`{self._example}`)")

    def _set_state(self, state: State, why: str) -> None:
        self.state = state
        self._news.set()
        if self._on_state is not None:
            self._on_state(state, why)


def state_of(error: SightwireError) -> State:
    """The state in which an error leaves a client that will try again."""
    if isinstance(error, AtCapacity):
        return State.AT_CAPACITY
    if isinstance(error, NameTaken):
        return State.NAME_TAKEN
    return State.NO_MODEL if isinstance(error, NoModel) else State.UNREACHABLE
