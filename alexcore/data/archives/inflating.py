"""Decompression whose memory is bounded whatever the data claim, for the methods that Python's readers do not bound.

zipfile and tarfile hand a block of bzip2, LZMA or Zstandard to the decompressor as a whole; 4 kB of it can become
gigabytes. Here each call asks for so many bytes and gets no more.
"""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import IO, Protocol

import zstandard

from alexcore.data.storage import CHUNK

# More than any usual setting needs: xz -9 has 64 MB.
_MEMORY = 256 << 20
DAMAGE = (lzma.LZMAError, zstandard.ZstdError)


class _Engine(Protocol):
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class _Inflated(io.RawIOBase):
    """What streams of one kind, one behind the other, inflate to."""

    def __init__(self, file: IO[bytes], make: Callable[[], _Engine], whole: bool) -> None:
        self._file, self._make, self._whole = file, make, whole
        self._engine: _Engine | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            data = b""
            if self._engine is None or self._engine.eof:
                # Between two streams there may be zeros.
                data = self._engine.unused_data.lstrip(b"\0") if self._engine else b""
                while not data:
                    block = self._file.read(CHUNK)
                    if not block:
                        return 0
                    data = block.lstrip(b"\0") if self._engine else block
                self._engine = self._make()
            elif self._engine.needs_input:
                data = self._file.read(CHUNK)
                if not data:
                    if self._whole:
                        raise EOFError("it breaks off")
                    return 0
            try:
                found = self._engine.decompress(data, len(buffer))
            except OSError as error:  # of bzip2; nothing is wrong with the disk
                raise ValueError(str(error)) from error
            if found:
                buffer[: len(found)] = found
                return len(found)


def _lzma_engine() -> _Engine:
    return lzma.LZMADecompressor(memlimit=_MEMORY)


def _zstd(file: IO[bytes]) -> IO[bytes]:
    reader = zstandard.ZstdDecompressor(max_window_size=_MEMORY).stream_reader(file, read_across_frames=True)
    return io.BufferedReader(reader)


def inflated(file: IO[bytes], kind: str) -> IO[bytes]:
    """What a file of the kind "bz2", "xz" or "zst" holds."""
    if kind == "zst":
        return _zstd(file)
    return io.BufferedReader(_Inflated(file, bz2.BZ2Decompressor if kind == "bz2" else _lzma_engine, whole=True), CHUNK)


def inflated_entry(file: IO[bytes], method: int) -> IO[bytes]:
    """What the compressed bytes of a zip entry hold; `method` is one of `ENTRY_METHODS`."""
    if method in (20, 93):
        return _zstd(file)
    makers: dict[int, Callable[[], _Engine]] = {12: bz2.BZ2Decompressor, 95: _lzma_engine}
    make = makers.get(method) or _lzma_of_zip(file)
    return io.BufferedReader(_Inflated(file, make, whole=False), CHUNK)


ENTRY_METHODS = frozenset({12, 14, 20, 93, 95})


def _lzma_of_zip(file: IO[bytes]) -> Callable[[], _Engine]:
    """Read the head that LZMA has in a zip file: a version, then the settings in five bytes."""
    head = file.read(9)
    if len(head) < 9 or struct.unpack_from("<H", head, 2)[0] != 5:
        raise ValueError("a head of LZMA that is not known")
    packed, window = struct.unpack_from("<BI", head, 4)
    if window > _MEMORY:
        raise ValueError("LZMA with a window of more than 256 MB")
    rest, lc = divmod(packed, 9)
    pb, lp = divmod(rest, 5)
    settings = {"id": lzma.FILTER_LZMA1, "dict_size": window, "lc": lc, "lp": lp, "pb": pb}
    return lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[settings])


class Verified(io.RawIOBase):
    """A stream whose checksum is compared when it ends."""

    def __init__(self, stream: IO[bytes], checksum: int) -> None:
        self._stream, self._checksum, self._found = stream, checksum, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read on; at the end a ValueError, if the checksum is not the one that was announced."""
        block = self._stream.read(len(buffer))
        self._found = zlib.crc32(block, self._found)
        if not block and self._found != self._checksum:
            raise ValueError("its checksum is wrong")
        buffer[: len(block)] = block
        return len(block)
