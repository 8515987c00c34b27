"""What goes over the sockets: addresses, names of streams, and the binary message of a picture."""

from __future__ import annotations

import base64
import binascii
import json
import struct
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from ..link import normalized

PROTOCOL = "sightwire.v1"
"""The subprotocol of pictures as binary messages; a server that does not know it is spoken to in text."""
NAME_BYTES = 128
"""Longest name of a stream."""
EVERY = "*"
"""In the place of a name: all streams of the relay."""
_NO_NAMES = (EVERY, ".", "..")

_HEADER = struct.Struct(">BBHQQ")
_PICTURE = 1
_PREFIX = "data:image"


def relay_url(url: str) -> str:
    """The address of a server with the scheme http or https; ws and wss are understood. ValueError for what is none."""
    text = url.strip()
    for socket, http in (("ws://", "http://"), ("wss://", "https://")):
        if text.lower().startswith(socket):
            text = http + text[len(socket) :]
    return normalized(text)


def checked(name: str) -> str:
    """The name of a stream, or ValueError where it cannot be one."""
    if name in _NO_NAMES:
        raise ValueError(f"a stream's name is not {name!r}, which stands for something else")
    if not isinstance(name, str):
        raise TypeError(f"the name of a stream must be a str, not {type(name).__name__}")
    if not 0 < len(name.encode("utf-8", "surrogatepass")) <= NAME_BYTES:
        raise ValueError(f"a stream's name has 1 to {NAME_BYTES} bytes; {name[:40]!r} has {len(name.encode())}")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise ValueError(f"a stream's name has no control characters: {name!r}")
    return name


def streamer_address(url: str, name: str) -> str:
    """Where a stream is sent to."""
    return f"{url}/ws/stream/{quote(name, safe='')}"


def viewer_address(url: str, streams: Iterable[str] | None, *, overlays: bool) -> str:
    """Where streams are seen; without names, all of the relay."""
    wanted = [] if streams is None else ["streams=" + ",".join(quote(name, safe=EVERY) for name in streams)]
    query = "&".join(wanted + ["overlays=1"] * overlays)
    return f"{url}/ws/view" + (f"?{query}" if query else "")


def pack(jpeg: bytes) -> bytes:
    """The message that a sender makes of a picture; name, number and time are the server's to give."""
    return _HEADER.pack(_PICTURE, 0, 0, 0, 0) + jpeg


def unpack(message: bytes) -> tuple[str, int, float, bytes] | None:
    """Stream, sequence, time of capture in seconds since 1970, and JPEG; None for what is no picture's message."""
    if len(message) < _HEADER.size:
        return None
    kind, length, _, sequence, captured_us = _HEADER.unpack_from(message)
    start = _HEADER.size + length
    if kind != _PICTURE or len(message) <= start:
        return None
    try:
        name = message[_HEADER.size : start].decode()
    except UnicodeDecodeError:
        return None
    return name, sequence, captured_us / 1e6, message[start:]


def text_frame(jpeg: bytes) -> str:
    """A picture for servers that do not know the binary messages."""
    encoded = base64.b64encode(jpeg).decode("ascii")
    return f'{{"type":"frame","frame":"{_PREFIX}/jpeg;base64,{encoded}"}}'


def picture_of(data: object) -> bytes | None:
    """The picture in the `data` of a `live_frame`; None where there is none."""
    frame = data.get("frame") if isinstance(data, dict) else None
    if not isinstance(frame, str) or not frame.startswith(_PREFIX):
        return None
    try:
        return base64.b64decode(frame.partition(",")[2], validate=True) or None
    except (binascii.Error, ValueError):
        return None


def parsed(text: str) -> dict[str, Any]:
    """A JSON message; empty for what is none, which is ignored as every unknown message is."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
