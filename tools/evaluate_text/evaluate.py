"""Compares readers of text on pages with known words.

    python evaluate.py --pages DIR --ours "f32=sightwire read --format json --set engine.precision=f32"

DIR is what pages.py wrote. Prints a table: for each category what RapidOCR does and how far each of ours is from it, in
points of per cent; a minus is better. With --details a second table counts spaces, short lines, rows and runs. Ends
with 1 when one of ours is worse by more than --tolerance points anywhere.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

import details
from pages import TRUTH
from readers import by_command, by_rapidocr, by_tesseract, by_url
from score import Found, Score, difference, score_page

THEIRS = "RapidOCR"
TESSERACT = "Tesseract"
ALL = "all"
COLUMNS = [
    "pages", "lines", "characters", "reader", "recall %", "precision %", "IoU", "CER %", "CER without spaces %",
    "whole page CER %", "CER against RapidOCR, points (95 %)",
]  # fmt: skip


def scored(truth: list[dict], found: dict[str, list[Found]]) -> dict[str, Score]:
    """By category, and all together."""
    scores: dict[str, Score] = {}
    for row in truth:
        page = score_page(known_lines(row), found[row["file"]], row["ordered"])
        scores.setdefault(row["category"], Score()).pages.append(page)
        scores.setdefault(ALL, Score()).pages.append(page)
    scores[ALL] = scores.pop(ALL)
    return scores


def known_lines(row: dict) -> list[Found]:
    """The lines of a page."""
    return [
        Found(
            np.array(line["polygon"], np.float32),
            line["text"],
            line.get("row"),
            line.get("run"),
            line.get("aside", False),
        )
        for line in row["lines"]
    ]


def counted(truth: list[dict], found: dict[str, list[Found]]) -> dict[str, details.Details]:
    """By category, and all together."""
    counts: dict[str, details.Details] = {}
    total = details.Details()
    for row in truth:
        page = details.details(known_lines(row), found[row["file"]])
        total += page
        some = counts.setdefault(row["category"], details.Details())
        some += page
    return {**counts, ALL: total}


def table(scores: dict[str, dict[str, Score]]) -> list[str]:
    """One row for each category and reader."""
    rule = ["---" if name in ("pages", "reader") else "---:" for name in COLUMNS]
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, rule)]
    for category in next(iter(scores.values())):
        for index, (reader, by_category) in enumerate(scores.items()):
            score = by_category[category]
            first = f"{category} | {len(score.lines)} | {score.characters}" if index == 0 else " | | "
            page = score.page_cer()
            cells = [
                f"{100 * score.recall():.2f}",
                f"{100 * score.precision():.2f}",
                f"{score.iou():.3f}",
                f"{100 * score.cer():.2f}",
                f"{100 * score.cer(spaces=False):.2f}",
                "" if page is None else f"{100 * page:.2f}",
            ]
            against = ""
            if reader != THEIRS and THEIRS in scores:
                gap, low, high = difference(score, scores[THEIRS][category])
                against = f"{gap:+.2f} ({low:+.2f} to {high:+.2f})"
            lines.append(f"| {first} | {reader} | {' | '.join(cells)} | {against} |")
    return lines


def worse(scores: dict[str, dict[str, Score]], tolerance: float) -> list[str]:
    """Where ours is worse than RapidOCR by more than so many points, in words."""
    said = []
    for reader in [reader for reader in scores if reader not in (THEIRS, TESSERACT)]:
        for category, theirs in scores.get(THEIRS, {}).items():
            ours = scores[reader][category]
            gaps = {
                "recall": 100 * (theirs.recall() - ours.recall()),
                "precision": 100 * (theirs.precision() - ours.precision()),
                "CER": 100 * (ours.cer() - theirs.cer()),
                "CER without spaces": 100 * (ours.cer(spaces=False) - theirs.cer(spaces=False)),
            }
            our_page, their_page = ours.page_cer(), theirs.page_cer()
            if our_page is not None and their_page is not None:
                gaps["whole page CER"] = 100 * (our_page - their_page)
            said += [
                f"{reader}: {category}: {what} worse by {gap:.2f}" for what, gap in gaps.items() if gap > tolerance
            ]
    return said


def explained(truth: list[dict], ours: dict[str, Score], theirs: dict[str, Score] | None, count: int) -> list[str]:
    """The lines that went wrong, worst against RapidOCR first."""
    rows = []
    for category, score in ours.items():
        if category == ALL:
            continue
        files = [row["file"] for row in truth if row["category"] == category]
        other_pages = theirs[category].pages if theirs else [None] * len(score.pages)
        for file, page, other in zip(files, score.pages, other_pages):
            for index, line in enumerate(page.lines):
                against = other.lines[index] if other else None
                gap = line.edits - (against.edits if against else 0)
                if gap > 0:
                    rows.append((gap, file, index, line, against))
            for text in page.extra:
                if other is None or text not in other.extra:
                    rows.append((1, file, -1, text, None))
    rows.sort(key=lambda row: (-row[0], row[1], row[2]))
    said = []
    for gap, file, index, line, against in rows[:count]:
        if index < 0:
            said.append(f"{file}: found what is not there: {line!r}")
            continue
        said.append(f"{file} line {index}: {gap} more wrong, IoU {line.iou:.2f}")
        said.append(f"  known {line.text!r}\n  ours  {line.read!r}")
        if against:
            said.append(f"  theirs {against.read!r} (IoU {against.iou:.2f})")
    return said


def figures(scores: dict[str, dict[str, Score]], counts: dict[str, dict[str, details.Details]]) -> dict:
    """For machines; counts of details where there are some."""
    return {
        reader: {
            category: {
                "lines": len(score.lines),
                "characters": score.characters,
                "recall": score.recall(),
                "precision": score.precision(),
                "iou": score.iou(),
                "cer": score.cer(),
                "cer_unspaced": score.cer(spaces=False),
                "cer_of_found": score.cer_of_found(),
                "page_cer": score.page_cer(),
                "page_cer_unspaced": score.page_cer(spaces=False),
                **(asdict(counts[reader][category]) if reader in counts else {}),
            }
            for category, score in by_category.items()
        }
        for reader, by_category in scores.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, required=True, metavar="DIR")
    parser.add_argument("--ours", action="append", default=[], metavar="NAME=COMMAND|URL")
    parser.add_argument("--without-rapidocr", action="store_true")
    parser.add_argument("--tesseract", action="store_true", help="Tesseract as well, if it is installed")
    parser.add_argument("--tesseract-mode", type=int, default=3, metavar="PSM", help="1: it finds directions, too")
    parser.add_argument("--details", action="store_true", help="spaces, short lines, rows and runs as well")
    parser.add_argument("--upright", action="store_true", help="RapidOCR without its angle class")
    parser.add_argument("--only", action="append", metavar="PART", help="pages whose file name contains this")
    parser.add_argument("--tolerance", type=float, default=0.3, metavar="POINTS")
    parser.add_argument("--explain", type=int, default=0, metavar="N", help="show the N lines that are worst")
    parser.add_argument("--report-only", action="store_true", help="end with 0 whatever comes out")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    truth = json.loads((args.pages / TRUTH).read_text())
    truth = [row for row in truth if not args.only or any(part in row["file"] for part in args.only)]
    files = [args.pages / row["file"] for row in truth]
    found: dict[str, dict[str, list[Found]]] = {}
    if not args.without_rapidocr:
        found[THEIRS] = by_rapidocr(files, args.pages / "rapidocr", not args.upright)
    if args.tesseract:
        found[TESSERACT] = by_tesseract(files, mode=args.tesseract_mode)
    for entry in args.ours:
        name, _, how = entry.partition("=")
        read = by_url if how.startswith("http") else by_command
        found[name] = read(how, files)
    scores = {name: scored(truth, pages) for name, pages in found.items()}
    if not scores:
        parser.error("nothing to evaluate: give --ours NAME=COMMAND")
    print("\n".join(table(scores)))
    counts = {}
    if args.details:
        counts = {name: counted(truth, pages) for name, pages in found.items()}
        print("\n" + "\n".join(details.table(counts)))
    for name, score in scores.items():
        if args.explain and (name not in (THEIRS, TESSERACT) or len(scores) == 1):
            against = scores.get(THEIRS) if name != THEIRS else None
            print(f"\n{name}:\n" + "\n".join(explained(truth, score, against, args.explain)))
    if args.json:
        args.json.write_text(json.dumps(figures(scores, counts), indent=1) + "\n")
    said = worse(scores, args.tolerance)
    print("\n".join(said), file=sys.stderr)
    sys.exit(1 if said and not args.report_only else 0)


if __name__ == "__main__":
    main()
