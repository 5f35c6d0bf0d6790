"""Open a file that lists pictures and their labels (see manifest_columns.py), and save any data set as one.

Decisions. Paths are relative to the file's folder (listed_files.py finds them). Names are numbered by sorted text, as
folders are; numbers without names become the names "0", "1" ... in numeric order; with `classes` (in a CSV: `index`)
the file has the last word. The mapping follows from the file alone, so that a missing picture cannot shift it. Pictures
that do not exist are left out with a warning; a picture under two labels or in two splits forbids a run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from alexcore.data.class_index import class_problems, classes_in, listed
from alexcore.data.index import DataIndex, by_split_and_class, files_table, is_utf8
from alexcore.data.lists.list_labels import reads_as_names
from alexcore.data.lists.listed_files import ListedFiles, below
from alexcore.data.lists.manifest_columns import Label, ManifestColumns, portable_paths, read_table, write_table
from alexcore.data.reading import AS_IT_LIES, FolderChoice, PicturesGoneError
from alexcore.data.shards import is_sharded
from alexcore.data.split import keep_split, split_file
from alexcore.errors import DataError
from alexcore.findings import data as findings
from alexcore.findings.data_lists import ListSplit, RootReplaced
from alexcore.findings.finding import Finding, errors_first, few
from alexcore.findings.layout import ValidationDrawn
from alexcore.home import CORRECTED, data_dir


def identity(label: Label) -> Label:
    """The target_transform that changes nothing."""
    return label


def open_manifest(
    path: Path,
    *,
    target_transform: Callable[[Label], Any] = identity,
    roots: Sequence[Path] | None = None,
    split_seed: int = 0,
    choice: FolderChoice = AS_IT_LIES,
    uncorrected: bool = False,
) -> DataIndex:
    """Index the pictures that a manifest lists, without opening them.

    Args:
        path: A .csv, .tsv, .json or .jsonl file, or a val_annotations.txt.
        target_transform: Makes a label (a name or a number) of each label in the file, e.g. to merge classes. The
            numbers in a column `index` are those of the labels in the file, so they do not count then.
        roots: If given, every picture must lie below one of these resolved folders, wherever links lead.
        split_seed: Of the split 4:1 within each class, if the file has none of its own.
        choice: Which columns are meant, and `root`: the folder that has taken the place of the one with which the paths
            in the file begin.
        uncorrected: Whether a list of corrections is read as the data set was before.

    Raises:
        UnclearListError: somebody has to say which columns are meant.
        PicturesGoneError: none of its pictures exists.
        DataError: the file cannot be read as a manifest, or a picture lies outside `roots`.
    """
    path = path.resolve()
    root = Path(choice.root).expanduser() if choice.root else None
    # What somebody has corrected in it is undone first, where that is asked for.
    table = _table(path, choice, roots, uncorrected=uncorrected)
    table = _kept_split_first(path, table, split_seed)
    names, declared, numeric = _class_names(path, table, target_transform)
    rows, problems = _pictures(path, table, names, roots)
    problems += table.notes
    in_train = [
        name for name, split in zip(names, table.splits or ["train"] * len(names), strict=True) if split == "train"
    ]
    if not in_train:
        raise DataError(f"{path} has no training pictures.", "Give most rows the split train.")
    classes = tuple(declared or sorted(set(in_train), key=int if numeric else None))
    number = {name: index for index, name in enumerate(classes)}
    known = [row for row in rows if row[2] in number]
    files = files_table([(picture, split, number[name], size, mtime) for picture, split, name, size, mtime in known])
    moved = next((note for note in table.notes if isinstance(note, RootReplaced)), None) if root else None
    known_as = _known_as(path, files, moved) if moved else None
    found: dict[str, set[str]] = {}
    for _, split, name, _, _ in rows:
        found.setdefault(split, set()).add(name)
    layout, kept = f"listed in {path.name}", None
    if table.splits is None or set(table.splits) == {"train", "test"}:
        # A list with a test split has a drawn split of its own: without that split it would be another one.
        source = path.with_name(f"{path.name} train") if table.splits is not None else path
        files, more = _drawn(source, files, classes, split_seed, known_as)
        kept = split_file(source, split_seed)
        problems += more
        found = {**found, **classes_in(files, classes)}
        layout += f", {'split' if table.splits is None else 'train split'} 4:1 into train and val within each class"
    else:
        # Within a class the file's order stays: a saved data set is trained on in the order of the first one.
        files = by_split_and_class(files)
    problems += class_problems(path, classes, found)
    if numeric:
        problems += _gaps(classes)
    told = tuple(errors_first(problems))
    return DataIndex(path.parent, layout, classes, files, told, path, known_as=known_as, kept=kept)


class ListedPictures(NamedTuple):
    """The pictures of a list that exist: rows (path, split, class, bytes, mtime_ns), and what was found about it.

    Where the list names no splits, that of each row is empty.
    """

    rows: list[tuple[str, str, str, int, int]]
    problems: list[Finding]


def listed_pictures(
    path: Path, *, roots: Sequence[Path] | None = None, choice: FolderChoice = AS_IT_LIES
) -> ListedPictures:
    """The pictures of a list as they stand in it: nothing is drawn, and no split is needed. As `open_manifest`."""
    path = path.resolve()
    table = _table(path, choice, roots)
    names, _declared, _numeric = _class_names(path, table, identity)
    rows, problems = _pictures(path, table, names, roots)
    if table.splits is None:
        rows = [(picture, "", name, size, mtime) for picture, _, name, size, mtime in rows]
    return ListedPictures(rows, [*problems, *table.notes])


def _table(
    path: Path, choice: FolderChoice, roots: Sequence[Path] | None, *, uncorrected: bool = False
) -> ManifestColumns:
    # A list of corrections is written here alone, by version 0.1 without a word on how its labels are to be taken.
    table = read_table(path, is_corrected(path), choice)
    root = Path(choice.root).expanduser() if choice.root else None
    return _placed(path, table.uncorrected() if uncorrected else table, root, roots)


def is_corrected(path: Path) -> bool:
    """Whether a file is the list in which a person's corrections of a data set are kept."""
    return path.name.endswith(CORRECTED) and path.resolve().parent == data_dir().resolve()


def _placed(path: Path, table: ManifestColumns, root: Path | None, roots: Sequence[Path] | None) -> ManifestColumns:
    """Begin the paths with the folder that was asked for, or with images/, which some lists leave out."""
    first = table.paths[0]
    if root is not None:
        files = ListedFiles(path, roots)
        paths, told = below(root, table.paths, lambda name: files.find(name) is not None)
        return replace(table, paths=paths, notes=(*table.notes, told))
    images = path.parent / "images"
    if path.suffix.lower() == ".txt" and not (path.parent / first).exists() and (images / first).exists():
        told = RootReplaced(str(path.parent), str(images))
        return replace(table, paths=[f"images/{name}" for name in table.paths], notes=(*table.notes, told))
    return table


def _known_as(path: Path, files: pd.DataFrame, moved: RootReplaced) -> dict[str, str]:
    """The paths that pictures had before their folder was moved."""
    old, known = moved.old.rstrip("/"), {}
    # As `ListedFiles` names a picture below the list.
    beside = os.path.join(path.parent, "").replace(os.sep, "/")
    for now in files["path"]:
        name = os.path.relpath(os.path.join(path.parent, now), moved.new).replace(os.sep, "/")
        known[now] = (f"{old}/{name}" if old != "." else name).removeprefix(beside)
    return known


def _drawn(
    source: Path, files: pd.DataFrame, classes: Sequence[str], seed: int, known_as: Mapping[str, str] | None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Let a fifth of the training pictures validate: the same ones each time, also where their folder has moved."""
    if known_as:
        files = files.assign(path=files["path"].map(known_as))
    rest = files[files["split"] != "train"]
    drawn, problems = keep_split(source, source.parent, files[files["split"] == "train"], classes, seed)
    if len(rest):
        drawn = pd.concat([drawn, by_split_and_class(rest)], ignore_index=True)
        problems = [*problems, ValidationDrawn(int((drawn["split"] == "val").sum()))]
    if known_as:
        drawn = drawn.assign(path=drawn["path"].map({old: now for now, old in known_as.items()}))
    return drawn, problems


def _kept_split_first(path: Path, table: ManifestColumns, seed: int) -> ManifestColumns:
    """Leave out splits whose column is not called so, if one was drawn for the list before anybody looked at it."""
    if table.splits is None or table.split_name == "split":
        return table
    drawn = split_file(path, seed).exists()
    notes = (*table.notes, ListSplit(table.split_name, not drawn))
    return replace(table, splits=None if drawn else table.splits, notes=notes)


# Labels ---------------------------------------------------------------------------------------------------------


def _class_names(
    path: Path, table: ManifestColumns, target_transform: Callable[[Label], Any]
) -> tuple[list[str], Sequence[str] | None, bool]:
    """The class name of each row, all of them in order if the file says so, and whether they are plain numbers."""
    changed = target_transform is not identity
    declared = None if changed and path.suffix.lower() != ".json" else table.classes
    labels: list[Label] = []
    for row, label in enumerate(table.labels):
        if changed:
            try:
                label = target_transform(label)
            except Exception as error:
                # Somebody else's function fails in any way whatever.
                raise DataError(
                    f"target_transform fails for the label {label!r}: {type(error).__name__}: {error}.",
                    "It gets a name or a number and has to return one.",
                ) from error
        labels.append(_checked(path, table, row, label))
    if declared is None:
        text = next((row for row, label in enumerate(labels) if isinstance(label, str)), None)
        digit = next((row for row, label in enumerate(labels) if isinstance(label, int)), None)
        if text is not None and digit is not None:
            raise DataError(
                f"{path} mixes names and numbers: {labels[text]!r} at {table.places[text]}, {labels[digit]} at "
                f"{table.places[digit]}.",
                "Write all labels as names or all as numbers, or list the classes.",
            )
        return [str(label) for label in labels], None, text is None
    known = set(declared)
    return (
        [
            label if label in known else _declared_name(path, table, row, label, declared)
            for row, label in enumerate(labels)
        ],
        declared,
        False,
    )


def _checked(path: Path, table: ManifestColumns, row: int, label: Any) -> Label:
    if isinstance(label, str) and (label if table.verbatim else label.strip()) and is_utf8(label) and "\0" not in label:
        return label
    if not isinstance(label, str | bool) and hasattr(label, "__index__"):
        return int(label)
    if isinstance(label, float) and label.is_integer():
        return int(label)
    raise DataError(
        f"{path} has the label {label!r:.60} at {table.places[row]}.", "A label is one name or one whole number."
    )


def _declared_name(path: Path, table: ManifestColumns, row: int, label: Label, classes: Sequence[str]) -> str:
    if isinstance(label, int):
        if 0 <= label < len(classes):
            return classes[label]
        what = f"the label {label}, but {len(classes)} classes: the numbers are 0 to {len(classes) - 1}"
    else:
        what = f"the label {label!r}, which is none of its classes ({listed(list(classes))})"
    raise DataError(f"{path} has at {table.places[row]} {what}.", "Correct the label, or the list of classes.")


def _gaps(classes: Sequence[str]) -> list[Finding]:
    numbers = [int(name) for name in classes]
    if numbers == list(range(len(numbers))):
        return []
    first = next(number for number, label in enumerate(numbers) if label != number)
    return [findings.LabelGaps(numbers[0], numbers[-1], len(numbers) - 1, classes[first], first)]


# Pictures -------------------------------------------------------------------------------------------------------


def _pictures(
    manifest: Path, table: ManifestColumns, names: Sequence[str], roots: Sequence[Path] | None
) -> tuple[list[tuple[str, str, str, int, int]], list[Finding]]:
    """The rows (path, split, class, bytes, mtime_ns) whose pictures exist, each picture once."""
    disk = ListedFiles(manifest, roots)
    rows: dict[str, tuple[str, str, str, int, int]] = {}
    missing, nameless, repeated, labelled, leaked = [], [], [], [], []
    for name, label, split in zip(table.paths, names, table.splits or ["train"] * len(names), strict=True):
        if not is_utf8(name) or "\0" in name:
            nameless.append(ascii(name))
            continue
        found = disk.find(name)
        if found is None:
            missing.append(name)
            continue
        path, file, size, mtime = found
        listed_now = (path, split, label, size, mtime)
        row = rows.setdefault(file, listed_now)
        if row is listed_now:
            continue
        if row[2] != label:
            labelled.append((path, row[2], label))
        elif row[1] != split:
            leaked.append((path, row[1], split))
        else:
            repeated.append(path)
    about = disk.about_missing(missing, all_missing=not rows)
    if not rows:
        first = f"; the first is {(missing or nameless)[0][:200]}"
        known = [f"Paths in a manifest are relative to its own folder, {disk.root}."]
        raise PicturesGoneError(
            f"None of the {len(names):,} pictures in {manifest} exists{first}.",
            " ".join([*(each.sentence for each in about), *known]),
        )
    problems: list[Finding] = []
    if labelled:
        problems.append(findings.TwoLabels(len(names), len(labelled), few(labelled)))
    if leaked:
        problems.append(findings.TwoSplits(len(names), len(leaked), few(leaked)))
    if repeated:
        problems.append(findings.RepeatedRows(len(names), len(repeated), few(repeated)))
    problems += findings.MissingPictures.of(missing, rows=len(names), root=str(disk.root))
    problems += [*about, *findings.NamesNotUtf8.of(nameless, listed=True), *disk.notes]
    return list(rows.values()), problems


# Saving ---------------------------------------------------------------------------------------------------------


def write_manifest(index: DataIndex, path: Path) -> Path:
    """Save a data set as a manifest that opens to the same pictures, splits and numbers; none of them is touched.

    Raises:
        DataError: the ending is another, the file cannot be written, or the pictures lie inside shards.
    """
    path = path.expanduser().resolve()
    write_table(path, manifest_table(index, path))
    return path


def manifest_table(index: DataIndex, path: Path) -> ManifestColumns:
    """The columns of a data set as the manifest `path` has them.

    Raises:
        DataError: the pictures lie inside shards.
    """
    if is_sharded(index):
        raise DataError("Pictures inside shards cannot be listed in a manifest.", "Make it of what was packed.")
    files = index.files
    labels = [index.classes[label] for label in files["label"]]
    paths = portable_paths(path.parent, index.root.resolve(), files["path"], related=True)
    splits = [str(split) for split in files["split"]]
    in_train = {label for label, split in zip(labels, splits, strict=True) if split == "train"}
    # Sorted names number themselves, unless a reader would take them for numbers.
    plain = list(index.classes) == sorted(in_train) and reads_as_names(sorted(set(labels)))
    classes = None if plain and path.suffix.lower() != ".json" else index.classes
    return ManifestColumns(paths, labels, splits, classes)
