"""How well pages in photographs are found and straightened, on what photographs.py wrote.

    python straightening.py --pages DIR --finder ../straighten --ours "sightwire read --format json"

Prints for each kind how many pages have all four corners within 1 % of the page's diagonal, how many pictures without a
page are said to have one, and, with --ours, the text error of the flat page, of the photograph as it is, and of the
photograph straightened first.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pages import TRUTH
from readers import by_command
from score import Found, Score, score_page
from sheet import moved

NEAR = 0.01
ALL = "all"


@dataclass(frozen=True)
class Answer:
    """What was found in one picture."""

    corners: np.ndarray | None
    # From the picture to the straightened one.
    there: np.ndarray
    millis: float


def found(finder: str, files: list[Path], out: Path) -> dict[str, Answer]:
    """Runs the finder, which leaves straightened pictures in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    command = [*shlex.split(finder), "--out", str(out), *map(str, files)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answers = {}
    for text in ended.stdout.splitlines():
        row = json.loads(text)
        corners = None if row["corners"] is None else np.array(row["corners"])
        answers[Path(row["file"]).name] = Answer(corners, np.array(row["there"]), row["ms"])
    return answers


def away(corners: np.ndarray, known: np.ndarray) -> float:
    """How far the worst corner is from where it should be, in diagonals; a page may be taken to lie on any side."""
    diagonal = max(np.linalg.norm(known[0] - known[2]), np.linalg.norm(known[1] - known[3]))
    turns = (np.linalg.norm(np.roll(corners, turn, axis=0) - known, axis=1).max() for turn in range(4))
    return float(min(turns) / diagonal)


def corners_table(truth: list[dict], answers: dict[str, Answer]) -> list[str]:
    """By kind: found, found elsewhere, missed."""
    lines = [
        "| kind | pictures | within 1 % | elsewhere | none found | median, % |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    kinds = dict.fromkeys(row["category"] for row in truth)
    sums = np.zeros(4, int)
    for kind in kinds:
        rows = [row for row in truth if row["category"] == kind]
        pairs = [(answers[row["file"]].corners, row["corners"]) for row in rows]
        none = sum(corners is None for corners, _ in pairs)
        apart = [away(corners, np.array(known)) for corners, known in pairs if corners is not None and known]
        near = sum(value <= NEAR for value in apart)
        middle = f"{100 * np.median(apart):.2f}" if apart else ""
        if rows[0]["corners"] and kind != "padded scan":
            sums += (len(rows), near, len(rows) - near - none, none)
        cells = [kind, len(rows), near if rows[0]["corners"] else "", len(rows) - near - none, none, middle]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    total, near, elsewhere, none = sums
    lines.append(
        f"| {ALL} photographs of pages | {total} | {near} ({100 * near / total:.1f} %) | {elsewhere} | {none} | |"
    )
    without = [answers[row["file"]].corners is not None for row in truth if row["corners"] is None]
    lines.append(f"| {ALL} without a page | {len(without)} | | {sum(without)} ({100 * np.mean(without):.1f} %) | | |")
    times = sorted(answer.millis for answer in answers.values())
    lines.append(f"\nMilliseconds a picture: median {times[len(times) // 2]:.1f}, most {times[-1]:.1f}")
    return lines


def text_table(truth: list[dict], answers: dict[str, Answer], folder: Path, straight: Path, command: str) -> list[str]:
    """By kind: the text error three times."""
    names = [Path(row["file"]) for row in truth]
    flat_truth = {row["file"]: row for row in json.loads((folder / "flat" / TRUTH).read_text())}
    read = {
        "flat": by_command(command, [folder / "flat" / name for name in names]),
        "as it is": by_command(command, [folder / "photographs" / name for name in names]),
        "straightened": by_command(command, [straight / name.with_suffix(".jpg") for name in names]),
    }
    scores: dict[str, dict[str, Score]] = {}
    for row in truth:
        for how, texts in read.items():
            known = [np.array(line["polygon"], np.float32) for line in row["lines"]]
            if how == "straightened":
                known = [moved(polygon, answers[row["file"]].there) for polygon in known]
            elif how == "flat":
                known = [np.array(line["polygon"], np.float32) for line in flat_truth[row["file"]]["lines"]]
            lines = [Found(polygon, line["text"]) for polygon, line in zip(known, row["lines"])]
            name = Path(row["file"]).with_suffix(".jpg").name if how == "straightened" else row["file"]
            page = score_page(lines, texts[name], row["ordered"])
            for kind in (row["category"], ALL):
                scores.setdefault(kind, {}).setdefault(how, Score()).pages.append(page)
    scores[ALL] = scores.pop(ALL)
    table = ["| kind | lines | flat, CER % | photograph | straightened |", "| --- | ---: | ---: | ---: | ---: |"]
    for kind, by_how in scores.items():
        cells = [f"{100 * by_how[how].cer():.2f}" for how in read]
        table.append(f"| {kind} | {len(by_how['flat'].lines)} | {' | '.join(cells)} |")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, required=True, metavar="DIR")
    parser.add_argument("--finder", required=True, metavar="COMMAND")
    parser.add_argument("--ours", metavar="COMMAND", help="reads text; prints a line of JSON for each file")
    parser.add_argument("--each", type=int, default=1000, metavar="N", help="read no more pages of each kind")
    args = parser.parse_args()
    truth = json.loads((args.pages / "photographs" / TRUTH).read_text())
    files = [args.pages / "photographs" / row["file"] for row in truth]
    straight = args.pages / "straightened"
    answers = found(args.finder, files, straight)
    print("\n".join(corners_table(truth, answers)))
    if args.ours:
        kept: dict[str, list[dict]] = {}
        for row in truth:
            if (args.pages / "flat" / row["file"]).is_file():
                kept.setdefault(row["category"], []).append(row)
        some = [row for rows in kept.values() for row in rows[: args.each]]
        print("\n" + "\n".join(text_table(some, answers, args.pages, straight, args.ours)))


if __name__ == "__main__":
    main()
