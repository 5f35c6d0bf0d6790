"""Bring a run back from a bundle. What the file says is a stranger's claim until it is checked."""

from __future__ import annotations

import csv
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from alexcore.config import load_config
from alexcore.data.archives.archive import unpack
from alexcore.data.archives.archive_rules import Limits
from alexcore.data.reading import AS_IT_LIES, CHOICES, FolderChoice
from alexcore.data.shards import is_sharded, split_path
from alexcore.data.sources import open_source
from alexcore.errors import AlexError, ConfigError, DataError, RunError
from alexcore.export.bundle import CONTENTS, DATASET, ENDED, FORMAT, VERSION, hash_file
from alexcore.files import read_json, write_json
from alexcore.integrity import write_checked
from alexcore.process import NOBODY

_ASK_AGAIN = "Ask for the bundle again, or export it again."
_MUST_HAVE = ("run/config.json", "run/class_indices.json", "run/status.json")
_LONGEST_NAME = 120
_MOST_CONTENTS = 50_000_000
# zipfile and its decoders report damage in all of these ways.
_DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, LookupError, RuntimeError, EOFError)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """A run that was brought back: its folder, and sentences about it."""

    path: Path
    notes: list[str]


def import_bundle(
    file: Path,
    runs: Path,
    on_progress: Progress,
    *,
    name: str = "",
    data: str = "",
    val: str = "",
    called: str = "",
    limits: Limits | None = None,
) -> Imported:
    """Unpack a bundle into the folder `runs`, if every hash is right; the run is called `name`, or as it was.

    Its data set lies at `data` on this machine, and at `val` if its validation pictures are one of their own; they are
    compared with the bundle's list. `on_progress` is called with (bytes done, bytes in all). `called` is what sentences
    call the file, and `limits` are what it may grow to.

    Raises:
        RunError: the file is no bundle, damaged, changed or unsafe; or there is a run of this name.
        DataError: `data` or `val` cannot be opened, or `val` is given without `data`.
    """
    if val and not data:
        raise DataError("--val is given without --data.", "Add --data PATH with the training pictures.")
    called = called or str(file)
    index = open_source(data, val, choice=_packed_choice(file)) if data else None
    target = runs / name_in(file, called, name)
    with RunError.from_system(f"The run cannot be written into {runs}", "Free some disk space."):
        _require_absent(target)  # before the work, not after it
        runs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=runs) as workplace:
            folder = _unpacked(file, Path(workplace) / "bundle", on_progress, called, limits)
            contents = _checked_contents(called, folder)
            notes = _prepare(called, folder, contents, str(index.origin) if index else "", val)
            if index is not None:
                notes += _compared(folder / DATASET, index)
            _require_absent(target)  # another import may have been faster
            (folder / "run").rename(target)
    return Imported(target, notes)


def name_in(file: Path | IO[bytes], called: str, name: str = "") -> str:
    """What the run of a bundle will be called here: `name`, or as it was.

    Raises:
        RunError: the file is no bundle, or the name cannot be that of a run.
    """
    packed = _peeked(file, called).get("run")
    return _run_name(name or (packed if isinstance(packed, str) else ""))


def _require_absent(target: Path) -> None:
    if target.exists():
        raise RunError(f"There is a run {target.name} already.", "Delete or rename it, or import with --name OTHER.")


def _packed_choice(file: Path) -> FolderChoice:
    """How the run has read its data set, by its unchecked config.json; as it lies, if that says nothing."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open("run/config.json") as packed:
            values = json.loads(packed.read(_MOST_CONTENTS))
        # A run from before these two were asked has read all that lies there; its folders on the other machine mean
        # nothing here.
        values = {"pairs": "both", "untrained": "keep", **values, "test": "", "root": ""}
        return FolderChoice(
            **{name: values[name] for name in CHOICES if isinstance(values.get(name), str)},
        )
    except (OSError, *_DAMAGE, RecursionError, AttributeError, TypeError, ConfigError):  # told when it is unpacked
        return AS_IT_LIES


def _peeked(file: Path | IO[bytes], called: str) -> dict[str, Any]:
    """What bundle.json says, read before anything is unpacked; nothing of it is checked yet."""
    try:
        with zipfile.ZipFile(file) as archive:
            if CONTENTS in archive.namelist():
                with archive.open(CONTENTS) as packed:
                    text = packed.read(_MOST_CONTENTS)
                contents = json.loads(text)
                return contents if isinstance(contents, dict) else {}
    except OSError as error:
        raise RunError(f"{called} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except (*_DAMAGE, RecursionError) as error:
        raise RunError(f"{called} is no zip file, or a damaged one ({error}).", _ASK_AGAIN) from error
    raise RunError(
        f"{called} is a zip file, but no bundle of a run, or was cut short: it lacks {CONTENTS}.",
        "Make one with `export RUN_DIR --to FILE --format bundle`. Pictures are unpacked with `data unpack`.",
    )


def _unpacked(file: Path, folder: Path, on_progress: Progress, called: str, limits: Limits | None) -> Path:
    try:
        return unpack(file, folder, limits, on_progress, name=Path(called).name)
    except DataError as error:  # its hints are about pictures
        raise RunError(f"The bundle cannot be unpacked. {error.message}", _ASK_AGAIN) from error


def _checked_contents(called: str, folder: Path) -> dict[str, Any]:
    """Compare what was unpacked with what bundle.json says: the same files, sizes and hashes."""
    contents = read_json(folder / CONTENTS)
    if contents is None or contents.get("format") != FORMAT or not isinstance(contents.get("files"), dict):
        raise RunError(f"{called}: {CONTENTS} is not what a bundle has.", _ASK_AGAIN)
    if not isinstance(contents.get("version"), int) or contents["version"] > VERSION:
        raise RunError(
            f"{called} has version {contents.get('version')}; this program reads up to {VERSION}.", "Update it."
        )
    listed = contents["files"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {CONTENTS}
    for what, names in (("lacks", set(listed) - found), ("holds what its list does not name:", found - set(listed))):
        if names:
            raise RunError(f"{called} {what} {ascii(min(names))[1:121]}.", _ASK_AGAIN)
    missing = [name for name in _MUST_HAVE if name not in listed]
    if missing:
        raise RunError(f"{called} holds no whole run: it lacks {', '.join(missing)}.", _ASK_AGAIN)
    for name, facts in listed.items():
        promised = facts.get("sha256") if isinstance(facts, dict) else None
        actual = hash_file(folder / PurePosixPath(name))
        if actual != promised:
            raise RunError(
                f"{called}: {ascii(name)[1:-1]} is not what was packed: its SHA-256 is {actual[:16]}..., and "
                f"{str(promised)[:16]}... was written down.",
                "The file was damaged or changed on its way. " + _ASK_AGAIN,
            )
    return contents


def _run_name(name: str) -> str:
    """A name that can only be a folder among the runs."""
    plain = bool(name) and name == PurePosixPath(name).name and not name.startswith(".") and len(name) <= _LONGEST_NAME
    if not plain or any(mark in name for mark in '\\:*?"<>|') or not name.isprintable():
        raise RunError(
            f"{name[:80]!r} cannot be the name of a run: it would not be a folder among the others.",
            "Give one with --name, of letters, digits, dots and dashes.",
        )
    return name


def _prepare(called: str, folder: Path, contents: dict[str, Any], data: str, val: str) -> list[str]:
    """Check the parts of the run itself, and point it to its data set here."""
    run = folder / "run"
    try:
        config = load_config(run / "config.json")
    except AlexError as error:
        raise RunError(f"{called} holds a configuration that is not valid: {error.message}", _ASK_AGAIN) from error
    # A process of this machine may have the number that the run's had on another.
    status = read_json(run / "status.json") or {}
    # No worker is at a copy, whatever its status claims, so the next heartbeat will not come.
    state = status.get("state") if status.get("state") in ENDED else "stopped"
    nobody = {**NOBODY, "agent_pid": None, "agent_started": None, "agent_ticks": None}
    write_json(run / "status.json", {**status, **nobody, "state": state, "heartbeat": 0.0, "phase": ""})
    notes = []
    if not any((run / "checkpoints" / name).is_file() for name in ("best.pt", "last.pt")):
        notes.append("It has no checkpoint, so it can be looked at, not used.")
    if data:
        write_checked(
            run / "config.json",
            {
                **config.model_dump(),
                **{"data": data, "val": val and str(Path(val).expanduser().absolute()), "test": "", "root": ""},
            },
        )
    else:
        where = str(contents.get("data") or config.data)
        notes.append(
            f"It can predict at once. To resume it, its data set has to lie at {where[:200]}; import with --data PATH "
            "if it lies elsewhere."
        )
    return notes


def _compared(listing: Path, index: Any) -> list[str]:
    """How many pictures of a data set are those that the run had."""
    if not listing.is_file():
        return ["The bundle has no list of pictures, so nobody knows whether the data set is the run's."]
    with listing.open(encoding="utf-8", newline="") as file:
        rows = [(row.get("path") or "", row.get("sha256") or "") for row in csv.DictReader(file)]
    known = set(index.files["path"])
    sharded = is_sharded(index)
    hashes: dict[Path, str] = {}
    same = 0
    for path, promised in rows:
        if path not in known:  # also keeps a path of the bundle from naming any file of this machine
            continue
        place = index.path_of(split_path(path)[0] if sharded else path)
        if place not in hashes:
            hashes[place] = hash_file(place)
        same += hashes[place] == promised != ""
    if same == len(rows) == len(known):
        return [f"All {same:,} pictures of the data set are the run's, by their hashes."]
    return [
        f"{same:,} of the run's {len(rows):,} pictures are in the data set with the same content, which has "
        f"{len(known):,}: resumed here, it is not quite the same run."
    ]
