"""What is said of each finding, by its code: the English catalogue, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alexcore.words.template import Said, filled

SAID: Mapping[str, Said] = {
    # Of a data set
    "data.hidden-files": Said("Hidden files and folders are left out: {names:listed {count}}."),
    "data.empty-class-folders": Said(
        "Empty class folders in {split} are left out: {names:listed {count}}.", "Add pictures or delete the folder."
    ),
    "data.no-pictures": Said(
        "{count} {count:?file is|files are} no picture and left out: {names:listed {count}}.",
    ),
    # In a run
    "run.stopped-early": Said(
        "Stopped early: no better validation accuracy for {patience} epochs.", "best.pt holds the best epoch."
    ),
    # In the BatchNorm experiment
    "experiment.arm-diverged": Said(
        "The arm {arm} has diverged: its loss or gradient is not finite in step {step}.",
        "It stands still from there on, the others go on. A lower rate than {lr:g} may keep it.",
    ),
}


def said(code: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence and the hint of a finding.

    Raises:
        LookupError, TypeError, ValueError: there is no such code, or the values are not its own.
    """
    template = SAID[code]
    return filled(template.message, values), filled(template.hint, values)


def told(fact: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence and the hint of what a file tells: an event, or the error in a status.

    Files of version 0.1 hold sentences alone, and a newer version's may hold codes that are not known here: then the
    English sentence that stands beside is all there is.
    """
    try:
        return said(fact["code"], fact["values"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return str(fact.get("message", "")), str(fact.get("hint", ""))
