"""What the server says: the model it runs, and predictions; and where a client stands."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

NONE = "none"
"""The label where no score reaches the threshold, and before the first prediction."""


@dataclass(frozen=True)
class Model:
    """Facts about the model that the server runs."""

    name: str
    labels: tuple[str, ...]
    """In the order of the network's outputs."""
    window: int
    """Consecutive frames that one prediction is made of."""
    threshold: float
    """Score, 0 to 1, below which the server answers `none`."""
    width: int
    """Pixels that a frame is resized to; the server does that, so send what you have."""
    height: int
    arming: bool = False
    """Whether motions count only once they are armed: the server answers `none` to others, whatever their score."""


@dataclass(frozen=True)
class Prediction:
    """What the model says of one window: the last `Model.window` frames of this client."""

    label: str
    """The likeliest label, or `none` where its score is below the threshold."""
    score: float
    """Probability of the likeliest label, 0 to 1. 0.0 before the first prediction."""
    id: int | None = None
    """The frame that this is the reply to; None for a prediction that came as soon as it was made."""
    seen: int | None = None
    """The newest frame of the window, as `Recognizer.send` numbered it; None before the first prediction."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Probability of every label, in the order of `Model.labels`; empty where the server does not say."""
    delay: float | None = None
    """Seconds from handing the frame `seen` to `send` until this prediction was here; None without `seen`."""
    meant: bool = True
    """False where motions have to be armed and the server answered `none`: no threshold makes a label of it."""

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The likeliest labels with their probabilities, the likeliest first."""
        return sorted(self.scores.items(), key=lambda entry: -entry[1])[:count]

    def at(self, threshold: float) -> Prediction:
        """The same with another threshold than the server's.

        Where the server does not send all scores, the threshold can be raised only.
        """
        best = self.top(1)
        label = best[0][0] if best else self.label
        says = self.meant and self.score >= threshold and self.score > 0.0
        return replace(self, label=label if says else NONE)


class State(enum.Enum):
    """Where a client stands."""

    CONNECTING = "connecting"
    READY = "ready"
    """Admitted: frames are answered, streams are live."""
    QUIET = "quiet"
    """A streamer without frames: the server has ended the stream, and the next frame begins it anew."""
    AT_CAPACITY = "at capacity"
    """Refused because the server is full; will try again."""
    NO_MODEL = "no model"
    """Refused because the server has no model; will try again."""
    NAME_TAKEN = "name taken"
    """A streamer that came back and found its name in use; will try again."""
    UNREACHABLE = "unreachable"
    """No connection; will try again."""
    CLOSED = "closed"
    """Closed, or given up: nothing will happen any more."""


@dataclass(frozen=True)
class Stats:
    """What has happened so far."""

    offered: int
    """Frames given to `send`."""
    sent: int
    """Frames that went to the server."""
    answered: int
    """Frames that the server has answered."""
    dropped: int
    """Frames not sent: a newer one came first, or there was no connection."""
    predictions: int
    """Predictions received; the `none` 0.0 before the first is none."""
    missed: int
    """Predictions that were not taken by the iterator in time; the oldest go first."""
    connections: int
    """Times that the server has admitted this client."""
