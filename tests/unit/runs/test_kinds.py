"""What a kind of run says of itself holds: its worker, its page, its command."""

from __future__ import annotations

import inspect

import pytest

from alexcore.cli import build_parser
from alexcore.home import runs_dir
from alexcore.runs.kinds import BATCHNORM, KINDS, TRAINING, Kind, arms_in_words, kind_of
from tests.support.old_homes import EXPERIMENT, FINISHED, old_home
from ui.parts.menu import PAGES


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
def test_what_stands_there_by_name_exists(kind: Kind) -> None:
    assert list(inspect.signature(kind.work()).parameters) == ["config", "run_dir", "reporter"]
    assert kind.page in PAGES
    build_parser().parse_args([kind.command])


def test_a_folder_says_its_kind(home) -> None:
    old_home(home)
    assert kind_of(runs_dir() / FINISHED) is TRAINING
    assert kind_of(runs_dir() / EXPERIMENT) is BATCHNORM
    assert kind_of(runs_dir() / "nothing") is TRAINING


def test_arms_in_words() -> None:
    assert arms_in_words({"none-s0": 0.667, "batch-s0": 0.87, "group-s0": 0.507}) == "3 arms: 67 / 87 / 51 %"
    assert arms_in_words({"none-s0": 0.5, "none-s1": 0.7, "batch-s0": None}) == "2 arms: 60 / - %"
    assert arms_in_words({}) == "no arm is validated yet"
