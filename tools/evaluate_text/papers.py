"""Office papers: titled tables, invoices, forms.

Each function makes one page; lines are put down in the order in which a person reads them, rows as rows. Cells are
longer than in layouts.py and more often wrapped than in documents.py, columns as wide as what stands in them, some with
much room beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from chance import Chance
from sheet import Page, Sheet
from typeset import TALL, Column, Paper, Table

GREY = (120, 124, 130)


def kinds(paper: Paper) -> list[Column]:
    """What columns of a table may hold; the first is what its rows are about."""
    chance = paper.chance
    money = chance.choice(["{:.2f}", "{:,.2f}", "${:,.2f}", "{:,.2f} EUR"])
    day = chance.choice(["{m}/{d}/{y}", "{d:02}.{m:02}.{y}", "{y}-{m:02}-{d:02}"])
    category = [paper.phrase(2, 3) for _ in range(3)]
    return [
        Column(paper.phrase(2, 2), lambda: paper.phrase(2, 5), most=chance.uniform(10, 18)),
        Column(chance.choice(["Type", "Kind of Cost", "Department"]), lambda: chance.choice(category), most=14),
        Column(chance.choice(["Date", "Start Date", "Date of Order"]), lambda: paper.date(day)),
        Column(chance.choice(["Merchant Name", "Employer Name", "Contact"]), paper.name),
        Column(chance.choice(["Amount (USD)", "Amount", "Price"]), lambda: money.format(chance.uniform(5, 9999)), True),
        Column(
            chance.choice(["Reason for leaving", "Remarks"]), lambda: paper.phrase(2, 4), most=chance.uniform(9, 14)
        ),
        Column("Phone Number", lambda: f"+{paper.number(2)} {paper.number(3)} {paper.number(6)}"),
        Column(chance.choice(["Qty", "Units"]), lambda: paper.number(chance.randint(1, 3)), True),
    ]


def some_table(paper: Paper, columns: int, rows: int, look: str | None = None) -> Table:
    """With what its rows are about at the left, amounts at the right."""
    first, *others = kinds(paper)
    chosen = sorted(paper.chance.sample(others, columns - 1), key=lambda column: column.right)
    return Table(paper, [first, *chosen], rows, look)


def titled_table(chance: Chance, name: str) -> Page:
    """A title in the middle over a table; some with text around it, some with a second table below."""
    paper = Paper(chance, 66)
    count = 2 if chance.random() < 0.3 else 1
    look = chance.choice(["grid", "grid", "rules", "bars", "nothing"])
    tables = [some_table(paper, chance.randint(3, 6), chance.randint(4, 12 // count), look) for _ in range(count)]
    natural = max(sum(table.widths) for table in tables)
    width = round(max(natural, min(natural * chance.uniform(1, 1.5), 66 * paper.size)))
    paper.width, paper.right = width, paper.left + width
    paper.sheet = Sheet(width + 2 * paper.margin, TALL)
    y, around = paper.margin, chance.random() < 0.4
    if around:
        y = paper.text(y, chance.randint(2, 4)) + paper.pitch
    for table in tables:
        y = table.stretched(width).title(paper.left, y, paper.phrase(2, 4).title())
        y = table.put(paper.left, y) + round(paper.pitch * chance.uniform(1, 2))
    if around or chance.random() < 0.2:
        paper.text(y, chance.randint(1, 4))
    return paper.page(name, "titled table")


WORDS = {
    "de": "Rechnung,Rechnungsnr.,Datum,Kundennr.,Lieferdatum,Pos.,Bezeichnung,Menge,Einzelpreis,Betrag,Zwischensumme,"
    "zzgl. MwSt. 19 %,Gesamtbetrag,Ihr Ansprechpartner,Zahlbar bis",
    "en": "Invoice,Invoice No.,Date,Customer No.,Delivery Date,Item,Description,Quantity,Unit Price,Amount,Subtotal,"
    "plus VAT 19 %,Total Due,Your contact,Payable until",
}


def pairs(paper: Paper, labels: Sequence[str], x: int, y: int, *, beside: bool = False) -> int:
    """Labels and their values, far from each other; says where the next would be.

    Beside an address they may be read with its lines or after it, but a value right after its label.
    """
    chance, gap = paper.chance, paper.size * paper.chance.uniform(1.5, 6)
    mark, at = chance.choice(["", ":"]), x + round(max(paper.long(label) for label in labels) + gap)
    day = "{d:02}.{m:02}.{y}"
    values = [paper.number(4), paper.date(day), f"K-{paper.number(5)}", paper.date(day), paper.name()]
    right = chance.random() < 0.3
    end = at + max(paper.long(value) for value in values)
    for label, value in zip(labels, values):
        cells = [(x, label + mark, False), (end if right else at, value, right)]
        if beside:
            with paper.sheet.run():
                paper.row(y, cells, told=False)
        else:
            paper.row(y, cells)
        y += paper.pitch
    return y


def invoice(chance: Chance, name: str) -> Page:
    """A sender, an address, labels with values, items with amounts, totals, a greeting."""
    paper = Paper(chance, chance.uniform(46, 58), chance.randint(15, 22))
    said = WORDS[chance.choice(["de", "en"])].split(",")
    y = top = sender(paper) + 2 * paper.pitch
    town = f"{paper.number(5)} {paper.phrase(1, 1)}"
    for text in (paper.name(), f"{paper.phrase(1, 1)} Street {paper.number(2)}", town):
        paper.put(paper.left, y, text)
        y += paper.pitch
    y += round(paper.pitch * chance.uniform(1, 2))
    labels, middle = [*said[1:5], said[13]][: chance.randint(3, 5)], paper.left + paper.width * 55 // 100
    where = chance.choice(["below", "below", "right", "right", "beside"])
    if where != "below":
        beside = where == "beside"
        y = max(y, pairs(paper, labels, middle, top if beside else y, beside=beside) + paper.pitch)
    y = heading(paper, said[0], y)
    if where == "below":
        y = pairs(paper, labels, paper.left, y)
    if chance.random() < 0.5:
        y = paper.text(y + paper.pitch, chance.randint(1, 2))
    y = totals(paper, said, items(paper, said, y + paper.pitch))
    paper.text(y + 2 * paper.pitch, chance.randint(2, 3))
    page = paper.page(name, "invoice")
    page.ordered = where != "beside"
    return page


def sender(paper: Paper) -> int:
    """A block at the right, or a letterhead in the middle."""
    chance, y = paper.chance, paper.margin
    firm = f"{paper.name()} {chance.choice(['GmbH', 'Ltd', 'Inc.', '& Sons'])}"
    lines = [f"{paper.phrase(1, 1)} Road {paper.number(2)}", f"{paper.number(5)} {paper.phrase(1, 1)}"]
    lines.append(f"Tel. {paper.number(4)} {paper.number(6)}")
    if chance.random() < 0.5:
        paper.put(paper.left + paper.width // 2, y, firm, bold=True, size=paper.size + 8, at=0.5)
        y += round((paper.size + 8) * 1.5)
        paper.put(paper.left + paper.width // 2, y, " - ".join(lines), at=0.5)
        return y + paper.pitch
    x = paper.right - max(paper.long(text, True) for text in [firm, *lines])
    for index, text in enumerate([firm, *lines]):
        paper.put(x, y, text, bold=index == 0)
        y += paper.pitch
    return y


def heading(paper: Paper, text: str, y: int) -> int:
    size = paper.size + paper.chance.randint(4, 12)
    paper.put(paper.left, y, text, bold=True, size=size)
    return y + round(size * 1.8)


def items(paper: Paper, said: Sequence[str], y: int) -> int:
    """A narrow number at the left, what it is, how many, what one costs, what all cost."""
    chance, count = paper.chance, iter(range(1, 99))
    pieces, mark = chance.choice(["{}", "{},00", "{} pcs"]), chance.choice(["", "."])
    columns = [
        Column(said[5], lambda: f"{next(count)}{mark}"),
        Column(said[6], lambda: paper.phrase(1, 6), most=chance.uniform(14, 22)),
        Column(said[7], lambda: pieces.format(chance.randint(1, 60)), True),
        Column(said[8], lambda: f"{chance.uniform(1, 900):.2f}", True),
        Column(said[9], lambda: f"{chance.uniform(1, 9000):,.2f}", True),
    ]
    table = Table(paper, columns, chance.randint(3, 10), chance.choice(["rules", "rules", "bars", "grid", "nothing"]))
    table.widths[1] += max(0, paper.width - sum(table.widths))
    return table.put(paper.left, y)


def totals(paper: Paper, said: Sequence[str], y: int) -> int:
    """At the right, labels far from their sums."""
    chance, y = paper.chance, y + paper.pitch // 2
    x = paper.right - round(paper.size * chance.uniform(16, 24))
    form = chance.choice(["{:,.2f}", "{:,.2f} EUR"])
    for index, label in enumerate(said[10:13]):
        text = form.format(chance.uniform(100, 9999))
        paper.row(y, [(x, label, False), (paper.right - paper.size // 2, text, True)], bold=index == 2)
        y += round(paper.pitch * 1.2)
    return y


LABELS = [
    "Full Name", "Date of Birth", "Place of Birth", "Home Address", "Mailing Address", "Phone Number", "E-mail",
    "Nationality", "Social Security Number", "Position applied for", "Name of last employer", "Reason for leaving",
    "Highest School Diploma", "Driving Licence", "Emergency Contact", "Bank Account Number", "Available from",
    "Salary expected", "Branch", "Signature of witness",
]  # fmt: skip
FORMS = ["Employment Application", "Registration Form", "Application for Membership"]


def application(chance: Chance, name: str) -> Page:
    """A form: labels with what was written beside them, one or two in a row, under headings."""
    two = chance.random() < 0.5
    paper = Paper(chance, chance.uniform(58, 70) if two else chance.uniform(38, 52))
    size, bold = paper.size + chance.randint(6, 12), chance.random() < 0.5
    title = chance.choice(FORMS)
    paper.put(paper.left + paper.width // 2, paper.margin, title, size=size, bold=bold, at=0.5)
    y, labels = paper.margin + 2 * size, cycle(chance.sample(LABELS, len(LABELS)))
    strong, mark, line = chance.random() < 0.5, chance.choice([":", ":", ""]), chance.choice(["", "rule", "dots"])
    wide = paper.width // (2 if two else 1)
    room = round(paper.size * chance.uniform(13, 15 if two else 22))
    step = round(paper.pitch * chance.uniform(1.1, 2))
    for _ in range(chance.randint(1, 3)):
        if chance.random() < 0.8:
            y = heading(paper, paper.phrase(1, 2).title(), y + paper.pitch // 2)
        for _ in range(chance.randint(3, 5 if two else 6)):
            with paper.sheet.row():
                for x in (paper.left, paper.left + wide)[: 1 + two]:
                    paper.put(x, y, next(labels) + mark, bold=strong)
                    value(paper, x + room, y, wide - room - paper.size, line)
            y += step
    if chance.random() < 0.4:
        table = some_table(paper, chance.randint(3, 4), chance.randint(3, 5))
        if sum(table.widths) <= paper.width:
            y = table.stretched(paper.width).title(paper.left, y + paper.pitch, paper.phrase(2, 3).title())
            table.put(paper.left, y)
    return paper.page(name, "application")


def value(paper: Paper, x: int, y: int, room: int, line: str) -> None:
    """What was written, as long as there is room, and the line under it."""
    chance = paper.chance
    text = chance.choice(
        [lambda: paper.phrase(1, 6), paper.name, lambda: paper.date("{d}/{m}/{y}"), chance.writer.code]
    )()
    while paper.long(text) > room and " " in text:
        text = text.rsplit(" ", 1)[0]
    bottom = y + round(paper.size * 1.3)
    if line == "rule":
        paper.sheet.rule((x, bottom), (x + room, bottom), ink=GREY)
    elif line == "dots":
        for at in range(x, x + room, 5):
            paper.sheet.block(at, bottom, 1, 1, GREY)
    paper.put(x, y, text)


KINDS = [titled_table, invoice, application]
