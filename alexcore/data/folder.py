"""Read the pictures of a folder: train/CLASS/*, val/CLASS/*, test/CLASS/*, just CLASS/*, or what layout.py knows more.

Classes are numbered as torchvision's ImageFolder numbers `train/`: by sorted name. Unlike ImageFolder, the other
splits use the same numbers whatever folders they have, and an empty or hidden folder is a problem, not a class.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from alexcore.data.class_index import class_problems, classes_in, numbering_problems
from alexcore.data.index import SPLITS, DataIndex, files_table, is_utf8
from alexcore.data.labelled import Classes, Labelled
from alexcore.data.layout import read, read_part
from alexcore.data.layout_notes import reading_notes
from alexcore.data.reading import AS_IT_LIES, FolderChoice, joined
from alexcore.data.split import keep_split, split_file
from alexcore.data.tree import Folder, FolderTime, Tree, Why, folder_time, walk
from alexcore.errors import DataError
from alexcore.findings import data as findings
from alexcore.findings import layout as layout_findings
from alexcore.findings.finding import Finding, errors_first, few
from alexcore.home import WHERE_IT_IS


@dataclass(frozen=True)
class _SplitPart:
    """One split: its pictures by class, and the folders that were read for it in one walk."""

    classes: Classes
    folders: Sequence[Folder]
    tree: Tree
    lists: Sequence[str] = ()

    def others(self) -> list[str]:
        """The files below the folders that are no pictures."""
        read = {os.path.join(folder.path, "dataset.json") for folder in self.folders}
        read |= {os.path.join(self.tree.top.path, name) for name in self.lists}
        return [path for folder in self.folders for path in folder.besides() if path not in read]

    def left_out(self, why: Why) -> list[str]:
        """The paths that the walk has left out below the folders."""
        begins = tuple(os.path.join(folder.path, "") for folder in self.folders)
        found = [os.path.join(self.tree.top.path, path) for path in self.tree.left_out.get(why, ())]
        return [path for path in found if path.startswith(begins)]


def scan_folder(
    root: Path, val: Path | None = None, choice: FolderChoice = AS_IT_LIES, split_seed: int = 0
) -> tuple[DataIndex, dict[str, FolderTime]]:
    """Index the pictures of a folder without opening them.

    Args:
        root: A folder with train/ (and val/, test/), or with class folders, which are then split 4:1 by class; or
            anything else that `layout.read` knows.
        val: A folder of class folders to use as the val split instead.
        choice: How the folder is meant, where that is not plain.
        split_seed: Of that split 4:1, which is kept (see split.py): pictures that come later do not change it.

    Returns:
        The index, and each folder that was read, with its times before that. Among them is the file that keeps the
        split, because somebody may change or delete it by hand.

    Raises:
        AmbiguousError: the folder can be read in several ways.
        DataError: a folder is missing or unreadable, or holds no picture.
    """
    root = root.resolve()
    apart = {"val": val.resolve()} if val else {}
    if choice.test:
        apart["test"] = Path(choice.test).expanduser().resolve()
    try:
        for folder in (root, *apart.values()):
            if not is_utf8(str(folder)):
                raise DataError(f"The name of the folder {str(folder)!a} is not UTF-8.", "Rename the folder.")
            if not folder.is_dir():
                raise DataError(f"There is no folder {folder}.", WHERE_IT_IS)
        tree = walk(root)
        found = read(tree, choice, own_val=val is not None)
        lists = found.reading.lists
        parts = {
            split: _SplitPart(found.images.get(split, {}), each, tree, lists) for split, each in found.parts.items()
        }
        for split, folder in apart.items():
            own = walk(folder)
            parts[split] = _SplitPart(read_part(own, choice), [own.top], own)
        parts = {split: parts[split] for split in SPLITS if split in parts}
        files, classes = _table(root, parts)
        _require_apart(root, files)
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions.") from error
    read_folders = {name: times for part in parts.values() for name, times in part.tree.times.items()}
    unkept: list[Finding] = []
    kept = split_file(root, split_seed) if found.draw else None
    if kept:
        files, unkept = _drawn(root, files, classes, split_seed)
        if kept.is_file():
            read_folders[str(kept)] = folder_time(kept)
    problems = [*_problems(root, parts, classes, files, found), *unkept, *reading_notes(root, found, files)]
    told, layout = tuple(errors_first(problems)), _layout_words(found, apart)
    return DataIndex(root, layout, classes, files, told, reading=found.reading, kept=kept), read_folders


def _layout_words(found: Labelled, apart: Mapping[str, Path]) -> str:
    reading = found.reading
    split = ", split 4:1 into train and val within each class"
    if reading.layout == "splits":
        names = {each: f"{name}/" for each, name in reading.splits.items() if each not in apart}
        names |= {each: f"{each}/" for each in apart}
        listed = ", ".join(names[each] for each in SPLITS if each in names)
        by = {"folder": "class folders", "name": "classes in the names of files", "list": "classes in a list"}
        return f"{listed} with {by[reading.classes_from]}" + (
            "; train is split 4:1, val is drawn from it" if found.draw else ""
        )
    words = {
        "folder": "class folders",
        "name": "classes in the names of files",
        "list": f"listed in {joined(reading.lists)}",
    }
    shown = words[reading.classes_from]
    if reading.layout == "flat" and reading.classes_from == "folder":
        shown = "each picture in the class of the folder that holds it"
    inside = f" with {', '.join(name.removeprefix('*/') for name in reading.splits.values())} inside"
    return shown + (inside if reading.splits else "") + (split if found.draw else "")


def _drawn(
    root: Path, files: pd.DataFrame, classes: Sequence[str], split_seed: int
) -> tuple[pd.DataFrame, list[Finding]]:
    """Let some pictures of train validate, and leave the other splits alone."""
    rest = files[files["split"] != "train"]
    drawn, unkept = keep_split(root, root, files[files["split"] == "train"], classes, split_seed)
    return (pd.concat([drawn, rest], ignore_index=True) if len(rest) else drawn), unkept


def _require_apart(root: Path, files: pd.DataFrame) -> None:
    """Refuse a data set with the same picture in two splits, which a folder that was named twice brings about."""
    twice = files[files["path"].duplicated(keep=False)]
    if len(twice):
        first = twice[twice["path"] == twice["path"].iloc[0]]
        raise DataError(
            f"{len(twice) // 2:,} pictures of {root} are both {' and '.join(first['split'].unique())}; the first is "
            f"{first['path'].iloc[0]}.",
            "Name folders for validation and test that hold other pictures.",
        )


def _table(root: Path, parts: Mapping[str, _SplitPart]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The files, and the names of the classes; those are the ones with training pictures."""
    classes = tuple(name for name, entries in parts["train"].classes.items() if entries)
    if not classes:
        raise DataError(f"{root} has no training pictures.", "Put pictures into one folder per class in train/.")
    number = {name: index for index, name in enumerate(classes)}
    prefix = os.path.join(root, "")
    rows = []
    for split, part in parts.items():
        for name, entries in part.classes.items():
            if name in number:
                for entry in entries:
                    status = entry.stat()
                    path = entry.path.removeprefix(prefix).replace(os.sep, "/")
                    rows.append((path, split, number[name], status.st_size, status.st_mtime_ns))
    return files_table(rows), classes


def _problems(
    root: Path, parts: Mapping[str, _SplitPart], classes: tuple[str, ...], files: pd.DataFrame, found: Labelled
) -> list[Finding]:
    prefix = os.path.join(root, "")

    def named(why: Why | None) -> list[str]:
        paths = [path for part in parts.values() for path in (part.left_out(why) if why else part.others())]
        names = [path.removeprefix(prefix).replace(os.sep, "/") for path in paths]
        return [name if is_utf8(name) else ascii(name) for name in names]

    present = classes_in(files, classes)
    for split, part in parts.items():
        present.setdefault(split, set()).update(name for name, entries in part.classes.items() if entries)
    problems = class_problems(root, classes, present)
    for split, part in parts.items():
        empty = sorted(name for name, entries in part.classes.items() if not entries)
        problems += findings.EmptyClassFolders.of(empty, split=split)
    if (
        found.reading.classes_from == "folder"
        and len(parts) > 1
        and all(len(each.folders) == 1 for each in parts.values())
    ):
        # Class folders alone have no splits that ImageFolder could number.
        folders = {split: part.folders[0] for split, part in parts.items()}
        here = {split: [*folder.folders, *folder.unread] for split, folder in folders.items()}
        problems += numbering_problems(classes, here)
    for folder in (folder for part in parts.values() for folder in part.folders):
        problems += _linked_classes(folder)
    problems += findings.NamesNotUtf8.of(named("nameless"), listed=False)
    problems += findings.HiddenFiles.of(named("hidden"))
    problems += findings.NoPictures.of(named(None))
    problems += layout_findings.UnreadableFolders.of(named("unreadable"))
    junk = sum((tree.junk() for tree in {id(part.tree): part.tree for part in parts.values()}.values()), Counter())
    if junk:
        problems.append(layout_findings.SystemFiles(few(junk.most_common()), len(junk)))
    return problems


def _linked_classes(folder: Folder) -> list[Finding]:
    """Class folders that are one and the same, by a link."""
    groups: dict[tuple[int, int], list[str]] = {}
    for name, each in folder.filled.items():
        groups.setdefault(each.place, []).append(name)
    same = [tuple(names) for place, names in groups.items() if len(names) > 1 and place[1]]
    return [layout_findings.LinkedClasses(few(same), len(same))] if same else []
