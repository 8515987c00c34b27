"""Frames as files: what may be sent, and how an array becomes a JPEG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from .errors import SightwireError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Frame = Union[bytes, bytearray, memoryview, "NDArray[np.uint8]"]
"""A frame: a JPEG or PNG file, or an array as OpenCV gives it: uint8, (height, width, 3) BGR or (height, width)."""

MAX_BYTES = 10 << 20
"""Largest message that the protocol promises to take; a larger one would end the connection."""

_ENVELOPE_BYTES = 128
_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"


def opencv() -> Any:
    """OpenCV, or an error that says how to get it."""
    try:
        import cv2
    except ImportError as error:
        raise SightwireError(
            "cameras, video files and arrays need OpenCV, which is not installed: pip install opencv-python-headless"
        ) from error
    return cv2


def is_array(frame: object) -> bool:
    """Whether a frame is an array; needs no numpy to tell."""
    return hasattr(frame, "shape") and hasattr(frame, "dtype")


def encode(frame: Frame, quality: int) -> bytes:
    """The JPEG or PNG file of a frame; files are passed through as they are.

    `quality`: of the JPEG made of an array, 1 to 100.
    """
    if is_array(frame):
        picture = _encode_array(frame, quality)
    elif isinstance(frame, (bytes, bytearray, memoryview)):
        picture = bytes(frame)
        if not picture.startswith((_JPEG, _PNG)):
            raise ValueError(f"a frame must be a JPEG or PNG file or an array; this one begins with {picture[:8]!r}")
    else:
        raise TypeError(f"a frame must be bytes or an array, not {type(frame).__name__}")
    # As base64, which is how servers that tell nothing of themselves get it.
    if len(picture) * 4 // 3 + _ENVELOPE_BYTES > MAX_BYTES:
        raise ValueError(f"a frame of {len(picture) / 1e6:.1f} MB is larger than a message may be (10 MiB as base64)")
    return picture


def is_jpeg(frame: object) -> bool:
    """Whether a frame is a JPEG file."""
    return isinstance(frame, (bytes, bytearray, memoryview)) and bytes(frame[: len(_JPEG)]) == _JPEG


def encode_jpeg(frame: Frame, quality: int) -> bytes:
    """The JPEG file of a frame; JPEG files are passed through as they are, PNG files are made anew.

    `quality`: of the JPEG that is made, 1 to 100.
    """
    if is_jpeg(frame):
        return bytes(frame)
    picture = encode(frame, quality)
    if not picture.startswith(_PNG):
        return picture
    cv2 = opencv()
    import numpy

    image = cv2.imdecode(numpy.frombuffer(picture, numpy.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a frame is a PNG file that OpenCV cannot read")
    return _encode_array(image, quality)


def _encode_array(image: Any, quality: int) -> bytes:
    if str(image.dtype) != "uint8":
        raise ValueError(f"an array must be of uint8, 0 to 255, not {image.dtype}")
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or 0 in image.shape:
        raise ValueError(f"an array must have the shape (height, width, 3) or (height, width), not {image.shape}")
    cv2 = opencv()
    done, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"OpenCV makes no JPEG of an array of the shape {image.shape}")
    return bytes(jpeg)


def shrink(image: Any, width: int) -> Any:
    """The array at most `width` pixels wide, its proportions kept; 0 leaves it as it is."""
    have: int = image.shape[1]
    if width <= 0 or have <= width:
        return image
    cv2 = opencv()
    height = max(1, round(image.shape[0] * width / have))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
