"""Documents as offices and tills make them: tables with a title, invoices, forms, notes in a margin, panels.

Each function makes one page; lines are put down in the order in which a person reads them. What stands in one row of a
table, and a label with its value, has the same `row`.
"""

from __future__ import annotations

from collections.abc import Callable

import fonts
from chance import Chance
from sheet import Page, Sheet, quarter_turned, seen_askew, turned

FACES = ("serif", "sans", "open-sans")
WHITE = (255, 255, 255)
BAR = (91, 134, 196)


class Form:
    """A sheet with one face and size, on which rows of cells are put."""

    def __init__(self, chance: Chance, width_em: float, height_em: float) -> None:
        self.chance = chance
        self.size = chance.randint(24, 38)
        self.face = chance.choice(FACES)
        self.margin = round(self.size * chance.uniform(2, 4))
        self.width = round(self.size * width_em)
        self.sheet = Sheet(self.width + 2 * self.margin, round(self.size * height_em))
        self.pitch = round(self.size * chance.uniform(1.5, 2.1))
        self.y = self.margin

    def length(self, text: str, face: str | None = None, size: int | None = None) -> int:
        return round(fonts.face(face or self.face, size or self.size).getlength(text))

    def words(self, least: int, most: int, width: float = 1e9) -> str:
        """So many words, the first with a capital, as far as there is room."""
        text = self.chance.writer.word().capitalize()
        for _ in range(self.chance.randint(least, most) - 1):
            longer = f"{text} {self.chance.writer.word()}"
            if self.length(longer) > width:
                break
            text = longer
        return text

    def name(self) -> str:
        """Of a person or a firm: two words or three, twelve letters at least."""
        text = self.chance.writer.word().capitalize()
        while len(text) < 12:
            text += f" {self.chance.writer.word().capitalize()}"
        return text

    def amount(self) -> str:
        return self.chance.choice(["{:.2f}", "{:,.2f}"]).format(self.chance.uniform(1, 20_000))

    def date(self) -> str:
        day, month, year = self.chance.randint(1, 28), self.chance.randint(1, 12), self.chance.randint(1999, 2026)
        return self.chance.choice([f"{month}/{day}/{year}", f"{day:02}.{month:02}.{year}"])

    def put(self, x: int, y: int, text: str, *, bold: bool = False, ink: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.sheet.put(x, y, text, f"{self.face}-bold" if bold else self.face, self.size, ink)

    def row(self, cells: list[tuple[int, str]], y: int, *, bold: bool = False, ink=(0, 0, 0)) -> None:
        """Cells that belong together, each where it begins."""
        with self.sheet.row():
            for x, text in cells:
                self.put(x, y, text, bold=bold, ink=ink)

    def title(
        self,
        text: str,
        size: int | None = None,
        *,
        left: int | None = None,
        width: int | None = None,
        ink: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        """In the middle of so much of the page."""
        size, face = size or self.size, f"{self.face}-bold"
        left, width = self.margin if left is None else left, width or self.width
        self.sheet.put(left + (width - self.length(text, face, size)) // 2, self.y, text, face, size, ink)
        self.y += round(size * 1.9)

    def paragraph(self, lines: int) -> None:
        """Full lines, the last one short."""
        words = self.chance.writer.english
        for line in range(lines):
            room = self.width * (self.chance.uniform(0.3, 0.8) if line == lines - 1 else 1)
            text = words()
            while self.length(longer := f"{text} {words()}") <= room:
                text = longer
            self.put(self.margin, self.y, text)
            self.y += round(self.size * 1.35)
        self.y += self.size

    def table(self, kinds: list[str], rows: int, *, title: str | None = None, wraps: float = 0.2) -> None:
        """Columns of these kinds, the first of which says least of all how wide it is: words need not fill them."""
        chance, size = self.chance, self.size
        make: dict[str, Callable[[float, int], str]] = {
            "name": lambda *_: self.name(),
            "words": lambda width, _: self.words(1, 4, width),
            "work": lambda width, _: self.words(3, 6, width),
            "date": lambda *_: self.date(),
            "time": lambda *_: f"{self.date()} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}",
            "mail": lambda *_: f"{chance.writer.word()}.{chance.writer.word()}@post.org",
            "phone": lambda *_: f"+{chance.randint(1, 99)} {chance.randint(100, 999)} {chance.randint(1000, 9999)}",
            "count": lambda *_: str(chance.randint(1, 120)),
            "amount": lambda *_: self.amount(),
            "pos": lambda _, number: str(number + 1),
        }
        wide = {"words": 18, "work": 20, "name": 13}
        texts = [[make[kind](size * wide.get(kind, 99), row) for kind in kinds] for row in range(rows)]
        needed = [max(self.length(row[column]) for row in texts) for column in range(len(kinds))]
        room = self.width - sum(needed)
        gaps = [chance.uniform(0.3, 1) ** 2 for _ in kinds]
        widths = [need + size + max(0.0, room) * gap / sum(gaps) for need, gap in zip(needed, gaps)]
        lefts = [self.margin + round(sum(widths[:index])) for index in range(len(kinds))]
        end = self.margin + round(sum(widths))
        bar, ruled, top = chance.random() < 0.5, chance.random() < 0.6, self.y
        if title:
            if bar:
                self.sheet.block(self.margin - size // 3, self.y - size // 4, end - self.margin, self.pitch, BAR)
            self.title(title, left=self.margin, width=end - self.margin, ink=WHITE if bar else (0, 0, 0))
            self.y = max(self.y, top + self.pitch)
        edges = [top]

        def cell(column: int, text: str) -> tuple[int, str]:
            if kinds[column] in ("amount", "count"):
                right = (lefts + [end])[column + 1] - size // 2
                return right - self.length(text), text
            return lefts[column], text

        edges.append(self.y - size // 4)
        names = [self.words(1, 2, widths[column] - size) for column in range(len(kinds))]
        self.row([cell(column, text) for column, text in enumerate(names)], self.y)
        self.y += self.pitch
        for number in range(rows):
            edges.append(self.y - size // 4)
            self.row([cell(column, text) for column, text in enumerate(texts[number])], self.y)
            wrapped = [column for column, kind in enumerate(kinds) if kind in ("name", "words", "work")]
            if wrapped and chance.random() < wraps:
                self.y += round(size * 1.3)
                column = chance.choice(wrapped)
                self.put(lefts[column], self.y, self.words(1, 1, widths[column] - size))
            self.y += self.pitch
        edges.append(self.y - size // 4)
        if ruled:
            for x in [*lefts, end]:
                self.sheet.block(
                    x - size // 2, edges[1 if title else 0], 1, edges[-1] - edges[1 if title else 0], (0, 0, 0)
                )
            for y in edges:
                self.sheet.block(self.margin - size // 2, y, end - self.margin, 1, (0, 0, 0))
        self.y += size

    def page(self, name: str, category: str) -> Page:
        return self.sheet.page(name, category)


def titled_table(chance: Chance, name: str) -> Page:
    """A table of words, dates and amounts with its title in the middle above it; at times text, or a second one."""
    form = Form(chance, chance.uniform(44, 60), 60)
    if chance.random() < 0.4:
        form.title(form.words(2, 3), form.size + 8)
    if chance.random() < 0.4:
        form.paragraph(chance.randint(2, 4))
    kinds = ["name", *chance.sample(["name", "name", "date", "time", "mail", "phone", "name"], chance.randint(2, 4))]
    kinds += chance.sample(["amount", "count", "name"], 1)
    while form.size * 10 * len(kinds) > form.width:
        kinds.pop(1)
    for _ in range(chance.choice([1, 1, 2])):
        form.table(kinds, chance.randint(4, 8), title=form.words(2, 4), wraps=chance.uniform(0, 0.4))
        chance.shuffle(kinds)
    if chance.random() < 0.4:
        form.paragraph(chance.randint(1, 3))
    return form.page(name, "table under a title")


def pairs(form: Form, left: int, value: int, count: int) -> None:
    """Labels, each with its value."""
    for _ in range(count):
        label = form.words(1, 2, value - left - form.size)
        text = form.chance.choice([form.date(), form.chance.writer.code(), form.words(2, 3), form.words(2, 3)])
        form.row([(left, label + form.chance.choice(["", ":"])), (value, text)], form.y)
        form.y += round(form.size * 1.4)
    form.y += form.size


def invoice(chance: Chance, name: str) -> Page:
    """An address, labels with values at the right, a table of positions, totals at the right, a last word."""
    form = Form(chance, chance.uniform(40, 50), 75)
    form.title(form.words(2, 3), form.size + 6)
    form.y += form.size
    for _ in range(chance.randint(3, 4)):
        form.put(form.margin, form.y, form.words(2, 3))
        form.y += round(form.size * 1.3)
    form.y += form.size
    left = form.margin + round(form.width * chance.choice([0, 0.5, 0.55]))
    pairs(form, left, left + round(form.width * chance.uniform(0.2, 0.28)), chance.randint(3, 6))
    form.title(form.words(1, 2), form.size + 4, width=round(form.width * 0.4))
    kinds = chance.choice(
        [["pos", "work", "count", "amount"], ["work", "amount"], ["pos", "work", "amount"], ["work", "time"]]
    )
    form.table(kinds, chance.randint(3, 7), wraps=chance.uniform(0.2, 0.8))
    right = form.margin + form.width
    for _ in range(chance.randint(2, 3)):
        label, value = form.words(1, 2), form.amount()
        form.row([(form.margin + round(form.width * 0.55), label), (right - form.length(value), value)], form.y)
        form.y += form.pitch
    form.y += form.size
    form.paragraph(chance.randint(1, 3))
    return form.page(name, "invoice")


def application(chance: Chance, name: str) -> Page:
    """Labels and values, one or two a row, under headings."""
    form = Form(chance, chance.uniform(40, 52), 62)
    form.title(form.words(2, 3), form.size + 8)
    for _ in range(chance.randint(2, 3)):
        form.put(form.margin, form.y, form.words(1, 3), bold=True)
        form.y += form.pitch
        per_row, dotted = chance.choice([1, 2, 2]), chance.random() < 0.4
        step = form.width // per_row
        label = round(min(step * 0.5, form.size * chance.uniform(9, 13)))
        for _ in range(chance.randint(3, 7)):
            cells = []
            for pair in range(per_row):
                left = form.margin + pair * step
                value = chance.choice(
                    [
                        form.words(2, 5, step - label - form.size),
                        form.words(2, 3, step - label - form.size),
                        chance.writer.code(),
                    ]
                )
                cells += [(left, form.words(2, 3, label - form.size) + ":"), (left + label, value)]
                if dotted:
                    form.sheet.block(
                        left + label, form.y + round(form.size * 1.3), step - label - form.size, 1, (90, 90, 90)
                    )
            form.row(cells, form.y)
            form.y += form.pitch
        form.y += form.size
    return form.page(name, "application")


def side_note(chance: Chance, name: str) -> Page:
    """A letter with a note in its margin that is turned to the left or to the right."""
    form = Form(chance, chance.uniform(26, 34), 50)
    form.margin += 3 * form.size
    form.width -= 6 * form.size
    begin = form.y = form.margin
    for _ in range(chance.randint(2, 4)):
        form.paragraph(chance.randint(1, 5))
    text = " ".join(form.words(2, 3) for _ in range(chance.randint(1, 2)))
    at_left = chance.random() < 0.6
    x = form.size if at_left else form.sheet.width - 2 * form.size - 4
    y = chance.randint(begin, max(begin + 1, form.y - form.length(text) // 2))
    size = max(13, form.size - 4)
    note = Sheet(form.length(text, size=size) + 4, round(size * 1.5))
    note.put(1, 0, text, form.face, size)
    form.sheet.paste(x, y, quarter_turned(note.page("", ""), 3 if chance.random() < 0.7 else 1))
    return form.page(name, "note in the margin")


def tilted_receipt(chance: Chance, name: str) -> Page:
    """How many, a name, a price: rows, on a receipt that lies as it was put down."""
    form = Form(chance, chance.uniform(20, 26), 46)
    form.face = chance.choice(["mono", "sans", "open-sans"])
    right = form.margin + form.width
    form.sheet.put(
        form.margin + form.width // 4, form.y, form.words(2, 2, form.width * 0.6).upper(), form.face, form.size
    )
    form.y += 2 * form.pitch
    for _ in range(chance.randint(5, 12)):
        price = f"{chance.uniform(0.5, 99):.2f}"
        words = form.words(1, 3, form.width - 6 * form.size - form.length(price))
        form.row(
            [
                (form.margin, f"{chance.randint(1, 9)}"),
                (form.margin + 2 * form.size, words),
                (right - form.length(price), price),
            ],
            form.y,
        )
        form.y += form.pitch
    form.y += form.pitch // 2
    for label in chance.sample(["TOTAL", "Subtotal", "Cash", "Change", "VAT 19 %"], 3):
        price = f"{chance.uniform(5, 500):.2f}"
        form.row([(form.margin + 2 * form.size, label), (right - form.length(price), price)], form.y)
        form.y += form.pitch
    page = turned(form.page(name, "receipt, tilted"), chance.choice([-1, 1]) * chance.uniform(3, 12), WHITE)
    if chance.random() < 0.6:
        page = seen_askew(page, chance.grain.uniform(-0.06, 0.06, (4, 2)), WHITE)
    return page


def comic(chance: Chance, name: str) -> Page:
    """Panels with what is said in them: from the left in each row of panels, in each panel from the top."""
    size, face = chance.randint(15, 20), "sans"
    across, down = chance.choice([(2, 2), (2, 3), (3, 2)])
    width, height, gap = size * chance.randint(16, 20), size * chance.randint(13, 17), size
    sheet = Sheet(across * (width + gap) + gap, down * (height + gap) + gap)
    for panel in range(across * down):
        x, y = gap + panel % across * (width + gap), gap + panel // across * (height + gap)
        sheet.block(x, y, width, height, (40, 40, 40))
        sheet.block(x + 2, y + 2, width - 4, height - 4, (235, 238, 240))
        top = y + size
        for _ in range(chance.randint(1, 2)):
            lines = [
                " ".join(chance.writer.english() for _ in range(chance.randint(1, 4))).upper()
                for _ in range(chance.randint(1, 3))
            ]
            lengths = [round(fonts.face(face, size).getlength(line)) for line in lines]
            lines = [line for line, length in zip(lines, lengths) if length < width - 3 * size]
            lengths = [length for length in lengths if length < width - 3 * size]
            if not lines:
                continue
            top += chance.randint(0, size)
            room = width - 2 * size - max(lengths)
            middle = x + size + max(lengths) // 2 + chance.randint(0, max(room, 1))
            pitch = round(size * 1.25)
            centre = top + len(lines) * pitch // 2
            wide, high = max(lengths) * 0.62 + size, len(lines) * pitch * 0.62 + size / 2
            sheet.bubble((middle - wide, centre - high, middle + wide, centre + high), WHITE, (0, 0, 0))
            with sheet.run():
                for line, length in zip(lines, lengths):
                    sheet.put(middle - length // 2, top, line, face, size)
                    top += pitch
            top += 2 * size
    return sheet.page(name, "panels")


def long_screenshot(chance: Chance, name: str) -> Page:
    """A chat or an article that was scrolled through."""
    width, size = chance.choice([720, 828, 1080]), chance.randint(24, 34)
    sheet, y, face = Sheet(width, chance.randint(5000, 9000)), 40, chance.choice(["sans", "open-sans"])
    chat, number = chance.random() < 0.6, 0
    while y + 6 * size < sheet.height:
        lines = chance.randint(1, 3)
        left = size if not chat or chance.random() < 0.6 else width // 4
        for line in range(lines):
            room = (width - left - size) * (1 if chat is False and line < lines - 1 else chance.uniform(0.4, 0.9))
            text = f"Message {number}" if chat and line == 0 else chance.writer.english()
            font = fonts.face(face, size)
            while font.getlength(longer := f"{text} {chance.writer.english()}") <= room:
                text = longer
            sheet.put(left, y, text, face, size)
            y += round(size * 1.35)
        number += 1
        y += size
    return sheet.page(name, "long screenshot")


ALL = [titled_table, invoice, application, side_note, tilted_receipt, comic, long_screenshot]
