"""Labels of a list as their owner means them: no blanks at the ends, 2.0 is 2, one class in either Unicode form.

What cannot be meant as a class (nothing at all, nan, a fraction among whole numbers) is refused, and every change is
told. Lists that alexcore wrote itself for odd names say so, and keep each label as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from alexcore.errors import DataError
from alexcore.findings.data_lists import BlanksTakenOff, FormsJoined, WholeNumbers
from alexcore.findings.finding import Finding, few

# What programs write for a value that is missing; NA, null and None may be names.
_MISSING = frozenset({"nan", "<na>", "nat", "#n/a", "#n/v"})
# "07" is a name: as a number it would not come back as it was written.
_WHOLE = re.compile(r"(0|-?[1-9][0-9]{0,17})(?:[.,]0*)?")
_FRACTION = re.compile(r"-?[0-9]*[.,][0-9]*[1-9][0-9]*")


def is_missing(label: Any) -> bool:
    """Whether a label says that there is none."""
    return label != label or (isinstance(label, str) and label.strip().lower() in _MISSING)


def stripped(names: Iterable[Any]) -> tuple[list[Any], list[BlanksTakenOff]]:
    """Names without blanks and line ends at both sides, and what is told of it; what is no text stays."""
    before = list(names)
    after = [name.strip() if isinstance(name, str) else name for name in before]
    changed = [repr(old) for old, new in zip(before, after, strict=True) if isinstance(old, str) and old != new]
    return after, [
        BlanksTakenOff(few(list(dict.fromkeys(changed))), len(set(changed)), len(changed))
    ] if changed else []


def in_one_form(names: Sequence[Any], others: Iterable[Any] = ()) -> tuple[list[Any], list[Finding]]:
    """Names that look equal and differ only in the form of their Unicode letters become one; other names stay."""
    forms: dict[str, set[str]] = {}
    for name in {each for each in (*names, *others) if isinstance(each, str) and not each.isascii()}:
        forms.setdefault(unicodedata.normalize("NFC", name), set()).add(name)
    joined = {form: name for name, group in forms.items() if len(group) > 1 for form in group}
    if not joined:
        return list(names), []
    several = sorted(set(joined.values()))
    told: list[Finding] = [FormsJoined(few(several), len(several))]
    return [joined.get(name, name) if isinstance(name, str) else name for name in names], told


def numbers_of(path: Path, labels: Sequence[str], places: Sequence[str]) -> tuple[list[Any], list[Finding]]:
    """Labels of a CSV, as numbers if every one is a whole number.

    Raises:
        DataError: all are numbers, and some of them fractions while others are whole.
    """
    found = [_WHOLE.fullmatch(label) for label in labels]
    if all(found):
        written = Counter(label for label, match in zip(labels, found, strict=True) if match and match[1] != label)
        told: list[Finding] = []
        if written:
            first = next(iter(written))
            told = [WholeNumbers(first, first.replace(",", ".").partition(".")[0], written.total())]
        return [int(match[1]) for match in found if match], told
    fractions = [place for label, place in zip(labels, places, strict=True) if _FRACTION.fullmatch(label)]
    if fractions and any(found) and len(fractions) + sum(map(bool, found)) == len(labels):
        odd = labels[places.index(fractions[0])]
        raise DataError(
            f"{path} has the label {odd!r} at {fractions[0]}; other labels are whole numbers.",
            "If the labels are measurements, make classes of them first; if they are names, add a letter: v1.5, v2.",
        )
    return list(labels), []


def are_whole_with_point(labels: Sequence[str]) -> bool:
    """Whether every label is a whole number, and some are written with a decimal point."""
    found = [_WHOLE.fullmatch(label) for label in labels]
    return all(found) and any(match[1] != label for match, label in zip(found, labels, strict=True) if match)


def reads_as_names(labels: Sequence[str]) -> bool:
    """Whether labels of a CSV stay the names that they are, by themselves and beside one another."""
    try:
        return numbers_of(Path(), labels, labels)[0] == labels
    except DataError:
        return False


def refuse_missing(path: Path, labels: Sequence[Any], places: Sequence[str]) -> None:
    """Refuse a list in which a label says that there is none.

    Raises:
        DataError: it names the first such row, and how many there are.
    """
    odd = [(label, place) for label, place in zip(labels, places, strict=True) if is_missing(label)]
    if odd:
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        raise DataError(
            f"{path} has the label {odd[0][0]!r} at {odd[0][1]}{more}, which programs write where a value is missing.",
            "Correct the label, or delete the row. If it is a class, give it another name.",
        )
