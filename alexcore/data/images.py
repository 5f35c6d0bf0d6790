"""One policy for opening one picture, shared by training, evaluation, the gallery and uploads.

Whatever the file holds, the network gets 8-bit RGB, upright: the EXIF rotation is applied, transparency is put on
white, 16-bit values are scaled (not clipped), of an animation only the first frame counts. `POLICY` says it in words.

The content decides what a file is, never its name: every format that Pillow decodes by itself is read.
"""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from alexcore.data.storage import READER_ERRORS
from alexcore.errors import DataError

# The endings that torchvision's ImageFolder takes for pictures.
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})
MAX_PIXELS = 64_000_000
WHAT_TO_DO = "Save it again as a JPEG or PNG picture."
# What happens to a picture before a network sees it, for people who wonder.
POLICY = (
    ("EXIF rotation", "applied: the network sees the picture as you do"),
    ("Transparency", "put on white"),
    ("CMYK, Lab, YCbCr", "converted to RGB, without a colour profile"),
    ("Palette", "each number replaced by its colour"),
    ("Grayscale, black and white", "copied into red, green and blue"),
    ("16-bit and floating-point", "scaled to 8 bits, not clipped"),
    ("Animations, pages", "the first one; the others are not decoded"),
    ("Not read", "HEIC (Pillow brings no decoder), PDF, SVG, and EPS, which is a program that would have to be run"),
)
# Pillow hands these to another program (EPS to Ghostscript), or knows their names but has no decoder for them.
_FOREIGN = {
    "EPS": "an EPS drawing, a program that would have to be run",
    "WMF": "a Windows drawing",
    "MPEG": "a video",
    "BUFR": "weather data (BUFR)",
    "GRIB": "weather data (GRIB)",
    "HDF5": "scientific data (HDF5)",
}
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_SIXTEEN_BIT = {"I;16", "I;16L", "I;16B", "I;16N"}
# Pillow's decoders report damage in all of these ways.
_DAMAGE = (OSError, SyntaxError, TypeError, *READER_ERRORS)


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


def read_picture(source: Path | bytes, name: str = "", *, at_least: int = 0) -> Picture:
    """Decode a picture by the policy of this module; an error calls it `name`, by default its path.

    With `at_least` a JPEG may be decoded at a half, a quarter or an eighth of its size, many times as fast, as long as
    both of its sides keep this many pixels. For pictures that are looked at, not measured.

    Raises:
        DataError: it cannot be read, is empty, no picture, damaged or larger than 64 million pixels.
    """
    name = name or (str(source) if isinstance(source, Path) else "The picture")
    if (isinstance(source, bytes) and not source) or (
        isinstance(source, Path) and source.is_file() and source.stat().st_size == 0
    ):
        raise DataError(f"{name} is empty (0 bytes).", "Copy the file again.")
    try:
        with warnings.catch_warnings():
            # Pillow also warns of large pictures; the limit below is stricter and says so in a sentence.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
                width, height = image.size
                if image.format in _FOREIGN:
                    raise DataError(f"{name} is {_FOREIGN[image.format]}, which is not read here.", WHAT_TO_DO)
                if width * height > MAX_PIXELS:
                    raise _too_large(name, f"{width} x {height}")
                stored = image.format or ""
                turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(5, 9)
                if at_least:
                    image.draft(None, (at_least, at_least))
                return replace(_to_rgb(image, name), format=stored, size=(height, width) if turned else (width, height))
    # Far above the limit Pillow does not tell the size.
    except Image.DecompressionBombError as error:
        raise _too_large(name, "too many") from error
    except UnidentifiedImageError as error:
        raise _unknown(source, name) from error
    except FileNotFoundError as error:
        raise DataError(f"There is no file {name}.", "Check the path.") from error
    except _DAMAGE as error:
        raise DataError(f"{name} cannot be decoded: {error}.", WHAT_TO_DO) from error


def _too_large(name: str, pixels: str) -> DataError:
    return DataError(
        f"{name} has {pixels} pixels; the limit is {MAX_PIXELS // 1_000_000} million.",
        "Make it smaller first: the network sees a few hundred pixels a side.",
    )


def _unknown(source: Path | bytes, name: str) -> DataError:
    """The error for what Pillow does not know; phones save HEIC, and their owners should hear what that is."""
    start = b""
    if isinstance(source, bytes):
        start = source[:12]
    else:
        with contextlib.suppress(OSError), source.open("rb") as file:
            start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC:
        return DataError(
            f"{name} is a HEIC picture, which is not read here.",
            "Save it as a JPEG; an iPhone takes JPEGs with Settings > Camera > Formats > Most Compatible.",
        )
    return DataError(f"{name} is no picture in a format that is known here.", WHAT_TO_DO)


def _is_animation(image: Image.Image) -> bool:
    try:
        # Asked first, because counting the frames of a GIF reads all of them, and there may be a million.
        return bool(getattr(image, "is_animated", False)) or int(getattr(image, "n_frames", 1)) > 1
    except _DAMAGE:  # in a later frame, which nobody needs
        return True


def _to_rgb(image: Image.Image, name: str) -> Picture:
    notes = []
    grey = {"L": "grayscale", "1": "black and white"}.get(image.mode)
    if image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9):
        notes.append("rotated by EXIF")
    upright = ImageOps.exif_transpose(image)
    # Asked only now, because counting frames moves on from the first.
    if _is_animation(image):
        notes.append("first frame of an animation")
    if upright.mode in _SIXTEEN_BIT or upright.mode == "I":
        notes.append("16-bit scaled to 8")
        # Pillow's own convert() clips 16-bit values at 255, which turns most of the picture white.
        values = np.asarray(upright).astype(np.float32).clip(0, 65535) / 257
        upright = Image.fromarray(np.rint(values).astype(np.uint8))
    elif upright.mode == "F":
        notes.append("floating-point values scaled to 8 bits")
        values = np.asarray(upright, dtype=np.float32)
        if not np.isfinite(values).any():
            raise DataError(f"{name} holds no number in any pixel, only NaN or infinity.", WHAT_TO_DO)
        values = np.nan_to_num(values)
        span = float(values.max() - values.min()) or 1.0
        upright = Image.fromarray(np.rint((values - values.min()) / span * 255).astype(np.uint8))
    if upright.has_transparency_data:
        notes.append("transparency on white")
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    elif grey:
        notes.append(grey)
    elif upright.mode not in ("RGB", "L", "1"):
        notes.append(f"converted from {upright.mode}")
    upright.load()
    return Picture(upright.convert("RGB"), tuple(notes))


def read_header(source: Path | bytes, name: str = "") -> Header:
    """Read size, format and EXIF of a picture, called `name`; its pixels stay undecoded, and so may be damaged.

    Raises:
        DataError: the file cannot be read or is no picture.
    """
    name = name or (str(source) if isinstance(source, Path) else "The picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
                exif = image.getexif()
                lying = exif.get(ExifTags.Base.Orientation, 1) in range(5, 9)
                width, height = (image.height, image.width) if lying else image.size
                return Header(width, height, f"{image.format}, {image.mode}", _exif_in_words(exif))
    except UnidentifiedImageError as error:
        raise DataError(f"{name} is no picture in a format that is known here.", WHAT_TO_DO) from error
    except (Image.DecompressionBombError, *_DAMAGE) as error:
        raise DataError(f"{name} cannot be read: {error}.", WHAT_TO_DO) from error


def _exif_in_words(exif: Image.Exif) -> dict[str, str]:
    words = {}
    for tag, value in (*exif.items(), *exif.get_ifd(ExifTags.IFD.Exif).items()):
        if tag == ExifTags.IFD.Exif or isinstance(value, bytes | dict):
            continue  # a pointer to the second list; makers' notes and thumbnails
        name = "GPS" if tag == ExifTags.IFD.GPSInfo else ExifTags.TAGS.get(tag, f"tag {tag}")
        text = "present" if name == "GPS" else str(value).strip("\0 ")
        words[name] = text if len(text) <= 100 else f"{text[:99]}…"
    return words


def check_decodable(source: Path | bytes) -> str:
    """Return why the picture in a file, or in the bytes of one, cannot be decoded, or an empty text.

    A JPEG is decoded at an eighth of its size: the whole file is read all the same, at a quarter of the time.
    """
    try:
        if (len(source) if isinstance(source, bytes) else source.stat().st_size) == 0:
            return "empty (0 bytes)"
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
            if image.format in _FOREIGN:
                return f"{_FOREIGN[image.format]}, which is not read here"
            if image.width * image.height > MAX_PIXELS:
                return f"{image.width} x {image.height} pixels, more than {MAX_PIXELS // 1_000_000} million"
            image.getexif()  # damaged metadata would stop read_picture too
            image.draft("RGB", (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
            if image.mode == "F" and not np.isfinite(np.asarray(image)).any():
                return "no number in any pixel, only NaN or infinity"
    except UnidentifiedImageError:
        return "no picture in a known format"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "too many pixels"
    except _DAMAGE as error:
        return str(error) or type(error).__name__
    return ""
