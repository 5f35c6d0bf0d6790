"""A data set as it is handed over to be measured: all of it, nothing drawn, and nothing written beside it.

    given = open_given("test-pictures", classes)     index: the pictures, numbered as the network numbers its classes

A set to train on must have training pictures, two classes, and something to validate on. What a network is measured on
needs none of that: a test folder alone, one class, no classes at all. Pictures of no split have the split "", those
without a class the label NO_CLASS.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from alexcore.data.class_index import match_classes
from alexcore.data.index import SPLITS, DataIndex, files_table, is_utf8
from alexcore.data.inspection.verify import find_unreadable, known_hashes
from alexcore.data.labelled import Classes
from alexcore.data.layout import read_given
from alexcore.data.layout_notes import reading_notes
from alexcore.data.layout_words import classes_in_names
from alexcore.data.lists.manifest import listed_pictures
from alexcore.data.reading import AS_IT_LIES, FolderChoice
from alexcore.data.shards import is_shard_source, rows_of_shards
from alexcore.data.sources import is_manifest, require_fitting
from alexcore.data.storage import Progress, silent
from alexcore.data.tree import Entry, walk
from alexcore.errors import DataError
from alexcore.findings.evaluation import ClassesExtra, ClassesMatched, ClassesUnknown, NoClasses
from alexcore.findings.finding import Finding, few

NO_CLASS = -1
# (path, split, class, bytes, mtime_ns): the class is a name, or "" where there is none.
Row = tuple[str, str, str, int, int]


@dataclass(frozen=True)
class Given:
    """What was handed over.

    Attributes:
        index: The pictures of classes that the network knows, and those without a class; `problems` is what is worth
            saying of them.
        extra: How many pictures of each other class there are, which are left out.
    """

    index: DataIndex
    extra: dict[str, int]


def open_given(
    data: str | Path,
    classes: Sequence[str],
    val: str | Path = "",
    choice: FolderChoice = AS_IT_LIES,
    roots: Sequence[Path] | None = None,
) -> Given:
    """Index everything in a folder, a list or shards for a network with these classes; no picture is opened.

    `val` and `choice.test` are separate folders of those splits; `roots` as for `open_source`.

    Raises:
        AmbiguousError: a folder can be read in several ways.
        DataError: there is no picture, or none of a class that the network knows.
    """
    source = Path(data).expanduser()
    require_fitting(data, choice)
    if is_shard_source(data):
        index = rows_of_shards(data, val)
        names = [index.classes[label] for label in index.files["label"]]
        return _numbered(index, names, classes, [])
    if is_manifest(source):
        listed = listed_pictures(source, roots=roots, choice=choice)
        index = _index(source.resolve().parent, f"listed in {source.name}", listed.rows, tuple(listed.problems))
        names = [name for _, _, name, _, _ in listed.rows]
        return _numbered(replace(index, source=source.resolve()), names, classes, [])
    return _folder(source, classes, val, choice)


def open_given_checked(
    data: str | Path,
    classes: Sequence[str],
    val: str | Path = "",
    choice: FolderChoice = AS_IT_LIES,
    on_progress: Progress = silent,
) -> Given:
    """`open_given` without the pictures that cannot be decoded, each of which is decoded once for that; with hashes."""
    given = open_given(data, classes, val, choice)
    unreadable = find_unreadable(given.index, on_progress)
    index = replace(given.index, hashes=known_hashes(given.index))
    return replace(given, index=index.without(unreadable))


def _index(root: Path, layout: str, rows: Sequence[Row], problems: tuple[Finding, ...] = ()) -> DataIndex:
    files = files_table([(path, split, NO_CLASS, size, mtime) for path, split, _, size, mtime in rows])
    return DataIndex(root, layout, (), files, problems)


def _folder(source: Path, classes: Sequence[str], val: str | Path, choice: FolderChoice) -> Given:
    root = source.resolve()
    apart = {split: Path(each).expanduser().resolve() for split, each in (("val", val), ("test", choice.test)) if each}
    try:
        for folder in (root, *apart.values()):
            if not is_utf8(str(folder)):
                raise DataError(f"The name of the folder {str(folder)!a} is not UTF-8.", "Rename the folder.")
            if folder.is_file():
                from alexcore.data.archives.arrivals import not_a_folder  # with all that reads archives

                raise not_a_folder(folder)
            if not folder.is_dir():
                raise DataError(f"There is no folder {folder}.", "Check the spelling of the path.")
        found = read_given(walk(root), choice, classes)
        images = {split: each for split, each in found.images.items() if split not in apart}
        for split, folder in apart.items():
            images[split] = read_given(walk(folder), FolderChoice(classes_from=choice.classes_from), classes).images[""]
        nameless = [entry for each in images.values() for entry in each.get("", ())]
        rows = _rows(root, images)
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions.") from error
    index = _index(root, found.reading.words, rows)
    notes = tuple(reading_notes(root, found, index.files))
    return _numbered(replace(index, problems=notes, reading=found.reading), [row[2] for row in rows], classes, nameless)


def _rows(root: Path, images: dict[str, Classes]) -> list[Row]:
    prefix, rows = os.path.join(root, ""), []
    order = {split: place for place, split in enumerate(("", *SPLITS))}
    for split in sorted(images, key=order.__getitem__):
        for name, entries in images[split].items():
            for entry in entries:
                status = entry.stat()
                path = entry.path.removeprefix(prefix).replace(os.sep, "/")
                rows.append((path, split, name, status.st_size, status.st_mtime_ns))
    return rows


def _numbered(index: DataIndex, names: Sequence[str], classes: Sequence[str], nameless: Iterable[Entry]) -> Given:
    """Number the pictures as a network numbers its classes, and leave out those of classes that it does not know."""
    counts = Counter(names)
    numbers = match_classes(classes, [name for name in counts if name])
    if not numbers and len(counts) == 1:
        # One folder whose name is none of a class holds pictures and says nothing of what they show.
        names, counts = [""] * len(names), Counter({"": len(names)})
    extra = {name: count for name, count in counts.items() if name and name not in numbers}
    if extra and not numbers and not counts[""]:
        raise ClassesUnknown(str(index.origin), few(sorted(extra)), len(extra), few(classes), len(classes)).refusal(
            DataError
        )
    labels = [numbers.get(name, NO_CLASS) for name in names]
    stays = [name not in extra for name in names]
    files: pd.DataFrame = index.files.assign(label=pd.array(labels, dtype="int32").to_numpy())[stays]
    files = files.sort_values(["label"], kind="stable", ignore_index=True)
    # As indexes of data sets are sorted: by split, class, then as they were found.
    rank = files["split"].map({split: place for place, split in enumerate(("", *SPLITS))})
    files = files.assign(rank=rank).sort_values(["rank", "label"], kind="stable", ignore_index=True)
    said: list[Finding] = list(index.problems)
    changed = [(name, classes[number]) for name, number in numbers.items() if name != classes[number]]
    if changed:
        said.append(ClassesMatched(few(changed), len(changed)))
    if extra:
        pairs = sorted(extra.items(), key=lambda each: -each[1])
        said.append(ClassesExtra(few(pairs), len(pairs), sum(extra.values())))
    if counts[""]:
        told = match_classes(classes, list(classes_in_names(nameless)))
        said.append(NoClasses(counts[""], len(files), bool(told)))
    return Given(replace(index, classes=tuple(classes), files=files.drop(columns="rank"), problems=tuple(said)), extra)
