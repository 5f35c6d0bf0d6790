"""What is said of each finding, by its code: the English catalogue, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alexcore.words import augment, data, data_lists, evaluation, experiment, idle, layout, pictures, run, saved
from alexcore.words.template import Said, filled

SAID: Mapping[str, Said] = {
    **data.SAID,
    **data_lists.SAID,
    **layout.SAID,
    **pictures.SAID,
    **augment.SAID,
    **run.SAID,
    **idle.SAID,
    **saved.SAID,
    **experiment.SAID,
    **evaluation.SAID,
}


def said(code: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence and the hint of a finding.

    Raises:
        LookupError, TypeError, ValueError: there is no such code, or the values are not its own.
    """
    template = SAID[code]
    return filled(template.message, values), filled(template.hint, values)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two events tell the same; version 0.1 has told it by a sentence alone."""
    what = ("code", "values") if one.get("code") and other.get("code") else ("message",)
    return all(one.get(name) == other.get(name) for name in what)


def told(fact: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence and the hint of what a file tells: an event, or the error in a status.

    Files of version 0.1 hold sentences alone, and a newer version's may hold codes that are not known here: then the
    English sentence that stands beside is all there is.
    """
    try:
        return said(fact["code"], fact["values"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return str(fact.get("message", "")), str(fact.get("hint", ""))
