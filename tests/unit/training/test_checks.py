"""What a check has found is kept and looked up under one name."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore.cli import build_parser
from alexcore.cli.flags import config_of
from alexcore.command_line import flags
from alexcore.config import FIELDS, TrainConfig, absolute, make_config
from alexcore.training import checks
from alexcore.training.checks import check_name, known_check, remember_check

KINDS = ("preflight", "prove-accumulation", "repeat-check", "lr-find")
# Values beside the default, where neither another choice nor another number is legal.
OTHER = {
    "test": "t",
    "root": "r",
    "start_from": "imagenet",
    "freeze_features": False,
    "layout": "classes",
    "classes_from": "list",
    "intensity": "window 0 255",
    "sync_batchnorm": False,
    "label_smoothing": 0.1,
}


def changed(data: Path) -> list[TrainConfig]:
    """A configuration for each field, which has another value than its default where another is legal."""
    found = []
    for name, spec in FIELDS.items():
        value = OTHER.get(name)
        if value is None and spec.choices:
            value = next((each for each in spec.choices if each != spec.default), spec.default)
        if value is None:
            value = not spec.default if spec.kind is bool else spec.default
            value = spec.default + 1 if spec.kind is int else spec.default / 2 if spec.kind is float else value
        given = {"data": str(data), "val": str(data), name: value} if name != "data" else {"data": str(data)}
        found.append(make_config(**absolute(given)))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_keeps_its_result_where_the_page_looks_for_it(
    kind: str, stripes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "source_signature", str)
    parser = build_parser()
    for config in changed(stripes):
        job = config_of(parser.parse_args([kind, *flags(config)]))
        assert check_name(kind, job) == check_name(kind, config), config


def test_a_rate_is_looked_up_with_the_settings_of_the_form(stripes: Path) -> None:
    found = {"suggestion": 0.1}
    remember_check("lr-find", make_config(data=str(stripes), lr=0.3, ema_decay=0.9), found)
    assert known_check("lr-find", make_config(data=str(stripes))) == found
    assert known_check("lr-find", make_config(data=str(stripes), batch_size=7)) is None
