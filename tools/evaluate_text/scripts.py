"""Pages in scripts and languages that a reader may not know, and in those that it does.

`python scripts.py --out DIR` writes the pictures and truth.json: for each its file and its language. Words come from
the package `faker`, faces from Debian's fonts-noto-core and fonts-noto-cjk. The same seed makes the same pages.
`python scripts.py --count FILE` says how many pages of each language have which note, in what `sightwire read --format
json` made of them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from faker import Faker
from PIL import Image, ImageDraw, ImageFont

from chance import Chance
from sheet import Page, noisy
from words import CHINESE, ENGLISH

FACES = Path("/usr/share/fonts")
NOTO = "truetype/noto/Noto{}-{}.ttf"
CJK = "opentype/noto/Noto{}CJK-{}.ttc"

# Which family, and where words come from: a locale of Faker, or letters that syllables are made of.
SCRIPTS: dict[str, tuple[tuple[str, ...], str]] = {
    "arabic": (("SansArabic", "NaskhArabic"), "ar_AA"),
    "persian": (("SansArabic", "NaskhArabic"), "fa_IR"),
    "hebrew": (("SansHebrew", "SerifHebrew"), "he_IL"),
    "devanagari": (("SansDevanagari", "SerifDevanagari"), "hi_IN"),
    "tamil": (("SansTamil", "SerifTamil"), "ta_IN"),
    "thai": (("SansThai", "SerifThai"), "th_TH"),
    "korean": (("Sans", "Serif"), "ko_KR"),
    "russian": (("Sans", "Serif"), "ru_RU"),
    "ukrainian": (("Sans", "Serif"), "uk_UA"),
    "greek": (("Sans", "Serif"), "el_GR"),
    "japanese": (("Sans", "Serif"), "ja_JP"),
    "german": (("Sans", "Serif"), "de_DE"),
    "french": (("Sans", "Serif"), "fr_FR"),
    "polish": (("Sans", "Serif"), "pl_PL"),
    "czech": (("Sans", "Serif"), "cs_CZ"),
    "vietnamese": (("Sans", "Serif"), "vi_VN"),
    "english": (("Sans", "Serif"), ""),
    "latin": (("Sans", "Serif"), "la"),
    "dutch": (("Sans", "Serif"), "nl_NL"),
    "chinese": (("Sans", "Serif"), ""),
}
IN_CJK = {"korean": 1, "japanese": 0, "chinese": 2}
TOGETHER = {"thai", "japanese", "chinese"}
RIGHT_TO_LEFT = {"arabic", "persian", "hebrew"}


def writer(language: str, chance: Chance) -> Callable[[], str]:
    """Gives the next word of an endless text."""
    locale = SCRIPTS[language][1]
    if not locale:
        words = ENGLISH if language == "english" else CHINESE
        return lambda: chance.choice(words)
    fake = Faker(locale)
    fake.seed_instance(chance.randint(0, 1 << 30))
    if locale in ("hi_IN", "ta_IN", "ko_KR"):
        sources = [fake.first_name, fake.last_name, fake.city, fake.name]
        text = (word for _ in iter(int, 1) for word in chance.choice(sources)().split())
    else:
        text = (word for _ in iter(int, 1) for word in fake.sentence(nb_words=8).split())
    is_its = (
        (lambda word: True) if locale in ("la", "nl_NL") else (lambda word: not word.isascii() or locale[:2] in ASCII)
    )
    return lambda: next(word for word in text if is_its(word))


ASCII = ("de", "fr", "pl", "cs", "vi")


def face(language: str, family: str, bold: bool, size: int) -> ImageFont.FreeTypeFont:
    weight = "Bold" if bold else "Regular"
    if language in IN_CJK:
        return ImageFont.truetype(str(FACES / CJK.format(family, weight)), size, index=IN_CJK[language])
    return ImageFont.truetype(str(FACES / NOTO.format(family, weight)), size)


def number(chance: Chance) -> str:
    return chance.choice(
        [
            f"{chance.randint(1, 2026)}",
            f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.{chance.randint(1990, 2026)}",
            f"{chance.randint(1, 999)}.{chance.randint(0, 99):02}",
            f"{chance.randint(1, 100)}%",
        ]
    )


def page(language: str, chance: Chance, name: str) -> Page:
    """A page of text, a notice of a few lines, or a list with numbers."""
    kind = chance.choice(["text", "text", "notice", "list"])
    size = chance.randint(30, 64) if kind == "notice" else chance.randint(15, 34)
    font = face(language, chance.choice(SCRIPTS[language][0]), chance.random() < 0.2, size)
    word, between = writer(language, chance), "" if language in TOGETHER else " "
    width = chance.randint(500, 1100)
    rows = chance.randint(2, 6) if kind == "notice" else chance.randint(8, 26)
    margin, pitch = size * 2, round(size * chance.uniform(1.5, 1.9))
    ink = (chance.randint(0, 60),) * 3
    paper = (chance.randint(225, 255),) * 3
    picture = Image.new("RGB", (width, rows * pitch + 2 * margin), paper)
    draw = ImageDraw.Draw(picture)
    room = width - 2 * margin
    for row in range(rows):
        y = margin + row * pitch
        numbers = kind == "list" or chance.random() < 0.1
        share = chance.uniform(0.2, 0.6) if kind in ("list", "notice") else 0.97
        line = word()
        while draw.textlength(line + between + (more := word()), font=font) < room * share:
            line += between + more
        length = draw.textlength(line, font=font)
        x = width - margin - length if language in RIGHT_TO_LEFT else margin
        draw.text((x, y), line, font=font, fill=ink)
        if numbers and length < room * 0.75:
            text = number(chance)
            other = margin if language in RIGHT_TO_LEFT else width - margin - draw.textlength(text, font=font)
            draw.text((other, y), text, font=font, fill=ink)
    made = Page(name, language, np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]))
    look = chance.random()
    if look < 0.25:
        made = noisy(made, chance.uniform(5, 20), chance.uniform(0.4, 0.9), chance.grain)
    elif look < 0.5:
        made.quality = chance.randint(35, 80)
    return made


def kind_of(notes: list[str]) -> str:
    """Of the first note: `script`, the language that it names, or `none`."""
    if any("script" in note for note in notes):
        return "script"
    return next((note.split("looks ")[1].split(",")[0] for note in notes if "looks " in note), "none")


def count(results: Path) -> None:
    """Prints a row for each language, by the names of the files."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for line in results.read_text("utf-8").splitlines():
        document = json.loads(line)
        found[Path(document["file"]).name.rsplit("-", 1)[0]][kind_of(document.get("notes", []))] += 1
    for language, kinds in sorted(found.items()):
        print(f"{language:20} {kinds.total():4} pages: {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--count", type=Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--pages", type=int, default=20, help="of each language")
    parser.add_argument("--only", nargs="*", choices=SCRIPTS, default=list(SCRIPTS))
    args = parser.parse_args()
    if args.count:
        count(args.count)
        return
    if args.out is None:
        parser.error("--out DIR or --count FILE")
    args.out.mkdir(parents=True, exist_ok=True)
    truth = []
    for language in args.only:
        for index in range(args.pages):
            made = page(language, Chance(f"{args.seed} {language} {index}"), f"{language}-{index:03}")
            (args.out / made.file).write_bytes(made.encoded())
            truth.append({"file": made.file, "language": language})
    (args.out / "truth.json").write_text(json.dumps(truth, indent=1), "utf-8")
    print(f"{len(truth)} pages in {args.out}")


if __name__ == "__main__":
    main()
