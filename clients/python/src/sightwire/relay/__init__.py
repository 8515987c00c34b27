"""The relay: live streams from many senders to many viewers.

- `wire`: addresses, names, and the binary message of a picture
- `link`: one connection, and what its end means
- `streamer`, `viewer`: the two clients, each a `Session`
- `newest`, `streams`: what a viewer keeps, all of it bounded
- `model`: what is told
- `command`, `show`: `sightwire-relay`
"""

from .model import Detection, Overlay, Picture, StreamerStats, StreamState, StreamView, ViewerStats
from .streamer import Streamer
from .viewer import Viewer

__all__ = [
    "Detection",
    "Overlay",
    "Picture",
    "StreamState",
    "StreamView",
    "Streamer",
    "StreamerStats",
    "Viewer",
    "ViewerStats",
]
