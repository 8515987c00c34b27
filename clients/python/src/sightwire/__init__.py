"""Clients of Sightwire, with asyncio: frames in and predictions out, and live streams from senders to viewers.

- `recognize`: from a camera, a video, a folder or frames of your own to predictions, in one call
- `Recognizer`: the same by hand: `send`, and iterate
- `Prediction`, `Model`, `State`, `Stats`: what is told
- `Streamer`: sends a live stream; `Viewer`: iterate over the newest pictures of live streams
- `Picture`, `Overlay`, `Detection`, `StreamView`, `StreamState`: what a viewer is told
- `SightwireError` and its children: what can go wrong
"""

from .errors import (
    AtCapacity,
    Closed,
    Ended,
    NameTaken,
    NoModel,
    NotAllowed,
    Refused,
    SightwireError,
    SourceError,
    Unreachable,
)
from .model import NONE, Model, Prediction, State, Stats
from .pictures import Frame
from .recognizer import DEFAULT_URL, Recognizer
from .relay import (
    Detection,
    Overlay,
    Picture,
    Streamer,
    StreamerStats,
    StreamState,
    StreamView,
    Viewer,
    ViewerStats,
)
from .sources import Source, SourceLike, open_source
from .streaming import play, recognize

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_URL",
    "NONE",
    "AtCapacity",
    "Closed",
    "Detection",
    "Ended",
    "Frame",
    "Model",
    "NameTaken",
    "NoModel",
    "NotAllowed",
    "Overlay",
    "Picture",
    "Prediction",
    "Recognizer",
    "Refused",
    "SightwireError",
    "Source",
    "SourceError",
    "SourceLike",
    "State",
    "Stats",
    "StreamState",
    "StreamView",
    "Streamer",
    "StreamerStats",
    "Unreachable",
    "Viewer",
    "ViewerStats",
    "open_source",
    "play",
    "recognize",
]
