"""The figures of all runs for lists: read once, then only of those runs whose files have changed.

A run is known by name, size, time and number of each of its files, so a thousand runs cost two thousand small
directory listings and nothing else. What was read of runs that have ended is also kept in the cache on disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alexcore import __version__
from alexcore.config import FIELDS
from alexcore.errors import RunError
from alexcore.files import read_json, replacing
from alexcore.home import cache_dir, runs_dir
from alexcore.run_names import run_folders
from alexcore.runs.about import read_about
from alexcore.runs.digest import Digest
from alexcore.runs.disk import spare_bytes
from alexcore.runs.kinds import BY_TITLE, TRAINING, Kind
from alexcore.runs.status import ENDED, Status, read_status
from alexcore.runs.store import Run, checkpoints, read_run
from alexcore.runs.trash import disk_use
from alexcore.words.experiment import arms_in_words

# What a table has columns for; the other settings that differ from their defaults are listed as words.
COLUMNS = ("data", "variant", "norm", "epochs", "batch_size", "lr", "image_size", "seed")
# What the cache on disk was made by. A run that was broken for one setting more may be readable to a later version.
_MADE_BY: dict[str, Any] = {"version": f"{__version__}-5", "fields": sorted(FIELDS)}

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Summary:
    """One run in a list. Accuracies are 0 to 1, times in seconds, sizes in bytes; None is not known (yet).

    Of an experiment `arms` has the accuracy of each of its networks, and there is no `val_acc1`: of which?
    """

    id: str
    status: Status
    problem: str = ""
    kind: Kind = TRAINING
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    started: float | None = None
    val_acc1: float | None = None
    best_val_acc1: float | None = None
    arms: dict[str, float | None] = field(default_factory=dict)
    skipped: int = 0
    outcome: dict[str, Any] | None = None
    went_back: dict[str, Any] | None = None
    images_per_s: float | None = None
    seconds: float | None = None
    duration_s: float | None = None
    open_since: float | None = None
    bytes: int = 0
    best_bytes: int | None = None
    last_bytes: int | None = None
    spare_bytes: int = 0
    changed: float = 0.0

    @property
    def path(self) -> Path:
        """The run's folder."""
        return runs_dir() / self.id

    @property
    def title(self) -> str:
        """What a person calls it: its name, else its id."""
        return self.name or self.id

    @property
    def in_words(self) -> str:
        """What it has come to, such as "best validation accuracy 92.0%" or "3 arms: 67 / 87 / 51 %", if anything."""
        if self.kind.arms:
            return arms_in_words(self.arms)
        best = self.best_val_acc1
        lost = f", {self.skipped:,} unreadable skipped" if self.skipped else ""
        return "" if best is None else f"best validation accuracy {best:.1%}{lost}"

    @property
    def data(self) -> str:
        """The data set as lists show it: its name in `data/`, else the end of its path."""
        return Path(str(self.settings.get("data") or "")).name

    @property
    def worked_s(self) -> float | None:
        """Seconds of work so far; of a run that goes on, up to its last sign of life."""
        if self.open_since is None:
            return self.duration_s
        return (self.duration_s or 0.0) + max(0.0, self.status.heartbeat - self.open_since)

    @property
    def other_settings(self) -> dict[str, Any]:
        """What differs from the defaults and has no column of its own."""
        return {
            name: value
            for name, value in self.settings.items()
            if name not in COLUMNS and name in FIELDS and value != FIELDS[name].default
        }

    def figures(self, run_dir: Path) -> dict[str, Any]:
        """What `train --json` prints of a run in this folder, which need not be in the store."""
        return {
            "run": str(run_dir),
            "status": self.status.state,
            "epochs": self.status.epoch,
            "steps": self.status.step,
            "val_acc1": self.val_acc1,
            "best_val_acc1": self.best_val_acc1,
            "images_per_s": self.images_per_s,
            "seconds": self.seconds,
            **({"outcome": self.outcome} if self.outcome else {}),
            **({"went_back": self.went_back} if self.went_back else {}),
            **({"skipped_images": self.skipped} if self.skipped else {}),
            **({"arms": self.arms} if self.kind.arms else {}),
        }

    def as_json(self) -> dict[str, Any]:
        """What `runs list --json` prints: its figures, then what only lists show."""
        return {
            **self.figures(self.path),
            "id": self.id,
            "kind": self.kind.title,
            "name": self.name,
            "tags": list(self.tags),
            "note": self.note,
            "data": self.settings.get("data"),
            "variant": self.settings.get("variant"),
            "norm": self.settings.get("norm"),
            "started": self.started,
            "duration_s": self.worked_s,
            "bytes": self.bytes,
            "spare_bytes": self.spare_bytes,
            "problem": self.problem or None,
        }


@dataclass
class _Known:
    signature: Signature
    summary: Summary
    digest: Digest | None = None


_known: dict[str, _Known] = {}
_of: str | None = None
_lock = threading.Lock()


def summaries() -> list[Summary]:
    """All runs of the store, the newest first; those that cannot be read have their `problem`."""
    global _of
    with _lock:
        if _of != str(runs_dir()):
            _known.clear()
            _known.update(_load())
            _of = str(runs_dir())
        # Memory also drops runs that have gone; the file is written anew when a run has ended or gone.
        present, renew = set(), False
        for folder in run_folders():
            signature = _signature(folder)
            if signature is None:
                continue
            present.add(folder.name)
            known = _known.get(folder.name)
            if known is None or known.signature != signature:
                with contextlib.suppress(RunError):  # deleted since the folder was listed
                    _known[folder.name] = known = _read(folder, signature, known.digest if known else None)
                    renew |= known.summary.status.state in ENDED
            if known is not None and known.summary.status.state not in ENDED:
                # Lost or not is a matter of processes and of the clock, not of files.
                known.summary = replace(known.summary, status=read_status(folder))
        gone = _known.keys() - present
        for name in gone:
            del _known[name]
        if renew or gone:
            _save()
        found = [known.summary for known in _known.values()]
        return sorted(found, key=lambda each: (each.started or 0.0, each.id), reverse=True)


def summary_of(run_id: str) -> Summary:
    """One run of the list.

    Raises:
        RunError: there is none of this id.
    """
    for each in summaries():
        if each.id == run_id:
            return each
    raise RunError(f"There is no run {run_id[:80]}.", "It may have been deleted; choose another one.")


def active_runs() -> list[Summary]:
    """The runs that a worker is at, or about to be."""
    return [each for each in summaries() if each.status.active]


def forget() -> None:
    """Empty the memory, as a new process would find it; what is on disk stays."""
    global _of
    with _lock:
        _known.clear()
        _of = None


def matching(found: Sequence[Summary], text: str) -> list[Summary]:
    """The runs in which every word of a text occurs: in name, id, tags, note, data, state or a setting ("lr=0.01")."""
    words = text.casefold().split()
    return [each for each in found if all(word in _text_of(each) for word in words)] if words else list(found)


def _text_of(summary: Summary) -> str:
    settings = " ".join(f"{name}={_short(value)}" for name, value in summary.settings.items())
    parts = (summary.id, summary.name, *summary.tags, summary.note, summary.status.state, summary.kind.title, settings)
    return " ".join(parts).casefold()


def _short(value: Any) -> str:
    return " ".join(str(each.get("op")) for each in value) if isinstance(value, list) else str(value)


def _signature(folder: Path) -> Signature | None:
    """Name, time, size and number of each file of a run and of its checkpoints, its arms' too; None if it has gone."""
    try:
        found = [*_files_in(folder), *_files_in(folder / "checkpoints")]
        for arm in folder.glob("arms/*/checkpoints"):
            found += _files_in(arm)
    except OSError:  # it cannot be listed, which is a problem that its row tells
        found = []
    return tuple(sorted(found)) if found or folder.is_dir() else None


def _files_in(folder: Path) -> list[tuple[str, int, int, int]]:
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):  # locks, and what is being written
                continue
            stat = entry.stat(follow_symlinks=False)
            found.append((entry.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return found


def _read(folder: Path, signature: Signature, digest: Digest | None) -> _Known:
    run, digest = read_run(folder), digest or Digest(folder / "events.jsonl")
    return _Known(signature, summarised(run, digest), digest if run.status.state not in ENDED else None)


def summarised(run: Run, digest: Digest | None = None) -> Summary:
    """One run as a list shows it; a `digest` that has read of it before reads only what is new."""
    digest = digest or Digest(run.path / "events.jsonl")
    digest.refresh()
    about, written = read_about(run.path), run.started
    best, last = map(_stat, checkpoints(run.path))
    changes = [_stat(run.path / name) for name in ("status.json", "events.jsonl", "config.json")]
    return Summary(
        id=run.id,
        status=run.status,
        problem=run.problem,
        kind=run.kind,
        name=about.name,
        tags=about.tags,
        note=about.note,
        settings=run.config.model_dump(mode="json") if run.config else {},
        # A resume may write config.json again, so the first event knows better.
        started=digest.began or (written.timestamp() if written else None),
        val_acc1=digest.last,
        best_val_acc1=digest.best,
        arms=digest.arm_val_acc1,
        skipped=digest.skipped,
        outcome=digest.outcome,
        went_back=digest.went_back,
        images_per_s=digest.images_per_s,
        seconds=digest.seconds,
        duration_s=digest.duration_s or None,
        open_since=digest.open_since,
        bytes=disk_use(run.path),
        best_bytes=best.st_size if best else None,
        last_bytes=last.st_size if last else None,
        spare_bytes=spare_bytes(run),
        changed=max((each.st_mtime for each in changes if each), default=0.0),
    )


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


# On disk ------------------------------------------------------------------------------------------------------


def _file() -> Path:
    return cache_dir() / "runs-index.json"


def _save() -> None:
    """Keep what is known of runs that have ended; the others change too fast. Failing costs time only."""
    rows: dict[str, dict[str, Any]] = {
        name: {"signature": known.signature, "summary": _plain(known.summary)}
        for name, known in _known.items()
        if known.summary.status.state in ENDED
    }
    text = json.dumps({**_MADE_BY, "written": time.time(), "runs": rows})
    with contextlib.suppress(OSError, ValueError):  # the latter: a name that is no text
        _file().parent.mkdir(parents=True, exist_ok=True)
        with replacing(_file()) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _plain(summary: Summary) -> dict[str, Any]:
    return {**vars(summary), "status": vars(summary.status), "kind": summary.kind.title}


def _load() -> dict[str, _Known]:
    raw = read_json(_file()) or {}
    if any(raw.get(name) != value for name, value in _MADE_BY.items()):
        return {}
    found: dict[str, _Known] = {}
    rows = raw.get("runs")
    damaged = (KeyError, TypeError, ValueError, AttributeError, OverflowError)  # or another version's
    for name, row in rows.items() if isinstance(rows, dict) else ():
        with contextlib.suppress(*damaged):
            values = {**row["summary"], "status": Status(**row["summary"]["status"])}
            values |= {"tags": tuple(values["tags"]), "kind": BY_TITLE[values["kind"]]}
            signature = tuple((str(n), int(t), int(s), int(i)) for n, t, s, i in row["signature"])
            found[name] = _Known(signature, Summary(**values))
    return found
