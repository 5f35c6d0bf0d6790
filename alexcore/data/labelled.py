"""What reading a folder comes to: the pictures by split and class, and how they were read."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from alexcore.data.layout_words import class_in, may_name_splits
from alexcore.data.reading import PREVIEW, PREVIEWED, FolderReading
from alexcore.data.tree import Entry, Folder
from alexcore.findings.finding import Finding

# The pictures of one split by class; an empty class folder has none.
Classes = Mapping[str, Collection[Entry]]


@dataclass(frozen=True)
class Labelled:
    """What a folder holds.

    Attributes:
        reading: How it was read.
        images: The pictures by split and class; without splits, all are in train.
        parts: The folders that were read for each split, for what else lies in them.
        draw: Whether some pictures of train shall validate.
        empty: Folders that are called like a split and hold nothing, beside class folders.
        notes: What else is worth saying about how it was read.
    """

    reading: FolderReading
    images: Mapping[str, Classes]
    parts: Mapping[str, Sequence[Folder]]
    draw: bool
    empty: tuple[str, ...] = ()
    notes: tuple[Finding, ...] = ()


def counts_of(images: Mapping[str, Classes]) -> dict[str, dict[str, int]]:
    """How many pictures each class of each split has; a class without any is left out."""
    return {
        split: {name: len(entries) for name, entries in classes.items() if entries} for split, classes in images.items()
    }


def by_own_folder(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Pictures by the name of the folder that holds each."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(os.path.basename(os.path.dirname(entry.path)), []).append(entry)
    return dict(sorted(found.items()))


def preview_of(images: Mapping[str, Classes], start: int) -> dict[str, list[str]]:
    """Some pictures of each class, as paths without their first `start` letters."""
    found: dict[str, list[str]] = {}
    for classes in images.values():
        for name, entries in list(classes.items())[:PREVIEWED]:
            more = [entry.path[start:].replace(os.sep, "/") for entry in islice(entries, PREVIEW)]
            found[name] = [*found.get(name, []), *more][:PREVIEW]
    return found


def by_class_in_name(folder: Folder) -> tuple[dict[str, list[Entry]], int]:
    """The pictures below a folder by the class in their name, and how many have none."""
    images: dict[str, list[Entry]] = {}
    unnamed = 0
    for entry in folder.entries():
        name = class_in(entry.name)
        if name is None:
            unnamed += 1
        else:
            images.setdefault(name, []).append(entry)
    return dict(sorted(images.items())), unnamed


def split_files(opened: Folder, top: Folder) -> list[str]:
    """Files that may name splits: near the top, or in folders without pictures; relative to what was opened."""
    near = [opened]
    for each in near:  # which grows: the folders around the pictures, and those beside them without any
        inner = [*each.folders.values()]
        near += [it for it in inner if not it.count or (top.path + os.sep).startswith(it.path + os.sep)]
    found = [os.path.join(each.path, name) for each in near for name in each.others if may_name_splits(name)]
    return [os.path.relpath(path, opened.path).replace(os.sep, "/") for path in sorted(found)]
