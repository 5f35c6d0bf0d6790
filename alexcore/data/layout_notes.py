"""What is worth saying about a reading: how the folder was read where that is not plain, and what was left out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from alexcore.data.labelled import Labelled
from alexcore.data.layout_words import split_of
from alexcore.findings import layout as findings
from alexcore.findings.finding import Finding, few

_LEFT_OUT = {
    "copy": findings.InnerCopy,
    "drawings": findings.Drawings,
    "doubled": findings.DoubledNames,
    "loose": findings.LoosePictures,
    "beside": findings.BesideSplits,
    "unlabelled": findings.UnlabelledPictures,
    "unnamed": findings.UnnamedPictures,
    "unlisted": findings.UnlistedPictures,
}


def reading_notes(root: Path, found: Labelled, files: pd.DataFrame) -> list[Finding]:
    """The findings about how a folder was read; `files` are those of the index that comes of it."""
    reading = found.reading
    notes: list[Finding] = []
    if reading.root != ".":
        notes.append(findings.LiesInside(reading.root))
    unusual = tuple((name, split) for split, name in reading.splits.items() if name.rpartition("/")[2] != split)
    if reading.layout == "splits":
        if unusual:
            notes.append(findings.SplitNames(few([(Path(name).name, split) for name, split in unusual]), len(unusual)))
    elif reading.splits:
        inside = [name.removeprefix("*/") for name in reading.splits.values()]
        notes.append(findings.SplitsInClasses(tuple(inside)))
    elif reading.choice.layout == "auto":
        notes += findings.SplitWordClasses.of([name for name in reading.classes if split_of(name)])
    notes += findings.EmptySplits.of([f"{name}/" for name in found.empty])
    if found.draw and reading.splits:
        notes.append(findings.ValidationDrawn(int((files["split"] == "val").sum())))
    if reading.classes_from == "name":
        notes.append(findings.ClassesByName(len(reading.classes)))
    notes += findings.ClassesByList.of(reading.lists)
    notes += [*found.notes, *(findings.NoListOfPictures(*each) for each in reading.lacking[:3])]
    notes += findings.BackgroundClass.of([name for name in reading.classes if name == "BACKGROUND_Google"])
    for why, kind in _LEFT_OUT.items():
        gone = [each for each in reading.left_out if each.why == why]
        names = [root.name if each.path == "." else each.path for each in gone]
        notes += kind.of(names, images=sum(each.images for each in gone))
    return notes
