"""Open WebDataset shards: a folder of tar archives that `pack` wrote, or anybody else's by a brace pattern.

    open_shards("data/packed")                              the folder with its dataset.json
    open_shards("elsewhere/{train,val}-{000..009}.tar")     shards without one: numbers are the class names

In the table a picture is called SHARD.tar!MEMBER, and `offset` says where in the shard its bytes are.
"""

from __future__ import annotations

import glob
import math
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from braceexpand import braceexpand

from alexcore.data.index import SPLITS, DataIndex, by_split_and_class
from alexcore.data.layout_words import split_in_words
from alexcore.data.split import VAL_SHARE, split_by_class
from alexcore.data.tar_index import HOW_TO_WRITE, Contents, read_contents
from alexcore.errors import DataError
from alexcore.files import read_json
from alexcore.findings import data as findings
from alexcore.findings.finding import Finding, errors_first
from alexcore.findings.untrained import UntrainedClasses

KIND = "shards"
RECORD, MAPPING = "dataset.json", "class_indices.json"
SHARD_COLUMNS = ["path", "split", "label", "bytes", "mtime_ns", "offset"]
_MOST_SHARDS = _MOST_CLASSES = 100_000
_NAME_THEM = "Name shards after their split: train-000000.tar, val-000000.tar."


@dataclass(frozen=True)
class _Shard:
    path: Path
    split: str
    images: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class _Found:
    """The shards of one source. `split` of a shard is "" where nothing names it."""

    root: Path
    shards: tuple[_Shard, ...]
    classes: tuple[str, ...] | None
    mapping_file: str


def is_shard_source(data: str | Path) -> bool:
    """Whether `data` names shards: a folder that `pack` wrote, a folder of nothing but files with tars, a pattern."""
    path = Path(data).expanduser()
    try:
        if not path.is_dir():
            return path.name.endswith(".tar")
        if (read_json(path / RECORD) or {}).get("kind") == KIND:
            return True
        entries = [entry for entry in os.scandir(path) if not entry.name.startswith(".")]
        return any(entry.name.endswith(".tar") for entry in entries) and not any(entry.is_dir() for entry in entries)
    except (OSError, ValueError):  # whoever opens it says what is wrong
        return False


def is_sharded(index: DataIndex) -> bool:
    """Whether the pictures of a data set lie inside shards."""
    return "offset" in index.files


def split_path(row_path: str) -> tuple[str, str]:
    """Cut the path of a row into the shard (relative to the root, or absolute) and the member."""
    shard, _, member = row_path.partition(".tar!")
    return f"{shard}.tar", member


def picture_source(index: DataIndex, row_path: str) -> Path | bytes:
    """What `read_picture` takes for a row of any data set: a path, or the bytes out of a shard.

    Raises:
        DataError: the shard has no such picture, or has changed since the data set was opened.
    """
    if not is_sharded(index):
        return index.path_of(row_path)
    position = index.position_of(row_path)
    shard = index.path_of(split_path(row_path)[0])
    offset, size, mtime = (int(index.files[name].to_numpy()[position]) for name in ("offset", "bytes", "mtime_ns"))
    with (
        DataError.from_system(f"{shard} cannot be read", "Check the path and its permissions."),
        shard.open("rb") as file,
    ):
        changed = os.fstat(file.fileno()).st_mtime_ns != mtime
        file.seek(offset)
        content = file.read(size)
    if changed or len(content) != size:
        raise DataError(f"{shard} has changed since the data set was opened.", "Open the data set again.")
    return content


def open_shards(data: str | Path, val: str | Path = "") -> DataIndex:
    """Index the pictures in shards without decoding them; shards that are new are walked through once.

    Both places are a folder, or a pattern such as DIR/train-{000..009}.tar or DIR/*.tar; `val` is to be the val split.

    Raises:
        DataError: there are no such shards, one is damaged, or they have no usable class numbers.
    """
    found, shards, contents = _read(data, val)
    classes, files = _classes(found, contents), _table(found.root, contents)
    count = Counter(shard.split for shard in shards)
    layout = f"WebDataset shards ({', '.join(f'{count[split]} {split}' for split in SPLITS if count[split])})"
    if not any(shard.split for shard in shards):
        files = _sorted(split_by_class(files.assign(split="train"), VAL_SHARE))
        layout = f"{len(shards)} WebDataset shards, split 4:1 into train and val within each class"
    elif "train" not in set(files["split"]):
        raise DataError(f"{found.root} has no training pictures in these shards.", _NAME_THEM)
    return DataIndex(found.root, layout, classes, files, tuple(_problems(found.root, classes, files, contents)))


def rows_of_shards(data: str | Path, val: str | Path = "") -> DataIndex:
    """Everything in some shards as it lies: nothing is drawn, and no split is needed; "" where no name tells one.

    Raises:
        DataError: as `open_shards`.
    """
    found, _, contents = _read(data, val)
    return DataIndex(found.root, "WebDataset shards", _classes(found, contents), _table(found.root, contents))


def _read(data: str | Path, val: str | Path) -> tuple[_Found, list[_Shard], list[tuple[_Shard, Contents]]]:
    found = _find(data)
    shards = _with_splits(found, _find(val) if val else None)
    contents = [(shard, _checked(shard, found)) for shard in shards]
    if not any(each.members for _, each in contents):
        if any(each.left_out for _, each in contents):
            message = f"{found.root}: no sample of the shards has both a picture and a class number (.cls)."
            raise DataError(message, HOW_TO_WRITE)
        raise DataError(f"The shards in {found.root} hold no pictures.", HOW_TO_WRITE)
    return found, shards, contents


def _classes(found: _Found, contents: Iterable[tuple[_Shard, Contents]]) -> tuple[str, ...]:
    """The names of the classes; shards that bring none call them by number."""
    highest = max(max(each.labels, default=0) for _, each in contents)
    return found.classes or tuple(map(str, range(highest + 1)))


def _find(data: str | Path) -> _Found:
    path = Path(data).expanduser()
    try:
        if path.is_dir():
            record = read_json(path / RECORD) or {}
            if record.get("kind") == KIND:
                return _recorded(path.resolve(), record)
            paths = sorted(each for each in path.resolve().glob("*.tar") if not each.name.startswith("."))
            if not paths:
                raise DataError(f"{path} holds no shards (*.tar).", "Name the folder with the tar files.")
        else:
            paths = _expanded(str(path))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{str(data)[:200]!r} cannot be read: {error}.", "Check the path or pattern.") from error
    root = Path(os.path.commonpath([each.parent for each in paths]))
    record = read_json(root / RECORD) or {}
    if record.get("kind") == KIND:  # a part of what `pack` wrote, by a pattern
        whole = _recorded(root, record, only={each.name for each in paths})
        if len(whole.shards) == len(paths):
            return whole
    mapping = read_json(root / MAPPING)
    shards = tuple(_Shard(each, _split_in(each)) for each in paths)
    return _Found(root, shards, _mapped(root, mapping) if mapping else None, MAPPING)


def _expanded(pattern: str) -> list[Path]:
    """The files that a pattern with braces, or with * and ?, stands for."""
    # Asked before the expansion, which holds every number of a range in memory.
    ranges = [1 + abs(int(b) - int(a)) for a, b in re.findall(r"(\d+)\.\.-?(\d+)", pattern)]
    names = [] if math.prod(ranges) > _MOST_SHARDS else list(braceexpand(pattern, escape=False))
    if not names:
        raise DataError(f"{pattern} stands for more than {_MOST_SHARDS:,} shards.", "Use a smaller range.")
    found: dict[Path, None] = {}
    missing = []
    for name in names:
        matches = [name] if os.path.isfile(name) else sorted(glob.glob(name)) if glob.has_magic(name) else []
        found |= {Path(each).resolve(): None for each in matches if each.endswith(".tar")}
        if not matches:
            missing.append(name)
    if not found:
        raise DataError(
            f"No shard matches {pattern}.", "Check the folder and the range, e.g. train-{000000..000003}.tar."
        )
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"There is no shard {missing[0]}{more}, as {pattern} wants.", "Correct the range.")
    return list(found)


def _split_in(path: Path) -> str:
    """The split that the name of a shard, or else of its folder, tells; "" for none."""
    return split_in_words(f"{path.stem} {path.parent.name}")


def _recorded(root: Path, record: dict[str, Any], only: set[str] | None = None) -> _Found:
    """The shards that dataset.json lists, all or some of them."""
    try:
        classes = tuple(record["classes"])
        named = isinstance(record["classes"], list) and all(isinstance(name, str) for name in classes)
        if not named or not classes or len(set(classes)) < len(classes):
            raise ValueError("classes must be different names")
        shards = []
        for split in SPLITS:
            for each in record["splits"].get(split, {"shards": []})["shards"]:
                name = each["name"]
                # The list may come from anywhere and shall not lead out of its folder.
                if Path(name).name != name or not name.endswith(".tar"):
                    raise ValueError(f"{name!r} is no name of a shard")
                if only is None or name in only:
                    shards.append(_Shard(root / name, split, int(each["images"]), int(each["bytes"])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{root / RECORD} is damaged: {reason}.", "Pack the data set again.") from error
    if not shards and only is None:
        raise DataError(f"{root / RECORD} lists no shards.", "Pack the data set again.")
    return _Found(root, tuple(shards), classes, RECORD)


def _mapped(root: Path, mapping: dict[str, Any]) -> tuple[str, ...]:
    """Class names out of class_indices.json, which goes from number to name."""
    names = [mapping.get(str(number)) for number in range(len(mapping))]
    if not all(isinstance(name, str) for name in names):
        message = f"{root / MAPPING} does not name the classes 0 to {len(mapping) - 1}."
        raise DataError(message, 'Write it as {"0": "daisy", "1": "roses"}, or remove it.')
    return tuple(str(name) for name in names)


def _with_splits(found: _Found, val: _Found | None) -> list[_Shard]:
    shards = list(found.shards)
    if val:
        if val.classes != found.classes:
            message = f"The shards for val in {val.root} number their classes otherwise than those in {found.root}."
            raise DataError(message, "Pack both from one data set.")
        chosen = [each for each in val.shards if each.split == "val"] or list(val.shards)
        others = [replace(each, split=each.split or "train") for each in shards if each.split != "val"]
        return others + [replace(each, split="val") for each in chosen]
    nameless = [each for each in shards if not each.split]
    if nameless and len(nameless) < len(shards):
        raise DataError(f"{nameless[0].path.name} does not tell its split, while other shards do.", _NAME_THEM)
    return shards


def _checked(shard: _Shard, found: _Found) -> Contents:
    """The contents of a shard, held against what is known of it."""
    if shard.size is not None and shard.path.is_file() and shard.path.stat().st_size != shard.size:
        message = f"{shard.path} has {shard.path.stat().st_size:,} bytes; {RECORD} says {shard.size:,}."
        raise DataError(message, "The shard is truncated or was replaced: copy it again, or pack the data set again.")
    contents = read_contents(shard.path)
    if shard.images is not None and len(contents) != shard.images:
        message = f"{shard.path} holds {len(contents):,} pictures; {RECORD} says {shard.images:,}."
        raise DataError(message, "Pack the data set again.")
    legal = len(found.classes) if found.classes else _MOST_CLASSES
    highest = max(contents.labels, default=0)
    if highest >= legal:
        member = contents.members[contents.labels.index(highest)]
        known = f"{legal:,} is the limit"
        if found.classes:
            known = f"{found.mapping_file} names only {legal} (0 to {legal - 1})"
        raise DataError(f"{shard.path}: {member} has the class number {highest}, but {known}.", HOW_TO_WRITE)
    return contents


def _table(root: Path, contents: Iterable[tuple[_Shard, Contents]]) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in SHARD_COLUMNS}
    for shard, each in contents:
        path, count = shard.path, len(each)
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
        columns["path"] += [f"{name}!{member}" for member in each.members]
        columns["split"] += [shard.split] * count
        columns["label"] += each.labels
        columns["bytes"] += each.sizes
        columns["mtime_ns"] += [path.stat().st_mtime_ns] * count
        columns["offset"] += each.offsets
    files = pd.DataFrame(columns)
    return _sorted(files.astype({"label": "int32", "bytes": "int64", "mtime_ns": "int64", "offset": "int64"}))


def _sorted(files: pd.DataFrame) -> pd.DataFrame:
    """Order by split, class and name inside the shard: for packed pictures that is the order of their source."""
    named = files.assign(member=files["path"].str.partition(".tar!")[2]).sort_values(["member", "path"])
    return by_split_and_class(named.drop(columns="member"))


def _problems(
    root: Path, classes: tuple[str, ...], files: pd.DataFrame, contents: list[tuple[_Shard, Contents]]
) -> list[Finding]:
    problems: list[Finding] = []
    labels = {str(split): set(rows["label"]) for split, rows in files.groupby("split")}
    if len(labels["train"]) < 2:
        name = classes[next(iter(labels["train"]))]
        problems.append(findings.OneClass(str(root), name, packed=True))
    if "val" not in labels:
        problems.append(findings.NoValidationShards(str(root)))
    for split in [each for each in SPLITS[1:] if each in labels]:
        unknown = [classes[label] for label in sorted(labels[split] - labels["train"])]
        missing = [classes[label] for label in sorted(labels["train"] - labels[split])]
        problems += findings.UnknownClasses.of(unknown, split=split)
        problems += findings.UnmeasuredClasses.of(missing, split=split)
    nowhere = set(range(len(classes))) - {label for each in labels.values() for label in each}
    problems += UntrainedClasses.of([classes[label] for label in sorted(nowhere)])
    empty = [shard.path.name for shard, each in contents if not each.members and not each.left_out]
    problems += findings.EmptyShards.of(empty)
    left_out = sum(each.left_out for _, each in contents)
    if left_out:
        problems.append(findings.SamplesLeftOut(left_out))
    return errors_first(problems)
