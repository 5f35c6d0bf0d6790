"""A class without training pictures is no class of a run: it is refused, or left out where somebody has chosen that.

Wherever such a class comes from (a folder that val has and train lacks, a list that declares it, pictures that were
excluded or cannot be read), it is a finding that forbids a run; `settled` makes of it what was chosen.
"""

from __future__ import annotations

from dataclasses import replace

from alexcore.data.class_index import class_problems, classes_in
from alexcore.data.index import DataIndex
from alexcore.data.reading import FolderReading
from alexcore.findings.data import (
    AlikeNames,
    CapitalsFirst,
    ImageFolderNumbers,
    SortedAsText,
    UnknownClasses,
    UnmeasuredClasses,
)
from alexcore.findings.decoding import ClassesUnreadable
from alexcore.findings.finding import Finding, errors_first, few
from alexcore.findings.untrained import ClassesLeftOut, UntrainedClasses, UntrainedKept

# What forbids a run because a class cannot be learned.
FORBIDDING = (UntrainedClasses, UnknownClasses, ClassesUnreadable)
# What is said of the names of the classes, and changes with them.
_OF_NAMES = (UnmeasuredClasses, AlikeNames, SortedAsText, CapitalsFirst, ImageFolderNumbers)


def can_drop(index: DataIndex) -> bool:
    """Whether classes without training pictures forbid a run that could do without them."""
    trained = index.files.loc[index.files["split"] == "train", "label"].nunique()
    return trained > 1 and any(isinstance(each, FORBIDDING) for each in index.problems)


def settled(index: DataIndex) -> DataIndex:
    """The index as its choice wants classes without training pictures: refused, left out, or as version 0.1 had them.

    To be called whenever pictures have been taken out.
    """
    untrained = index.choice.untrained
    if untrained == "refuse" or not can_drop(index):
        return index
    found = [each for each in index.problems if isinstance(each, FORBIDDING)]
    if untrained == "keep":  # what only another split has was refused by version 0.1, too
        problems = [_kept(each) for each in index.problems]
        return replace(index, problems=tuple(errors_first(problems)))
    return _without(index, found)


def _kept(problem: Finding) -> Finding:
    if isinstance(problem, UntrainedClasses | ClassesUnreadable):
        return UntrainedKept(problem.names, problem.count)
    return problem


def _without(index: DataIndex, found: list[UntrainedClasses | UnknownClasses | ClassesUnreadable]) -> DataIndex:
    trained = sorted(index.files.loc[index.files["split"] == "train", "label"].unique())
    classes = tuple(index.classes[label] for label in trained)
    kept = index.files[index.files["label"].isin(trained)]
    numbers = {label: number for number, label in enumerate(trained)}
    files = kept.assign(label=kept["label"].map(numbers).astype("int32")).reset_index(drop=True)
    names = [name for name in index.classes if name not in classes]
    names += [name for each in found for name in each.names if name not in index.classes]
    unknown = sum(max(0, each.count - len(each.names)) for each in found if isinstance(each, UnknownClasses))
    names = list(dict.fromkeys(names))
    told = ClassesLeftOut(few(names), len(names) + unknown, len(index.files) - len(files))
    rest = [each for each in index.problems if not isinstance(each, (*FORBIDDING, *_OF_NAMES))]
    again = class_problems(index.root, classes, classes_in(files, classes))
    rest += [each for each in again if isinstance(each, _OF_NAMES)]
    reading = _only(index.reading, classes) if index.reading else None
    problems = tuple(errors_first([*rest, told]))
    return replace(index, classes=classes, files=files, problems=problems, reading=reading)


def _only(reading: FolderReading, classes: tuple[str, ...]) -> FolderReading:
    counts = {
        split: {name: count for name, count in each.items() if name in classes}
        for split, each in reading.counts.items()
    }
    return replace(reading, counts=counts)
