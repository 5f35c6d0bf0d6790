"""class_to_idx as a contract: one mapping a data set, checked and explained in words before a run can start.

The numbers come from the training split, by sorted name, as torchvision's ImageFolder gives them. What is odd about
them becomes a finding; a data set that numbers its classes differently from a run is shown line by line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise, zip_longest

import pandas as pd

from alexcore.data.index import SPLITS, DataIndex
from alexcore.errors import CheckpointError
from alexcore.findings import data as findings
from alexcore.findings.finding import Finding, errors_first, few
from alexcore.findings.untrained import UntrainedClasses
from alexcore.words.template import filled

_DIGITS, _WHOLE = re.compile("([0-9]+)"), re.compile("-?[0-9]+")
# What systems write behind the name of a folder that is copied to where it lies.
_COPY = re.compile(r"( - (copy|kopie|copie|copia)|[ _]copy( \d+)?)?( \(\d+\))?$", re.IGNORECASE)


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    return filled("{names:listed {count}}", {"names": few(names), "count": len(names)})


def classes_in(files: pd.DataFrame, classes: Sequence[str]) -> dict[str, set[str]]:
    """The names of the classes that have a picture, for each split that has one."""
    return {str(split): {classes[label] for label in rows["label"].unique()} for split, rows in files.groupby("split")}


def class_problems(where: object, classes: Sequence[str], found: Mapping[str, Collection[str]]) -> list[Finding]:
    """Check a mapping against the classes with pictures of each split, `found`, also those that have no number.

    `where` is what a sentence calls the data set. Errors come first.
    """
    problems: list[Finding] = []
    trained = [name for name in classes if name in found.get("train", ())]
    untrained = [name for name in classes if name not in trained]
    if not trained:
        problems.append(findings.NoTrainingPictures(str(where)))
    elif len(trained) == 1:
        problems.append(findings.OneClass(str(where), trained[0]))
    else:
        problems += UntrainedClasses.of(untrained)
    for split in SPLITS[1:]:
        names = sorted(found.get(split, ()))
        problems += findings.UnknownClasses.of([name for name in names if name not in classes], split=split)
        missing = [name for name in classes if name not in names]
        if len(missing) < len(classes):
            problems += findings.UnmeasuredClasses.of(missing, split=split)
    if not set(found.get("val", ())) & set(classes):
        problems.append(findings.NoValidation(str(where)))
    everywhere = sorted({*classes, *(name for names in found.values() for name in names)})
    return errors_first([*problems, *_nearly_equal(everywhere), *_surprising_order(classes)])


def _nearly_equal(names: Sequence[str]) -> list[Finding]:
    alike: dict[str, list[str]] = {}
    known = set(names)
    for name in names:
        plain = _COPY.sub("", name)
        # The same letters in another Unicode form look equal too: macOS writes an umlaut as two characters.
        key = "".join(unicodedata.normalize("NFKC", plain if plain in known else name).casefold().split())
        alike.setdefault(key, []).append(name)
    groups = [tuple(group) for group in alike.values() if len(group) > 1]
    return [findings.AlikeNames(few(groups), len(groups))] if groups else []


def _natural(name: str) -> list[str | int]:
    # Every other part is a number, so that parts of the same place can be compared.
    return [int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name))]


def _surprising_order(classes: Sequence[str]) -> list[Finding]:
    if list(classes) != sorted(classes):  # somebody has chosen this order
        return []
    if all(map(_WHOLE.fullmatch, classes)) and list(classes) == sorted(classes, key=int):
        return []
    problems: list[Finding] = []
    by_number = sorted(classes, key=_natural)
    if by_number != list(classes):
        odd = [name for name, other in zip(classes, by_number, strict=True) if name != other]
        numbers = tuple((name, classes.index(name)) for name in few(odd))
        width = max(len(part) for name in classes for part in _DIGITS.findall(name))
        padded = {name: _DIGITS.sub(lambda match: match.group().zfill(width), name) for name in by_number}
        renamed = [(name, new) for name, new in padded.items() if new != name]
        problems.append(findings.SortedAsText(numbers, few(renamed), len(renamed)))
    folded = [(name.casefold(), name) for name in classes]
    inverted = next(((one[1], two[1]) for one, two in pairwise(folded) if one > two), None)
    if inverted:
        problems.append(findings.CapitalsFirst(*inverted))
    return problems


def numbering_problems(classes: Sequence[str], folders: Mapping[str, Collection[str]]) -> list[Finding]:
    """Compare the mapping with the one that torchvision's ImageFolder makes of each split's `folders` alone.

    ImageFolder counts hidden ones, too.
    """
    problems: list[Finding] = []
    for split, names in folders.items():
        alone = {name: number for number, name in enumerate(sorted(names))}
        odd = [(name, number) for number, name in enumerate(classes) if alone.get(name, number) != number]
        if odd:
            theirs = tuple((name, alone[name]) for name, _ in few(odd))
            problems.append(findings.ImageFolderNumbers(split, theirs, few(odd), len(odd)))
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
    """Say line by line where the mappings of a run and a data set differ, in the order of numbers; nothing if equal."""
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


def match_classes(known: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """The number among the known classes of each name that is one of them.

    Letters may differ in case or Unicode form where exactly one name fits exactly one class.
    """
    numbers = {name: number for number, name in enumerate(known)}
    found = {name: numbers[name] for name in names if name in numbers}

    def alone(among: Sequence[str]) -> dict[str, str]:
        forms: dict[str, list[str]] = {}
        for name in among:
            form = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
            forms.setdefault(form, []).append(name)
        return {form: each[0] for form, each in forms.items() if len(each) == 1}

    classes, others = alone(known), alone(names)
    return found | {name: numbers[classes[form]] for form, name in others.items() if form in classes}
