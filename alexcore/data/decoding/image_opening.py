"""Open the file of a picture with Pillow, whoever asks: one place for its limits, its warnings and its errors.

    header = with_image(path, lambda image: image.size)

What is given to `with_image` gets an opened picture of which no pixel is decoded yet. A file that only lacks or breaks
what is no pixel (an end mark, a colour profile, a comment) is opened once more without that.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from alexcore.data.decoding.image_formats import (
    HEAD,
    HEIC,
    StandIn,
    begins_like_picture,
    head_of,
    is_heic,
    placeholder,
    stand_in,
)
from alexcore.data.storage import READER_ERRORS
from alexcore.system import in_each_fork

T = TypeVar("T")
Source = Path | bytes

MAX_PIXELS = 64_000_000
WHAT_TO_DO = "Save it again as a JPEG or PNG picture."
SMALLER = "Make it smaller first: the network sees a few hundred pixels a side."
# Pillow hands these to another program (EPS to Ghostscript), or knows their names but has no decoder for them.
FOREIGN = {
    "EPS": "an EPS drawing, a program that would have to be run",
    "WMF": "a Windows drawing",
    "MPEG": "a video",
    "BUFR": "weather data (BUFR)",
    "GRIB": "weather data (GRIB)",
    "HDF5": "scientific data (HDF5)",
}
# Pillow's decoders report damage in all of these ways.
DAMAGE = (OSError, SyntaxError, TypeError, AttributeError, AssertionError, MemoryError, *READER_ERRORS)
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# What may stand in the place of the end of a JPEG: where a pixel is missing, each gives another one.
_FILLERS = (b"", b"\x55" * 64, b"\xe7\x1c" * 32)

# Where nobody has set up logging, Python would print what Pillow logs of a damaged file.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class UnreadableError(Exception):
    """Why a picture cannot be read: what is said after its name, the same in a few words, and what to do."""

    def __init__(self, said: str, short: str, hint: str = WHAT_TO_DO) -> None:
        super().__init__(said)
        self.said, self.short, self.hint = said, short, hint

    @classmethod
    def of(cls, found: StandIn) -> UnreadableError:
        """Make one of what lies in the place of the picture."""
        return cls(f"is {found.one}", found.one, found.hint)

    @classmethod
    def too_large(cls, pixels: str) -> UnreadableError:
        """Make one for a picture of so many pixels."""
        most = f"{MAX_PIXELS // 1_000_000} million"
        return cls(f"has {pixels} pixels; the limit is {most}", f"{pixels} pixels, more than {most}", SMALLER)


class _Silence:
    """Keeps Pillow's warnings from the terminal while any thread is in it; Python's own way is for one thread only."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._filters = warnings.catch_warnings()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._filters.__exit__(None, None, None)

    def forget(self) -> None:
        """In a forked process, which has none of the other threads."""
        self._lock, self._inside = threading.Lock(), 0


_silence = _Silence()
in_each_fork(_silence.forget)


def with_image(source: Source, use: Callable[[ImageFile.ImageFile], T]) -> T:
    """Open a picture, call `use` with it, and return what comes of that.

    `use` may be called twice: the second time with the same picture without what was broken about it.

    Raises:
        UnreadableError: it is missing, empty, no picture, damaged, or `use` has met damage or said so.
        FileNotFoundError: there is no such file.
    """
    with _silence():
        try:
            return _use(source, use)
        except (Image.DecompressionBombError, *DAMAGE) as error:
            _refuse_stand_in(source, error)
            if isinstance(error, FileNotFoundError):
                raise
            for mended in _mended(source, error):
                try:
                    return _use(mended, use)
                except DAMAGE:
                    continue
            raise _refusal(source, error) from error


def _use(source: Source, use: Callable[[ImageFile.ImageFile], T]) -> T:
    if (len(source) if isinstance(source, bytes) else os.stat(source).st_size) == 0:
        raise UnreadableError("is empty (0 bytes)", "empty (0 bytes)", "Copy the file again.")
    with _opened(source) as image:
        return use(image)


def _opened(source: Source) -> ImageFile.ImageFile:
    try:
        # By its path, Pillow can map an uncompressed file into memory.
        return Image.open(BytesIO(source) if isinstance(source, bytes) else source)
    except Image.DecompressionBombError:
        # A JPEG can be decoded at a fraction of its size, so its pixels are counted after that.
        if not _head(source).startswith(_JPEG):
            raise
        return JpegImagePlugin.jpeg_factory(BytesIO(_content(source)))
    except UnidentifiedImageError:
        if not is_heic(_head(source)) or not _can_read_heic():
            raise
        return Image.open(BytesIO(_content(source)))


def _head(source: Source) -> bytes:
    return source[:HEAD] if isinstance(source, bytes) else head_of(source)


def _content(source: Source) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _can_read_heic() -> bool:
    """Whether pillow-heif is installed; then Pillow reads HEIC from now on."""
    try:
        import_module("pillow_heif").register_heif_opener()
    except ImportError:
        return False
    return True


def _refuse_stand_in(source: Source, error: BaseException) -> None:
    """Name what lies in the place of a picture that could not be opened."""
    found = placeholder(source) if isinstance(source, Path) else None
    if found is None and isinstance(error, UnidentifiedImageError):
        head = _head(source)
        found = stand_in(head) or (HEIC if is_heic(head) else None)
    if found:
        raise UnreadableError.of(found) from error


def _refusal(source: Source, error: BaseException) -> UnreadableError:
    # Far above the limit Pillow does not tell the size.
    if isinstance(error, Image.DecompressionBombError):
        return UnreadableError.too_large("too many")
    if isinstance(error, UnidentifiedImageError):
        if begins_like_picture(_head(source)):
            kind = "damaged, or of a kind that Pillow does not know"
            return UnreadableError(f"begins like a picture, but is {kind}", kind)
        return UnreadableError("is no picture in a format that is known here", "no picture in a known format")
    reason = str(error) or type(error).__name__
    return UnreadableError(f"cannot be decoded: {reason}", reason)


def orientation(image: Image.Image) -> int:
    """How a picture is to be turned, as EXIF counts it, 1 to 8; 1 where nothing usable says so."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
        value = value[0] if isinstance(value, tuple) else value
        return int(value) if int(value) in range(1, 9) else 1
    except DAMAGE:  # whatever else the metadata is, the pixels are there
        return 1


# What can be mended -----------------------------------------------------------------------------------------------


def _mended(source: Source, error: BaseException) -> Iterator[bytes]:
    """The file without what is no pixel, where that may be what is wrong with it."""
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return
    try:
        data = _content(source)
    except (OSError, ValueError):
        return
    if data.startswith(_PNG):
        yield _plain_png(data)
    elif data.startswith(_JPEG):
        plain = _plain_jpeg(data)
        yield plain
        if _is_complete(plain):
            yield data + b"\xff\xd9"
            yield plain + b"\xff\xd9"


def _plain_png(data: bytes) -> bytes:
    """A PNG without its texts and its colour profile: Pillow refuses those that grow beyond a megabyte."""
    kept, place = [data[:8]], 8
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + size
        if kind not in (b"iCCP", b"zTXt", b"iTXt", b"tEXt"):
            kept.append(data[place:end])
        place = end
    return b"".join(kept)


def _plain_jpeg(data: bytes) -> bytes:
    """A JPEG with those of its segments alone that its pixels and its orientation need."""
    kept, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind, size = struct.unpack_from(">BH", data, place + 1)
        if kind == 0xDA:  # from here on there are pixels
            break
        segment = data[place : place + 2 + size]
        # APP0 and APP14 say which colours the numbers are; of APP1, Exif says how it was held.
        if not (0xE0 <= kind <= 0xEF or kind == 0xFE) or kind in (0xE0, 0xEE) or segment[4:8] == b"Exif":
            kept.append(segment)
        place += 2 + size
    return b"".join([*kept, data[place:]])


def _is_complete(data: bytes) -> bool:
    """Whether a JPEG that ends too early has all of its pixels: what stands in the place of the rest changes none."""
    found = set()
    try:
        for filler in _FILLERS:
            with Image.open(BytesIO(data + filler + b"\xff\xd9")) as image:
                # In a progressive one what is missing would only make the picture coarser.
                if image.info.get("progressive") or image.width * image.height > MAX_PIXELS:
                    return False
                found.add(hash(image.tobytes()))
    except (Image.DecompressionBombError, *DAMAGE):
        return False
    return len(found) == 1
