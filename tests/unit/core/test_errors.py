"""An error that a process writes down is the same error where it is read."""

from __future__ import annotations

import json

import pytest

from alexcore import errors
from alexcore.errors import AlexError, ProcessLostError, TrainingError

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AlexError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_comes_back_as_it_was_written_down(kind: type[AlexError]) -> None:
    error = kind("It is full.", "Empty it.", code="data.full", values={"bytes": 3})
    back = AlexError.from_dict(json.loads(json.dumps(error.as_dict())))
    assert type(back) is kind
    assert back.as_dict() == error.as_dict()


def test_one_of_another_version_is_a_failed_training() -> None:
    assert type(AlexError.from_dict({"type": "Mapping", "message": "x"})) is TrainingError
    assert AlexError.from_dict({}).as_dict() == {"type": "TrainingError", "message": "", "hint": ""}


def test_the_tree_at_the_top_of_the_file_names_every_class() -> None:
    assert errors.__doc__ is not None
    drawn = errors.__doc__.split()
    assert all(each.__name__ in drawn for each in KINDS)
    assert issubclass(ProcessLostError, TrainingError)
