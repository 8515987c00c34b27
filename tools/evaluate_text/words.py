"""Words that pages are made of. What they say is of no matter: a recogniser looks at glyphs."""

from __future__ import annotations

import random
from pathlib import Path

HERE = Path(__file__).parent
ENGLISH = (HERE / "english.txt").read_text("utf-8").split()
CHINESE = (HERE / "chinese.txt").read_text("utf-8").split()

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class Writer:
    """Sentences, codes and phrases from one source of chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._left = 0

    def english(self) -> str:
        """The next word of an endless text, with the marks that belong to it."""
        chance = self._chance
        word = chance.choice(ENGLISH)
        if self._left == 0:
            self._left = chance.randint(6, 14)
            word = word.capitalize()
        self._left -= 1
        kind = chance.random()
        if kind < 0.03:
            word = f"{chance.randint(2, 2026)}"
        elif kind < 0.05:
            word = f"{word}-{chance.choice(ENGLISH)}"
        elif kind < 0.06:
            word = f"({word})"
        elif kind < 0.07:
            word = f'"{word}"'
        elif kind < 0.08:
            word = f"{chance.randint(1, 99)}%"
        if self._left == 0:
            return word + chance.choice("....?!")
        return word + (chance.choice(",,,;:") if chance.random() < 0.08 else "")

    def word(self) -> str:
        """A word without marks."""
        return self._chance.choice(ENGLISH)

    def code(self) -> str:
        """What stands on labels, receipts and plates. O, o and 0 stand beside each other in many."""
        chance = self._chance

        def digits(count: int) -> str:
            return "".join(chance.choice("0123456789") for _ in range(count))

        def marks(count: int) -> str:
            return "".join(chance.choice(LETTERS + "000123456789OO") for _ in range(count))

        kinds = [
            lambda: f"{chance.randint(2000, 2029)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
            lambda: f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}",
            lambda: f"${chance.randint(1, 9999)}.{digits(2)}",
            lambda: f"+{chance.randint(1, 99)} {digits(3)} {digits(4)}",
            lambda: f"{marks(4)}-{marks(4)}-{marks(4)}",
            lambda: f"No. {digits(6)}",
            lambda: f"v{chance.randint(0, 20)}.{chance.randint(0, 30)}.{chance.randint(0, 9)}",
            lambda: f"{chance.choice(ENGLISH)}{chance.randint(0, 99)}@{chance.choice(['zoo', 'foo00', 'post'])}.org",
            lambda: f"www.{chance.choice(['book', 'foto', 'tool0', 'room'])}{chance.randint(0, 500)}.com",
            lambda: f"{chance.choice(['room', 'floor', 'door', 'zoo', 'moto'])} {digits(3)}",
            lambda: f"0x{''.join(chance.choice('0123456789abcdef') for _ in range(6))}",
            lambda: f"{chance.randint(1, 100)}.{digits(1)} kg",
        ]
        return chance.choice(kinds)()

    def chinese(self) -> str:
        """The next phrase of an endless text; phrases stand beside each other without spaces."""
        chance = self._chance
        phrase = chance.choice(CHINESE)
        return phrase + (chance.choice("，，，。") if chance.random() < 0.12 else "")

    def mixed(self) -> str:
        """Chinese with English and numbers in it, which have spaces around them."""
        chance = self._chance
        kind = chance.random()
        if kind < 0.2:
            return f" {chance.choice(ENGLISH).capitalize()} "
        if kind < 0.35:
            return f" {chance.randint(0, 2026)} "
        return self.chinese()
