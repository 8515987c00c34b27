"""Faces that pages are set in. They come as packages from PyPI (fonts.txt), none is part of this repository."""

from __future__ import annotations

import sysconfig
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FILES = {
    "sans": "font_source_sans_pro/files/SourceSansPro-Regular.ttf",
    "sans-bold": "font_source_sans_pro/files/SourceSansPro-Bold.ttf",
    "sans-italic": "font_source_sans_pro/files/SourceSansPro-It.ttf",
    "serif": "font_source_serif_pro/files/SourceSerifPro-Regular.ttf",
    "serif-bold": "font_source_serif_pro/files/SourceSerifPro-Bold.ttf",
    "open-sans": "ttf_opensans/ttf/OpenSans-Regular.ttf",
    "open-sans-bold": "ttf_opensans/ttf/OpenSans-Bold.ttf",
    "mono": "captcha/data/DroidSansMono.ttf",
    "han": "zhplot/fonts/NotoSansSC-Regular.ttf",
}
LATIN = [face for face in FILES if face != "han"]
HOW = "pip install --no-deps --require-hashes --requirement tools/evaluate_text/fonts.txt"


def missing() -> str | None:
    """What is not here and how to have it, in words; `None` when all faces are."""
    absent = [face for face, file in FILES.items() if not (_packages() / file).is_file()]
    return f"fonts are missing ({', '.join(absent)}): {HOW}" if absent else None


@lru_cache(maxsize=256)
def face(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """A face at a size. Laid out plainly, so that it looks the same with and without libraqm."""
    return ImageFont.truetype(str(_packages() / FILES[name]), size_px, layout_engine=ImageFont.Layout.BASIC)


def _packages() -> Path:
    return Path(sysconfig.get_path("purelib"))
