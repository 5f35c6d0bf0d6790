"""One export, from the format's name to the file: what the command line and the page's background job both call.

A file is never written over another one unasked, whole or not at all, and a full disk is said in words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alexcore.errors import RunError
from alexcore.export.formats import Wish, require_format
from alexcore.export.source import Source
from alexcore.files import replacing


def require_free(target: Path, force: bool = False) -> None:
    """Refuse a place that an export must not or cannot go to.

    Raises:
        RunError: the file exists and `force` is off, it is a folder, or its folder is missing.
    """
    # Such as a name longer than the file system allows, or a link to itself.
    with RunError.from_system(f"{str(target)[:200]} cannot be written", "Choose another name."):
        if target.is_dir():
            raise RunError(f"{target} is a folder.", "Give the name of the file to write.")
        if target.exists() and not force:
            raise RunError(f"{target} exists.", "Choose another name, or add --force to overwrite it.")
        if not target.parent.is_dir():
            raise RunError(f"There is no folder {target.parent}.", "Make it first, or choose another one.")


@contextmanager
def _writing(target: Path, force: bool) -> Iterator[Path]:
    """Yield a temporary file beside `target`, which takes its place if all goes well; an older one stays otherwise."""
    require_free(target, force)
    hint = "Free some disk space, or choose a folder that you may write to."
    with RunError.from_system(f"{target} cannot be written", hint), replacing(target, durable=True) as temporary:
        yield temporary


def write_bytes(target: Path, data: bytes, force: bool = False) -> None:
    """Write a whole file.

    Raises:
        RunError: as `require_free`, or the disk is full or read-only; an older file is untouched then.
    """
    with _writing(target, force) as temporary:
        temporary.write_bytes(data)


def write_export(source: Source, name: str, target: Path, wish: Wish, force: bool = False) -> dict[str, Any]:
    """Write a run in one of `formats.FORMATS`; `target` is never overwritten unless `force`.

    Returns:
        file, format, bytes, sha256, difference (of a graph, largest of what was compared) and notes, as plain data.

    Raises:
        AlexError: the run, the format or the place cannot be used; nothing is written then.
    """
    form = require_format(name)
    with _writing(target, force) as temporary:
        written = form.write(source, temporary, wish)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "file": str(target),
        "format": name,
        "run": str(source.path),
        "checkpoint": source.checkpoint.name,
        "bytes": target.stat().st_size,
        "sha256": digest,
        "difference": written.difference,
        "notes": list(dict.fromkeys(filter(None, [source.unfinished, *source.edited, *written.notes]))),
    }
