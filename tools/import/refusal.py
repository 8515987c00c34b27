"""Why a model is not imported, in words for people."""

from __future__ import annotations

KINDS = frozenset(
    {
        "not-found",
        "not-keras",
        "truncated",
        "shape",
        "custom-layer",
        "lambda",
        "output",
        "convert",
        "compare",
        "unsupported",
    }
)


class Refusal(Exception):
    """One or two sentences: which file, what is wrong with it, what to do. `kind` is for programs."""

    def __init__(self, kind: str, text: str) -> None:
        assert kind in KINDS, kind
        super().__init__(text)
        self.kind = kind
        self.text = text
