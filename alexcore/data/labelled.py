"""What reading a folder comes to: the pictures by split and class, and how they were read."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from alexcore.data.reading import PREVIEW, PREVIEWED, FolderReading
from alexcore.data.tree import Entry, Folder

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
    """

    reading: FolderReading
    images: Mapping[str, Classes]
    parts: Mapping[str, Sequence[Folder]]
    draw: bool
    empty: tuple[str, ...] = ()


def counts_of(images: Mapping[str, Classes]) -> dict[str, dict[str, int]]:
    """How many pictures each class of each split has; a class without any is left out."""
    return {
        split: {name: len(entries) for name, entries in classes.items() if entries} for split, classes in images.items()
    }


def preview_of(images: Mapping[str, Classes], opened: Folder) -> dict[str, list[str]]:
    """Some pictures of each class, relative to the folder that was opened, for somebody who has to choose."""
    start = len(opened.path) + 1
    found: dict[str, list[str]] = {}
    for classes in images.values():
        for name, entries in list(classes.items())[:PREVIEWED]:
            more = [entry.path[start:].replace(os.sep, "/") for entry in islice(entries, PREVIEW)]
            found[name] = [*found.get(name, []), *more][:PREVIEW]
    return found
