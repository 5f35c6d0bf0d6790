"""One policy for opening one picture, shared by training, evaluation, the gallery and uploads.

Whatever the file holds, the network gets 8-bit RGB, upright: the EXIF rotation is applied, transparency is put on
white, 16-bit values are scaled (not clipped), of an animation only the first frame counts. `POLICY` says it in words.

The content decides what a file is, never its name: every format that Pillow decodes by itself is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile

from alexcore.data.decoding.image_formats import EXTENSIONS
from alexcore.data.decoding.image_opening import (
    DAMAGE,
    FOREIGN,
    MAX_PIXELS,
    UnreadableError,
    orientation,
    with_image,
)
from alexcore.data.decoding.levels import PLAIN, Rendering, kind_of, scaled
from alexcore.errors import DataError

__all__ = ["EXTENSIONS", "MAX_PIXELS", "POLICY", "Header", "Picture", "check_decodable", "read_header", "read_picture"]

# What happens to a picture before a network sees it, for people who wonder.
POLICY = (
    ("EXIF rotation", "applied: the network sees the picture as you do"),
    ("Transparency", "put on white, or on what shows more of the whole data set"),
    ("CMYK, Lab, YCbCr", "converted to RGB, without a colour profile"),
    ("Palette", "each number replaced by its colour"),
    ("Grayscale, black and white", "copied into red, green and blue"),
    ("16-bit and floating-point", "scaled to 8 bits by one rule for the data set (intensity), not clipped"),
    ("16-bit colour", "its upper 8 bits: of 16 bits in each of red, green and blue no more is read"),
    ("Animations, pages", "the first one; the others are not decoded"),
    ("More than 64 million pixels", "a JPEG is decoded at a half, a quarter or an eighth of its size"),
    ("Not read", "HEIC without pillow-heif, PDF, SVG, and EPS, which is a program that would have to be run"),
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture: `image` is RGB, 8 bits a channel; `notes` say what was changed on the way.

    `format` is the one of the content ("JPEG"), whatever the file is called; `size` is the upright width and height in
    the file, in pixels, which `image` has too unless it was asked for smaller.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()
    format: str = ""
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Header:
    """What a file says about its picture before a single pixel is decoded; the size in px is after the EXIF rotation.

    `kind` is the format as Pillow names it, and the mode: "JPEG, RGB". `exif` has texts of at most 100 characters by
    tag.
    """

    width: int
    height: int
    kind: str
    exif: dict[str, str]


def read_picture(source: Path | bytes, name: str = "", *, at_least: int = 0, rendering: Rendering = PLAIN) -> Picture:
    """Decode a picture by the policy of this module; an error calls it `name`, by default its path.

    `rendering` is the rule of its data set for what is not 8-bit RGB; without one it is judged alone.

    With `at_least` a JPEG may be decoded at a half, a quarter or an eighth of its size, many times as fast, as long as
    both of its sides keep this many pixels. For pictures that are looked at, not measured.

    Raises:
        DataError: it cannot be read, is empty, no picture, damaged or larger than 64 million pixels.
    """
    name = name or _named(source)
    try:
        return with_image(source, lambda image: _decoded(image, at_least, rendering))
    except UnreadableError as error:
        raise DataError(f"{name} {error.said}.", error.hint) from error
    except FileNotFoundError as error:
        raise DataError(f"There is no file {name}.", "Check the path.") from error


def check_decodable(source: Path | bytes) -> str:
    """Return why the picture in a file, or in the bytes of one, cannot be decoded, or an empty text.

    It does what `read_picture` does, so what passes here is read there. A JPEG is decoded at an eighth of its size: the
    whole file is read all the same, at a quarter of the time.
    """
    try:
        with_image(source, lambda image: _decoded(image, 1))
    except UnreadableError as error:
        return error.short
    except FileNotFoundError as error:
        return error.strerror or "no such file"
    return ""


def _named(source: Path | bytes) -> str:
    return str(source) if isinstance(source, Path) else "The picture"


def _decoded(image: ImageFile.ImageFile, at_least: int, rendering: Rendering = PLAIN) -> Picture:
    if image.format in FOREIGN:
        foreign = f"{FOREIGN[image.format]}, which is not read here"
        raise UnreadableError(f"is {foreign}", foreign)
    width, height = image.size
    jpeg = image.format in ("JPEG", "MPO")
    # How many times smaller a picture has to be: decoders of JPEG take a half, a quarter and an eighth.
    smaller = next((each for each in (1, 2, 4, 8) if width * height <= each**2 * MAX_PIXELS), 16)
    if smaller > (8 if jpeg else 1):
        raise UnreadableError.too_large(f"{width} x {height}")
    turned = orientation(image) >= 5
    if at_least or smaller > 1:
        image.draft(None, (min(at_least or width, width // smaller), min(at_least or height, height // smaller)))
    picture = _to_rgb(image, rendering)
    if smaller > 1 and not at_least:
        picture = replace(picture, notes=(*picture.notes, f"decoded at 1/{smaller} of its size"))
    # What cameras call MPO is a JPEG with more pictures behind it, which nobody has asked for.
    kind = "JPEG" if jpeg else image.format or ""
    return replace(picture, format=kind, size=(height, width) if turned else (width, height))


def _is_animation(image: ImageFile.ImageFile) -> bool:
    if image.format == "MPO":
        return False
    try:
        # Asked first, because counting the frames of a GIF reads all of them, and there may be a million.
        return bool(getattr(image, "is_animated", False)) or int(getattr(image, "n_frames", 1)) > 1
    except DAMAGE:  # in a later frame, which nobody needs
        return True


def _to_rgb(image: ImageFile.ImageFile, rendering: Rendering) -> Picture:
    notes = []
    grey = {"L": "grayscale", "1": "black and white"}.get(image.mode)
    if orientation(image) > 1:
        notes.append("rotated by EXIF")
    image.load()
    # Asked again, because of some formats the decoder itself has turned the picture.
    turn = _TURNS.get(orientation(image))
    upright = image.copy() if turn is None else image.transpose(turn)
    # Asked only now, because counting frames moves on from the first.
    if _is_animation(image):
        notes.append("first frame of an animation")
    kind = kind_of(image)
    window = rendering.window(kind)
    if window is not None:
        notes.append("floating-point values scaled to 8 bits" if kind == "floating-point" else f"{kind} scaled to 8")
        _require_number(upright)
        upright = Image.fromarray(scaled(np.asarray(upright), window))
    elif kind and kind != "floating-point":
        notes.append("16-bit scaled to 8")
        # Pillow's own convert() clips 16-bit values at 255, which turns most of the picture white.
        values = np.asarray(upright).astype(np.float32).clip(0, 65535) / 257
        upright = Image.fromarray(np.rint(values).astype(np.uint8))
    elif kind:
        notes.append("floating-point values scaled to 8 bits")
        values = np.asarray(upright, dtype=np.float32)
        _require_number(upright)
        values = np.nan_to_num(values)
        span = float(values.max() - values.min()) or 1.0
        upright = Image.fromarray(np.rint((values - values.min()) / span * 255).astype(np.uint8))
    if upright.has_transparency_data:
        notes.append(f"transparency on {rendering.background}")
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, rendering.background), layer)
    elif grey:
        notes.append(grey)
    elif upright.mode not in ("RGB", "L", "1"):
        notes.append(f"converted from {upright.mode}")
    upright.load()
    return Picture(upright.convert("RGB"), tuple(notes))


def _require_number(image: Image.Image) -> None:
    if image.mode == "F" and not np.isfinite(np.asarray(image)).any():
        nothing = "no number in any pixel, only NaN or infinity"
        raise UnreadableError(f"holds {nothing}", nothing)


def read_header(source: Path | bytes, name: str = "") -> Header:
    """Read size, format and EXIF of a picture, called `name`; its pixels stay undecoded, and so may be damaged.

    Raises:
        DataError: the file cannot be read or is no picture.
    """
    name = name or _named(source)
    try:
        return with_image(source, _header)
    except UnreadableError as error:
        raise DataError(f"{name} {error.said}.", error.hint) from error
    except FileNotFoundError as error:
        raise DataError(f"There is no file {name}.", "Check the path.") from error


def _header(image: ImageFile.ImageFile) -> Header:
    width, height = (image.height, image.width) if orientation(image) >= 5 else image.size
    kind = "JPEG" if image.format == "MPO" else image.format
    return Header(width, height, f"{kind}, {image.mode}", _exif_in_words(image))


def _exif_in_words(image: Image.Image) -> dict[str, str]:
    words: dict[str, str] = {}
    try:
        exif = image.getexif()
        entries = (*exif.items(), *exif.get_ifd(ExifTags.IFD.Exif).items())
    except DAMAGE:  # of the metadata, not of the picture
        return words
    for tag, value in entries:
        if tag == ExifTags.IFD.Exif or isinstance(value, bytes | dict):
            continue  # a pointer to the second list; makers' notes and thumbnails
        name = "GPS" if tag == ExifTags.IFD.GPSInfo else ExifTags.TAGS.get(tag, f"tag {tag}")
        text = "present" if name == "GPS" else str(value).strip("\0 ")
        words[name] = text if len(text) <= 100 else f"{text[:99]}…"
    return words
