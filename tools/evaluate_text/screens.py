"""Long screenshots: chats, articles and lists that were scrolled through."""

from __future__ import annotations

import fonts
from chance import Chance
from sheet import Colour, Page, Sheet

PALE, GREY = (238, 240, 243), (120, 124, 130)
OWN = ((206, 236, 196), (0, 122, 255), (217, 235, 255))


class Scroll:
    """A screen without an end: what is put is below what was put before."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.size, self.face = chance.randint(22, 36), chance.choice(["sans", "open-sans"])
        self.width = chance.choice([720, 750, 828, 1080])
        self.pitch = round(self.size * chance.uniform(1.3, 1.5))
        self.dark = chance.random() < 0.25
        self.paper: Colour = (24, 25, 28) if self.dark else (255, 255, 255)
        self.ink: Colour = (226, 228, 232) if self.dark else (20, 21, 24)
        self.sheet = Sheet(self.width, chance.randint(5000, 12000), self.paper)
        self.left = chance.randint(24, 48)
        self.y = self.size

    def room(self) -> bool:
        """Whether some more has room."""
        return self.y + 12 * self.pitch < self.sheet.height

    def long(self, text: str) -> int:
        return round(fonts.face(self.face, self.size).getlength(text))

    def wrapped(self, width: int, lines: int) -> list[str]:
        """Text in so many lines, the last one of any length."""
        words, wrapped = self.chance.writer.english, []
        word = words()
        for line in range(lines):
            text, room = word, width * (self.chance.uniform(0.2, 1) if line == lines - 1 else 1)
            while self.long(longer := f"{text} {(word := words())}") <= room:
                text = longer
            wrapped.append(text)
        return wrapped


def chat(scroll: Scroll) -> None:
    """What others say at the left, what one says oneself at the right, in bubbles or with much room around."""
    chance, size = scroll.chance, scroll.size
    own, bubbles = chance.choice(OWN), chance.random() < 0.8
    while scroll.room():
        mine = chance.random() < 0.45
        lines = scroll.wrapped(round(scroll.width * chance.uniform(0.45, 0.66)), chance.choice([1, 1, 2, 2, 3, 4]))
        wide, high = max(scroll.long(line) for line in lines) + size, len(lines) * scroll.pitch + size * 2 // 3
        x, ink = (scroll.width - scroll.left - wide if mine else scroll.left), scroll.ink
        if bubbles:
            paper = own if mine else ((58, 60, 66) if scroll.dark else PALE)
            ink = (255, 255, 255) if sum(paper) < 400 else (20, 21, 24)
            scroll.sheet.bubble((x, scroll.y, x + wide, scroll.y + high), paper, paper, size // 2)
        with scroll.sheet.run():
            for number, line in enumerate(lines):
                at = (x + size // 2, scroll.y + size // 3 + number * scroll.pitch)
                scroll.sheet.put(*at, line, scroll.face, size, ink)
        scroll.y += high + round(size * chance.uniform(0.3, 1))
        if chance.random() < 0.12:
            text = f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}"
            scroll.sheet.put((scroll.width - scroll.long(text)) // 2, scroll.y, text, scroll.face, size - 4, GREY)
            scroll.y += round(scroll.pitch * 1.4)


def article(scroll: Scroll) -> None:
    """Headings, paragraphs, pictures."""
    chance, width = scroll.chance, scroll.width - 2 * scroll.left
    while scroll.room():
        kind = chance.random()
        if kind < 0.15:
            text = " ".join(chance.writer.word() for _ in range(3)).capitalize()
            scroll.sheet.put(scroll.left, scroll.y, text, f"{scroll.face}-bold", round(scroll.size * 1.3), scroll.ink)
            scroll.y += round(scroll.pitch * 1.8)
        elif kind < 0.25:
            tone = tuple(chance.randint(90, 200) for _ in range(3))
            scroll.sheet.block(scroll.left, scroll.y, width, 8 * scroll.pitch, tone)  # type: ignore[arg-type]
            scroll.y += round(9 * scroll.pitch)
        else:
            with scroll.sheet.run():
                for line in scroll.wrapped(width, chance.randint(2, 8)):
                    scroll.sheet.put(scroll.left, scroll.y, line, scroll.face, scroll.size, scroll.ink)
                    scroll.y += scroll.pitch
            scroll.y += round(scroll.pitch * 0.7)


def entries(scroll: Scroll) -> None:
    """A name and an amount or a time at the right, under it what it was about."""
    chance, size = scroll.chance, scroll.size
    line: Colour = (60, 62, 66) if scroll.dark else (226, 228, 232)
    while scroll.room():
        name = " ".join(chance.writer.word().capitalize() for _ in range(chance.randint(1, 2)))
        what = chance.choice(
            [f"{chance.uniform(-900, 900):.2f} EUR", f"{chance.randint(0, 23)}:{chance.randint(10, 59)}"]
        )
        right = scroll.width - scroll.left - scroll.long(what)
        with scroll.sheet.row():
            scroll.sheet.put(scroll.left, scroll.y, name, scroll.face, size, scroll.ink)
            scroll.sheet.put(right, scroll.y, what, scroll.face, size, scroll.ink)
        scroll.y += scroll.pitch
        (text,) = scroll.wrapped(round(scroll.width * 0.75), 1)
        scroll.sheet.put(scroll.left, scroll.y, text, scroll.face, max(20, size - 5), GREY)
        scroll.y += round(scroll.pitch * 1.3)
        scroll.sheet.rule((scroll.left, scroll.y), (scroll.width - scroll.left, scroll.y), ink=line)
        scroll.y += size // 2


def notices(scroll: Scroll) -> None:
    """The same words in each line, but for numbers: the spaces between them stand below each other all the way."""
    chance, number = scroll.chance, scroll.chance.randint(0, 99)
    start = chance.choice(["Line {}", "{} -", "Order {}", "Message {}:"])
    middle = " ".join(chance.writer.word() for _ in range(chance.randint(3, 5)))
    step = round(scroll.pitch * chance.uniform(1, 1.8))
    while scroll.room():
        text = f"{start.format(number)} {middle} {chance.randint(1, 9999)}"
        while scroll.long(text) > scroll.width - 2 * scroll.left:
            middle = middle.rsplit(" ", 1)[0]
            text = f"{start.format(number)} {middle} {chance.randint(1, 9999)}"
        scroll.sheet.put(scroll.left, scroll.y, text, scroll.face, scroll.size, scroll.ink)
        number, scroll.y = number + 1, scroll.y + step


def long_screenshot(chance: Chance, name: str) -> Page:
    """720 to 1080 wide, 5,000 to 12,000 high."""
    scroll = Scroll(chance)
    chance.choice([chat, article, entries, notices, notices])(scroll)
    return scroll.sheet.page(name, "long screenshot")


KINDS = [long_screenshot]
