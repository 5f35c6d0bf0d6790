"""Decoded pictures on the disk: what a JPEG holds, as bytes, so that each later epoch need not decode it again.

Any number of processes write, each into two files of its own: `*.pixels` with the bytes of one picture after another,
and `*.entries` with a line of fixed length for each, written after its pixels. A picture is known by path, size and
time, so one that has changed is decoded again. Everything here is a cache: whoever deletes it loses nothing but time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import struct
import uuid
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.home import cache_dir
from alexcore.system import open_file

MIB = 2**20
# Left free on the disk, for checkpoints.
SPARE_BYTES = 2 * 2**30
# Key, place of the first byte, height, width.
_ENTRY = struct.Struct("<16sQII")


class _File:
    """A file of bytes, closed when nobody holds it any longer, in whatever order the garbage collector meets it."""

    def __init__(self, path: Path, flags: int) -> None:
        self._descriptor = -1
        self._descriptor = open_file(path, flags)

    def read(self, offset: int, size: int) -> bytes:
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        return os.read(self._descriptor, size)

    def append(self, data: bytes) -> None:
        if os.write(self._descriptor, data) != len(data):
            raise OSError("the disk is full")

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


class _Place(NamedTuple):
    file: _File
    offset: int
    height: int
    width: int


class DecodedPictures:
    """Reads pictures through the cache, and fills it up to a budget of disk space; 0 switches it off."""

    def __init__(self, budget_mib: int, folder: Path | None = None, rendering: Rendering = PLAIN) -> None:
        self.folder = folder or cache_dir() / "decoded"
        self.rendering = rendering
        self.budget = budget_mib * MIB
        if self.budget:
            self._make_room()
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._places: dict[bytes, _Place] = {}
        # For each file of entries: its pixels, and how much of it has been read.
        self._known: dict[Path, tuple[_File, int]] = {}
        # What this process writes: pixels and entries, the pixels to be read, and the path of the entries.
        self._writing: tuple[_File, _File, _File] | None = None
        self._own: Path | None = None
        self._written = 0
        self._full = False

    def __getstate__(self) -> dict[str, object]:
        """A loader process that is started afresh opens files of its own."""
        return {"folder": self.folder, "budget": self.budget, "rendering": self.rendering}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._forget()

    def read(self, path: Path) -> Image.Image:
        """Return the picture as RGB, exactly as `read_picture` decodes it.

        Raises:
            DataError: it cannot be read.
        """
        if not self.budget:
            return read_picture(path, rendering=self.rendering).image
        if self._pid != os.getpid():  # a loader process, forked: the files are its parent's
            self._forget()
        key = _key(path, self.rendering)
        image = self._find(key) if key else None
        if image is None:
            image = read_picture(path, rendering=self.rendering).image
            if key:
                self._keep(key, image)
        return image

    def _find(self, key: bytes) -> Image.Image | None:
        if key not in self._places:
            self._look_again()
        place = self._places.get(key)
        if place is None:
            return None
        try:
            pixels = place.file.read(place.offset, place.height * place.width * 3)
            return Image.frombytes("RGB", (place.width, place.height), pixels)
        except (OSError, ValueError):  # too few bytes: the disk was full, or somebody cut the file
            return None

    def _look_again(self) -> None:
        """Read the entries that have been added since, by whichever process."""
        with contextlib.suppress(OSError):
            for path in self.folder.glob("*.entries"):
                if path == self._own:  # its places are known since they were written
                    continue
                pixels, done = self._known.get(path, (None, 0))
                if path.stat().st_size < done + _ENTRY.size:
                    continue
                pixels = pixels or _File(path.with_suffix(".pixels"), os.O_RDONLY)
                with path.open("rb") as entries:
                    entries.seek(done)
                    block = entries.read()
                whole = len(block) // _ENTRY.size * _ENTRY.size
                for key, offset, height, width in _ENTRY.iter_unpack(block[:whole]):
                    self._places[key] = _Place(pixels, offset, height, width)
                self._known[path] = (pixels, done + whole)

    def _keep(self, key: bytes, image: Image.Image) -> None:
        """Write a picture down, unless the budget is used up or the disk is full: then this process writes no more."""
        if self._full:
            return
        data = image.tobytes()
        try:
            # Asked only now and then, because it looks at all files.
            if self._written % (64 * MIB) < len(data) and not self._room(len(data)):
                self._full = True
                return
            if self._writing is None:
                name, how = self.folder / uuid.uuid4().hex, os.O_WRONLY | os.O_CREAT | os.O_APPEND
                pixels, self._own = _File(name.with_suffix(".pixels"), how), name.with_suffix(".entries")
                again = _File(name.with_suffix(".pixels"), os.O_RDONLY)
                self._writing = pixels, _File(self._own, how), again
            pixels, entries, again = self._writing
            pixels.append(data)
            entries.append(_ENTRY.pack(key, self._written, image.height, image.width))
            self._places[key] = _Place(again, self._written, image.height, image.width)
            self._written += len(data)
        except OSError:
            self._full = True

    def _room(self, size: int) -> bool:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._used() + size <= self.budget and shutil.disk_usage(self.folder).free > SPARE_BYTES

    def _used(self) -> int:
        return sum(file.stat().st_size for file in self.folder.glob("*.pixels"))

    def _make_room(self) -> None:
        """Throw away the oldest files while they take up the whole budget."""
        with contextlib.suppress(OSError):
            files = sorted(self.folder.glob("*.pixels"), key=lambda file: file.stat().st_mtime)
            while files and self._used() >= self.budget:
                oldest = files.pop(0)
                oldest.unlink()
                oldest.with_suffix(".entries").unlink(missing_ok=True)


def _key(path: Path, rendering: Rendering) -> bytes:
    try:
        about = path.stat()
    except OSError:
        return b""
    text = f"{path}|{about.st_size}|{about.st_mtime_ns}{rendering.key}"
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).digest()
