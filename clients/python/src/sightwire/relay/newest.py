"""The newest item of each stream, for a reader that takes them one after another."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds one item of each stream at most. Streams take turns: a fast one never keeps another waiting."""

    def __init__(self) -> None:
        # A dict keeps the order in which streams came to have something unread.
        self._items: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, stream: str, item: T) -> bool:
        """Takes an item; whether it has overtaken one that nobody had read."""
        overtaken = stream in self._items
        self._items[stream] = item
        return overtaken

    def take(self) -> T | None:
        """The item of the stream whose turn it is; None where there is nothing new."""
        if not self._items:
            return None
        return self._items.pop(next(iter(self._items)))

    def forget(self, stream: str) -> bool:
        """Drops what a stream has unread; whether there was anything."""
        return self._items.pop(stream, None) is not None
