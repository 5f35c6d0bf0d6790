"""The two file forms of a manifest, as columns: what stands in the file, without a look at the pictures.

JSON, as a hand-written data set class reads it; `split` and `classes` (names in the order of their numbers) may lack:

    {"image_names": ["a.jpg", ...], "image_labels": ["rose", ...], "split": ["train", ...], "classes": ["rose", ...]}

CSV with a header; `split` and `index` (the number of the label's class) may lack, other columns are passed over:

    path,label,split,index
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from alexcore.data.index import SPLITS
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.home import MANIFEST_ENDINGS, data_dir

Label = int | str
_SPLIT_WORDS = {
    **{split: split for split in SPLITS},
    "training": "train",
    "valid": "val",
    "validation": "val",
    "testing": "test",
}
_NUMBER = re.compile("0|-?[1-9][0-9]{0,17}")
_WRITE_CSV = "A manifest needs a header like path,label or path,label,split."
_WRITE_JSON = 'Write {"image_names": [...], "image_labels": [...]}.'


@dataclass(frozen=True)
class ManifestColumns:
    """The columns of a manifest; `splits` and `classes`, in the order of the numbers, are None if the file lacks them.

    `paths` are as written: relative to the manifest's folder, or absolute. `places` are where a row stands, in words
    that a person can look up.
    """

    paths: Sequence[str]
    labels: Sequence[Label]
    splits: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    places: Sequence[str] = ()


def read_table(path: Path) -> ManifestColumns:
    """Read a manifest by its ending.

    Raises:
        DataError: the file is missing, unreadable or does not have the form of a manifest; the sentence says where.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no file.", "Choose a file that lists pictures.")
        # Excel begins a UTF-8 file with a byte order mark. As bytes, because a name may hold any kind of line end.
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"There is no file {path}.", "Check the spelling of the path.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be read: {reason}.", "Check that it is a file, and its permissions.") from error
    ending = path.suffix.lower()
    if ending not in MANIFEST_ENDINGS:
        raise DataError(f"{path} is no manifest.", f"Its name must end in {' or '.join(MANIFEST_ENDINGS)}.")
    table = _from_json(path, text) if ending == ".json" else _from_csv(path, text)
    if not table.paths:
        raise DataError(f"{path} lists no pictures.", "Add a row for each picture.")
    return table


# JSON -----------------------------------------------------------------------------------------------------------


def _from_json(path: Path, text: str) -> ManifestColumns:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DataError(f"{path} is no JSON: {error.msg} at {where}.", _WRITE_JSON) from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a thousand brackets
        raise DataError(f"{path} is no JSON: {error}.", _WRITE_JSON) from error
    lacking = [key for key in ("image_names", "image_labels") if not isinstance(value, dict) or key not in value]
    if lacking:
        raise DataError(f"{path} lacks {' and '.join(lacking)}.", _WRITE_JSON)
    columns = {key: value[key] for key in ("image_names", "image_labels", "split", "classes") if key in value}
    columns = {key: column for key, column in columns.items() if column is not None or key.startswith("image")}
    for key, column in columns.items():
        if not isinstance(column, list):
            raise DataError(f"{key} in {path} is no list.", _WRITE_JSON)
        if key != "classes" and len(column) != len(columns["image_names"]):
            raise DataError(
                f"{path} has {len(columns['image_names'])} image_names but {len(column)} {key}.",
                "Each picture needs one of each, at the same place.",
            )
    places = [f"entry {number} (counted from 0)" for number in range(len(columns["image_names"]))]
    for name, place in zip(columns["image_names"], places, strict=True):
        if not isinstance(name, str) or not name:
            raise DataError(f"{_shown(name)} in image_names of {path} is no path: {place}.", "Write it as text.")
    splits = _splits(path, columns["split"], places) if "split" in columns else None
    classes = _declared(path, columns["classes"]) if "classes" in columns else None
    return ManifestColumns(columns["image_names"], columns["image_labels"], splits, classes, places)


def _declared(path: Path, classes: list[Any]) -> list[str]:
    odd = [name for name in classes if not isinstance(name, str) or not name.strip()]
    twice = [name for number, name in enumerate(classes) if name in classes[:number]]
    if odd or twice or not classes:
        what = f"has {_shown(odd[0])}" if odd else f"names {twice[0]} twice" if twice else "is empty"
        raise DataError(f"classes in {path} {what}.", "List each class once, as text, in the order of the numbers.")
    return classes


# CSV ------------------------------------------------------------------------------------------------------------


def _from_csv(path: Path, text: str) -> ManifestColumns:
    first = text.lstrip("\r\n").partition("\n")[0]
    # Spreadsheets write what their country uses.
    reader = csv.reader(
        StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), skipinitialspace=True, strict=True
    )
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path} is no CSV: {error} in line {reader.line_num}.", _WRITE_CSV) from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if not {"path", "label"} <= set(header):
        found = ", ".join(filter(None, header)) or "nothing"
        raise DataError(f"{path} has no columns path and label; its first line has {found[:200]}.", _WRITE_CSV)
    rows, places = rows[1:], [f"line {line}" for line in lines[1:]]
    for row, place in zip(rows, places, strict=True):
        if len(row) != len(header):
            raise DataError(
                f"{place} of {path} has {len(row)} columns; the first line has {len(header)}.",
                'Put a value that holds a comma into double quotes: "a, b.jpg".',
            )
    column = {
        name: [row[header.index(name)] for row in rows]
        for name in ("path", "label", "split", "index")
        if name in header
    }
    classes = _numbered(path, column["label"], column["index"], places) if "index" in column else None
    # A row without a path is there to tell the number of a class that has no picture.
    kept = [number for number, name in enumerate(column["path"]) if name or classes is None]
    blank = next((place for name, place in zip(column["path"], places, strict=True) if not name), None)
    if blank and classes is None:
        raise DataError(f"{blank} of {path} has no path.", "Write the picture's path, or delete the line.")
    labels: Sequence[Label] = [column["label"][number] for number in kept]
    # "07" is a name: as a number it would not come back as it was written.
    if classes is None and all(_NUMBER.fullmatch(str(label)) for label in labels):
        labels = [int(label) for label in labels]
    places = [places[number] for number in kept]
    splits = _splits(path, [column["split"][number] for number in kept], places) if "split" in column else None
    return ManifestColumns([column["path"][number] for number in kept], labels, splits, classes, places)


def _numbered(path: Path, labels: Sequence[str], numbers: Sequence[str], places: Sequence[str]) -> list[str]:
    names: dict[int, str] = {}
    of: dict[str, int] = {}
    for label, text, place in zip(labels, numbers, places, strict=True):
        if not (text.isascii() and text.isdecimal()):
            raise DataError(f"{place} of {path} has the index {text!r}.", "The numbers of the classes are 0, 1, 2 ...")
        number = int(text)
        if names.setdefault(number, label) != label or of.setdefault(label, number) != number:
            other = f"{names[number]} {number}" if names[number] != label else f"{label} {of[label]}"
            raise DataError(
                f"{place} of {path} gives {label} the index {number}; before it stands {other}.",
                "Give each class one number, or leave the column index out.",
            )
    missing = [number for number in range(len(names)) if number not in names]
    if missing:
        raise DataError(
            f"The column index in {path} lacks the number {missing[0]}.", "Number the classes 0, 1, 2 ... without gaps."
        )
    return [names[number] for number in range(len(names))]


def _splits(path: Path, words: Iterable[Any], places: Sequence[str]) -> list[str]:
    splits = []
    for word, place in zip(words, places, strict=True):
        split = _SPLIT_WORDS.get(word.strip().lower()) if isinstance(word, str) else None
        if split is None:
            raise DataError(f"{path} has the split {_shown(word)} at {place}.", "A split is train, val or test.")
        splits.append(split)
    return splits


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}..."


# Writing --------------------------------------------------------------------------------------------------------


def write_table(path: Path, table: ManifestColumns) -> None:
    """Write a manifest by its ending, atomically; folders on the way are made.

    Raises:
        DataError: the ending is unknown, or the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in MANIFEST_ENDINGS:
        raise DataError(f"{path} is no name for a manifest.", f"Let it end in {' or '.join(MANIFEST_ENDINGS)}.")
    text = _as_json(table) if ending == ".json" else _as_csv(table)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be written: {reason}.", "Choose another folder, or free some space.") from error


def _as_json(table: ManifestColumns) -> str:
    columns = {
        "classes": table.classes,
        "image_names": table.paths,
        "image_labels": table.labels,
        "split": table.splits,
    }
    lists = {key: list(column) for key, column in columns.items() if column is not None}
    return json.dumps(lists, indent=1, ensure_ascii=False) + "\n"


def _as_csv(table: ManifestColumns) -> str:
    numbers = {name: number for number, name in enumerate(table.classes or ())}
    header, columns = ["path", "label"], [table.paths, [str(label) for label in table.labels]]
    if table.splits is not None:
        header, columns = [*header, "split"], [*columns, table.splits]
    if numbers:
        header, columns = [*header, "index"], [*columns, [str(numbers[str(label)]) for label in table.labels]]
    rows = list(zip(*columns, strict=True))
    for name in sorted(numbers.keys() - set(map(str, table.labels))):
        rows.append(("", name, *["train"] * ("split" in header), str(numbers[name])))
    text = StringIO()
    # A reader passes over blanks after a comma and ends a line at a line end; within quotes both belong to the name.
    odd = any(value[:1] == " " or "\r" in value or "\n" in value for row in rows for value in row)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL if odd else csv.QUOTE_MINIMAL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def portable_paths(folder: Path, root: Path, paths: Iterable[str]) -> list[str]:
    """Name pictures of the data set in `root` as a manifest in `folder` does; both are resolved.

    Relative where they lie below it, or where both lie in the `data/` of this home, which may move as a whole; absolute
    elsewhere.
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
            elif place.is_relative_to(home) and folder.is_relative_to(home):
                place = Path(os.path.relpath(place, folder))
            prefixes[parent] = "" if place == Path(".") else f"{place.as_posix().rstrip('/')}/"
        named.append(prefixes[parent] + name)
    return named
