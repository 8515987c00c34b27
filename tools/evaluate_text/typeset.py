"""Office papers in the making: a sheet with a face and a size, and tables whose columns are as wide as their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import fonts
from chance import Chance
from sheet import Colour, Page, Sheet

FACES = ("sans", "open-sans", "open-sans", "serif")
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
BARS = ((68, 114, 196), (91, 155, 213), (146, 168, 216), (31, 78, 121), (84, 130, 53))
TALL = 4000


@dataclass(frozen=True)
class Column:
    """Of a table."""

    head: str
    cell: Callable[[], str]
    right: bool = False
    # Ems after which its cells go on in a second line.
    most: float = 99


class Paper:
    """A sheet with a face and a size, that is cut where its text ends."""

    def __init__(self, chance: Chance, width_em: float, size: int | None = None) -> None:
        self.chance = chance
        self.size = size or chance.randint(15, 24)
        self.face = chance.choice(FACES)
        self.pitch = round(self.size * chance.uniform(1.25, 1.4))
        self.margin = round(self.size * chance.uniform(2.5, 5))
        self.width = round(width_em * self.size)
        self.sheet = Sheet(self.width + 2 * self.margin, TALL)
        self.left, self.right = self.margin, self.margin + self.width

    def long(self, text: str, bold: bool = False, size: int | None = None) -> int:
        """In pixels."""
        return round(fonts.face(self.face + "-bold" * bold, size or self.size).getlength(text))

    def put(
        self,
        x: int,
        y: int,
        text: str,
        *,
        bold: bool = False,
        size: int | None = None,
        ink: Colour = BLACK,
        at: float = 0,
    ) -> int:
        """Begins at x, is in the middle of it (`at` 0.5) or ends there (1); says where it ends."""
        left = x - round(self.long(text, bold, size) * at)
        self.sheet.put(left, y, text, self.face + "-bold" * bold, size or self.size, ink)
        return left + self.long(text, bold, size)

    def phrase(self, low: int, high: int) -> str:
        """Some words with a capital, some of them in brackets, some with a stroke or a comma."""
        words = [self.chance.writer.word() for _ in range(self.chance.randint(low, high))]
        if len(words) > 2 and self.chance.random() < 0.25:
            words[1:] = [f"({words[1]}", *words[2:-1], f"{words[-1]})"]
        elif len(words) > 2 and self.chance.random() < 0.2:
            words[0] += ","
        return " ".join([words[0].capitalize(), *words[1:]])

    def name(self) -> str:
        return " ".join(self.chance.writer.word().capitalize() for _ in range(2))

    def number(self, digits: int) -> str:
        return str(self.chance.randint(10 ** (digits - 1), 10**digits - 1))

    def date(self, form: str) -> str:
        chance = self.chance
        return form.format(d=chance.randint(1, 28), m=chance.randint(1, 12), y=chance.randint(2009, 2028))

    def text(self, y: int, lines: int) -> int:
        """Ragged lines as wide as the sheet's text, the last one short; says where the next would be."""
        words = self.chance.writer.english
        for line in range(lines):
            text, room = words(), self.width * (0.5 if line == lines - 1 and lines > 1 else 1)
            while self.long(longer := f"{text} {words()}") <= room:
                text = longer
            self.put(self.left, y, text)
            y += self.pitch
        return y

    def wrapped(self, text: str, room: float, bold: bool = False) -> list[str]:
        """In lines of at most that many pixels, but where a word is longer."""
        lines: list[str] = []
        for word in text.split():
            if lines and self.long(f"{lines[-1]} {word}", bold) <= room:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    def row(
        self,
        y: int,
        cells: Sequence[tuple[int, str, bool]],
        *,
        bold: bool = False,
        ink: Colour = BLACK,
        told: bool = True,
    ) -> None:
        """Cells at one height: x, text, whether it ends there; the page tells that two of them are a row."""
        with self.sheet.row() if told and len(cells) > 1 else nullcontext():
            for x, text, right in cells:
                self.put(x, y, text, bold=bold, ink=ink, at=float(right))

    def page(self, name: str, category: str) -> Page:
        """Cut a little below what stands lowest."""
        page = self.sheet.page(name, category)
        lowest = max(line.polygon[:, 1].max() for line in page.lines)
        page.image = page.image[: int(lowest) + self.margin].copy()
        return page


class Table:
    """Rows of cells, in columns that are as wide as what is in them."""

    def __init__(self, paper: Paper, columns: Sequence[Column], rows: int, look: str | None = None) -> None:
        self.paper, self.columns = paper, columns
        chance, size = paper.chance, paper.size
        texts = [[column.head for column in columns], *([column.cell() for column in columns] for _ in range(rows))]
        self.bold = chance.random() < 0.7
        self.rows = [
            [
                paper.wrapped(text, column.most * size, self.bold and index == 0) or [""]
                for text, column in zip(row, columns)
            ]
            for index, row in enumerate(texts)
        ]
        self.look = look or chance.choice(["grid", "grid", "rules", "bars", "nothing"])
        self.pad = round(size * chance.uniform(0.4, 0.7))
        self.air = round(size * chance.uniform(0.1, 0.8))
        self.bar = chance.choice(BARS)
        self.widths = [self.natural(index) + 2 * self.pad for index in range(len(columns))]

    def natural(self, column: int) -> int:
        """How long its longest line is."""
        return max(
            self.paper.long(text, self.bold and index == 0)
            for index, row in enumerate(self.rows)
            for text in row[column]
        )

    def stretched(self, width: int) -> Table:
        """As wide as that: what is left over goes to one column for the most part, or to two."""
        left, chance = max(0, width - sum(self.widths)), self.paper.chance
        first, second = chance.choices(range(len(self.widths)), k=2)
        share = chance.choice([0.5, 0.8, 1])
        self.widths[first] += round(left * share)
        self.widths[second] += left - round(left * share)
        return self

    def title(self, x: int, y: int, text: str) -> int:
        """In the middle over it, or in a bar; says where the table goes on."""
        paper, width = self.paper, sum(self.widths)
        size = paper.size + paper.chance.choice([0, 2, 5, 10])
        bold, high = size == paper.size or paper.chance.random() < 0.5, round(size * 1.7)
        if self.look in ("grid", "bars") and paper.chance.random() < 0.7:
            pale = self.bar == BARS[2]
            paper.sheet.block(x, y, width, high, self.bar)
            ink = BLACK if pale else WHITE
            paper.put(x + width // 2, y + (high - round(size * 1.35)) // 2, text, bold=bold, size=size, ink=ink, at=0.5)
            return y + high
        paper.put(x + width // 2, y, text, bold=bold, size=size, at=0.5)
        return y + high + round(paper.size * paper.chance.uniform(0, 1.2))

    def put(self, x: int, y: int) -> int:
        """From its head to its last row; says where it ends."""
        paper, top, ends = self.paper, y, []
        edges = [x + sum(self.widths[:index]) for index in range(len(self.widths) + 1)]
        for index, row in enumerate(self.rows):
            high = max(len(cell) for cell in row) * paper.pitch + self.air
            self.behind(edges, y, high, index)
            ink = WHITE if index == 0 and self.look == "bars" else BLACK
            for line in range(max(len(cell) for cell in row)):
                cells = [
                    (
                        (edges[column + 1] - self.pad, edges[column] + self.pad)[not self.columns[column].right],
                        cell[line],
                    )
                    + (self.columns[column].right,)
                    for column, cell in enumerate(row)
                    if line < len(cell) and cell[line]
                ]
                paper.row(y + self.air // 2 + line * paper.pitch, cells, bold=self.bold and index == 0, ink=ink)
            y += high
            ends.append(y)
        if self.look == "grid":
            for edge in edges:
                paper.sheet.rule((edge, top), (edge, y))
        return y

    def behind(self, edges: Sequence[int], y: int, high: int, index: int) -> None:
        """Bars and rules of one row."""
        sheet, left, right = self.paper.sheet, edges[0], edges[-1]
        if self.look == "bars" and index % 2 == 0:
            sheet.block(left, y, right - left, high, self.bar if index == 0 else (226, 232, 240))
        if self.look == "grid" or (self.look == "rules" and index < 2):
            sheet.rule((left, y), (right, y))
        if self.look == "grid" or (self.look == "rules" and index in (0, len(self.rows) - 1)):
            sheet.rule((left, y + high), (right, y + high))
