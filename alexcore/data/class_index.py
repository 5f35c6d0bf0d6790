"""class_to_idx as a contract: one mapping a data set, checked and explained in words before a run can start.

The numbers come from the training split, by sorted name, as torchvision's ImageFolder gives them. What is odd about
them becomes a Problem; a data set that numbers its classes differently from a run is shown line by line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise, zip_longest

import pandas as pd

from alexcore.data.index import SPLITS, DataIndex, Problem
from alexcore.errors import CheckpointError

_DIGITS = re.compile("([0-9]+)")
# In a sentence; a table shows the others.
_SHOWN = 4


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def classes_in(files: pd.DataFrame, classes: Sequence[str]) -> dict[str, set[str]]:
    """The names of the classes that have a picture, for each split that has one."""
    return {str(split): {classes[label] for label in rows["label"].unique()} for split, rows in files.groupby("split")}


def class_problems(where: object, classes: Sequence[str], found: Mapping[str, Collection[str]]) -> list[Problem]:
    """Check a mapping against the classes that the splits have.

    Args:
        where: What to call the data set in a sentence.
        classes: Names in the order of their numbers.
        found: For each split the names of its classes with pictures, also those that have no number.

    Returns:
        What is odd; errors first.
    """
    errors, warnings = [], []
    trained = [name for name in classes if name in found.get("train", ())]
    if len(trained) < 2:
        only = f"only one class with training pictures ({trained[0]})" if trained else "no training pictures"
        message = f"{where} has {only}; classification needs two{'' if trained else ' classes'}."
        errors.append(Problem("error", message, "Add a folder per class."))
    else:
        untrained = [name for name in classes if name not in trained]
        if untrained:
            message = f"train lacks the classes {listed(untrained)}; a network could never learn them."
            warnings.append(Problem("warning", message, "Add pictures of them to train, or leave the classes out."))
    for split in SPLITS[1:]:
        names = sorted(found.get(split, ()))
        unknown = [name for name in names if name not in classes]
        if unknown:
            message = f"{split} has classes that train lacks: {listed(unknown)}; no network could ever answer them."
            errors.append(Problem("error", message, f"Add them to train or remove them from {split}."))
        missing = [name for name in classes if name not in names]
        if missing and len(missing) < len(classes):
            message = f"{split} lacks the classes {listed(missing)}; their accuracy cannot be measured."
            warnings.append(Problem("warning", message, f"Add pictures of them to {split}."))
    if not set(found.get("val", ())) & set(classes):
        message = f"{where} has no validation pictures."
        hint = "Add a folder val/ with the same class folders as train/, or give some rows the split val."
        errors.append(Problem("error", message, hint))
    everywhere = sorted({*classes, *(name for names in found.values() for name in names)})
    return errors + warnings + _nearly_equal(everywhere) + _surprising_order(classes)


def _nearly_equal(names: Sequence[str]) -> list[Problem]:
    alike: dict[str, list[str]] = {}
    for name in names:
        # The same letters in another Unicode form look equal too: macOS writes an umlaut as two characters.
        key = "".join(unicodedata.normalize("NFKC", name).casefold().split())
        alike.setdefault(key, []).append(name)
    groups = [" and ".join(map(repr, group)) for group in alike.values() if len(group) > 1]
    if not groups:
        return []
    message = f"Class names that differ only in case, blanks or Unicode form count as different: {listed(groups)}."
    return [Problem("warning", message, "If they are the same class, merge them or rename one.")]


def _natural(name: str) -> list[str | int]:
    # Every other part is a number, so that parts of the same place can be compared.
    return [int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name))]


def _surprising_order(classes: Sequence[str]) -> list[Problem]:
    if list(classes) != sorted(classes):  # somebody has chosen this order
        return []
    problems = []
    by_number = sorted(classes, key=_natural)
    if by_number != list(classes):
        odd = [name for name, other in zip(classes, by_number, strict=True) if name != other]
        numbers = ", ".join(f"{name} gets {classes.index(name)}" for name in odd[:_SHOWN])
        width = max(len(part) for name in classes for part in _DIGITS.findall(name))
        padded = {name: _DIGITS.sub(lambda match: match.group().zfill(width), name) for name in by_number}
        renamed = [f"{name} as {new}" for name, new in padded.items() if new != name]
        message = f"Class names are sorted as text, not by the numbers in them: {numbers}."
        hint = f"Pad the numbers with zeros if their order matters: write {listed(renamed)}."
        problems.append(Problem("warning", message, hint))
    folded = [(name.casefold(), name) for name in classes]
    inverted = next(((one[1], two[1]) for one, two in pairwise(folded) if one > two), None)
    if inverted:
        message = f"Capital letters are sorted before small ones: {inverted[0]} comes before {inverted[1]}."
        problems.append(Problem("warning", message, "Write all names in small letters if their order matters."))
    return problems


def numbering_problems(classes: Sequence[str], folders: Mapping[str, Collection[str]]) -> list[Problem]:
    """Compare the mapping with the one that torchvision's ImageFolder makes of each split's folders alone.

    Args:
        classes: Names in the order of their numbers.
        folders: For each split the names of all its folders; ImageFolder counts hidden ones too.
    """
    problems = []
    for split, names in folders.items():
        alone = {name: number for number, name in enumerate(sorted(names))}
        odd = [(name, number) for number, name in enumerate(classes) if alone.get(name, number) != number]
        if odd:
            theirs = listed([f"{name} {alone[name]}" for name, _ in odd])
            ours = listed([f"{name} {number}" for name, number in odd])
            message = f"ImageFolder alone would number {split} differently: {theirs}; by train it is {ours}."
            hint = f"Here all splits have one mapping. Give {split} the folders of train before other programs read it."
            problems.append(Problem("warning", message, hint))
    return problems


def class_indices_json(index: DataIndex) -> str:
    """The mapping from number to name, as a run's `class_indices.json` has it."""
    return json.dumps(index.class_indices, indent=1, ensure_ascii=False) + "\n"


def class_to_idx_python(index: DataIndex) -> str:
    """The mapping from name to number as a line of Python, or as several if it is long."""
    line = f"class_to_idx = {index.class_to_idx!r}"
    if len(line) <= 88:
        return line
    rows = [f"    {name!r}: {number}," for name, number in index.class_to_idx.items()]
    return "\n".join(["class_to_idx = {", *rows, "}"])


def mapping_difference(run_classes: Sequence[str], data_classes: Sequence[str]) -> list[str]:
    """Say line by line where two mappings differ; nothing if they are equal.

    Args:
        run_classes: A run's names in the order of their numbers.
        data_classes: A data set's.
    """
    lines = []
    for number, (ours, theirs) in enumerate(zip_longest(run_classes, data_classes)):
        if ours != theirs:
            run, data = ("(none)" if name is None else name for name in (ours, theirs))
            lines.append(f"{number}: the run has {run}, the data set {data}")
    return lines


def require_same_mapping(run_classes: Sequence[str], data_classes: Sequence[str]) -> None:
    """Compare a run's classes, in the order of their numbers, with a data set's.

    Raises:
        CheckpointError: they differ; the message shows the difference line by line.
    """
    lines = mapping_difference(run_classes, data_classes)
    if lines:
        raise CheckpointError(
            "The data set numbers its classes differently from the run.\n" + "\n".join(lines),
            "Use a data set with the same class folders.",
        )
