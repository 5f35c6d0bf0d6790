"""Lists that lie among pictures and say which class each has, in any form that `manifest_columns` reads."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from alexcore.data.lists.manifest_columns import read_table
from alexcore.data.tree import Entry, Folder
from alexcore.errors import DataError
from alexcore.home import is_list_name

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
        places = {entry.path: entry for entry in entries}
        alone: dict[str, Entry] = {}
        for spell in (str, _without_ending, _in_one_form, _in_small_letters):
            spelled = [spell(entry.name) for entry in entries]
            often = Counter(spelled)
            for name, entry in zip(spelled, entries, strict=True):
                if often[name] == 1:
                    alone.setdefault(name, entry)
        found = {}
        for name in self.labels:
            place = os.path.normpath(os.path.join(self.folder, name))
            base = os.path.basename(place)
            spelt = (base, _in_one_form(base), _in_small_letters(base))
            match = places.get(place) or next((alone[each] for each in spelt if each in alone), None)
            if match is not None:
                found[match.path] = name
        return [(entry, found[entry.path]) for entry in entries if entry.path in found]


def _without_ending(name: str) -> str:
    return os.path.splitext(name)[0]


def _in_one_form(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _in_small_letters(name: str) -> str:
    return _in_one_form(name).casefold()


def in_order(names: Iterable[str]) -> list[str]:
    """Names of classes in the order of their numbers: as text, or as numbers if all are such."""
    names = list(names)
    return sorted(names, key=int if all(name.lstrip("-").isdecimal() for name in names) else None)


def lists_in(folders: Sequence[Folder], opened: Folder) -> list[Listed]:
    """The lists that lie in these folders themselves."""
    found = []
    for folder in {each.path: each for each in folders}.values():
        for name in filter(is_list_name, folder.others):
            file = Path(folder.path, name)
            with suppress(OSError, DataError):  # a file of another kind
                if file.stat().st_size > _LARGEST:
                    continue
                table = read_table(file)
                labels = dict(zip(table.paths, map(str, table.labels), strict=True))
                splits = dict(zip(table.paths, table.splits or (), strict=False))
                if len(set(labels.values())) > 1:
                    path = file.relative_to(opened.path).as_posix()
                    found.append(Listed(path, folder.path, labels, splits))
    return found
