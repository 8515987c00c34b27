"""What an error rate does not tell: spaces, short lines by themselves, rows that stay together, what is read in one go.

A reader may find several lines as one, or one in pieces: what counts is what was read where a line is. A space counts
where the letters on its two sides were read right, a number or a word where all its letters were.

Where a page tells its rows and its runs (lines that follow each other directly), these count; else rows are guessed
from where lines stand.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from score import Found, distance, shared, unspaced

# Characters of a line that is called short.
SHORT = 6
# Of a row's letters may be read wrong, in parts of all; it is about what stands together.
WRONG = 0.2
# A page with fewer of its rows or its runs is torn.
ENOUGH = 0.9


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
    # Rows that are one row of what was read.
    rows_together: int = 0
    rows: int = 0
    # Lines that follow each other and do so in what was read, with nothing in between.
    runs_whole: int = 0
    runs: int = 0
    # Lines that were found as one line each, and nothing else in it.
    lines_whole: int = 0
    lines: int = 0
    # Pages in which many rows or runs are not together, of those that have some.
    pages_torn: int = 0
    pages: int = 0

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
    by_place = [lying(line.polygon, found) for line in known]
    for line, at in zip(known, by_place):
        counts.lines += 1
        counts.lines_whole += len(at) == 1 and alike(line.text, found[at[0]].text)
    read_rows: dict[object, list[int]] = {}
    for index, line in enumerate(found):
        read_rows.setdefault(index if line.row is None else f"row {line.row}", []).append(index)
    for row in rows(known):
        counts.rows += 1
        counts.rows_together += together(row, known, found, by_place, list(read_rows.values()))
    for run in groups(known, "run"):
        counts.runs += 1
        counts.runs_whole += in_one_go(run, known, found, by_place)
    counts.pages = int(counts.rows + counts.runs > 0)
    counts.pages_torn = int(counts.rows_together < ENOUGH * counts.rows or counts.runs_whole < ENOUGH * counts.runs)
    return counts


def together(
    row: Sequence[int],
    known: Sequence[Found],
    found: Sequence[Found],
    by_place: Sequence[list[int]],
    read_rows: Sequence[list[int]],
) -> bool:
    """Whether a row's text is a row of what was read; where the page tells its rows, with each line that was found."""
    text = "".join(known[index].text for index in row)
    own = {at for index in row for at in by_place[index]} if known[row[0]].row is not None else set()
    return any(own <= set(read) and alike(text, "".join(found[at].text for at in read)) for read in read_rows)


def alike(text: str, read: str) -> bool:
    """Whether few letters differ."""
    plain = unspaced(text)
    return distance(plain, unspaced(read)) <= WRONG * len(plain)


def lying(polygon: np.ndarray, found: Sequence[Found]) -> list[int]:
    """Which of the lines that were found lie where a line is, or it in them."""
    return [
        index
        for index, line in enumerate(found)
        if near(polygon, line.polygon) and max(shared(polygon, line.polygon), shared(line.polygon, polygon)) > 0.5
    ]


def near(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether upright rectangles around them meet."""
    return bool((a.max(axis=0) > b.min(axis=0)).all() and (b.max(axis=0) > a.min(axis=0)).all())


def in_one_go(
    run: Sequence[int], known: Sequence[Found], found: Sequence[Found], by_place: Sequence[list[int]]
) -> bool:
    """Whether a run's lines were read one after the other, with none of another line in between or in them."""
    own = {at for index in run for at in by_place[index]}
    if not own:
        return False
    others = {at for index, places in enumerate(by_place) if index not in run for at in places} - own
    between = others & set(range(min(own), max(own)))
    return not between and alike(
        "".join(known[index].text for index in run), "".join(found[at].text for at in sorted(own))
    )


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


def rows(known: Sequence[Found]) -> list[list[int]]:
    """Which lines the page says are a row; else those that follow each other and stand side by side, two at least."""
    if any(line.row is not None or line.run is not None for line in known):
        return groups(known, "row")
    together: list[list[int]] = []
    for index, line in enumerate(known):
        if together and beside(known[together[-1][-1]].polygon, line.polygon):
            together[-1].append(index)
        else:
            together.append([index])
    return [row for row in together if len(row) > 1]


def groups(known: Sequence[Found], what: str) -> list[list[int]]:
    """Which lines have the same row, or the same run."""
    together: dict[int, list[int]] = {}
    for index, line in enumerate(known):
        if (key := getattr(line, what)) is not None:
            together.setdefault(key, []).append(index)
    return list(together.values())


def beside(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the first line, made longer, goes through the middle of the second, which is not turned against it."""
    along, down = first[1] - first[0], first[3] - first[0]
    other = second[1] - second[0]
    if along @ other < 0.7 * np.linalg.norm(along) * np.linalg.norm(other):
        return False
    offset = second.mean(axis=0) - first.mean(axis=0)
    across = abs(along[0] * offset[1] - along[1] * offset[0]) / np.linalg.norm(along)
    return bool(across < np.linalg.norm(down) / 2)


def of(some: int, whole: int) -> str:
    return f"{some} of {whole}" if whole else ""


def percent(some: int, whole: int) -> str:
    return f"{100 * some / whole:.1f}" if whole else ""


COLUMNS: list[tuple[str, Callable[[Details], str]]] = [
    ("numbers broken", lambda it: of(it.broken_numbers, it.numbers)),
    ("words broken", lambda it: of(it.broken_words, it.words)),
    ("spaces left out", lambda it: of(it.left_out, it.spaces)),
    ("short lines right", lambda it: of(it.short_right, it.short)),
    ("rows together", lambda it: of(it.rows_together, it.rows)),
    ("runs whole", lambda it: of(it.runs_whole, it.runs)),
    ("lines whole %", lambda it: percent(it.lines_whole, it.lines)),
    ("pages torn %", lambda it: percent(it.pages_torn, it.pages)),
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
