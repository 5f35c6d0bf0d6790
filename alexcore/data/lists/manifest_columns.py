"""A manifest as columns: what stands in the file, without a look at the pictures; and how one is written.

A CSV or TSV with a header; `split` and `index` (the number of the label's class) may lack, and other columns are passed
over:

    path,label,split,index

JSON, as a hand-written data set class reads it, or one object a line; `split` and `classes` (names in the order of
their numbers) may lack:

    {"image_names": ["a.jpg", ...], "image_labels": ["rose", ...], "split": ["train", ...], "classes": ["rose", ...]}
    {"path": "a.jpg", "label": "rose", "split": "train"}

How each form is cut into rows is in list_rows.py and list_json.py, which column is what in list_columns.py, and what
becomes of a label in list_labels.py. `verbatim` (a column of `yes`, in JSON true) keeps labels as they stand.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from alexcore.data.layout_words import split_of
from alexcore.data.lists.list_choice import has_header, require_plain
from alexcore.data.lists.list_columns import VERBATIM, columns_of, means_something
from alexcore.data.lists.list_json import from_json, from_json_lines
from alexcore.data.lists.list_labels import (
    are_whole_with_point,
    in_one_form,
    is_missing,
    numbers_of,
    refuse_missing,
    stripped,
)
from alexcore.data.lists.list_rows import ListRows, decoded, from_annotations, from_csv, is_blank, shown
from alexcore.data.reading import AS_IT_LIES, FolderChoice
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.findings.data_lists import BlankRows, LeftOutRows
from alexcore.findings.finding import Finding
from alexcore.home import MANIFEST_ENDINGS, MANIFEST_ENDINGS_TOLD, WHERE_IT_IS, data_dir, is_list_name

Label = int | str
# Path, label and split.
Row = tuple[str, str, str]
# The column that tells a list of corrections, and how its split begins where a row is passed over.
WAS, OUT_OF = "was", "left out of "
# Version 0.1 has read these labels as numbers; a list that is taken verbatim keeps it so.
_NUMBER = re.compile("0|-?[1-9][0-9]{0,17}")
# Folders that nobody moves, where things lie side by side that do not belong together.
_OF_EVERYBODY = frozenset({"home", "users", "mnt", "media", "volumes", "tmp", "var", "private"})
_WHOLE = re.compile(r"([0-9]{1,9})(?:\.0*)?")


@dataclass(frozen=True)
class ManifestColumns:
    """The columns of a manifest; `splits` and `classes`, in the order of the numbers, are None if the file lacks them.

    `paths` are as written: relative to the manifest's folder, or absolute. `places` are where a row stands, in words
    that a person can look up. `split_name` is what the column of the splits is called, `verbatim` says that labels are
    kept as they stand, and `notes` are what had to be read in another way than it is written. `hashes`, in a split that
    was drawn, are what the pictures are by their content; they are written to a CSV and not read. In a list of
    corrections, `was` is the label before one, or "", and `left_out` has the rows that are passed over, as they were.
    """

    paths: Sequence[str]
    labels: Sequence[Label]
    splits: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    places: Sequence[str] = ()
    split_name: str = "split"
    verbatim: bool = False
    notes: tuple[Finding, ...] = ()
    hashes: Sequence[str] | None = None
    was: Sequence[str] | None = None
    left_out: Sequence[Row] = ()

    @property
    def rows(self) -> list[Row]:
        """Path, label and split of each row; without splits, all are in train."""
        splits = self.splits or ["train"] * len(self.paths)
        return list(zip(self.paths, map(str, self.labels), splits, strict=True))

    def uncorrected(self) -> ManifestColumns:
        """The same list with the labels that it had, and the rows that were left out."""
        if self.was is None:
            return self
        rows = [(path, was or label, split) for (path, label, split), was in zip(self.rows, self.was, strict=True)]
        paths, labels, splits = (list(column) for column in zip(*rows, *self.left_out, strict=True))
        places = [*self.places, *[""] * len(self.left_out)]
        return replace(self, paths=paths, labels=labels, splits=splits, places=places, was=None, left_out=())


def read_table(path: Path, verbatim: bool = False, choice: FolderChoice = AS_IT_LIES) -> ManifestColumns:
    """Read a manifest by its ending.

    Args:
        path: The file.
        verbatim: Whether labels are kept as they stand, also if the file does not say so; for files of our own.
        choice: Whether its first line is a header, and which columns are meant, where that is not plain.

    Raises:
        UnclearListError: somebody has to say which columns are meant.
        DataError: the file is missing, unreadable or does not have the form of a manifest; the sentence says where.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no file.", "Choose a file that lists pictures.")
        # As bytes, because a name may hold any kind of line end.
        text = decoded(path, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"There is no file {path}.", WHERE_IT_IS) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be read: {reason}.", "Check that it is a file, and its permissions.") from error
    rows = _rows(path, text, choice)
    table = _table(path, rows, verbatim, path.suffix.lower() in (".json", ".jsonl"), choice.columns)
    if not table.paths:
        raise DataError(f"{path} lists no pictures.", "Add a row for each picture.")
    return table


def _rows(path: Path, text: str, choice: FolderChoice) -> ListRows:
    if not is_list_name(path):
        raise DataError(f"{path} is no manifest.", f"Its name must end in {MANIFEST_ENDINGS_TOLD}.")
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv"):
        return from_csv(path, text, means_something, lambda lines: has_header(path, lines, choice, means_something))
    require_plain(path, choice)
    match ending:
        case ".json":
            return from_json(path, text, (lambda names: len(names) > 1) if choice.columns else means_something)
        case ".jsonl":
            return from_json_lines(path, text)
    return from_annotations(path, text)


def _table(path: Path, rows: ListRows, verbatim: bool, typed: bool, columns: str) -> ManifestColumns:
    """Make columns of rows; `typed` says whether the file tells a number from a text."""
    found = columns_of(path, rows, columns)
    notes, verbatim = list(found.notes), verbatim or rows.verbatim or found.verbatim
    if rows.blank:
        notes.append(BlankRows(rows.blank))
    labels = [str(label) if found.numbers is not None else label for label in found.labels]
    declared = rows.classes
    if not verbatim:
        (labels, of_labels), (names, of_names) = stripped(labels), stripped(declared or ())
        (labels, joined), (names, _) = in_one_form(labels, names), in_one_form(names, labels)
        notes += [*(of_labels or of_names), *joined]
        declared = None if declared is None else names
        refuse_missing(path, labels, found.places)
    classes = None if declared is None else _declared(path, declared)
    if found.numbers is not None:
        classes = _numbered(path, labels, found.numbers, found.places)
    # A row without a path is there to tell the number of a class that has no picture.
    kept = [number for number, name in enumerate(found.paths) if not (is_blank(name) and found.numbers is not None)]
    words = found.splits or [None] * len(found.paths)
    out = [number for number in kept if isinstance(word := words[number], str) and word.startswith(OUT_OF)]
    left_out: list[Row] = []
    if out:
        gone = _splits(path, [words[number][len(OUT_OF) :] for number in out], [found.places[number] for number in out])
        left_out = [(str(found.paths[n]), str(labels[n]), split) for n, split in zip(out, gone, strict=True)]
        notes.append(LeftOutRows(len(out)))
        kept = sorted(set(kept) - set(out))
    was = None if found.was is None else ["" if is_blank(found.was[n]) else str(found.was[n]) for n in kept]
    places = [found.places[number] for number in kept]
    paths = [_path(path, found.paths[number], found.places[number]) for number in kept]
    labels = [labels[number] for number in kept]
    as_text = all(isinstance(label, str) and label.strip() for label in labels)
    if classes is None and as_text:
        # JSON tells a number from a text; a text there is only a number if a program has written it with a point.
        if not verbatim and (not typed or are_whole_with_point(labels)):
            labels, whole = numbers_of(path, labels, places)
            notes += whole
        elif not typed and all(_NUMBER.fullmatch(label) for label in labels):
            labels = [int(label) for label in labels]
    splits = None if found.splits is None else _splits(path, [found.splits[number] for number in kept], places)
    return ManifestColumns(
        paths,
        labels,
        splits,
        classes,
        places,
        found.split_name,
        verbatim,
        tuple(notes),
        was=was,
        left_out=left_out,
    )


def _path(path: Path, name: Any, place: str) -> str:
    if is_blank(name):
        raise DataError(f"{place} of {path} has no path.", "Write the picture's path, or delete the line.")
    if not isinstance(name, str):
        raise DataError(f"{place} of {path} has {shown(name)} for a path.", "Write it as text.")
    return name


def _declared(path: Path, classes: Sequence[Any]) -> list[str]:
    odd = [name for name in classes if not isinstance(name, str) or not name]
    twice = [name for number, name in enumerate(classes) if name in classes[:number]]
    if odd or twice or not classes:
        what = f"has {shown(odd[0])}" if odd else f"names {twice[0]} twice" if twice else "is empty"
        raise DataError(f"classes in {path} {what}.", "List each class once, as text, in the order of the numbers.")
    return list(classes)


def _numbered(path: Path, labels: Sequence[str], numbers: Sequence[Any], places: Sequence[str]) -> list[str]:
    names: dict[int, str] = {}
    of: dict[str, int] = {}
    for label, cell, place in zip(labels, numbers, places, strict=True):
        text = str(cell).strip()
        match = _WHOLE.fullmatch(text)
        if not (text.isascii() and match):
            raise DataError(f"{place} of {path} has the index {text!r}.", "The numbers of the classes are 0, 1, 2 ...")
        number = int(match[1])
        if names.setdefault(number, label) != label or of.setdefault(label, number) != number:
            other = f"{names[number]} {number}" if names[number] != label else f"{label} {of[label]}"
            raise DataError(
                f"{place} of {path} gives {label} the index {number}; before it stands {other}.",
                "Give each class one number. If these are no numbers of classes, rename or delete the column index.",
            )
    missing = [number for number in range(len(names)) if number not in names]
    if missing:
        raise DataError(
            f"The column index in {path} lacks the number {missing[0]}.", "Number the classes 0, 1, 2 ... without gaps."
        )
    return [names[number] for number in range(len(names))]


def _splits(path: Path, words: Iterable[Any], places: Sequence[str]) -> list[str]:
    splits = []
    known: dict[str, str | None] = {}
    for word, place in zip(words, places, strict=True):
        if isinstance(word, str) and word not in known:
            known[word] = split_of(word)
        split = known.get(word) if isinstance(word, str) else None
        if split is None:
            raise DataError(f"{path} has the split {shown(word)} at {place}.", "A split is train, val or test.")
        splits.append(split)
    return splits


# Writing --------------------------------------------------------------------------------------------------------


def write_table(path: Path, table: ManifestColumns) -> None:
    """Write a manifest by its ending, atomically; folders on the way are made.

    Raises:
        DataError: the ending is unknown, or the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in MANIFEST_ENDINGS:
        raise DataError(f"{path} is no name for a manifest.", f"Let it end in {MANIFEST_ENDINGS_TOLD}.")
    if ending == ".json":
        text = _as_json(table)
    else:
        header, rows = _as_rows(table)
        lines = (dict(zip(header, row, strict=True)) for row in rows)
        text = (
            "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
            if ending == ".jsonl"
            else _as_csv(header, rows, "\t" if ending == ".tsv" else ",")
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be written: {reason}.", "Choose another folder, or free some space.") from error


def _needs_verbatim(table: ManifestColumns) -> bool:
    """Whether a reader would otherwise change or refuse one of the labels."""
    before = [*(table.was or ()), *(label for _, label, _ in table.left_out)]
    names = list(dict.fromkeys([*map(str, table.labels), *(table.classes or ()), *filter(None, before)]))
    changed, told = in_one_form(stripped(names)[0])
    return bool(told) or changed != names or any(map(is_missing, names))


def _as_json(table: ManifestColumns) -> str:
    columns = {
        "classes": table.classes,
        "image_names": table.paths,
        "image_labels": table.labels,
        "split": table.splits,
    }
    written: dict[str, Any] = {key: list(column) for key, column in columns.items() if column is not None}
    if _needs_verbatim(table):
        written[VERBATIM] = True
    return json.dumps(written, indent=1, ensure_ascii=False) + "\n"


def _as_rows(table: ManifestColumns) -> tuple[list[str], list[list[Any]]]:
    numbers = {name: number for number, name in enumerate(table.classes or ())}
    header, columns = ["path", "label"], [list(table.paths), [str(label) for label in table.labels]]
    if table.splits is not None:
        header, columns = [*header, "split"], [*columns, list(table.splits)]
    if table.hashes is not None:
        header, columns = [*header, "hash"], [*columns, list(table.hashes)]
    if table.was is not None:
        header, columns = [*header, WAS], [*columns, list(table.was)]
    rows: list[list[Any]] = [list(row) for row in zip(*columns, strict=True)]
    more = [""] * (len(columns) - 3)
    rows += [[path, label, f"{OUT_OF}{split}", *more] for path, label, split in table.left_out]
    if numbers:
        header = [*header, "index"]
        rows = [[*row, numbers[row[1]]] for row in rows]
        for name in sorted(numbers.keys() - set(map(str, table.labels))):
            rows.append(["", name, *["train", *more][: len(columns) - 2], numbers[name]])
    if _needs_verbatim(table):
        header, rows = [*header, VERBATIM], [[*row, True] for row in rows]
    return header, rows


def _as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]], separator: str) -> str:
    cells = [["yes" if cell is True else str(cell) for cell in row] for row in rows]
    text = StringIO()
    # A reader passes over blanks after a comma and ends a line at a line end; within quotes both belong to the name.
    odd = any(value[:1] == " " or "\r" in value or "\n" in value for row in cells for value in row)
    writer = csv.writer(
        text, delimiter=separator, quoting=csv.QUOTE_ALL if odd else csv.QUOTE_MINIMAL, lineterminator="\n"
    )
    writer.writerow(header)
    writer.writerows(cells)
    return text.getvalue()


def portable_paths(folder: Path, root: Path, paths: Iterable[str], related: bool = False) -> list[str]:
    """Name pictures of the data set in `root` as a manifest in `folder` does; both are resolved.

    Relative where they lie below it, or where both lie in the `data/` of this home, which may move as a whole; if
    `related`, wherever both have a folder above them that is not the root of the disk or the home of all users, so that
    it may move with both. Absolute elsewhere. A drawn split is remembered by these names: they never change.
    """
    home = data_dir().resolve()
    prefixes: dict[str, str] = {}
    named = []
    for path in paths:
        parent, _, name = path.rpartition("/")
        if parent not in prefixes:
            text = os.path.join(root, parent or ("/" if path.startswith("/") else ""))
            # A step up from a link leads elsewhere than the text says.
            place = Path(os.path.realpath(text) if "/.." in parent.lstrip("./") else os.path.normpath(text))
            if place.is_relative_to(folder):
                place = place.relative_to(folder)
            elif (place.is_relative_to(home) and folder.is_relative_to(home)) or (related and _related(folder, place)):
                place = Path(os.path.relpath(place, folder))
            prefixes[parent] = "" if place == Path(".") else f"{place.as_posix().rstrip('/')}/"
        named.append(prefixes[parent] + name)
    return named


def _related(folder: Path, place: Path) -> bool:
    """Whether two folders have one above them that somebody might move, together with both."""
    try:
        together = Path(os.path.commonpath([folder, place]))
    except ValueError:  # two drives
        return False
    return len(together.parts) > 1 and together.name.lower() not in _OF_EVERYBODY
