"""Where an export goes: never over another file unasked, whole or not at all, and in words if the disk is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alexcore.errors import RunError
from alexcore.files import replacing


def require_free(target: Path, force: bool = False) -> None:
    """Refuse a place that an export must not or cannot go to.

    Raises:
        RunError: the file exists and `force` is off, it is a folder, or its folder is missing.
    """
    try:
        if target.is_dir():
            raise RunError(f"{target} is a folder.", "Give the name of the file to write.")
        if target.exists() and not force:
            raise RunError(f"{target} exists.", "Choose another name, or add --force to overwrite it.")
        if not target.parent.is_dir():
            raise RunError(f"There is no folder {target.parent}.", "Make it first, or choose another one.")
    except OSError as error:  # a name longer than the file system allows, a link to itself
        raise RunError(f"{str(target)[:200]} cannot be written: {error.strerror}.", "Choose another name.") from error


@contextmanager
def writing(target: Path, force: bool = False) -> Iterator[Path]:
    """Yield a temporary file beside `target`, which takes its place if all goes well.

    Raises:
        RunError: as `require_free`, or the disk is full or read-only; an older file is untouched then.
    """
    require_free(target, force)
    try:
        with replacing(target, durable=True) as temporary:
            yield temporary
    except OSError as error:
        raise RunError(
            f"{target} cannot be written: {error.strerror or error}.",
            "Free some disk space, or choose a folder that you may write to.",
        ) from error


def write_bytes(target: Path, data: bytes, force: bool = False) -> None:
    """Write a whole file. Raises as `writing`."""
    with writing(target, force) as temporary:
        temporary.write_bytes(data)
