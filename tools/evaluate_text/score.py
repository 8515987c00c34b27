"""How well lines were found and read: precision, recall, character error rate.

A found line belongs to the known line with which its polygon shares most, intersection over union 0.5 at least, one to
one, the best pairs first. Character error rate (CER): insertions, deletions and substitutions (Levenshtein) over the
characters that are there. Nothing is folded: case, width and marks count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

IOU = 0.5
RESAMPLINGS = 2000


@dataclass(frozen=True)
class Found:
    """A line that a reader found."""

    polygon: np.ndarray
    text: str
    # Lines of one row have the same; `None` where the reader tells of no rows.
    row: int | None = None
    # Of known lines: those with the same follow each other directly.
    run: int | None = None
    # Of known lines: it may be read before other text or after it.
    aside: bool = False


@dataclass(frozen=True)
class LineScore:
    """What became of one known line."""

    text: str
    # `None`: not found.
    read: str | None
    edits: int
    # Of the texts without their spaces.
    edits_unspaced: int
    iou: float


@dataclass
class PageScore:
    """What became of one page."""

    lines: list[LineScore]
    found: int
    # Found lines that belong to no known one.
    extra: list[str]
    # Of all its text in the order in which it was given, but for what may stand anywhere; `None` where pages have no
    # one order.
    edits: int | None
    edits_unspaced: int | None
    characters: int
    characters_unspaced: int


@dataclass
class Score:
    """Sums over pages."""

    pages: list[PageScore] = field(default_factory=list)

    @property
    def lines(self) -> list[LineScore]:
        return [line for page in self.pages for line in page.lines]

    @property
    def characters(self) -> int:
        return sum(len(line.text) for line in self.lines)

    def recall(self) -> float:
        return share(sum(line.read is not None for line in self.lines), len(self.lines))

    def precision(self) -> float:
        found = sum(page.found for page in self.pages)
        return share(found - sum(len(page.extra) for page in self.pages), found)

    def cer(self, spaces: bool = True) -> float:
        """Of all known lines; one that was not found has lost all its characters."""
        if spaces:
            return share(sum(line.edits for line in self.lines), self.characters)
        whole = sum(len(unspaced(line.text)) for line in self.lines)
        return share(sum(line.edits_unspaced for line in self.lines), whole)

    def cer_of_found(self) -> float:
        """Of the known lines that were found."""
        found = [line for line in self.lines if line.read is not None]
        return share(sum(line.edits for line in found), sum(len(line.text) for line in found))

    def page_cer(self, spaces: bool = True) -> float | None:
        """Of whole pages, in reading order; `None` where they have no one order."""
        pages = [page for page in self.pages if page.edits is not None]
        if not pages:
            return None
        if spaces:
            return share(sum(page.edits or 0 for page in pages), sum(page.characters for page in pages))
        return share(sum(page.edits_unspaced or 0 for page in pages), sum(page.characters_unspaced for page in pages))

    def iou(self) -> float:
        """Mean of the lines that were found."""
        return float(np.mean([line.iou for line in self.lines if line.read is not None] or [0.0]))


def score_page(known: Sequence[Found], found: Sequence[Found], ordered: bool = True) -> PageScore:
    """Compares what is known of a page with what was found; both in reading order."""
    pairs = matched([line.polygon for line in known], [line.polygon for line in found])
    lines = []
    for index, line in enumerate(known):
        other, iou = pairs.get(index, (None, 0.0))
        read = None if other is None else found[other].text
        plain = unspaced(line.text)
        if read is None:
            lines.append(LineScore(line.text, None, len(line.text), len(plain), 0.0))
        else:
            edits = distance(line.text, read)
            lines.append(LineScore(line.text, read, edits, distance(plain, unspaced(read)), iou))
    taken = {other for other, _ in pairs.values()}
    extra = [line.text for index, line in enumerate(found) if index not in taken]
    text = "\n".join(line.text for line in known if not line.aside)
    read = "\n".join(line.text for line in without_asides(known, found))
    plain, plain_read = unspaced(text), unspaced(read)
    return PageScore(
        lines,
        len(found),
        extra,
        distance(text, read) if ordered else None,
        distance(plain, plain_read) if ordered else None,
        len(text),
        len(plain),
    )


def without_asides(known: Sequence[Found], found: Sequence[Found]) -> list[Found]:
    """What was found, but for what lies on lines whose place in the order is of no matter."""
    asides = [line.polygon for line in known if line.aside]
    return [line for line in found if not any(shared(line.polygon, aside) > 0.5 for aside in asides)]


def shared(part: np.ndarray, whole: np.ndarray) -> float:
    """How much of the first convex polygon lies in the second."""
    common, _ = cv2.intersectConvexConvex(part.astype(np.float32), whole.astype(np.float32))
    area = abs(cv2.contourArea(part.astype(np.float32)))
    return float(common / area) if area else 0.0


def matched(known: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> dict[int, tuple[int, float]]:
    """For known polygons the found ones that belong to them, and what they share."""
    boxes = [np.concatenate([polygon.min(axis=0), polygon.max(axis=0)]) for polygon in found]
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    candidates = []
    for index, polygon in enumerate(known):
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        near = (corners[:, :2] < high).all(axis=1) & (corners[:, 2:] > low).all(axis=1)
        for other in np.flatnonzero(near):
            candidates.append((overlap(polygon, found[other]), index, int(other)))
    pairs: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for iou, index, other in sorted(candidates, reverse=True):
        if iou >= IOU and index not in pairs and other not in taken:
            pairs[index] = (other, iou)
            taken.add(other)
    return pairs


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two convex polygons."""
    first, second = a.astype(np.float32), b.astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(first, second)
    whole = abs(cv2.contourArea(first)) + abs(cv2.contourArea(second)) - shared
    return float(shared / whole) if whole > 0 else 0.0


def distance(a: str, b: str) -> int:
    """Levenshtein's, a row at a time: what insertions cost along a row is a running minimum."""
    if a == b:
        return 0
    if not a or not b:
        return len(a) + len(b)
    letters = np.array([ord(letter) for letter in b])
    along = np.arange(len(b) + 1)
    row = along.copy()
    for count, letter in enumerate(a, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (letters != ord(letter)))
        row = np.minimum.accumulate(np.concatenate([[count], best]) - along) + along
    return int(row[-1])


def unspaced(text: str) -> str:
    """Without anything that is white."""
    return "".join(text.split())


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def difference(ours: Score, theirs: Score, spaces: bool = True) -> tuple[float, float, float]:
    """Our CER less theirs in points, and where 95 of 100 resamplings of the lines have it (paired bootstrap)."""

    def edits(lines: Iterable[LineScore]) -> np.ndarray:
        return np.array([line.edits if spaces else line.edits_unspaced for line in lines], float)

    gap = edits(ours.lines) - edits(theirs.lines)
    length = np.array([len(line.text if spaces else unspaced(line.text)) for line in ours.lines], float)
    chance = np.random.default_rng(0)
    picks = chance.integers(0, len(gap), (RESAMPLINGS, len(gap)))
    sums = 100 * gap[picks].sum(axis=1) / length[picks].sum(axis=1)
    low, high = np.percentile(sums, [2.5, 97.5])
    return float(100 * gap.sum() / length.sum()), float(low), float(high)
