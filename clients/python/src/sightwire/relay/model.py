"""What the relay's clients tell: pictures, detections, states and counters."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import SightwireError
from ..pictures import opencv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Detection:
    """One object in a picture."""

    label: str
    confidence: float
    """0 to 1."""
    box: tuple[float, float, float, float]
    """Left, top, right and bottom in pixels of the analysed picture (`Overlay.width` × `Overlay.height`)."""
    track: int | None = None
    """The object's number from picture to picture, where the analysis follows objects."""


@dataclass(frozen=True)
class Overlay:
    """What an analysis found in a picture of a stream."""

    stream: str
    frame: int
    """The number of the analysed picture: `Picture.sequence`."""
    detections: tuple[Detection, ...] = ()
    width: int = 0
    height: int = 0
    """Size in pixels of the picture that the boxes belong to; 0 where the server does not say."""
    model: str = ""
    delay: float | None = None
    """Seconds from the arrival of the picture at the server to the result."""
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All of it as it came: `landmarks`, `connections`, `head_pose_axes`, `metrics`."""


@dataclass(frozen=True)
class Picture:
    """One picture of a stream."""

    stream: str
    sequence: int
    """Counts the stream's pictures; a gap means pictures that did not get here."""
    captured: float
    """When the server had all of it, in seconds since 1970 by the server's clock."""
    jpeg: bytes = field(repr=False)
    overlay: Overlay | None = None
    """The newest analysis that has come for this stream, mostly of a picture or two before; None without `overlays`."""

    @property
    def detections(self) -> tuple[Detection, ...]:
        """Of the newest analysis."""
        return self.overlay.detections if self.overlay else ()

    def image(self) -> NDArray[np.uint8]:
        """The picture as OpenCV has them: uint8, (height, width, 3), blue green red. Needs OpenCV."""
        cv2 = opencv()
        import numpy

        image: Any = cv2.imdecode(numpy.frombuffer(self.jpeg, numpy.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise SightwireError(f"picture {self.sequence} of {self.stream!r} is no JPEG that OpenCV can read")
        decoded: NDArray[np.uint8] = image
        return decoded


class StreamState(enum.Enum):
    """Where a stream stands, as its viewer sees it."""

    WAITING = "waiting"
    """Nothing has come yet, or the connection to the server is being made anew."""
    LIVE = "live"
    STALLED = "stalled"
    """Its pictures have stopped; it may go on."""
    FROZEN = "frozen"
    """The same picture comes again and again."""
    ENDED = "ended"
    """Its sender has left. It may begin anew."""


@dataclass(frozen=True)
class StreamView:
    """A stream as its viewer sees it now."""

    stream: str
    state: StreamState
    reason: str | None = None
    """Why it is not live, in words, where the server says."""
    since: float = 0.0
    """Seconds that it has been in this state."""
    kind: str | None = None
    """`relay` or `camera`, where the server says."""
    mode: str | None = None
    """`normal` or `enhanced`, where the server says."""
    pictures: int = 0
    """Pictures that got here, since the stream began."""
    missed: int = 0
    """Pictures that did not get here, because this viewer or its network was too slow."""
    fps: float = 0.0
    """Pictures a second, over the last 2 s."""
    lost_percent: float = 0.0
    """Share of the pictures that did not get here, over the last 2 s."""
    delay: float | None = None
    """Mean seconds from the server's having a picture to its arrival here, over the last 2 s, clocks compared."""


@dataclass(frozen=True)
class StreamerStats:
    """What has happened to the frames of a streamer so far."""

    offered: int
    """Frames given to `send`."""
    sent: int
    """Frames that went out."""
    dropped: int
    """Frames not sent: a newer one came first, or there was no connection."""
    bytes_sent: int
    """Of the pictures themselves."""
    connections: int
    """Times that the server has taken the stream."""
    viewers: int | None = None
    """Who sees it now; None where the server does not say, as with the three below, which count this connection's."""
    received: int | None = None
    bad: int | None = None
    """Frames that were no pictures to the server."""
    excess: int | None = None
    """Frames that came faster than `relay.max_fps` and were left out."""


@dataclass(frozen=True)
class ViewerStats:
    """What has happened to the pictures for a viewer so far."""

    pictures: int
    """Pictures that got here."""
    missed: int
    """Pictures that did not get here."""
    skipped: int
    """Pictures that got here and were overtaken before the iterator asked for them."""
    connections: int
    """Times that the server has admitted this viewer."""
