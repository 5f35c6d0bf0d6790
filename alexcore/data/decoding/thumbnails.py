"""Small copies of pictures for the gallery: made once, kept on disk, remade when the picture changes.

The folder stays below `LIMIT_BYTES`: it is divided by the first byte of the name, and a part that has outgrown its
share loses what was looked at longest ago. Names are hashes, so the parts grow alike and no one needs to list all.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.home import cache_dir

SIDE = 192
LIMIT_BYTES = 512 * 2**20
PARTS = 256
# One in so many new thumbnails looks whether its part has outgrown its share, and makes that much room.
CHECK_EVERY, ROOM = 8, 0.1
# An access is noted at most this often, so that browsing reads and hardly ever writes.
NOTE_EVERY_S = 3600.0


def thumbnail(source: Path | bytes, side: int = SIDE, rendering: Rendering = PLAIN) -> bytes:
    """Return a JPEG of at most `side` x `side` px; for a picture that cannot be decoded, a grey one with a cross.

    A file is known by its path, size and time, bytes by what they are.
    """
    try:
        digest = hashlib.sha256(_identity(source) + f"|{side}{rendering.key}".encode()).hexdigest()
    except OSError:
        return _broken(side)
    cached = cache_dir() / "thumbnails" / digest[:2] / f"{digest[2:32]}.jpg"
    with suppress(OSError):
        data = cached.read_bytes()
        _note_access(cached)
        return data
    try:
        data = jpeg(small_copy(source, side, rendering))
    except DataError:
        return _broken(side)
    with suppress(OSError):  # a full or read-only disk: the picture is shown all the same
        cached.parent.mkdir(parents=True, exist_ok=True)
        with replacing(cached) as temporary:
            temporary.write_bytes(data)
        if int(digest[-4:], 16) % CHECK_EVERY == 0:
            _trim(cached.parent, LIMIT_BYTES // PARTS)
    return data


def _identity(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return hashlib.sha256(source).digest()
    status = source.stat()
    return os.fsencode(f"{source.resolve()}|{status.st_size}|{status.st_mtime_ns}")


def small_copy(source: Path | bytes, side: int, rendering: Rendering = PLAIN) -> Image.Image:
    """The picture in RGB, upright, at most `side` x `side` px.

    Raises:
        DataError: as `read_picture`.
    """
    # Twice the pixels that are needed leave the filter enough to work on.
    image = read_picture(source, at_least=2 * side, rendering=rendering).image
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


def _note_access(cached: Path) -> None:
    """Set the time of change, because most systems are mounted so that reading leaves no trace."""
    with suppress(OSError):  # another process has just removed it
        if time.time() - cached.stat().st_mtime > NOTE_EVERY_S:
            os.utime(cached)


def _trim(part: Path, limit: int) -> None:
    """Remove the thumbnails that were looked at longest ago until the part is well below its limit."""
    found = []
    with os.scandir(part) as entries:
        for entry in entries:
            try:
                status = entry.stat()
            except FileNotFoundError:  # removed by another process that trims
                continue
            found.append((status.st_mtime_ns, status.st_size, entry.path))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, path in sorted(found):
        Path(path).unlink(missing_ok=True)
        total -= size
        if total <= limit * (1 - ROOM):
            return


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """The picture as the bytes of a JPEG file."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _broken(side: int) -> bytes:
    image = Image.new("RGB", (side, side), "#8a94a0")
    pen = ImageDraw.Draw(image)
    pen.line((side * 0.3, side * 0.3, side * 0.7, side * 0.7), fill="white", width=6)
    pen.line((side * 0.7, side * 0.3, side * 0.3, side * 0.7), fill="white", width=6)
    return jpeg(image)
