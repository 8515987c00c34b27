"""How near the places of words are to their ink, on pages whose words are known.

`python word_places.py --ours "sightwire read --format json --words"` makes the pages, has them read and prints, for the
words that were read right: how many have their centre within a quarter of the line's height, and how much of their
length along the line is shared (IoU).
"""

from __future__ import annotations

import argparse
import difflib
import json
import shlex
import subprocess
from pathlib import Path

import numpy as np

import layouts
import pages
from chance import Chance
from sheet import Line, Page

KINDS = (
    pages.clean,
    pages.small,
    pages.angle,
    pages.upside_down,
    pages.noise,
    pages.jpeg30,
    pages.columns,
    pages.mixed,
    pages.chinese,
    *layouts.COLUMNS[:2],
)
NEAR = 0.25


def share(polygon: np.ndarray, point: np.ndarray) -> float:
    """How far along a line a point is: 0 where it begins, 1 where it ends."""
    begin, end = (polygon[0] + polygon[3]) / 2, (polygon[1] + polygon[2]) / 2
    along = end - begin
    return float(np.dot(point - begin, along) / np.dot(along, along))


def beside(line: Line, regions: list[dict]) -> list[tuple[str, np.ndarray]]:
    """The words that were read where the line is, from its beginning to its end."""
    polygon = line.polygon.astype(float)
    down = (polygon[3] - polygon[0]) / np.dot(polygon[3] - polygon[0], polygon[3] - polygon[0])
    found = []
    for region in regions:
        middle = np.array(region["polygon"]).mean(0)
        is_beside = abs(np.dot(middle - polygon[0], down) - 0.5) < 0.5
        if is_beside and -0.1 < share(polygon, middle) < 1.1:
            found += [(word["text"], np.array(word["polygon"])) for word in region["words"]]
    return sorted(found, key=lambda word: share(polygon, word[1].mean(0)))


def scored(page: Page, regions: list[dict]) -> list[tuple[float, float]]:
    """Of words that were read right: how far the centre is off, in heights of the line, and the IoU along it."""
    scores = []
    for line in page.lines:
        polygon, found = line.polygon.astype(float), beside(line, regions)
        height = np.linalg.norm((polygon[3] + polygon[2] - polygon[0] - polygon[1]) / 2)
        heights = np.linalg.norm((polygon[1] + polygon[2] - polygon[0] - polygon[3]) / 2) / height
        texts = [word[0] for word in line.words], [word[0] for word in found]
        for a, b, size in difflib.SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks():
            for (_, begin, end), (_, box) in zip(line.words[a : a + size], found[b : b + size]):
                left, right = share(polygon, (box[0] + box[3]) / 2), share(polygon, (box[1] + box[2]) / 2)
                shared = max(0.0, min(end, right) - max(begin, left)) / (max(end, right) - min(begin, left))
                scores.append((float(abs(begin + end - left - right) / 2 * heights), shared))
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--out", type=Path, default=Path("words"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    known = {}
    for kind in KINDS:
        page = kind(Chance(f"words {kind.__name__} 0"), f"{kind.__name__}-0")
        known[page.file] = page
        (args.out / page.file).write_bytes(page.encoded())
    command = [*shlex.split(args.ours), *(str(args.out / file) for file in known)]
    read = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    scores = []
    for line in read.splitlines():
        document = json.loads(line)
        scores += scored(known[Path(document["file"]).name], document["regions"])
    off, shared = np.array(scores).T
    words = sum(len(line.words) for page in known.values() for line in page.lines)
    near = 100 * (off <= NEAR).mean()
    print(f"{len(off)} of {words} words read right; {near:.2f} % within {NEAR} heights, IoU {shared.mean():.3f}")


if __name__ == "__main__":
    main()
