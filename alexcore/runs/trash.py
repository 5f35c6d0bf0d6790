"""The trash of the run store: `.trash/<when>/<id>/` beside `runs/`, below which TensorBoard would find deleted runs.

A deleted run is moved, so that it can come back as it was. Each deletion has a folder of its own: two runs of the same
name do not meet there, and a run keeps its id.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from alexcore.errors import RunError
from alexcore.home import home, runs_dir
from alexcore.run_names import the_only
from alexcore.runs.store import Run, read_run

_STAMP = "%Y%m%d-%H%M%S"
_CHECK_RUNS = "Check the permissions of the folder runs."


@dataclass(frozen=True)
class Trashed:
    """A run in the trash: its id, the name of its place there, when it was deleted, and its size in bytes."""

    id: str
    place: str
    deleted: datetime | None
    bytes: int

    @property
    def path(self) -> Path:
        """The run's folder as it lies in the trash."""
        return trash_dir() / self.place / self.id


def trash_dir() -> Path:
    """Where deleted runs wait."""
    return home() / ".trash"


def disk_use(path: Path) -> int:
    """Bytes of all files below a folder, links not followed; what vanishes meanwhile counts nothing."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                below = entry.is_dir(follow_symlinks=False)
                total += disk_use(Path(entry.path)) if below else entry.stat(follow_symlinks=False).st_size
    return total


def trash_run(run: Run) -> Trashed:
    """Move a run into the trash.

    Raises:
        RunError: it is active, or its folder cannot be moved.
    """
    _require_idle(run.path)
    folder = trash_dir() / f"{time.strftime(_STAMP)}-{secrets.token_hex(3)}"
    try:
        with RunError.from_system(f"The run {run.id} cannot be moved to the trash", _CHECK_RUNS):
            folder.mkdir(parents=True)
            run.path.rename(folder / run.id)
    except RunError:
        _remove_empty(folder)
        raise
    return _read(folder / run.id)


def _require_idle(run_dir: Path) -> None:
    with while_idle(run_dir):
        pass


@contextlib.contextmanager
def while_idle(run_dir: Path) -> Iterator[None]:
    """Keep workers away from a run.

    Raises:
        RunError: there is none, or one is at it, or about to be.
    """
    read_run(run_dir)  # raises where there is none; the lock would make its folder
    lock = FileLock(run_dir / ".lock", timeout=0)
    # A worker holds the lock for as long as it lives, and before it lives the state is `queued`.
    with contextlib.suppress(OSError):  # a folder that cannot be written has no worker
        try:
            lock.acquire()
        except Timeout as error:
            raise RunError(f"A worker is at the run {run_dir.name}.", "Stop it first.") from error
    try:
        status = read_run(run_dir).status
        if status.active:
            raise RunError(f"The run {run_dir.name} is {status.state}.", "Stop it first.")
        yield
    finally:
        lock.release()


def list_trash() -> list[Trashed]:
    """What lies in the trash, the latest deletion first."""
    found = [_read(run) for place in _folders_in(trash_dir()) if place.is_dir() for run in _folders_in(place)]
    return sorted(found, key=lambda each: each.place, reverse=True)


def _folders_in(folder: Path) -> list[Path]:
    """What lies in a folder; nothing if it has gone, because another tab restores or empties."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(run: Path) -> Trashed:
    try:
        deleted = datetime.strptime(run.parent.name[:15], _STAMP)
    except ValueError:  # somebody else's folder
        deleted = None
    return Trashed(run.name, run.parent.name, deleted, 0 if run.is_symlink() else disk_use(run))


def find_trashed(name: str) -> Trashed:
    """The latest deletion of a run, by its id, by the name of its place in the trash, or by its own name.

    Raises:
        RunError: there is none, or several have that name.
    """
    trashed = list_trash()
    for each in trashed:
        if name in (each.id, each.place):
            return each
    latest = {each.id: each for each in reversed(trashed)}
    found = the_only(name, [each.path for each in latest.values()])
    if found:
        return latest[found.name]
    raise RunError(f"There is no run {name[:80]} in the trash.", "`runs trash` lists what is there.")


def restore_run(trashed: Trashed) -> Path:
    """Move a run back into the store; returns its folder, which has another name if its own is taken by now.

    Raises:
        RunError: it has gone from the trash, or cannot be moved.
    """
    target, number = runs_dir() / trashed.id, 2
    while os.path.lexists(target):
        target, number = runs_dir() / f"{trashed.id}-{number}", number + 1
    with RunError.from_system(f"The run {trashed.id} cannot be restored", _CHECK_RUNS):
        try:
            trashed.path.rename(target)
        except FileNotFoundError as error:
            hint = "It was restored in another window, or the trash was emptied."
            raise RunError(f"The run {trashed.id} is no longer in the trash.", hint) from error
    _remove_empty(trash_dir() / trashed.place)
    return target


def empty_trash() -> int:
    """Delete what lies in the trash for good; returns the bytes that were freed.

    Raises:
        RunError: something cannot be deleted.
    """
    freed = 0
    for each in list_trash():
        with RunError.from_system(f"{each.path} cannot be deleted", "Check its permissions."):
            try:
                # A link is taken away; what it points at is not ours.
                if each.path.is_symlink() or each.path.is_file():
                    each.path.unlink()
                else:
                    shutil.rmtree(each.path)
            except FileNotFoundError:
                continue
        freed += each.bytes
        _remove_empty(trash_dir() / each.place)
    return freed


def keep_only_best(run: Run) -> int:
    """Delete all checkpoints of a run but the best one; returns the bytes that were freed. It cannot be resumed then.

    Raises:
        RunError: it is active or has no best checkpoint, or a file cannot be deleted.
    """
    _require_idle(run.path)
    folder = run.path / "checkpoints"
    if not (folder / "best.pt").is_file():
        raise RunError(f"The run {run.id} has no best checkpoint.", "Without a validation there is only the last one.")
    freed = 0
    for file in sorted(folder.iterdir()):
        if file.name == "best.pt" or not file.is_file():
            continue
        with RunError.from_system(f"{file} cannot be deleted", "Check its permissions."):
            size = file.lstat().st_size
            file.unlink()
            freed += size
    return freed


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not empty, or gone
        folder.rmdir()
