"""Streams as lines, and their newest pictures as files."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import SightwireError
from .model import Overlay, Picture, StreamState, StreamView
from .streams import MAX_STREAMS

FORMATS = ("text", "json")
LONGEST = 180
"""A file's name has 255 bytes at most, wherever it may lie."""


class Board:
    """Writes a line for each stream: what it is now. One that has ended is written once more, and then no longer."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._over: set[str] = set()
        self._found: dict[str, Overlay] = {}

    def found(self, overlay: Overlay) -> None:
        """What an analysis has found last."""
        if len(self._found) < MAX_STREAMS or overlay.stream in self._found:
            self._found[overlay.stream] = overlay

    def change(self, stream: StreamView) -> str:
        """The words for a stream that has come into another state."""
        return f"{stream.stream}: {_state(stream)}"

    def show(self, streams: Iterable[StreamView]) -> None:
        """Writes the lines."""
        now = round(time.time(), 3)
        over = set()
        for stream in streams:
            if stream.state is StreamState.ENDED:
                self._found.pop(stream.stream, None)
                over.add(stream.stream)
                if stream.stream in self._over:
                    continue
            print(self._json(stream, now) if self._form == "json" else self._text(stream))
        self._over = over
        # Whoever reads through a pipe wants it now.
        sys.stdout.flush()

    def _text(self, stream: StreamView) -> str:
        words = [f"{stream.stream}: {_state(stream)}", f"{stream.fps:.1f} frames/s"]
        if stream.delay is not None:
            words.append(f"delay {stream.delay * 1e3:.1f} ms")
        words.append(f"lost {stream.lost_percent:.1f} % ({stream.missed} in all)")
        found = self._found.get(stream.stream)
        if found is not None:
            words.append(f"{len(found.detections)} objects")
        return ", ".join(words)

    def _json(self, stream: StreamView, now: float) -> str:
        fields: dict[str, Any] = {
            "time": now,
            "stream": stream.stream,
            "state": stream.state.value,
            "reason": stream.reason,
            "since_s": round(stream.since, 1),
            "kind": stream.kind,
            "mode": stream.mode,
            "pictures": stream.pictures,
            "missed": stream.missed,
            "fps": round(stream.fps, 2),
            "lost_percent": round(stream.lost_percent, 2),
            "delay_ms": None if stream.delay is None else round(stream.delay * 1e3, 2),
        }
        found = self._found.get(stream.stream)
        if found is not None:
            fields["detections"] = [
                {"label": one.label, "confidence": one.confidence, "box": one.box, "track": one.track}
                for one in found.detections
            ]
        return json.dumps(fields, ensure_ascii=False)


def _state(stream: StreamView) -> str:
    return stream.state.value if stream.reason is None else f"{stream.state.value} ({stream.reason})"


class Keeper:
    """A folder with the newest picture of each stream. A reader of the folder never sees half a picture."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SightwireError(f"cannot make the folder {folder}: {error.strerror}") from error

    async def keep(self, picture: Picture) -> None:
        """Puts a picture in the place of the one before."""
        await asyncio.get_running_loop().run_in_executor(None, self._write, picture)

    def _write(self, picture: Picture) -> None:
        target = self._folder / file_name(picture.stream)
        part = target.with_suffix(".part")
        try:
            part.write_bytes(picture.jpeg)
            os.replace(part, target)
        except OSError as error:
            raise SightwireError(f"cannot write {target}: {error.strerror}") from error


def file_name(stream: str) -> str:
    """A file's name for a stream's: letters, digits and a few signs as they are, the rest as in addresses."""
    safe = quote(stream, safe=" ")
    if len(safe) > LONGEST:
        safe = f"{safe[:LONGEST]}-{hashlib.sha256(stream.encode()).hexdigest()[:16]}"
    return f"{safe}.jpg"
