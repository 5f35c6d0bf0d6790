"""A whole run in one zip file, with the hash of each part and of each picture that it was trained on.

bundle.json      format, run, state, the command to repeat it; size and SHA-256 of every other file
dataset.csv      path, label, split, bytes and SHA-256 of each picture (of shards: of each shard)
MODEL_CARD.md    pipeline.json, if the run has a pipeline of its own
run/...          the run's folder, without its log and its lock
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alexcore import __version__
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded, split_path
from alexcore.data.storage import CHUNK
from alexcore.errors import DataError
from alexcore.export.card import model_card, repeat_command
from alexcore.export.formats import Wish, Written
from alexcore.export.source import Source, open_data
from alexcore.files import read_json
from alexcore.process import NOBODY

FORMAT, VERSION = "alexcore-bundle", 1
CONTENTS, DATASET = "bundle.json", "dataset.csv"
# What belongs to one machine, or is written while the run goes on.
_LEFT_OUT = {"request", "worker.log"}
ENDED = ("stopped", "finished", "failed")


def write_bundle(source: Source, file: Path, wish: Wish) -> Written:
    """Write the bundle of a run; the notes are about what it lacks.

    Raises:
        OSError: the disk refuses.
    """
    notes = [source.unfinished] if source.unfinished else []
    files = _run_files(source.path)
    index: DataIndex | None = None
    try:
        index = open_data(source)
    except DataError as error:
        notes.append(f"The pictures are not in the list of hashes, because the data set cannot be opened: {error}")
    pictures = _picture_files(index) if index else {}
    total = sum(pictures.values())
    for path in files.values():
        with contextlib.suppress(FileNotFoundError):  # the run goes on, and has just deleted it
            total += path.stat().st_size
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        wish.on_progress(min(done, total), total)

    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        parts: dict[str, Any] = {}
        texts = {"MODEL_CARD.md": model_card(source), "run/status.json": _status(source)}
        if not isinstance(source.config.augment, str):
            texts["pipeline.json"] = json.dumps(source.config.augment, indent=1) + "\n"
        if index:
            texts[DATASET] = _dataset(index, pictures, on_bytes)
        for name, text in texts.items():
            parts[name] = _add(archive, name, io.BytesIO(text.encode()), lambda _count: None)
        for name, path in files.items():
            try:
                content = path.open("rb")
            except FileNotFoundError:
                notes.append(f"{ascii(name)[1:-1]} is not in it: the file vanished while the bundle was packed.")
                continue
            with content:
                parts[f"run/{name}"] = _add(archive, f"run/{name}", content, on_bytes)
        contents = {
            "format": FORMAT,
            "version": VERSION,
            "run": source.path.name,
            "state": source.state,
            "alexcore": __version__,
            "command": repeat_command(source),
            "data": source.config.data,
            "files": parts,
        }
        archive.writestr(CONTENTS, json.dumps(contents, indent=1, ensure_ascii=True) + "\n")
    return Written(notes=notes)


def _run_files(folder: Path) -> dict[str, Path]:
    """The files of a run by their path in it; links and hidden files are no part of a run."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_symlink() or not path.is_file() or any(part.startswith(".") for part in name.parts):
            continue
        if name.parts[-1] not in _LEFT_OUT and name.as_posix() != "status.json":
            found[name.as_posix()] = path
    return found


def _status(source: Source) -> str:
    """The run's status as a copy of it has: no process is at the copy, so it is not running."""
    status = read_json(source.path / "status.json") or {}
    state = source.state if source.state in ENDED else "stopped"
    return json.dumps({**status, **NOBODY, "state": state, "phase": ""}, indent=1) + "\n"


def zip_entry(name: str) -> zipfile.ZipInfo:
    """A place in a zip file: dated 1980 each time, where writestr with a name would take the clock's time."""
    info = zipfile.ZipInfo(name)
    # Weights are as good as random: packing them takes seconds and saves a twentieth.
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".pt") else zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _add(archive: zipfile.ZipFile, name: str, file: Any, on_bytes: Callable[[int], None]) -> dict[str, Any]:
    """Pack one file while it is hashed, so that the hash is that of the very bytes in the bundle."""
    digest, size = hashlib.sha256(), 0
    with archive.open(zip_entry(name), "w", force_zip64=True) as packed:
        while block := file.read(CHUNK):
            packed.write(block)
            digest.update(block)
            size += len(block)
            on_bytes(len(block))
    return {"bytes": size, "sha256": digest.hexdigest()}


def _picture_files(index: DataIndex) -> dict[Path, int]:
    """The files that hold the pictures, with their sizes; several pictures share a shard."""
    if is_sharded(index):
        shards = {index.path_of(split_path(path)[0]) for path in index.files["path"]}
        return {shard: shard.stat().st_size for shard in sorted(shards)}
    return {
        index.path_of(path): int(size) for path, size in zip(index.files["path"], index.files["bytes"], strict=True)
    }


def hash_file(path: Path, on_bytes: Callable[[int], None] = lambda _count: None) -> str:
    """The SHA-256 of a file; empty for one that has gone or cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                digest.update(block)
                on_bytes(len(block))
    except OSError:
        return ""
    return digest.hexdigest()


def _dataset(index: DataIndex, pictures: dict[Path, int], on_bytes: Callable[[int], None]) -> str:
    hashes, sharded = {path: hash_file(path, on_bytes) for path in pictures}, is_sharded(index)
    rows = index.files[["path", "label", "split", "bytes"]].assign(
        label=[index.classes[label] for label in index.files["label"]],
        sha256=[hashes[index.path_of(split_path(path)[0] if sharded else path)] for path in index.files["path"]],
    )
    return rows.to_csv(index=False, lineterminator="\n")
