"""Papers as they were put down: receipts askew and crumpled, pages on their side, words that can be read either way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

import layouts
import papers
from chance import Chance
from sheet import Page, Sheet, noisy, quarter_turned, seen_askew, turned
from typeset import Paper


def tilted_receipt(chance: Chance, name: str) -> Page:
    """How many, of what, for how much; turned by some degrees, some seen from aside or crumpled."""
    paper = Paper(chance, chance.uniform(20, 30), chance.randint(18, 26))
    paper.face = chance.choice(["mono", "sans", "open-sans"])
    middle, y = paper.left + paper.width // 2, paper.margin
    day = f"{paper.date('{d:02}/{m:02}/{y}')} {chance.randint(8, 21)}:15"
    for text in (paper.name().upper(), f"{paper.phrase(1, 1)} Road {paper.number(2)}", day):
        paper.put(middle, y, text, at=0.5)
        y += paper.pitch
    y += paper.pitch
    many, total = chance.choice(["{}", "{} x", "{}x"]), 0.0
    for _ in range(chance.randint(6, 16)):
        price = chance.uniform(0.5, 60)
        total += price
        what = paper.phrase(1, 3)
        what = what if paper.long(what) < paper.width * 0.6 else what.split()[0]
        bought = [(paper.left, many.format(chance.randint(1, 9)), False), (paper.left + 3 * paper.size, what, False)]
        paper.row(y, [*bought, (paper.right, f"{price:.2f}", True)])
        y += paper.pitch
    for label, much in (("Subtotal", total), ("Tax 8 %", total * 0.08), ("TOTAL", total * 1.08)):
        paper.row(y + paper.pitch // 2, [(paper.left, label, False), (paper.right, f"{much:.2f}", True)])
        y += paper.pitch
    paper.put(middle, y + paper.pitch, "Thank you for your visit", at=0.5)
    return thrown(chance, paper.page(name, "tilted receipt"))


def thrown(chance: Chance, page: Page) -> Page:
    """On a darker table, turned; some crumpled or seen from aside."""
    table = tuple(chance.randint(40, 150) for _ in range(3))
    if chance.random() < 0.4:
        page = crumpled(page, chance)
    page.image = (page.image * 0.92).astype(np.uint8)
    page = turned(page, chance.choice([-1, 1]) * chance.uniform(3, 12), table)  # type: ignore[arg-type]
    if chance.random() < 0.5:
        page = seen_askew(page, chance.grain.uniform(-0.04, 0.04, (4, 2)), table)  # type: ignore[arg-type]
    page.quality = 85
    return noisy(page, 4, 0.5, chance.grain)


def crumpled(page: Page, chance: Chance) -> Page:
    """Waves of a few pixels, and the shades of their folds."""
    height, width = page.image.shape[:2]
    waves = [
        cv2.resize(
            chance.grain.normal(0, size, (height // 140 + 2, width // 140 + 2)).astype(np.float32),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for size in (3, 3, 14)
    ]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    image = cv2.remap(page.image, x + waves[0], y + waves[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    page.image = np.clip(image + waves[2][..., None] - 14, 0, 255).astype(np.uint8)
    page.lines = [replace(line, polygon=line.polygon - drift(line.polygon, waves)) for line in page.lines]
    return page


def drift(polygon: np.ndarray, waves: Sequence[np.ndarray]) -> np.ndarray:
    """How far each corner was moved."""
    height, width = waves[0].shape
    x = np.clip(polygon[:, 0].astype(int), 0, width - 1)
    y = np.clip(polygon[:, 1].astype(int), 0, height - 1)
    return np.stack([waves[0][y, x], waves[1][y, x]], axis=1)


def one_column(chance: Chance, name: str) -> Page:
    sheet = layouts.Print(chance, 1)
    sheet.fill(sheet.margin, sheet.bottom)
    return sheet.page(name, "")


def two_columns(chance: Chance, name: str) -> Page:
    sheet = layouts.Print(chance)
    sheet.fill(sheet.margin, sheet.bottom)
    return sheet.page(name, "")


def sideways(chance: Chance, name: str) -> Page:
    """A clean page on its side or its head."""
    page = chance.choice([one_column, one_column, two_columns, papers.titled_table, layouts.receipt])(chance, name)
    page.category = "sideways"
    return quarter_turned(page, chance.choice([1, 1, 2, 3, 3]))


EITHER_WAY = ["SOS", "NOON", "8008", "IS 96 SI", "SIS 69 SIS", "OXO", "MOW", "WOW 0 MOM", "NO ON", "1881", "XX O XX"]


def reads_both_ways(chance: Chance, name: str) -> Page:
    """Words that are words upside down as well, above each other; upright."""
    size, face = chance.randint(24, 44), chance.choice(["sans", "open-sans", "sans-bold"])
    words = chance.sample(EITHER_WAY, chance.randint(4, 8))
    sheet = Sheet(size * 16, (len(words) + 1) * 2 * size)
    for index, text in enumerate(words):
        sheet.put(2 * size, size + 2 * size * index, text, face, size)
    return sheet.page(name, "reads both ways")


KINDS = [tilted_receipt, sideways, reads_both_ways]
