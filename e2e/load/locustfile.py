"""Load for the sign recogniser in Locust: clients as the prototype's users wrote them, 25 frames a second each.

Speaks the old contract only (docs/protocol.md), so the same file loads the prototype and Sightwire. How to run it, and
when `sightwire-bench sign` is the better tool: docs/migrating.md.
"""

from __future__ import annotations

import base64
import random
import time
from argparse import Namespace
from collections import deque
from pathlib import Path

import gevent
import requests
import socketio
from gevent.event import Event
from locust import User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

REPLY_S = 5.0
"""A frame without a reply for so long has failed."""
GREETING_S = 10.0
"""How long `status` may take to come."""
AGAIN_S = (1.0, 3.0)
"""After a refusal or a lost connection, a client comes back after so many seconds."""

frames: list[str] = []
"""What every client sends, over and over: JPEG files in base64."""


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("Sign recogniser")
    group.add_argument("--fps", type=float, default=25.0, help="frames a second of each client (25)")
    group.add_argument("--gesture", default="wave", help="sample of the server that is sent (wave)")
    group.add_argument("--frames", default="", help="folder of JPEG files to send instead, for the prototype")
    group.add_argument("--transport", choices=["websocket", "polling"], default="websocket", help="(websocket)")


@events.test_start.add_listener
def load_frames(environment: Environment, **_: object) -> None:
    options: Namespace = environment.parsed_options
    if options.frames:
        files = sorted(Path(options.frames).glob("*.jp*g"))
        frames[:] = [base64.b64encode(file.read_bytes()).decode() for file in files]
    else:
        answer = requests.get(f"{environment.host}/api/v1/samples/{options.gesture}", timeout=30)
        answer.raise_for_status()
        frames[:] = [frame.split(",", 1)[1] for frame in answer.json()["frames"]]
    if not frames:
        raise SystemExit(f"there is no *.jpg in {options.frames}")


class Client(User):
    """One client: connects, streams until it is stopped, and comes back when it was refused or lost."""

    @task
    def stream(self) -> None:
        session = Session(self.environment)
        try:
            if session.open():
                session.stream()
        finally:
            session.close()
        gevent.sleep(random.uniform(*AGAIN_S))


class Session:
    """One connection, and the frames that wait for their reply."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._options: Namespace = environment.parsed_options
        self._greeted, self._ended = Event(), Event()
        self._refusal = ""
        self._waiting: deque[float] = deque()
        """When each frame was due that has no reply yet. The contract: one reply for each, in order."""
        self._sio = socketio.Client(reconnection=False, handle_sigint=False)
        self._sio.on("status", lambda _: self._greeted.set())
        self._sio.on("error", self._on_error)
        self._sio.on("prediction", self._on_prediction)
        self._sio.on("disconnect", lambda *_: self._ended.set())

    def open(self) -> bool:
        """Connects; a failure is a failed request named `connect`."""
        began = time.monotonic()
        problem = ""
        try:
            self._sio.connect(self._environment.host, transports=[self._options.transport], wait_timeout=GREETING_S)
            gevent.wait([self._greeted, self._ended], timeout=GREETING_S, count=1)
            if not self._greeted.is_set():
                problem = self._refusal or "no status after connecting"
        except (socketio.exceptions.SocketIOError, OSError) as error:
            problem = self._refusal or str(error)
        self._report("connect", began, problem)
        return not problem

    def stream(self) -> None:
        """Sends frames, each when it is due, until the connection ends or a reply is overdue."""
        began = time.monotonic()
        sent = 0
        while not self._ended.is_set():
            due = began + sent / self._options.fps
            gevent.sleep(max(0.0, due - time.monotonic()))
            if self._waiting and time.monotonic() - self._waiting[0] > REPLY_S:
                self._report("frame→prediction", self._waiting[0], f"no reply within {REPLY_S:.0f} s")
                return
            self._waiting.append(due)
            try:
                self._sio.emit("frame", {"image": frames[sent % len(frames)]})
            except (socketio.exceptions.SocketIOError, OSError):
                break
            sent += 1
        self._report("frame→prediction", time.monotonic(), self._refusal or "the connection was lost")

    def close(self) -> None:
        self._sio.disconnect()

    def _on_prediction(self, told: dict[str, object]) -> None:
        if self._waiting:
            wrong = "" if {"label", "score"} <= set(told) else f"not a prediction: {told}"
            self._report("frame→prediction", self._waiting.popleft(), wrong)

    def _on_error(self, told: dict[str, object]) -> None:
        self._refusal = str(told.get("message", told))

    def _report(self, name: str, since: float, problem: str) -> None:
        self._environment.events.request.fire(
            request_type="SIO",
            name=name,
            response_time=(time.monotonic() - since) * 1e3,
            response_length=0,
            exception=RuntimeError(problem) if problem else None,
            context={},
        )
