"""Pages as they are printed: what lies across columns and in them, and rows that are to stay together.

Each function makes one page; lines are put down in the order in which a person reads them.
"""

from __future__ import annotations

from collections.abc import Callable

import fonts
from chance import Chance
from sheet import Page, Sheet, seen_askew, turned

FACES = ("serif", "sans", "open-sans")
GREY = (205, 210, 214)


class Print:
    """A sheet with one face and size, and where text on it begins and ends."""

    def __init__(self, chance: Chance, columns: int = 2, gutter_em: float | None = None) -> None:
        self.chance = chance
        self.size = chance.randint(15, 19)
        self.face = chance.choice(FACES)
        self.gutter = round(self.size * (gutter_em or chance.uniform(1.5, 2.5)))
        self.column = round(self.size * (18 if columns == 3 else chance.uniform(20, 26)))
        self.margin = round(self.size * chance.uniform(2.5, 5))
        self.count = columns
        self.width = columns * self.column + (columns - 1) * self.gutter
        self.height = chance.randint(1100, 1400)
        self.sheet = Sheet(self.width + 2 * self.margin, self.height)
        self.pitch = round(self.size * chance.uniform(1.25, 1.45))
        self.bottom = self.height - self.margin - 2 * self.pitch

    def x(self, column: int) -> int:
        return self.margin + column * (self.column + self.gutter)

    def text(self, x: int, y: int, width: int, lines: int, *, indent: bool = True, size: int | None = None) -> int:
        """A justified paragraph of so many lines, the last one short; says where the next would be."""
        size = size or self.size
        font, words = fonts.face(self.face, size), self.chance.writer.english
        for line in range(lines):
            left = size if indent and line == 0 and lines > 1 else 0
            last = line == lines - 1
            room = (width - left) * (self.chance.uniform(0.25, 0.9) if last and lines > 1 else 1)
            row = [words()]
            while font.getlength(" ".join([*row, word := words()])) <= room:
                row.append(word)
            if last or len(row) == 1:
                self.sheet.put(x + left, y, " ".join(row), self.face, size)
            else:
                self.sheet.justified(x + left, y, row, self.face, size, width - left)
            y += self.pitch
        return y

    def heading(self, x: int, y: int, share: float, width: int, size: int) -> int:
        """In bold, as long as that share of the width; says where the next line would be."""
        face = f"{self.face}-bold"
        font, words = fonts.face(face, size), self.chance.writer.english
        text = words().capitalize()
        while font.getlength(longer := f"{text} {words()}") <= width * share:
            text = longer
        self.sheet.put(x, y, text, face, size)
        return y + round(size * 1.6)

    def centred(self, y: int, width: int, lines: int) -> int:
        """A caption of full lines and a last one in the middle."""
        font, words = fonts.face(self.face, self.size), self.chance.writer.english
        text = f"Figure {self.chance.randint(1, 12)}:"
        for line in range(lines):
            room = width * (0.55 if line == lines - 1 else 1)
            while font.getlength(longer := f"{text} {words()}") <= room:
                text = longer
            self.sheet.put(self.margin + (self.width - round(font.getlength(text))) // 2, y, text, self.face, self.size)
            y, text = y + self.pitch, words()
        return y

    def table(self, x: int, y: int, width: int, rows: int, columns: int) -> int:
        """Words, numbers, codes: short cells in columns."""
        chance = self.chance
        step = width / columns
        kinds = [chance.choice(["word", "number"]) for _ in range(columns - 1)]
        for _ in range(rows):
            for column, kind in enumerate(["word", *kinds]):
                text = chance.writer.word() if kind == "word" else f"{chance.uniform(0, 999):.{chance.randint(0, 2)}f}"
                self.sheet.put(round(x + column * step), y, text, self.face, self.size)
            y += round(self.pitch * 1.15)
        return y

    def bullets(self, x: int, y: int, width: int, points: int) -> int:
        """A list with numbers that stand apart from what they number."""
        for point in range(points):
            self.sheet.put(x, y, f"{point + 1}.", self.face, self.size)
            y = self.text(x + 2 * self.size, y, width - 2 * self.size, self.chance.randint(1, 3), indent=False)
        return y

    def figure(self, x: int, y: int, width: int, height: int, labels: int = 0) -> int:
        """A grey picture, with short labels in it."""
        self.sheet.block(x, y, width, height, GREY)
        for label in range(labels):
            left = x + round(width * self.chance.uniform(0.05, 0.85))
            top = y + round(height * (0.1 + 0.8 * label / labels))
            self.sheet.put(left, top, self.chance.writer.word(), self.face, max(12, self.size - 3))
        return y + height + self.pitch

    def fill(self, y: int, bottom: int, parts: Callable[[int, int, int], int] | None = None) -> int:
        """Columns of paragraphs; `parts(column, x, y)` may put something in between and says where text goes on."""
        lowest = y
        for column in range(self.count):
            x, top, put = self.x(column), y + self.chance.randint(0, 6), False
            while top + 2 * self.pitch < bottom:
                if parts and not put and top - y > (bottom - y) * 0.3:
                    top, put = parts(column, x, top), True
                room = (bottom - top) // self.pitch
                if room < 1:
                    break
                top = self.text(x, top, self.column, min(room, self.chance.randint(3, 8)))
                if self.chance.random() < 0.25 and top + 5 * self.pitch < bottom:
                    share = self.chance.uniform(0.3, 0.9)
                    top = self.heading(x, top + self.pitch // 2, share, self.column, self.size + 1)
            lowest = max(lowest, top)
        return lowest

    def page(self, name: str, category: str) -> Page:
        return self.sheet.page(name, category)


def text_above(chance: Chance, name: str) -> Page:
    """A title and full-width text, columns below."""
    sheet = Print(chance)
    y = sheet.heading(sheet.margin, sheet.margin, 0.8, sheet.width, sheet.size * 2)
    y = sheet.text(sheet.margin, y + sheet.pitch, sheet.width, chance.randint(3, 6), indent=False)
    sheet.fill(y + sheet.pitch, sheet.bottom)
    return sheet.page(name, "text above columns")


def headings(chance: Chance, name: str) -> Page:
    """Headings that cross the gutter, columns above and below."""
    sheet = Print(chance)
    y, parts = sheet.margin, chance.choice([2, 3])
    for part in range(parts):
        y = sheet.fill(y, sheet.margin + (sheet.bottom - sheet.margin) * (part + 1) // parts - 3 * sheet.pitch)
        if part < parts - 1:
            size = sheet.size + chance.randint(2, 8)
            y = sheet.heading(sheet.margin, y + sheet.pitch, chance.uniform(0.6, 0.95), sheet.width, size)
            y += sheet.pitch // 2
    return sheet.page(name, "headings across columns")


def columns_or_nothing(chance: Chance) -> tuple[Print, int]:
    """A sheet with columns at its top, or without; and where it goes on."""
    sheet = Print(chance)
    y = sheet.margin
    if chance.random() < 0.6:
        y = sheet.fill(y, y + chance.randint(8, 14) * sheet.pitch) + sheet.pitch
    return sheet, y


def figure_across(chance: Chance, name: str) -> Page:
    """A figure with labels and its caption across, in the middle or at the top."""
    sheet, y = columns_or_nothing(chance)
    y = sheet.figure(sheet.margin, y, sheet.width, chance.randint(150, 260), labels=chance.randint(0, 5))
    y = sheet.centred(y, sheet.width, chance.randint(1, 3)) + sheet.pitch
    sheet.fill(y, sheet.bottom)
    return sheet.page(name, "figure across columns")


def table_across(chance: Chance, name: str) -> Page:
    """A table with its caption across, in the middle or at the top."""
    sheet, y = columns_or_nothing(chance)
    y = sheet.centred(y, sheet.width, 1) + sheet.pitch // 2
    y = sheet.table(sheet.margin, y, sheet.width, chance.randint(4, 9), chance.randint(4, 6)) + 2 * sheet.pitch
    sheet.fill(y, sheet.bottom)
    return sheet.page(name, "table across columns")


def in_columns(chance: Chance, name: str) -> Page:
    """Lists, tables and figures with captions in columns."""
    sheet = Print(chance)

    # Two tables side by side could as well be one.
    kinds = chance.sample(["list", "table", "figure"], 2)

    def part(column: int, x: int, y: int) -> int:
        kind = kinds[column]
        y += sheet.pitch // 2
        if kind == "list":
            return sheet.bullets(x, y, sheet.column, chance.randint(3, 6)) + sheet.pitch // 2
        if kind == "table":
            return sheet.table(x, y, sheet.column, chance.randint(3, 6), 3) + sheet.pitch
        y = sheet.figure(x, y, sheet.column, chance.randint(90, 160))
        return sheet.text(x, y, sheet.column, chance.randint(1, 3), indent=False) + sheet.pitch

    sheet.fill(sheet.margin, sheet.bottom, part)
    return sheet.page(name, "lists, tables, figures in columns")


def captions(chance: Chance, name: str) -> Page:
    """A caption of one column that reaches over the gutter, where the other column gives way to a picture."""
    sheet = Print(chance)
    above, beyond = chance.randint(5, 9), sheet.gutter + chance.randint(0, 3 * sheet.size)
    lines = chance.randint(2, 3)
    tall = (lines + 5) * sheet.pitch
    top = sheet.margin + above * sheet.pitch
    left, right = sheet.x(0), sheet.x(1)
    sheet.text(left, sheet.margin, sheet.column, above)
    y = sheet.figure(left, top, sheet.column + beyond - sheet.gutter // 2, tall - (lines + 2) * sheet.pitch)
    y = sheet.text(left, y, sheet.column + beyond - sheet.gutter // 2, lines, indent=False)
    rest = sheet.margin + (above + 6) * sheet.pitch + tall
    while rest + 3 * sheet.pitch < sheet.bottom:
        rest = sheet.text(left, max(rest, y + sheet.pitch), sheet.column, chance.randint(3, 7))
    sheet.text(right, sheet.margin + 4, sheet.column, above)
    indent = beyond + sheet.size
    narrow = sheet.text(right + indent, top + 4, sheet.column - indent, tall // sheet.pitch)
    while narrow + 3 * sheet.pitch < sheet.bottom:
        narrow = sheet.text(right, narrow, sheet.column, chance.randint(3, 7))
    return sheet.page(name, "captions in the gutter")


def three_and_two(chance: Chance, name: str) -> Page:
    """Three columns above, a heading, two below."""
    sheet = Print(chance, 3)
    y = sheet.heading(sheet.margin, sheet.margin, 0.7, sheet.width, sheet.size * 2) + sheet.pitch
    y = sheet.fill(y, y + chance.randint(14, 20) * sheet.pitch) + sheet.pitch
    y = sheet.heading(sheet.margin, y, 0.7, sheet.width, sheet.size + 6) + sheet.pitch // 2
    sheet.count, sheet.column = 2, (sheet.width - sheet.gutter) // 2
    sheet.fill(y, sheet.bottom)
    return sheet.page(name, "three columns and two")


def narrow_gutter(chance: Chance, name: str) -> Page:
    """Columns hardly further apart than words."""
    sheet = Print(chance, gutter_em=chance.uniform(0.7, 1.0))
    sheet.fill(sheet.margin, sheet.bottom)
    return sheet.page(name, "narrow gutter")


def magazine(chance: Chance, name: str) -> Page:
    """A running head and a foot, a title, text across, columns with all sorts in them, a figure across, columns."""
    sheet = Print(chance)
    sheet.sheet.put(sheet.margin, 14, f"{chance.randint(2, 300)}", sheet.face, sheet.size - 2)
    sheet.sheet.put(sheet.margin + sheet.width // 2, 14, chance.writer.word().upper(), sheet.face, sheet.size - 2)
    y = sheet.heading(sheet.margin, 14 + 3 * sheet.pitch, chance.uniform(0.5, 0.9), sheet.width, sheet.size * 2)
    y = sheet.text(sheet.margin, y + sheet.pitch, sheet.width, chance.randint(2, 4), indent=False) + sheet.pitch

    def part(_column: int, x: int, y: int) -> int:
        return sheet.bullets(x, y + sheet.pitch // 2, sheet.column, chance.randint(2, 4)) + sheet.pitch // 2

    middle = y + (sheet.bottom - y) // 2
    y = sheet.fill(y, middle, part) + sheet.pitch
    y = sheet.figure(sheet.margin, y, sheet.width, chance.randint(90, 160), labels=chance.randint(0, 3))
    y = sheet.centred(y, sheet.width, chance.randint(1, 2)) + sheet.pitch
    y = sheet.fill(y, sheet.bottom - 2 * sheet.pitch)
    foot = f"{chance.writer.word().capitalize()} {chance.randint(1990, 2026)}"
    sheet.sheet.put(sheet.margin + sheet.width // 3, sheet.height - sheet.pitch - 8, foot, sheet.face, sheet.size - 2)
    return sheet.page(name, "magazine")


def photographed(chance: Chance, name: str) -> Page:
    """A magazine's page seen a little from aside and turned."""
    page = magazine(chance, name)
    page.category = "magazine, photographed"
    white = (255, 255, 255)
    return seen_askew(turned(page, chance.uniform(-4, 4), white), chance.grain.uniform(-0.05, 0.05, (4, 2)), white)


def receipt(chance: Chance, name: str) -> Page:
    """Names, sometimes how many, and prices at the right: rows."""
    size = chance.randint(17, 24)
    face = chance.choice(["mono", "mono", "sans", "open-sans"])
    width, x = size * chance.randint(24, 30), size * 2
    pitch, rows = round(size * chance.uniform(1.3, 1.6)), chance.randint(10, 20)
    sheet = Sheet(width + 2 * x, (rows + 16) * pitch)
    font = fonts.face(face, size)
    y = pitch

    def put_right(text: str) -> None:
        sheet.put(x + width - round(font.getlength(text)), y, text, face, size)

    for _ in range(3):
        text = f"{chance.writer.word()} {chance.writer.word()}".upper()
        sheet.put(x + (width - round(font.getlength(text))) // 2, y, text, face, size)
        y += pitch
    date = f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/20{chance.randint(10, 29)}"
    sheet.put(x, y + pitch, date, face, size)
    y += pitch
    put_right(f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}")
    y += 2 * pitch
    total = 0.0
    for _ in range(rows):
        price = chance.uniform(0.5, 400)
        total += price
        words = " ".join(chance.writer.word() for _ in range(chance.randint(1, 3)))
        if chance.random() < 0.3:
            words = f"{chance.randint(2, 12)} x {words}"
        while font.getlength(words) > width * 0.62:
            words = words.rsplit(" ", 1)[0] if " " in words else words[:8]
        sheet.put(x, y, words.upper() if face == "mono" else words, face, size)
        put_right(f"{price:.2f}")
        y += pitch
    y += pitch
    for label, value in [("TOTAL", total), ("CASH", total + 20), ("CHANGE", 20.0)]:
        sheet.put(x, y, label, face, size)
        put_right(f"{chance.choice(['$', 'RM ', ''])}{value:,.2f}")
        y += pitch
    return sheet.page(name, "receipt")


def even_receipt(chance: Chance, name: str, letters: tuple[int, str] | None = None) -> Page:
    """Letters at even distances, some of them wide: names, prices, totals with points and commas."""
    size, face = letters or (chance.randint(16, 22), chance.choice(["mono", "sans", "open-sans", "serif"]))
    pitch = size * chance.uniform(0.62, 0.85)
    columns, rows, leading = chance.randint(34, 42), chance.randint(12, 20), round(size * chance.uniform(1.4, 1.8))
    sheet = Sheet(round(columns * pitch) + 4 * size, (rows + 9) * leading)

    def put(column: int, row: int, text: str) -> None:
        sheet.spaced(2 * size + round(column * pitch), (row + 1) * leading, text, face, size, pitch)

    put(columns // 2 - 4, 0, "INVOICE")
    put(0, 1, f"{chance.writer.word()} {chance.writer.word()}".upper()[: columns - 1])
    put(0, 2, f"No. {chance.randint(10000, 99999)}")
    for row in range(rows):
        words = f"{chance.writer.word()} {chance.writer.word()}"[: columns - 16].strip()
        price = chance.choice(["{:.2f}", "{:,.2f}", "RM {:.2f}", "{:.1f}"]).format(chance.uniform(0.5, 99999))
        put(0, row + 4, words.upper() if chance.random() < 0.5 else words)
        put(columns - len(price), row + 4, price)
    total = f"{chance.uniform(1000, 9999999):,.2f}"
    put(0, rows + 5, "TOTAL")
    put(columns - len(total), rows + 5, total)
    return sheet.page(name, "receipt, evenly spaced")


def turned_receipt(chance: Chance, name: str) -> Page:
    """One that lies on its head, or on its side: many prices can be read either way."""
    page = receipt(chance, name)
    page.category = "receipt, turned"
    return turned(page, chance.choice([180, 180, 90, -90]), (255, 255, 255))


def ledger(chance: Chance, name: str) -> Page:
    """A table that fills its page: words, numbers with points and commas, dates."""
    size = chance.randint(15, 20)
    face = chance.choice(["mono", "sans", "open-sans", "serif"])
    columns, rows, pitch = chance.randint(4, 6), chance.randint(14, 26), round(size * chance.uniform(1.5, 1.9))
    step = size * 9
    sheet = Sheet(columns * step + 80, (rows + 5) * pitch)
    heading = " ".join(chance.writer.word().capitalize() for _ in range(3))
    sheet.put(40, pitch, heading, "sans-bold", size + 6)
    kinds: list[Callable[[], str]] = [
        lambda: f"{chance.uniform(0, 9):.1f}",
        lambda: f"{chance.uniform(1000, 9999999):,.2f}",
        lambda: f"{chance.randint(1, 28):02}.{chance.randint(1, 12):02}.20{chance.randint(10, 29)}",
        lambda: f"{chance.randint(1, 99999)}",
        lambda: f"{chance.uniform(-99, 99):.3f}",
        lambda: chance.writer.word(),
    ]
    chosen = [chance.writer.word, *(chance.choice(kinds) for _ in range(columns - 1))]
    for row in range(rows):
        for column, kind in enumerate(chosen):
            sheet.put(40 + column * step, (row + 3) * pitch, kind(), face, size)
    return sheet.page(name, "ledger")


def form(chance: Chance, name: str) -> Page:
    """Labels and what is written beside them: rows."""
    size = chance.randint(17, 22)
    face = chance.choice(FACES)
    pitch, rows = round(size * chance.uniform(1.6, 2.2)), chance.randint(10, 16)
    sheet = Sheet(size * 45, (rows + 4) * pitch)
    sheet.put(50, pitch, " ".join(chance.writer.word().capitalize() for _ in range(3)), f"{face}-bold", size + 8)
    for row in range(rows):
        y = (row + 3) * pitch
        sheet.put(50, y, f"{chance.writer.word().capitalize()}:", face, size)
        words = " ".join(chance.writer.word() for _ in range(chance.randint(1, 5)))
        sheet.put(50 + size * 14, y, words if chance.random() < 0.6 else chance.writer.code(), face, size)
    return sheet.page(name, "form")


COLUMNS = [
    text_above, headings, figure_across, table_across, in_columns, captions, three_and_two, narrow_gutter, magazine,
    photographed,
]  # fmt: skip
ROWS = [receipt, turned_receipt, even_receipt, ledger, form]
