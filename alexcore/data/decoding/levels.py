"""How values beyond 8 bits and what is transparent become 8-bit RGB: a rule that is one for a whole data set.

`intensity` chooses it by a sample of the set. A run stores it beside its weights, because a network that has learned
from pictures of one rule knows nothing of those of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from alexcore.errors import RunError
from alexcore.files import read_json

# Kinds of numbers beyond 8 bits: the first value and the last that their type can have (of floating-point numbers,
# those that most programs mean by black and white).
TYPES = {
    "16-bit": (0.0, 65535.0),
    "signed 16-bit": (-32768.0, 32767.0),
    "32-bit": (0.0, 2.0**31 - 1),
    "signed 32-bit": (-(2.0**31), 2.0**31 - 1),
    "floating-point": (0.0, 1.0),
}
_SIXTEEN_BIT = {"I;16", "I;16L", "I;16B", "I;16N"}
_BITS, _SAMPLE_FORMAT, _SIGNED = 258, 339, 2
BACKGROUNDS = ("white", "black", "gray")


@dataclass(frozen=True)
class Rendering:
    """The rule of a data set.

    Attributes:
        windows: For a kind of numbers the value that becomes 0 and the one that becomes 255, as (kind, low, high). A
            kind that is not there is read as version 0.1 did: whole numbers from 0 to 65535, floating-point ones from
            the least to the greatest of each picture.
        background: What transparency is put on.
    """

    windows: tuple[tuple[str, float, float], ...] = ()
    background: str = "white"

    def window(self, kind: str) -> tuple[float, float] | None:
        """The window of a kind of numbers, if it has one."""
        return next(((low, high) for name, low, high in self.windows if name == kind), None)

    def as_dict(self) -> dict[str, Any]:
        """The form in which files keep it."""
        return {"windows": [list(each) for each in self.windows], "background": self.background}

    @property
    def key(self) -> str:
        """Part of the name of what is kept of pictures that were read by it; empty for the plain rule."""
        return "" if self == PLAIN else f"|{self.windows}|{self.background}"

    @classmethod
    def of(cls, kept: object) -> Rendering:
        """The rule that a file has kept; the plain one where there is none, as in runs of version 0.1."""
        if not isinstance(kept, Mapping):
            return PLAIN
        try:
            windows = tuple((str(kind), float(low), float(high)) for kind, low, high in kept["windows"])
            background = str(kept["background"])
        except (LookupError, TypeError, ValueError):
            return PLAIN
        right = background in BACKGROUNDS and all(kind in TYPES and low < high for kind, low, high in windows)
        return cls(windows, background) if right else PLAIN


PLAIN = Rendering()


def kept_rendering(run_dir: Path) -> Rendering:
    """How a run renders pictures, as its env.json has it; the plain rule for a run of version 0.1.

    Raises:
        RunError: the file is damaged.
    """
    known = read_json(run_dir / "env.json")
    if known is None and (run_dir / "env.json").is_file():
        raise RunError(f"{run_dir / 'env.json'} is damaged.", "Resume the run, which writes it again.")
    return Rendering.of((known or {}).get("rendering"))


def kind_of(image: Image.Image) -> str:
    """What kind of numbers beyond 8 bits an opened picture holds; empty for any other picture."""
    if image.mode in _SIXTEEN_BIT:
        return "16-bit"
    if image.mode == "F":
        return "floating-point"
    if image.mode != "I":
        return ""
    tags = getattr(image, "tag_v2", None)
    if tags is None:  # PNG and PGM
        return "16-bit"
    bits, form = (_first(tags.get(tag)) for tag in (_BITS, _SAMPLE_FORMAT))
    return f"{'signed ' if form == _SIGNED else ''}{'32' if bits == 32 else '16'}-bit"


def has_deep_colour(image: ImageFile.ImageFile) -> bool:
    """Whether a picture that is not decoded yet has 16 bits a colour in its file, of which Pillow reads the upper 8."""
    if image.mode not in ("RGB", "RGBA", "LA") or not image.tile:
        return False
    codec, arguments = image.tile[0].codec_name, image.tile[0].args
    raw, *more = (arguments,) if isinstance(arguments, str) else arguments or ("",)
    if codec == "ppm":
        return bool(more) and isinstance(more[0], int) and more[0] > 255
    return isinstance(raw, str) and ";16" in raw


def _first(value: object) -> object:
    return value[0] if isinstance(value, tuple) and value else value


def scaled(values: npt.NDArray[Any], window: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Values as 0 to 255; what lies outside the window becomes 0 or 255, and what is no number 0."""
    low, high = window
    shares = (values.astype(np.float64) - low) / (high - low)
    levels: npt.NDArray[np.float64] = np.rint(np.nan_to_num(shares, nan=0.0).clip(0, 1) * 255)
    return levels.astype(np.uint8)
