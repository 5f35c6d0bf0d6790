"""Lists that lie among pictures and say which class each has, in the forms in which data sets are passed around.

A table with a column of names and one of labels; one column a class, with a 1 in it; lines of JSON; and the
val_annotations.txt of the small ImageNet, a name and a class in each line.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from alexcore.data.layout_words import split_of
from alexcore.data.manifest_columns import read_table
from alexcore.data.tree import Entry, Folder
from alexcore.errors import DataError

_NAMES = (
    *("path", "file_name", "filename", "file", "filepath", "file_path", "image", "image_name", "image_path"),
    *("imagepath", "img", "img_name", "name", "id", "image_id"),
)
_LABELS = "label class class_name classname category target species breed variety diagnosis dx y labels"
_SPLITS = "split set subset partition fold dataset"
_ENDINGS = frozenset({".csv", ".tsv", ".jsonl", ".json", ".txt"})
# A list of a million pictures has this size; what is larger is something else.
_LARGEST = 200_000_000


@dataclass(frozen=True)
class Listed:
    """A list: its path relative to the folder that was opened, and the class and split of each name in it."""

    path: str
    folder: str
    labels: Mapping[str, str]
    splits: Mapping[str, str] = field(default_factory=dict)

    def classes(self, entries: Iterable[Entry]) -> dict[str, list[Entry]]:
        """The pictures that the list names, by class; their order stays."""
        found: dict[str, list[Entry]] = {}
        for entry, name in self.named(entries):
            found.setdefault(self.labels[name], []).append(entry)
        return {name: found[name] for name in in_order(found)}

    def named(self, entries: Iterable[Entry]) -> list[tuple[Entry, str]]:
        """Each picture that the list names, and how; by its path, or by its own name if only one picture has it."""
        entries = list(entries)
        start = len(self.folder) + 1
        places = {entry.path[start:].replace(os.sep, "/"): entry for entry in entries}
        alone: dict[str, Entry] = {}
        for spelled in ([entry.name for entry in entries], [os.path.splitext(entry.name)[0] for entry in entries]):
            often = Counter(spelled)
            for name, entry in zip(spelled, entries, strict=True):
                if often[name] == 1:
                    alone.setdefault(name, entry)
        found = {}
        for name in self.labels:
            place = os.path.normpath(name).replace(os.sep, "/")
            if (match := places.get(place) or alone.get(place.rpartition("/")[2])) is not None:
                found[match.path] = name
        return [(entry, found[entry.path]) for entry in entries if entry.path in found]


def in_order(names: Iterable[str]) -> list[str]:
    """Names of classes in the order of their numbers: as text, or as numbers if all are such."""
    names = list(names)
    return sorted(names, key=int if all(name.lstrip("-").isdecimal() for name in names) else None)


def lists_in(folders: Sequence[Folder], opened: Folder) -> list[Listed]:
    """The lists that lie in these folders themselves."""
    files = {os.path.join(folder.path, name): folder for folder in folders for name in folder.others}
    found = []
    for file, folder in files.items():
        if os.path.splitext(file)[1].lower() in _ENDINGS:
            with suppress(OSError, ValueError, csv.Error, RecursionError, DataError):
                labels, splits = _read(Path(file))
                if len(set(labels.values())) > 1:
                    path = os.path.relpath(file, opened.path).replace(os.sep, "/")
                    found.append(Listed(path, folder.path, labels, splits))
    return found


Columns = tuple[dict[str, str], dict[str, str]]


def _read(file: Path) -> Columns:
    """Class and split by name; empty where the file is no list."""
    if os.path.getsize(file) > _LARGEST:
        return {}, {}
    ending = file.suffix.lower()
    if ending in (".csv", ".json"):
        with suppress(DataError):
            table = read_table(file)
            return (
                {path: str(label) for path, label in zip(table.paths, table.labels, strict=True)},
                dict(zip(table.paths, table.splits or (), strict=False)),
            )
    text = file.read_text(encoding="utf-8-sig")
    if ending == ".txt":
        return _pairs(text) if "annotation" in file.name.lower() else ({}, {})
    if ending in (".jsonl", ".json"):
        rows = [json.loads(line) for line in text.splitlines() if line.strip()] if ending == ".jsonl" else []
        return _of_rows([{str(key): str(value) for key, value in row.items()} for row in rows if isinstance(row, dict)])
    first = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=first.count), skipinitialspace=True)
    return _of_rows(
        [{(key or "").strip(): (value or "").strip() for key, value in row.items() if key} for row in reader]
    )


def _pairs(text: str) -> Columns:
    lines = [line.split("\t") for line in text.splitlines() if line.strip()]
    return {line[0].strip(): line[1].strip() for line in lines if len(line) > 1}, {}


def _of_rows(rows: Sequence[Mapping[str, str]]) -> Columns:
    if not rows:
        return {}, {}
    columns = {key.strip().lower().replace(" ", "_"): key for key in rows[0]}
    name = next((columns[each] for each in _NAMES if each in columns), None)
    if name is None:
        return {}, {}
    label = next((columns[each] for each in _LABELS.split() if each in columns), None)
    split = next((columns[each] for each in _SPLITS.split() if each in columns), None)
    splits = {row[name]: split_of(row.get(split, "")) or "" for row in rows} if split else {}
    if label is not None:
        labels = {row[name]: row.get(label, "") for row in rows if row.get(name) and row.get(label)}
    else:
        labels = _one_hot(rows, [key for key in rows[0] if key not in (name, split)], name)
    return labels, splits if all(splits.values()) else {}


def _one_hot(rows: Sequence[Mapping[str, str]], columns: Sequence[str], name: str) -> dict[str, str]:
    """The class of each row of a table with one column a class; nothing if a row has none or several."""
    found = {}
    for row in rows:
        values = {column: row.get(column, "") for column in columns}
        marked = [column for column, value in values.items() if value in ("1", "1.0", "True", "true")]
        known = all(value in ("0", "1", "0.0", "1.0", "True", "true", "False", "false") for value in values.values())
        if len(marked) != 1 or not known:
            return {}
        found[row[name]] = marked[0]
    return found
