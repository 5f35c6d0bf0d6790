"""What a kind of run says of itself holds: its worker, its page, its command."""

from __future__ import annotations

import inspect

import pytest

from alexcore.cli import build_parser
from alexcore.home import runs_dir
from alexcore.runs.kinds import BATCHNORM, KINDS, TRAINING, Kind, kind_of
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
