"""Whether what a run has saved is still what was written: a sentence where it is not.

A checkpoint is a zip file as torch writes it, whose directory has the CRC of each of its parts; torch does not look at
them when it reads.
"""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from typing import BinaryIO

# A damaged directory, a field that says what cannot be, a name that is no text, a part that claims to be encrypted.
_BROKEN = (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OverflowError, EOFError)


def begins_as_zip(file: BinaryIO) -> bool:
    """Whether the first bytes are those of a zip file."""
    file.seek(0)
    return file.read(4) == b"PK\3\4"


def damage_in_zip(file: BinaryIO) -> str:
    """What is wrong with a zip file, of which each byte is read once; empty for nothing.

    Reading and zlib leave Python's lock free, so another thread may load the same file meanwhile.

    Raises:
        OSError: the file cannot be read.
    """
    if not begins_as_zip(file):
        return "it does not begin as a file of torch.save does" if file.tell() else "it is empty"
    try:
        with zipfile.ZipFile(file) as archive:
            broken = archive.testzip()
    except (*_BROKEN, zlib.error, struct.error):
        return "its directory is missing or damaged"
    except OSError as error:
        if error.errno != errno.EINVAL:  # else it was asked to go to a place that a damaged directory names
            raise
        return "its directory is damaged"
    return f"its part {broken.partition('/')[2][:60] or broken[:60]!r} is not what was written" if broken else ""
