"""Predictions as lines."""

from __future__ import annotations

import csv
import json
import statistics
import sys
import time
from collections import deque

from .model import Prediction

FORMATS = ("text", "json", "csv")
DELAYS = 1000
"""Delays that the median is taken of: the last so many."""


class Printer:
    """Writes predictions to stdout: json all of them, text and csv where the label changes."""

    def __init__(self, form: str, *, labels_only: bool = False) -> None:
        self._form = form
        self._labels_only = labels_only
        self._last: str | None = None
        self._delays: deque[float] = deque(maxlen=DELAYS)
        self._csv = csv.writer(sys.stdout, lineterminator="\n")
        if form == "csv":
            self._csv.writerow(["time", "label", "score", "seen", "delay_ms"])
            sys.stdout.flush()

    def show(self, prediction: Prediction) -> None:
        """Writes a line, or nothing where there is nothing new."""
        if prediction.delay is not None:
            self._delays.append(prediction.delay)
        if self._form != "json" and prediction.label == self._last:
            return
        self._last = prediction.label
        now = round(time.time(), 3)
        delay_ms = None if prediction.delay is None else round(prediction.delay * 1e3, 2)
        if self._form == "json":
            fields = {
                "time": now,
                "label": prediction.label,
                "score": prediction.score,
                "seen": prediction.seen,
                "delay_ms": delay_ms,
                "scores": {label: round(score, 4) for label, score in prediction.scores.items()},
            }
            print(json.dumps(fields, ensure_ascii=False))
        elif self._form == "csv":
            self._csv.writerow([now, prediction.label, prediction.score, prediction.seen, delay_ms])
        elif self._labels_only:
            print(prediction.label)
        else:
            print(f"{prediction.label} {prediction.score:.2f}")
        # Whoever reads through a pipe wants it now.
        sys.stdout.flush()

    def median_delay(self) -> float | None:
        """Seconds; None without any."""
        return statistics.median(self._delays) if self._delays else None
