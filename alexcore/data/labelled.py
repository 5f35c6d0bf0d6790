"""What reading a folder comes to: the pictures by split and class, and how they were read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from alexcore.data.reading import FolderReading
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
