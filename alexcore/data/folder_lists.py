"""Lists that lie among pictures and say which class each has, in any form that `manifest_columns` reads."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alexcore.data.layout_words import split_in_words, splits_in
from alexcore.data.lists.manifest_columns import read_table
from alexcore.data.tree import Entry, Folder
from alexcore.errors import DataError
from alexcore.findings import data_lists as findings
from alexcore.findings.finding import Finding, few
from alexcore.home import is_list_name

# What often holds the classes of a download and is read by other programs only.
_UNREAD = {".mat": "is a file of MATLAB, which is not read", ".xlsx": "is a workbook, which is not read"}
_KNOWN = {
    "imagelabels.mat": "is a file of MATLAB, which is not read: data export-torchvision flowers102 ROOT DIR reads it",
}
# A list of a million pictures has this size; what is larger is something else.
_LARGEST = 200_000_000


@dataclass(frozen=True)
class Listed:
    """A list: its path relative to the folder that was opened, and the class and split of each name in it.

    `other_form` and `other_case` fill with the names for which a picture was found that is not spelled like them.
    """

    path: str
    folder: str
    labels: Mapping[str, str]
    splits: Mapping[str, str] = field(default_factory=dict)
    other_form: list[str] = field(default_factory=list, compare=False)
    other_case: list[tuple[str, str]] = field(default_factory=list, compare=False)

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
                self._spelled(name, base, match.name)
        return [(entry, found[entry.path]) for entry in entries if entry.path in found]

    def _spelled(self, name: str, base: str, file: str) -> None:
        if base in (file, _without_ending(file)):
            return
        one, other = _in_one_form(base), _in_one_form(file)
        if one in (other, _without_ending(other)):
            self.other_form.append(name)
        else:
            self.other_case.append((name, file))

    @property
    def notes(self) -> list[Finding]:
        """What was found under another spelling than the listed one, since it was first asked for pictures."""
        notes: list[Finding] = [*findings.NamesInOtherForm.of(self.other_form)]
        if self.other_case:
            notes.append(findings.NamesInOtherCase(few(self.other_case), len(self.other_case)))
        return notes


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


@dataclass(frozen=True)
class ByLists:
    """Pictures by split and class, the lists that say so, and whether one of them speaks of all pictures."""

    images: Mapping[str, Mapping[str, list[Entry]]]
    lists: Sequence[Listed]
    of_all: bool


def by_lists(opened: Folder, top: Folder, lacking: dict[str, str]) -> ByLists:
    """Sort the pictures below `top` by the lists that lie among them.

    Raises:
        DataError: there is no list, several speak of the same pictures, or none of the pictures is listed.
    """
    found = found_lists(opened, top, lacking)
    lists = [each for several in found.values() for each in several]
    if any(len(several) > 1 for several in found.values()) or ("" in found and len(lists) > 1):
        several = ", ".join(each.path for each in lists)
        lacking[several] = "are several lists; give the path of one as the data set"
        raise DataError(f"{top.path} has several lists: {several}.", "Give the path of one list as the data set.")
    splits = {split: top.folders[name] for name, split in splits_in(top.folders).items()}
    images: dict[str, dict[str, list[Entry]]] = {}
    for split, (each,) in found.items():
        for entry, name in each.named((splits[split] if split else top).entries()):
            lies = next((by for by, folder in splits.items() if entry.path.startswith(folder.path + os.sep)), "train")
            by = each.splits.get(name) or split or lies
            images.setdefault(by, {}).setdefault(each.labels[name], []).append(entry)
    if lists and not images:
        lacking[lists[0].path] = f"names none of these pictures; its first is {next(iter(lists[0].labels))[:100]}"
    if not images:
        raise DataError(
            f"{top.path} has no list of its pictures{why_no_list(lacking)}.",
            "Give the path of one list as the data set.",
        )
    ordered = {split: {name: classes[name] for name in in_order(classes)} for split, classes in images.items()}
    return ByLists(ordered, lists, "" in found)


def found_lists(opened: Folder, top: Folder, lacking: dict[str, str]) -> dict[str, list[Listed]]:
    """The lists among the pictures below `top`, by the split that they speak of; those of "" speak of all."""
    outer = [opened]
    while outer[-1].path != top.path and len(outer[-1].filled) == 1:
        outer += outer[-1].filled.values()
    words = splits_in(top.folders)
    places = {"": [*outer, *(each for name, each in top.folders.items() if name not in words)]}
    for name, folder in top.folders.items():
        if split := words.get(name):
            places.setdefault(split, []).extend([folder, *folder.folders.values()])
    found = {split: lists_in(folders, opened, lacking) for split, folders in places.items()}
    for each in found[""][:]:  # train.csv beside train/
        split = split_in_words(os.path.basename(each.path))
        if split in words.values():
            found[""].remove(each)
            found[split].append(each)
    return {split: lists for split, lists in found.items() if lists}


def lists_in(folders: Sequence[Folder], opened: Folder, lacking: dict[str, str] | None = None) -> list[Listed]:
    """The lists that lie in these folders themselves; `lacking` gets those that are none, and why."""
    found = []
    lacking = {} if lacking is None else lacking
    for folder in {each.path: each for each in folders}.values():
        for name in folder.others:
            file = Path(folder.path, name)
            path = file.relative_to(opened.path).as_posix()
            if name.lower().endswith(tuple(_UNREAD)):
                lacking[path] = _KNOWN.get(name.lower()) or _UNREAD[os.path.splitext(name)[1].lower()]
            elif is_list_name(name):
                try:
                    found.append(_listed(file, path))
                except DataError as error:
                    lacking[path] = error.message.removeprefix(f"{file} ").removeprefix(f"{file}: ").rstrip(".")
                except OSError as error:
                    lacking[path] = f"cannot be read: {error.strerror}"
    return found


def why_no_list(lacking: Mapping[str, str]) -> str:
    """What files lack that might be lists, to be put behind a sentence; nothing where there are none."""
    told = [f"{path} {why[:160]}" for path, why in list(lacking.items())[:3]]
    return f" ({'; '.join(told)})" if told else ""


def _listed(file: Path, path: str) -> Listed:
    if file.stat().st_size > _LARGEST:
        raise DataError("is too large for a list")
    table = read_table(file)
    labels = dict(zip(table.paths, map(str, table.labels), strict=True))
    if blank := next((name for name, label in labels.items() if not label.strip()), None):
        raise DataError(f"has no label for {blank[:100]}")
    if len(set(labels.values())) < 2:
        raise DataError(f"has one class only, {table.labels[0]}")
    return Listed(path, str(file.parent), labels, dict(zip(table.paths, table.splits or (), strict=False)))
