"""What a page leaves to chance; the same seed gives the same page."""

from __future__ import annotations

import random

import numpy as np

from words import Writer


class Chance(random.Random):
    """One page's source of chance, with NumPy's for what is needed by the million."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self.grain = np.random.default_rng(self.getrandbits(32))
        self.writer = Writer(self)
