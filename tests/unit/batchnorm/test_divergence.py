"""Arms that diverge: what is recorded of them, and what charts and sentences make of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alexcore.batchnorm.measure import arm_validation as validation
from alexcore.batchnorm.measure.arm_validation import ValBatches
from alexcore.batchnorm.measure.arms import Arm, Sums
from alexcore.batchnorm.measure.experiment import tell_step
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.read.summary import summarise
from alexcore.batchnorm.views import curves
from alexcore.batchnorm.views.arm_lines import add_lines
from alexcore.batchnorm.views.view import order_in_words
from alexcore.figures import narrow_figure
from alexcore.runs.events import EventWriter
from tests.support.bn_experiments import made_of, read, write_experiment


def step(seed: int, at: int, loss: float | None, arm: str = "batch") -> dict[str, Any]:
    known = {"loss": loss, "grad_norm": None if loss is None else 1.0}
    return {"type": "arm_step", "arm": arm, "seed": seed, "step": at, "round": at, **known}


def evaluated(seed: int, at: int, **figures: float | None) -> dict[str, Any]:
    return {"type": "arm_eval", "arm": "batch", "seed": seed, "step": at, **figures}


@pytest.mark.parametrize("later", [3, 4])
def test_a_mean_logged_at_or_after_the_divergence_is_no_recovery(tmp_path: Path, later: int) -> None:
    start = {"type": "start", "classes": ["a", "b"], "arms": ["batch-s0"], "norms": ["batch"], "steps": 4}
    record = made_of(tmp_path / "one", start, step(0, 1, 0.1), step(0, 3, None), step(0, later, 0.1))
    assert record.diverged == {("batch", 0): 3}
    assert summarise(start, record.steps, record.evals, record.probes).outcomes == {"batch": {0: "diverged"}}


def test_a_resume_before_the_divergence_forgets_it(tmp_path: Path) -> None:
    record = made_of(tmp_path / "one", step(0, 1, 0.1), step(0, 3, None), {"type": "resume", "round": 1, "step": 1})
    assert record.diverged == {}


def test_an_arm_that_has_diverged_logs_no_mean() -> None:
    told: list[dict[str, Any]] = []
    session: Any = SimpleNamespace(reporter=SimpleNamespace(event=lambda _kind, **fields: told.append(fields)))
    sums = {"logged": Sums(loss=2.0, images=2, steps=2)}
    arm = SimpleNamespace(norm="none", seed=0, grad_norm=1.0, diverged_at=3, **sums)
    tell_step(session, arm, 4, 0.1)
    assert not told
    assert arm.logged == Sums()
    going: Arm = SimpleNamespace(norm="none", seed=0, grad_norm=1.0, diverged_at=None, **sums)  # type: ignore[assignment]
    tell_step(session, going, 4, 0.1)
    assert [each["loss"] for each in told] == [1.0]


def of_three_seeds(folder: Path) -> Experiment:
    """Seed 0 has diverged, and stands at 20 %; only the others were recalibrated."""
    return made_of(
        folder,
        *(step(seed, 1, 0.5) for seed in range(3)),
        step(0, 2, None),
        evaluated(0, 9, val_acc1=0.2, val_acc1_batch=0.2),
        evaluated(1, 9, val_acc1=0.5, val_acc1_batch=0.5, val_acc1_recalibrated=0.6),
        evaluated(2, 9, val_acc1=0.7, val_acc1_batch=0.7, val_acc1_recalibrated=0.8),
    )


def test_a_gain_by_recalibration_is_of_one_and_the_same_seed(tmp_path: Path) -> None:
    said = curves.three_ways(of_three_seeds(tmp_path / "one")).sentence
    assert "Recalibration gains 10.0 points" in said
    assert "running statistics 60.0% (50.0% to 70.0%, 2 seeds)" in said
    assert said.endswith("Diverged, and not counted: BatchNorm with seed 0.")


def test_the_accuracy_of_an_arm_that_stands_still_does_not_count(tmp_path: Path) -> None:
    said = curves.validation(of_three_seeds(tmp_path / "one")).sentence
    assert "BatchNorm 60.0% (50.0% to 70.0%, 2 seeds)" in said
    assert said.endswith("Diverged, and not counted: BatchNorm with seed 0.")
    assert "iverged" not in curves.validation(read(write_experiment("finished", "two"))).sentence


def test_a_seed_that_diverged_does_not_end_the_median_of_the_others() -> None:
    figure = narrow_figure("", "", "")
    whole = [(float(at), 1.0) for at in range(1500)]
    add_lines(figure, {"none": {0: whole[:7], 1: whole, 2: whole}})
    line = figure.data[-1]
    assert line.x[-1] == 1499.0
    assert line.name == "no norm, in part 2 of 3 seeds"
    assert (line.hovertext[0], line.hovertext[-1]) == ("3 of 3 seeds", "2 of 3 seeds")


def test_equal_medians_of_other_bands_are_no_agreement() -> None:
    assert order_in_words({"none": [1.0, 2.0, 3.0], "batch": [0.0, 2.0, 9.0]}).startswith("The medians are equal")


def test_a_part_of_the_validation_split_is_told(stripes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alexcore.augment.presets import evaluation_operations
    from alexcore.data.sources import open_source

    index, operations = open_source(str(stripes), ""), evaluation_operations("none", 64)
    whole = ValBatches(index, operations, 64, batch_size=4, seed=0)
    assert whole.worth_saying() == []
    monkeypatch.setattr(validation, "KEPT_BYTES", 7 * 3 * 64 * 64 * 4)
    (said,) = ValBatches(index, operations, 64, batch_size=4, seed=0).worth_saying()
    assert (said.code, said.values["images"], said.values["in_all"]) == ("experiment.part-validated", 7, whole.images)


def test_it_is_read_from_a_file_written_before_there_was_the_guard() -> None:
    folder = write_experiment("stopped", "old", until=5)
    writer = EventWriter(folder / "events.jsonl")
    for event in (step(0, 6, None, "none"), step(0, 6, 0.9, "none"), step(0, 8, 0.9, "none")):
        writer.write(event.pop("type"), **event)
    writer.close()
    assert read(folder).diverged == {("none", 0): 6}
