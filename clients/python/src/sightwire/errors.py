"""What can go wrong. Every message says what was wrong with which input, and what to do."""

from __future__ import annotations


class SightwireError(Exception):
    """The base of all errors of this package."""


class Unreachable(SightwireError):
    """No server answers at the address."""


class Refused(SightwireError):
    """The server answers, and does not admit this client. `str(error)` has the server's own words."""


class AtCapacity(Refused):
    """As many clients as the server admits are there already. Places become free: try again later."""


class NoModel(Refused):
    """The server has no model that it could run; its log and `/readyz` say why."""


class NameTaken(Refused):
    """Somebody else sends a stream of this name. Choose another name, or end the other sender."""


class NotAllowed(Refused):
    """The server does not take this name (it may be a camera's), or not from here. Trying again changes nothing."""


class Ended(Refused):
    """An administrator has ended this stream, or has sent this viewer off."""


class SourceError(SightwireError):
    """A camera, a video, a folder or a sample that cannot be read."""


class Closed(SightwireError):
    """A client was used after it had been closed, or before it was entered."""
