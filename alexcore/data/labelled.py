"""What reading a folder comes to: the pictures by split and class, and how they were read."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

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


def preview_of(images: Mapping[str, Classes], start: int) -> dict[str, list[str]]:
    """Some pictures of each class, as paths without their first `start` letters."""
    found: dict[str, list[str]] = {}
    for classes in images.values():
        for name, entries in list(classes.items())[:PREVIEWED]:
            more = [entry.path[start:].replace(os.sep, "/") for entry in islice(entries, PREVIEW)]
            found[name] = [*found.get(name, []), *more][:PREVIEW]
    return found
