"""What a reader is told of an experiment: details, old verdicts, sweeps, and damaged histories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alexcore.batchnorm.comparable import make_experiment
from alexcore.batchnorm.measure.sweep_training import sweep_batches
from alexcore.batchnorm.views import shift_by_layer as shift
from alexcore.cli.comparing import tell
from alexcore.export.experiment_report import report
from alexcore.files import write_json
from alexcore.runs.events import EventWriter
from tests.support.bn_experiments import answers, made_of, probe, read, tiny_experiment, write_experiment
from ui.batchnorm.downloads import TABLES
from ui.batchnorm.sweep_buttons import _what

DETAIL = "Before training it became <b>more</b>."


def with_details(folder: Path) -> Path:
    write_json(folder / "verdict.json", {"answers": [each | {"detail": DETAIL} for each in answers()]})
    return folder


def test_the_detail_of_an_answer_is_in_the_report_and_in_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    folder = with_details(write_experiment("finished", "one"))
    assert report(folder).count("Before training it became &lt;b&gt;more&lt;/b&gt;.") == 5
    tell(folder, False)
    out = capsys.readouterr().out
    assert out.count(f"\n   {DETAIL}\n") == 5


def test_the_text_names_an_arm_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    tell(write_experiment("finished", "one", seed=7), False)
    assert "arms/batch-s7 PICTURE" in capsys.readouterr().out


def test_answers_of_a_stop_are_old_once_the_experiment_was_resumed() -> None:
    folder = with_details(write_experiment("stopped", "one", until=7))
    assert not read(folder).answers_are_old
    writer = EventWriter(folder / "events.jsonl")
    writer.write("resume", round=7, step=7)
    assert read(folder).answers_are_old
    assert "These answers are of an earlier stop." in report(folder)
    writer.write("verdict", answers=answers())
    writer.close()
    assert not read(folder).answers_are_old
    assert "These answers are of an earlier stop." not in report(folder)


@pytest.mark.parametrize("damage", [{"steps": "many"}, {"classes": 3}, {"steps": None, "classes": None}])
def test_a_damaged_start_is_no_crash_of_the_report(damage: dict[str, object]) -> None:
    folder = write_experiment("finished", "one")
    path = folder / "events.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | damage), *rest, ""]))
    assert "Optimizer steps per arm" in report(folder)


def test_overlapping_seeds_decide_no_covariate_shift(tmp_path: Path) -> None:
    values = {"none": (0.1, 0.2, 0.3, 0.4, 0.5), "batch": (0.2, 0.25, 0.3, 0.35, 0.4)}
    events = [
        probe(arm, seed, 0, "Q4", layers=["conv2"], relative=[value])
        for arm, each in values.items()
        for seed, value in enumerate(each)
    ]
    said = shift.covariate_shift(made_of(tmp_path / "one", *events), "relative").sentence
    assert "is not decided here" in said
    assert "neither" not in said


def test_the_rate_of_the_batch_sweep_is_that_of_an_optimizer_step() -> None:
    plain, split = (
        make_experiment("quick", batch_size=size, accumulation_steps=parts, lr=0.02)
        for size, parts in ((32, 1), (8, 4))
    )
    rates = [{each.x: each.lr for each in sweep_batches(config, bn, 1000)} for config, bn in (plain, split)]
    assert rates[0] == rates[1]
    assert rates[0][32] == pytest.approx(0.02)


def test_a_sweep_says_that_it_leaves_out_the_accumulation() -> None:
    _, bn = tiny_experiment()
    assert "Without accumulation" in _what(bn, "q14", False, 4)
    assert "accumulation" not in _what(bn, "q14", False, 1)


def test_the_table_of_the_sweeps_can_be_taken_along() -> None:
    assert "sweeps.csv" in TABLES
