"""The pictures in a window, with the label over them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Any

from .errors import SightwireError
from .model import NONE, Prediction
from .pictures import Frame, is_array, opencv

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
TITLE = "sightwire-webcam (q closes it)"


class Window:
    """A window of OpenCV's; needs a desktop, and the build of OpenCV that can open one."""

    def __init__(self) -> None:
        self._cv2 = opencv()
        self._text = ""
        # Without a display the window's library would end the program without a word.
        if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in DISPLAYS):
            raise SightwireError("--show: OpenCV can open no window here, for there is no display (DISPLAY is not set)")
        try:
            self._cv2.namedWindow(TITLE, self._cv2.WINDOW_AUTOSIZE)
        except self._cv2.error as error:
            raise SightwireError(
                "--show: this build of OpenCV can open no window; the other one can: "
                "pip uninstall opencv-python-headless && pip install opencv-python"
            ) from error

    def label(self, prediction: Prediction) -> None:
        """What stands over the next pictures."""
        self._text = "" if prediction.label == NONE else f"{prediction.label} {prediction.score:.2f}"

    def show(self, frame: Frame) -> None:
        """Shows a frame; cancels the task that calls if the user wants to end."""
        cv2 = self._cv2
        image: Any = frame if is_array(frame) else _decoded(cv2, frame)
        if image is None:
            return
        image = image.copy()
        for colour, thickness in (((0, 0, 0), 5), ((255, 255, 255), 2)):
            cv2.putText(image, self._text, (16, 48), cv2.FONT_HERSHEY_SIMPLEX, 1.4, colour, thickness, cv2.LINE_AA)
        cv2.imshow(TITLE, image)
        if cv2.waitKey(1) & 0xFF == ord("q"):
            raise asyncio.CancelledError

    def close(self) -> None:
        """Closes it."""
        with contextlib.suppress(self._cv2.error):
            self._cv2.destroyAllWindows()


def _decoded(cv2: Any, frame: Any) -> Any:
    import numpy

    return cv2.imdecode(numpy.frombuffer(frame, numpy.uint8), cv2.IMREAD_COLOR)
