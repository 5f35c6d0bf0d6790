"""A finding is a fact with a code: what it keeps, what it says, and that the manual has its entry."""

from __future__ import annotations

import json
import string
from dataclasses import fields

import pytest

from alexcore.errors import DataError
from alexcore.findings.data import HiddenFiles
from alexcore.findings.experiment import ArmDiverged
from alexcore.findings.finding import KNOWN, finding_of
from alexcore.findings.manual import PARTS, manual
from alexcore.findings.run import StoppedEarly
from alexcore.words.findings import SAID, told
from tests.support.repository import REPOSITORY

MANUAL = REPOSITORY / "docs" / "findings.md"


def fields_of(template: str) -> set[str]:
    """The values that a template asks for, those within its format specifications included."""
    found = set()
    for _, name, spec, _ in string.Formatter().parse(template):
        found |= {name} if name else set()
        found |= fields_of(spec) if spec else set()
    return found


def test_the_manual_is_made_of_the_docstrings():
    assert MANUAL.read_text(encoding="utf-8") == manual(), "run: python -m alexcore.findings.manual > docs/findings.md"


def test_every_finding_has_words_and_all_words_belong_to_a_finding():
    assert set(SAID) == set(KNOWN)


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_the_words_of_a_finding_ask_for_nothing_that_it_lacks(code):
    assert fields_of(SAID[code].message) | fields_of(SAID[code].hint) <= {each.name for each in fields(KNOWN[code])}


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_a_finding_says_why_it_is_bad_gives_an_example_and_the_remedy(code):
    finding = KNOWN[code]
    text = finding.__doc__ or ""
    assert text.count("\n\n") >= 3
    assert "\n    Example: " in text
    assert "\n    Remedy: " in text
    assert finding.__module__ in {module.__name__ for module in PARTS.values()}


def test_codes_begin_with_what_they_are_found_in():
    assert {code.split(".")[0] for code in KNOWN} <= {"data", "pictures", "augment", "run", "experiment", "evaluation"}


def test_a_finding_comes_back_from_a_file():
    (found,) = HiddenFiles.of([".a", ".b", ".c", ".d", ".e"])
    kept = json.loads(json.dumps(found.as_event()))
    assert finding_of(kept["code"], kept["values"]) == found
    assert found.count == 5
    assert found.names == (".a", ".b", ".c", ".d")


def test_severity_decides_the_type_of_event():
    assert StoppedEarly(patience=3).event == "warning"
    assert ArmDiverged(arm="batch", step=4, lr=0.1).as_event() == {
        "code": "experiment.arm-diverged",
        "values": {"arm": "batch", "step": 4, "lr": 0.1},
        "message": "The arm batch has diverged: its loss or gradient is not finite in step 4.",
        "hint": "It stands still from there on, the others go on. A lower rate than 0.1 may keep it.",
    }


def test_a_refusal_keeps_the_code():
    error = StoppedEarly(patience=3).refusal(DataError)
    assert error.as_dict() == {"type": "DataError", **StoppedEarly(patience=3).as_event()}
    assert told(error.as_dict())[0] == error.message
