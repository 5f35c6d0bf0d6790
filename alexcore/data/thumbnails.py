"""Small copies of pictures for the gallery: made once, kept on disk, remade when the picture changes."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from alexcore.data.images import read_picture
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.home import cache_dir

SIDE = 192


def thumbnail(path: Path, side: int = SIDE) -> bytes:
    """Return a JPEG of at most `side` x `side` px; for a picture that cannot be decoded, a grey one with a cross."""
    try:
        status = path.stat()
        identity = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{side}"
    except OSError:
        return _broken(side)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    cached = cache_dir() / "thumbnails" / digest[:2] / f"{digest[2:32]}.jpg"
    try:
        return cached.read_bytes()
    except OSError:
        pass
    try:
        image = read_picture(path).image
    except DataError:
        return _broken(side)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = _jpeg(image)
    cached.parent.mkdir(parents=True, exist_ok=True)
    with replacing(cached) as temporary:
        temporary.write_bytes(data)
    return data


def _jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _broken(side: int) -> bytes:
    image = Image.new("RGB", (side, side), "#8a94a0")
    pen = ImageDraw.Draw(image)
    pen.line((side * 0.3, side * 0.3, side * 0.7, side * 0.7), fill="white", width=6)
    pen.line((side * 0.7, side * 0.3, side * 0.3, side * 0.7), fill="white", width=6)
    return _jpeg(image)
