"""Pages with known words: each category is a function that makes one page of a source of chance.

`python pages.py --out DIR` writes the pictures and truth.json: for each its file, category, and its lines in reading
order with their polygons. The same seed makes the same pages.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

import apart
import askew
import documents
import fonts
import layouts
import lettering
import papers
import screens
from chance import Chance
from sheet import Colour, Line, Page, Sheet, noisy, quarter_turned, seen_askew, turned

SEED = 6
PAGES = 6
TRUTH = "truth.json"
Kind = Callable[[Chance, str], Page]
CODE_FACES = ("sans", "sans-bold", "open-sans", "mono", "mono", "serif")


def filled(
    sheet: Sheet,
    words: Callable[[], str],
    face: str,
    size: int,
    *,
    x: int,
    y: int,
    width: int,
    bottom: int,
    leading: float = 1.5,
    ink: Colour = (0, 0, 0),
    lines: int = 1000,
    between: str = " ",
) -> int:
    """Text in lines of that width down to `bottom`, or so many; says where the next line would be."""
    font = fonts.face(face, size)
    word = words()
    for _ in range(lines):
        if y + size * 1.4 > bottom:
            break
        text = word
        while font.getlength(text + between + (word := words())) <= width:
            text += between + word
        sheet.put(x, y, " ".join(text.split()), face, size, ink)
        y += round(size * leading)
    return y


def latin_page(chance: Chance, name: str, category: str, sizes: tuple[int, int], **look: object) -> tuple[Page, Sheet]:
    """A sheet of English in one face and one size."""
    width, height = chance.randint(760, 1100), chance.randint(700, 1000)
    sheet = Sheet(width, height, look.pop("paper", (255, 255, 255)))  # type: ignore[arg-type]
    size = chance.randint(*sizes)
    margin = max(30, size)
    face = chance.choice(fonts.LATIN)
    filled(
        sheet,
        chance.writer.english,
        face,
        size,
        x=margin,
        y=margin,
        width=width - 2 * margin,
        bottom=height - margin // 2,
        **look,  # type: ignore[arg-type]
    )
    return sheet.page(name, category), sheet


def clean(chance: Chance, name: str) -> Page:
    return latin_page(chance, name, "clean", (16, 40))[0]


def small(chance: Chance, name: str) -> Page:
    return latin_page(chance, name, "small", (10, 13), leading=1.45)[0]


def large(chance: Chance, name: str) -> Page:
    return latin_page(chance, name, "large", (41, 60))[0]


def angle(chance: Chance, name: str) -> Page:
    page, sheet = latin_page(chance, name, "angle", (18, 32))
    return turned(page, chance.choice([-1, 1]) * chance.uniform(2, 30), sheet.paper)


def upside_down(chance: Chance, name: str) -> Page:
    page, sheet = latin_page(chance, name, "upside down", (18, 36))
    return turned(page, 180, sheet.paper)


def perspective(chance: Chance, name: str) -> Page:
    page, sheet = latin_page(chance, name, "perspective", (20, 34))
    return seen_askew(page, chance.grain.uniform(-0.13, 0.13, (4, 2)), sheet.paper)


def noise(chance: Chance, name: str) -> Page:
    page, _ = latin_page(chance, name, "noise", (18, 34), paper=(225, 222, 215), ink=(40, 40, 45))
    return noisy(page, chance.uniform(15, 40), chance.uniform(0.6, 1.3), chance.grain)


def low_contrast(chance: Chance, name: str) -> Page:
    level, step = chance.randint(90, 190), chance.choice([-1, 1]) * chance.randint(22, 45)
    paper, ink = (level,) * 3, (level + step,) * 3
    page, _ = latin_page(chance, name, "low contrast", (18, 34), paper=paper, ink=ink)
    return noisy(page, 2.0, 0, chance.grain)


def jpeg30(chance: Chance, name: str) -> Page:
    page, _ = latin_page(chance, name, "JPEG 30", (14, 28))
    page.quality = 30
    return page


def full(chance: Chance, name: str) -> Page:
    """120 lines, as a page of a register scanned at 150 to 200 dots an inch."""
    size = chance.randint(12, 15)
    pitch = round(size * 1.4)
    width, height = 1240, 120 * pitch + 160
    sheet = Sheet(width, height)
    filled(
        sheet,
        chance.writer.english,
        chance.choice(fonts.LATIN),
        size,
        x=70,
        y=70,
        width=width - 140,
        bottom=height,
        leading=pitch / size,
        lines=120,
    )
    return sheet.page(name, "120 lines")


def long_lines(chance: Chance, name: str) -> Page:
    """Up to a hundred times as wide as high."""
    size = chance.randint(16, 24)
    sheet = Sheet(size * 105, size * 32)
    filled(
        sheet,
        chance.writer.english,
        chance.choice(fonts.LATIN),
        size,
        x=size * 2,
        y=size * 2,
        width=size * 101,
        bottom=size * 31,
        leading=2,
    )
    return sheet.page(name, "long lines")


def columns(chance: Chance, name: str, heading: bool = True) -> Page:
    """Two or three under a heading, read one after the other."""
    count, size = chance.choice([2, 2, 3]), chance.randint(15, 20)
    face = chance.choice(["serif", "sans", "open-sans"])
    column, gap, margin = size * 20, size * 3, 50
    width = 2 * margin + count * column + (count - 1) * gap
    sheet = Sheet(width, 900)
    words = chance.writer.english
    top, bold = 40, f"{face}-bold"
    if heading:
        top = filled(sheet, words, bold, size * 2, x=margin, y=top, width=width - 2 * margin, bottom=900, lines=1)
    for index in range(count):
        x = margin + index * (column + gap)
        filled(sheet, words, face, size, x=x, y=top + size, width=column, bottom=880 - chance.randint(0, 200))
    return sheet.page(name, "columns")


def codes(chance: Chance, name: str, faces: Sequence[str] = CODE_FACES) -> Page:
    """Digits, serial numbers, addresses: one a line, in rows far from each other."""
    sheet = Sheet(1000, 900)
    size = chance.randint(18, 34)
    face = chance.choice(faces)
    y = 40
    while y + size * 2 < 900:
        for x in (50, 560):
            sheet.put(x, y, chance.writer.code(), face, size)
        y += round(size * 2.2)
    return sheet.page(name, "codes", ordered=False)


def han_page(chance: Chance, name: str, category: str, words: Callable[[], str]) -> Page:
    width, height = chance.randint(760, 1000), chance.randint(700, 900)
    sheet = Sheet(width, height)
    size = chance.randint(16, 44)
    margin = max(30, size)
    filled(
        sheet,
        words,
        "han",
        size,
        x=margin,
        y=margin,
        width=width - 2 * margin,
        bottom=height - margin,
        leading=1.7,
        between="",
    )
    return sheet.page(name, category)


def chinese(chance: Chance, name: str) -> Page:
    return han_page(chance, name, "Chinese", chance.writer.chinese)


def mixed(chance: Chance, name: str) -> Page:
    return han_page(chance, name, "Chinese, mixed", chance.writer.mixed)


def ground(chance: Chance, width: int, height: int) -> np.ndarray:
    """Something like an unsharp wall, meadow or street: soft patches of colour around one tone."""
    tone = chance.randint(60, 190) + np.array([chance.randint(-25, 25) for _ in range(3)], np.float32)
    shape = (max(2, height // 60), max(2, width // 60))
    patches = chance.grain.normal(0, 18, (*shape, 1)) + chance.grain.normal(0, 7, (*shape, 3))
    patches = patches.astype(np.float32)
    soft = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    fine = chance.grain.normal(0, 5, (height, width, 3)).astype(np.float32)
    return np.clip(tone + soft + fine, 0, 255).astype(np.uint8)


def signs(chance: Chance, name: str, size: tuple[int, int] = (1024, 768), count: int = 5) -> Page:
    """A photograph with notices in it: boards of one colour before a background, seen a little from aside, JPEG 85."""
    width, height = size
    sheet = Sheet(width, height, ground(chance, width, height))
    row = (height - 40) // count
    for index in range(count):
        em = max(16, min(round(row * chance.uniform(0.3, 0.5)), 60))
        han = chance.random() < 0.3
        face = "han" if han else chance.choice(["sans-bold", "open-sans-bold", "open-sans", "sans"])
        words = chance.writer.chinese if han else chance.choice([chance.writer.english, chance.writer.code])
        dark = tuple(chance.randint(0, 90) for _ in range(3))
        pale = tuple(chance.randint(190, 255) for _ in range(3))
        board, ink = (dark, pale) if chance.random() < 0.5 else (pale, dark)
        text = words()
        room = width - 120
        while fonts.face(face, em).getlength(longer := text + ("" if han else " ") + words()) < room * 0.6:
            text = longer
        long = round(fonts.face(face, em).getlength(text))
        x, y = chance.randint(40, max(41, width - long - 60)), 24 + index * row
        sheet.block(x - em // 2, y - em // 4, long + em, round(em * 1.7), board)  # type: ignore[arg-type]
        sheet.put(x, y, text, face, em, ink)  # type: ignore[arg-type]
    page = sheet.page(name, "signs", 85)
    page = seen_askew(page, chance.grain.uniform(-0.02, 0.02, (4, 2)), sheet.paper, same_size=True)
    return noisy(page, 3, 0.5, chance.grain)


def screen(chance: Chance, name: str, size: tuple[int, int] = (1280, 720), count: int = 16) -> Page:
    """A program's window: a bar, labels, values; light or dark; PNG."""
    width, height = size
    dark = chance.random() < 0.5
    paper, ink = ((30, 31, 36), (220, 222, 226)) if dark else ((250, 250, 251), (35, 38, 45))
    sheet = Sheet(width, height, paper)
    sheet.block(0, 0, width, 44, (52, 92, 170))
    sheet.put(16, 11, chance.writer.english() + " " + chance.writer.english(), "open-sans-bold", 18, (255, 255, 255))
    left = count - 1
    size_px, pitch = 15, max(26, (height - 90) // max(1, (left + 1) // 2))
    for index in range(left):
        x, y = (24, width // 2)[index % 2], 64 + (index // 2) * pitch
        if y + size_px * 2 > height:
            break
        words = chance.writer.english if index % 3 else chance.writer.code
        text = words() if words == chance.writer.code else " ".join(words() for _ in range(chance.randint(2, 6)))
        sheet.put(x, y, text, "open-sans", size_px, ink)
    return sheet.page(name, "screen", ordered=False)


CATEGORIES = [
    clean, small, large, angle, upside_down, perspective, noise, low_contrast, jpeg30, full, long_lines, columns,
    codes, chinese, mixed, signs, screen,
]  # fmt: skip


def evaluation(seed: int, pages: int) -> Iterator[Page]:
    """So many pages of each category; of those with 120 lines a third."""
    return each(CATEGORIES, seed, pages, few=[full])


def each(kinds: Sequence[Kind], seed: int, pages: int, few: Sequence[Kind] = ()) -> Iterator[Page]:
    """So many pages of each kind; of a few a third."""
    for make in kinds:
        for index in range(pages if make not in few else max(1, pages // 3)):
            yield make(Chance(f"{seed} {make.__name__} {index}"), f"{make.__name__}-{index:02}")


def white(chance: Chance, name: str) -> Page:
    return lettering.on_nothing(clean(chance, name))


def hard(seed: int, pages: int) -> Iterator[Page]:
    """So many pages of each kind of rows in layouts.py and of each in lettering.py; plain print beside them."""
    return each([*layouts.ROWS, *lettering.KINDS, white, clean, small], seed, pages)


def layout(seed: int, pages: int) -> Iterator[Page]:
    """So many pages of each kind in layouts.py."""
    return each([*layouts.COLUMNS, *layouts.ROWS], seed, pages)


def offices(seed: int, pages: int) -> Iterator[Page]:
    """So many pages of each kind in documents.py."""
    return each(documents.ALL, seed, pages)


def further(seed: int, pages: int) -> Iterator[Page]:
    """So many pages of each kind in papers.py, apart.py, askew.py and screens.py; few that can be read either way."""
    kinds = [*papers.KINDS, *apart.KINDS, *askew.KINDS, *screens.KINDS]
    return each(kinds, seed, pages, few=[askew.reads_both_ways])


def benchmark(seed: int) -> Iterator[Page]:
    """Ten pictures of 640×480 to 1280×720: photographs with signs, and screens."""
    for index, (width, height, make, count) in enumerate(
        [
            (640, 480, signs, 2),
            (640, 480, signs, 4),
            (640, 480, screen, 8),
            (800, 600, signs, 3),
            (800, 600, screen, 12),
            (960, 540, signs, 5),
            (1024, 768, signs, 6),
            (1024, 768, screen, 18),
            (1280, 720, signs, 4),
            (1280, 720, screen, 24),
        ]  # fmt: skip
    ):
        yield make(Chance(f"{seed} bench {index}"), f"bench-{index:02}", (width, height), count)


def scan(seed: int) -> Page:
    """A page of 20 megapixels, 85 lines, JPEG."""
    chance = Chance(f"{seed} scan")
    sheet = Sheet(3872, 5168, (248, 247, 243))
    filled(sheet, chance.writer.english, "serif", 40, x=300, y=300, width=3272, bottom=5168, leading=1.35, lines=85)
    return noisy(sheet.page("scan", "scan", 90), 4, 0.8, chance.grain)


def written(pages: Iterator[Page], folder: Path) -> None:
    """The pictures and truth.json into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = []
    for page in pages:
        (folder / page.file).write_bytes(page.encoded())
        lines = [known(line) for line in page.lines]
        row = {"file": page.file, "category": page.category, "ordered": page.ordered, "lines": lines}
        truth.append(row)
    (folder / TRUTH).write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n")


def known(line: Line) -> dict:
    """A line as truth.json has it."""
    said: dict = {"text": line.text, "polygon": line.polygon.round(2).tolist()}
    more = {"row": line.row, "run": line.run, "aside": line.aside or None}
    return {**said, **{name: value for name, value in more.items() if value is not None}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--set",
        choices=["evaluation", "layout", "documents", "papers", "lettering", "benchmark", "scan"],
        default="evaluation",
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--pages", type=int, default=PAGES, help="of each category")
    parser.add_argument("--laid", type=int, default=0, choices=[0, 90, 180, 270], help="turned clockwise by so much")
    args = parser.parse_args()
    if words := fonts.missing():
        parser.exit(2, f"{words}\n")
    made = {
        "evaluation": lambda: evaluation(args.seed, args.pages),
        "layout": lambda: layout(args.seed, args.pages),
        "documents": lambda: offices(args.seed, args.pages),
        "papers": lambda: further(args.seed, args.pages),
        "lettering": lambda: hard(args.seed, args.pages),
        "benchmark": lambda: benchmark(args.seed),
        "scan": lambda: iter([scan(args.seed)]),
    }
    written((quarter_turned(page, args.laid // 90) for page in made[args.set]()), args.out)


if __name__ == "__main__":
    main()
