"""What an error rate does not tell: spaces in numbers and words, short lines by themselves, rows that stay together.

A reader may find several lines as one, or one in pieces: what counts is what was read where a line is. A space counts
where the letters on its two sides were read right, a number or a word where all its letters were.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from score import Found, distance, unspaced

# Characters of a line that is called short.
SHORT = 6
# Of a row's letters may be read wrong, in parts of all; it is about what stands together.
WRONG = 0.2


@dataclass
class Details:
    """How many of how many."""

    # Numbers (digits and no letters, two characters at least) with a space within, of those that were read right.
    broken_numbers: int = 0
    numbers: int = 0
    broken_words: int = 0
    words: int = 0
    # Spaces that were left out, of those between letters that were read right.
    left_out: int = 0
    spaces: int = 0
    # Lines of at most `SHORT` characters that were read right but for spaces.
    short_right: int = 0
    short: int = 0
    # Two lines or more that stand side by side and are one row of what was read, of all such.
    rows_together: int = 0
    rows: int = 0

    def __iadd__(self, other: Details) -> Details:
        for count in fields(self):
            setattr(self, count.name, getattr(self, count.name) + getattr(other, count.name))
        return self


def details(known: Sequence[Found], found: Sequence[Found]) -> Details:
    """Of one page."""
    counts = Details()
    for line in known:
        read = read_beside(line.polygon, found)
        if f" {line.text} " in f" {read} ":
            # Among others that were found as one with it, whose letters could be taken for its own.
            read = line.text
        counts += spaces(line.text, read)
        if len(line.text) <= SHORT:
            counts.short += 1
            counts.short_right += unspaced(line.text) == unspaced(read)
    read_rows: dict[object, str] = {}
    for index, line in enumerate(found):
        row = index if line.row is None else line.row
        read_rows[row] = read_rows.get(row, "") + unspaced(line.text)
    for row in known_rows(known):
        text = "".join(unspaced(line.text) for line in row)
        counts.rows += 1
        counts.rows_together += any(distance(text, read) <= WRONG * len(text) for read in read_rows.values())
    return counts


def read_beside(polygon: np.ndarray, found: Sequence[Found]) -> str:
    """What was read where a line is, from its beginning to its end."""
    area = cv2.contourArea(polygon.astype(np.float32))
    pieces = []
    for line in found:
        other = line.polygon.astype(np.float32)
        shared, _ = cv2.intersectConvexConvex(polygon.astype(np.float32), other)
        if shared > 0.5 * min(area, cv2.contourArea(other)):
            pieces.append((float(other.mean(axis=0) @ (polygon[1] - polygon[0])), line.text))
    return " ".join(text for _, text in sorted(pieces))


def spaces(text: str, read: str) -> Details:
    """What became of a line's spaces."""
    plain, gaps = apart(text)
    read_plain, read_gaps = apart(read)
    # For gaps between letters that were read right: whether there is a space.
    spaced = {}
    for begin, at, size in difflib.SequenceMatcher(None, plain, read_plain, autojunk=False).get_matching_blocks():
        spaced.update({begin + index: at + index in read_gaps for index in range(1, size)})
    counts = Details()
    counts.spaces = len(gaps & spaced.keys())
    counts.left_out = sum(not spaced[gap] for gap in gaps & spaced.keys())
    begin = 0
    for word in text.split():
        inner = range(begin + 1, begin + len(word))
        begin += len(word)
        if not inner or not spaced.keys() >= set(inner):
            continue
        broken = any(spaced[gap] for gap in inner)
        if any(letter.isalpha() for letter in word):
            counts.words += 1
            counts.broken_words += broken
        elif any(letter.isdigit() for letter in word):
            counts.numbers += 1
            counts.broken_numbers += broken
    return counts


def apart(text: str) -> tuple[str, set[int]]:
    """The letters, and before which of them there is a space."""
    plain, gaps = "", set()
    for word in text.split():
        gaps.add(len(plain))
        plain += word
    return plain, gaps - {0}


def known_rows(known: Sequence[Found]) -> list[list[Found]]:
    """What is to stay in one row: as the page says, or what stands side by side."""
    numbers = sorted({line.row for line in known if line.row is not None})
    if not numbers:
        return rows(known)
    return [[line for line in known if line.row == number] for number in numbers]


def rows(known: Sequence[Found]) -> list[list[Found]]:
    """Lines that follow each other and stand side by side, two at least."""
    together: list[list[Found]] = []
    for line in known:
        if together and beside(together[-1][-1].polygon, line.polygon):
            together[-1].append(line)
        else:
            together.append([line])
    return [row for row in together if len(row) > 1]


def beside(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the first line, made longer, goes through the middle of the second."""
    along, down = first[1] - first[0], first[3] - first[0]
    offset = second.mean(axis=0) - first.mean(axis=0)
    across = abs(along[0] * offset[1] - along[1] * offset[0]) / np.linalg.norm(along)
    return bool(across < np.linalg.norm(down) / 2)


def of(some: int, whole: int) -> str:
    return f"{some} of {whole}" if whole else ""


COLUMNS: list[tuple[str, Callable[[Details], str]]] = [
    ("numbers broken", lambda it: of(it.broken_numbers, it.numbers)),
    ("words broken", lambda it: of(it.broken_words, it.words)),
    ("spaces left out", lambda it: of(it.left_out, it.spaces)),
    ("short lines right", lambda it: of(it.short_right, it.short)),
    ("rows together", lambda it: of(it.rows_together, it.rows)),
]


def table(counts: dict[str, dict[str, Details]]) -> list[str]:
    """One row for each category and reader; counts by reader and category."""
    lines = [
        f"| pages | reader | {' | '.join(name for name, _ in COLUMNS)} |",
        f"| --- | --- |{' ---: |' * len(COLUMNS)}",
    ]
    for category in next(iter(counts.values())):
        for reader, by_category in counts.items():
            cells = [show(by_category[category]) for _, show in COLUMNS]
            lines.append(f"| {category} | {reader} | {' | '.join(cells)} |")
    return lines
