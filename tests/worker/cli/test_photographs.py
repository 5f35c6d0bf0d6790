"""The project's promise on real flowers, kept by the command line alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import done, pictures


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_two_epochs_on_photographs_reach_half(photographs: Path) -> None:
    """One to two minutes on two cores."""
    told = done("train", "--data", photographs, "--epochs", 2, "--json").json
    assert (told["status"], told["epochs"]) == ("finished", 2)
    assert told["val_acc1"] >= 0.50


@pytest.mark.nightly
def test_some_photographs_are_learned_and_predict_agrees_with_evaluate(
    some_photographs: Callable[[int, int], Path],
) -> None:
    """Guessing would be right for 20 % of them, and this run is for half."""
    few_photographs = some_photographs(120, 20)
    told = done("train", "--data", few_photographs, "--epochs", 4, "--image-size", 96, "--json").json
    assert (told["status"], told["epochs"]) == ("finished", 4)
    assert told["val_acc1"] >= 0.35
    evaluated = done("evaluate", told["run"], "--json").json
    predicted = done("predict", told["run"], *pictures(few_photographs), "--json").json["predictions"]
    right = [each["top"][0]["class"] == Path(each["file"]).parent.name for each in predicted]
    assert (len(right), evaluated["images"]) == (100, 100)
    assert sum(right) / 100 == pytest.approx(evaluated["acc1"])
