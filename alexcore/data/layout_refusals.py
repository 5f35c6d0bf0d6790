"""The errors for folders that can mean several things, or nothing: each names the readings and the way out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from alexcore.data.reading import AmbiguousError, FolderReading
from alexcore.data.tree import Folder
from alexcore.errors import DataError


def _flags(readings: Sequence[FolderReading]) -> str:
    return " or ".join(each.choice.flags for each in readings)


def several_readings(top: Folder, readings: Sequence[FolderReading]) -> AmbiguousError:
    """For folders whose names fit two layouts."""
    return AmbiguousError(
        f"{top.path} can be read in two ways: as {'; or as '.join(each.words for each in readings)}.",
        f"Say which is meant: add {_flags(readings)}.",
        readings,
    )


def doubled_names(
    opened: Folder, count: int, example: str, both: FolderReading, first: FolderReading
) -> AmbiguousError:
    """For files that differ in their ending only."""
    return AmbiguousError(
        f"{opened.path} has {count:,} files with the name of another one but for the ending, such as {example}. "
        f"They may be pictures, too: {both.words}; or masks or copies of the others: {first.words}.",
        f"Say which is meant: add {_flags([both, first])}.",
        [both, first],
    )


def data_set_or_class(top: Folder, name: str, why: str, classes: FolderReading) -> AmbiguousError:
    """For a folder that may be the data set itself, which is opened by its own path, or a class."""
    path = os.path.join(top.path, name)
    return AmbiguousError(
        f"{top.path} can be read in two ways: {name}/ is the data set, because it {why} (then open {path}); or it is a "
        f"class, as in {classes.words}.",
        f"Open {path}, or add {classes.choice.flags}.",
        [classes],
    )


def without_class_folders(opened: Folder, readings: Sequence[FolderReading], why_no_list: str) -> DataError:
    """For pictures that lie in no class folders, with what else may tell their classes."""
    none = f"{opened.path} holds no pictures in class folders{why_no_list}."
    if not readings:
        return DataError(
            none,
            f"Put .jpg, .jpeg, .png or other pictures into one folder per class, e.g. {opened.name}/train/roses/"
            f"{'; or open the list by its own path, and say which columns are meant' if why_no_list else ''}.",
        )
    return AmbiguousError(
        f"{none} It could be read as {'; or as '.join(each.words for each in readings)}.",
        f"If that is what is meant, add {_flags(readings)}.",
        readings,
    )


def two_folders(top: Folder, split: str, names: tuple[str, str], readings: Sequence[FolderReading]) -> AmbiguousError:
    """For two folders that mean the same split; `readings` are those that need no renaming."""
    return AmbiguousError(
        f"{top.path} has two folders that mean {split}: {names[0]}/ and {names[1]}/.",
        "Rename one of them, or add --layout classes if they are classes.",
        readings,
    )


def no_train(top: Folder, names: Sequence[str], readings: Sequence[FolderReading]) -> AmbiguousError:
    """For splits of which none is train; likewise."""
    has = " and ".join(f"{name}/" for name in names) or "no split"
    return AmbiguousError(
        f"{top.path} has {has} but no train/: there is nothing to train on.",
        "Name the folder with the training pictures train, or add --layout classes if these are classes.",
        readings,
    )


def refuse_classes_again(folder: Folder, as_class: Callable[[], FolderReading]) -> None:
    """Refuse the folder of a split in which a folder has its classes once more, such as train/val/.

    Raises:
        AmbiguousError: there is one; `as_class` reads it as a class.
    """
    filled = folder.filled
    again = [name for name, each in filled.items() if each.filled and {*each.filled} <= {*filled} - {name}]
    if again:
        raise AmbiguousError(
            f"{folder.path} holds {again[0]}/, which has its classes once more.",
            f"Move {again[0]}/ out of it, or add --layout splits if it is a class, too.",
            [as_class()],
        )
