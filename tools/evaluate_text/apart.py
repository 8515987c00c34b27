"""What stands by itself on a page: captions between columns, panels of comics, notes in a margin.

Lines that follow each other are a run: a panel, a caption, what of a column stands above, beside and below a figure.
"""

from __future__ import annotations

import fonts
from chance import Chance
from layouts import GREY, Print
from sheet import Page, Sheet, quarter_turned

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def paragraphs(sheet: Print, x: int, y: int, width: int, lines: int) -> int:
    """So many lines of text, in one go; says where the next would be."""
    with sheet.sheet.run():
        while lines > 0:
            some = min(lines, sheet.chance.randint(3, 8))
            y = sheet.text(x, y, width, some)
            lines -= some
    return y


def gutter_caption(chance: Chance, name: str) -> Page:
    """A figure between two columns that give way to it, with its caption under it: before, between or after them."""
    sheet = Print(chance)
    half = round(sheet.column * chance.uniform(0.28, 0.45)) + sheet.gutter // 2
    above, below = chance.randint(4, 14), chance.randint(4, 14)
    beside, count = chance.randint(9, 14), chance.randint(3, 6)
    narrow = sheet.column + sheet.gutter // 2 - half - sheet.size
    for column in (0, 1):
        x, y = sheet.x(column), sheet.margin
        y = paragraphs(sheet, x, y, sheet.column, above)
        inner = x if column == 0 else x + sheet.column - narrow
        y = paragraphs(sheet, inner, y, narrow, beside)
        paragraphs(sheet, x, y, sheet.column, below)
    middle, top = sheet.margin + sheet.width // 2, sheet.margin + above * sheet.pitch
    tall = (beside - count - 1) * sheet.pitch
    sheet.sheet.block(middle - half, top + sheet.pitch // 3, 2 * half, tall, GREY)
    with sheet.sheet.run(aside=True):
        caption(sheet, middle, top + tall + sheet.pitch * 2 // 3, round(half * chance.uniform(1.4, 1.9)), count)
    page = sheet.page(name, "caption in the gutter")
    page.image = page.image[: sheet.margin * 2 + (above + beside + below) * sheet.pitch].copy()
    return page


def caption(sheet: Print, middle: int, y: int, width: int, lines: int) -> None:
    """Short lines, flush or in the middle."""
    size, centred = sheet.size - sheet.chance.randint(0, 3), sheet.chance.random() < 0.5
    face = sheet.chance.choice([sheet.face, f"{sheet.face}-bold"])
    font, words = fonts.face(face, size), sheet.chance.writer.english
    text = f"Fig. {sheet.chance.randint(1, 20)}."
    for _ in range(lines):
        while font.getlength(longer := f"{text} {words()}") <= width:
            text = longer
        x = middle - (round(font.getlength(text)) if centred else width) // 2
        sheet.sheet.put(x, y, text, face, size)
        y, text = y + round(size * 1.25), words()


def comic(chance: Chance, name: str) -> Page:
    """Panels in rows, some wider than others, with bubbles that are read from the top."""
    size = chance.randint(14, 20)
    face = chance.choice(["sans", "sans-bold", "open-sans-bold", "mono"])
    across, down = chance.choice([(2, 2), (2, 3), (3, 2), (3, 3), (2, 4)])
    wide, gap, edge = size * 17, chance.randint(6, 16), chance.randint(16, 40)
    width = across * wide + (across - 1) * gap
    heights = [size * chance.randint(13, 20) for _ in range(down)]
    sheet = Sheet(width + 2 * edge, sum(heights) + (down - 1) * gap + 2 * edge)
    y = edge
    for high in heights:
        x = edge
        for share in shares(chance, across):
            panel = round(share * (width - (across - 1) * gap))
            scenery(chance, sheet, (x, y, x + panel, y + high), size)
            with sheet.run():
                spoken(chance, sheet, (x, y, x + panel, y + high), face, size)
            x += panel + gap
        y += high + gap
    return sheet.page(name, "comic")


def shares(chance: Chance, count: int) -> list[float]:
    """How wide panels of a row are, of all its width."""
    if chance.random() < 0.5:
        return [1 / count] * count
    parts = [chance.uniform(1, 1.35) for _ in range(count)]
    return [part / sum(parts) for part in parts]


def scenery(chance: Chance, sheet: Sheet, box: tuple[int, int, int, int], size: int) -> None:
    """A frame with a ground in it and somebody who speaks."""
    left, top, right, bottom = box
    sky, earth = (tuple(chance.randint(170, 250) for _ in range(3)) for _ in range(2))
    sheet.block(left, top, right - left, bottom - top, BLACK)
    sheet.block(left + 2, top + 2, right - left - 4, bottom - top - 4, sky if chance.random() < 0.7 else WHITE)  # type: ignore[arg-type]
    ground = bottom - 2 * size
    sheet.block(left + 2, ground, right - left - 4, bottom - ground - 2, earth)  # type: ignore[arg-type]
    skin = (chance.randint(150, 230), chance.randint(110, 180), chance.randint(90, 150))
    for _ in range(chance.randint(1, 2)):
        x = chance.randint(left + 2 * size, right - 4 * size)
        sheet.bubble((x, ground - 3 * size, x + 2 * size, ground - size // 2), skin, BLACK)
        sheet.block(x + size // 2, ground - size // 2, size, 2 * size, (70, 80, 120))


def spoken(chance: Chance, sheet: Sheet, box: tuple[int, int, int, int], face: str, size: int) -> None:
    """One to three bubbles, each below the one before and not right under it."""
    left, top, right, bottom = box
    font, pitch, y = fonts.face(face, size), round(size * 1.2), top + size // 2
    side = chance.random() < 0.5
    for index in range(chance.randint(1, 3)):
        room = (right - left) * chance.uniform(0.4, 0.62)
        lines = bubble_lines(chance, font.getlength, room, chance.randint(1, 4))
        long = max(round(font.getlength(line)) for line in lines)
        high = len(lines) * pitch
        wide, tall = round(long * (1.25 if len(lines) > 1 else 1.15)) + size, round(high * 1.35) + size
        if index and y + tall > bottom - 4 * size:
            break
        x = left + size // 2 if side else right - size // 2 - wide
        x = max(left + 4, min(x + chance.randint(-size, size), right - wide - 4))
        if index == 0 and chance.random() < 0.15:
            sheet.bubble((x, y, x + wide, y + tall), (255, 244, 200), BLACK, 0)
        else:
            sheet.rule((x + wide // 2, y + tall - 4), (x + wide // 2 + chance.randint(-size, size), y + tall + size))
            sheet.bubble((x, y, x + wide, y + tall), WHITE, BLACK)
        for number, line in enumerate(lines):
            at = x + (wide - round(font.getlength(line))) // 2
            with sheet.row():
                sheet.put(at, y + (tall - high) // 2 + number * pitch - size // 8, line, face, size)
        y, side = y + tall + chance.randint(2, size), not side


def bubble_lines(chance: Chance, length, room: float, count: int) -> list[str]:  # noqa: ANN001
    """Capitals in so many lines, none of them empty."""
    lines, words = [], chance.writer.english
    word = words().upper()
    for _ in range(count):
        text = word
        while length(longer := f"{text} {(word := words().upper())}") <= room and chance.random() < 0.8:
            text = longer
        lines.append(text)
    return lines


def side_note(chance: Chance, name: str) -> Page:
    """A letter and a small note on its side, at its left or its right, that begins or ends beside it."""
    sheet = Print(chance, 1)
    sheet.size += chance.randint(0, 8)
    sheet.pitch = round(sheet.size * chance.uniform(1.3, 1.9))
    sheet.width = sheet.column = round(sheet.size * chance.uniform(18, 34))
    margin = round(sheet.size * chance.uniform(3.5, 6))
    high = round((sheet.width + 2 * margin) * 1.41)
    sheet.sheet, y = Sheet(sheet.width + 2 * margin, high), margin + chance.randint(0, 4) * sheet.pitch
    top = y
    with sheet.sheet.run():
        sheet.sheet.put(margin, y, f"Dear {chance.writer.word().capitalize()},", sheet.face, sheet.size)
        y = ragged(sheet, margin, y + sheet.pitch, chance.randint(3, 12))
        sheet.sheet.put(margin, y, f"Yours sincerely, {chance.writer.word().capitalize()}", sheet.face, sheet.size)
    note = small_note(chance, sheet)
    times = chance.choice([1, 3, 3])
    page = quarter_turned(note, times)
    long, thick = page.image.shape[:2]
    x = (margin - thick) // 2 if chance.random() < 0.6 else margin + sheet.width + (margin - thick) // 2
    last = max(1, high - long - 4)
    at = chance.randint(min(max(4, top - long // 2), last), min(max(5, y - long // 3), last))
    with sheet.sheet.run(), sheet.sheet.row():
        sheet.sheet.paste(x, at, page)
    return sheet.sheet.page(name, "note on its side")


def ragged(sheet: Print, x: int, y: int, lines: int) -> int:
    """As a letter is written; says where the next would be."""
    font, words = fonts.face(sheet.face, sheet.size), sheet.chance.writer.english
    word = words()
    for _ in range(lines):
        text = word
        while font.getlength(longer := f"{text} {(word := words())}") <= sheet.column:
            text = longer
        sheet.sheet.put(x, y, text, sheet.face, sheet.size)
        y += sheet.pitch
    return y


def small_note(chance: Chance, sheet: Print) -> Page:
    """What a form is and where it was printed."""
    face, size = chance.choice(["sans", "open-sans"]), max(12, round(sheet.size * chance.uniform(0.55, 0.95)))
    parts = [
        f"Form {chance.randint(100, 9999)}-{chance.choice('ABC')}",
        f"rev. {chance.randint(1, 12):02}/{chance.randint(1999, 2026)}",
        " ".join(chance.writer.word() for _ in range(chance.randint(2, 5))),
    ]
    text = " ".join(parts[chance.randint(0, 1) :])
    small = Sheet(round(fonts.face(face, size).getlength(text)) + 6, round(size * 1.5))
    small.put(3, 0, text, face, size)
    return small.page("", "")


KINDS = [gutter_caption, comic, side_note]
