"""A time budget: the run ends on time, by a clock that only the steps and validations move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from alexcore.config import TrainConfig
from alexcore.errors import RunError
from alexcore.runs.launcher import prepare_resume
from alexcore.runs.store import create_run, read_run
from alexcore.training import loop, run_parts
from alexcore.training.budget import steps_in
from alexcore.training.evaluation import Evaluation
from alexcore.training.loop import fit
from alexcore.training.plan import make_plan, plan_in_words
from alexcore.training.step import StepResult
from tests.support.interrupted_runs import Watcher, at_step
from tests.support.run_folders import tiny_config
from tests.support.small_trees import open_folder
from tests.support.striped_pictures import write_pictures


class Clock:
    """Counts what the stubs below say that a step or a validation takes."""

    def __init__(self, monkeypatch, step_s: Callable[[int], float], val_s: float) -> None:
        self.now, self.steps = 0.0, 0

        def step(_model, _optimizer, _objective, window, *_rest, **_more):
            self.now += step_s(self.steps)
            self.steps += 1
            return StepResult(1.0 / self.steps, 0, sum(len(labels) for _, labels in window), 1.0)

        def evaluation(*_parts):
            self.now += val_s
            return Evaluation(12, 1.0, 0.5, [[4, 0, 0]] * 3)

        monkeypatch.setattr(run_parts, "train_step", step)
        monkeypatch.setattr(loop, "evaluate", evaluation)

    def __call__(self) -> float:
        return self.now


def run(config: TrainConfig, clock: Clock, *when, folder: Path | None = None) -> tuple[Path, Watcher]:
    resume, folder, watcher = folder is not None, folder or create_run(config), Watcher(*when)
    fit(config, folder, watcher, resume=resume, clock=clock)
    return folder, watcher


@pytest.mark.parametrize(
    ("seconds", "step_s", "val_s"),
    [(600, 8.0, 30.0), (60, 0.5, 4.0), (20, 1.0, 0.1), (100, 1.0, 12.0), (300, 2.0, 0.0)],
)
def test_the_run_ends_on_time(stripes, monkeypatch, seconds, step_s, val_s):
    """5 steps an epoch; more or fewer epochs than the 2 that were asked for."""
    clock = Clock(monkeypatch, lambda step: step_s * (20 if step == 0 and step_s < 1 else 1), val_s)
    _, watcher = run(tiny_config(stripes, time_budget_s=seconds), clock)
    assert clock.now == pytest.approx(seconds, rel=0.15)
    rates = [event["lr"] for event in watcher.of("step")]
    assert rates[-1] < 0.1 * max(rates), "the schedule has come to its end"
    (note,) = watcher.of("note")
    assert (note["code"], note["values"]["minutes"]) == ("run.budget-planned", seconds / 60)
    assert watcher.of("epoch")[-1]["step"] == clock.steps


def test_a_tenth_is_kept_for_measuring_doubt(tmp_path, monkeypatch):
    """Of a run with enough images for that; the one above has 36."""
    enough = write_pictures(tmp_path / "enough", ("fine", "level"), {"train": 20, "val": 4}, size=32)
    clock = Clock(monkeypatch, lambda step: 1.0, 3.0)
    run(tiny_config(enough, time_budget_s=200), clock)
    assert clock.now == pytest.approx(180, abs=8)


def test_a_machine_that_gets_slower_ends_on_time_too(stripes, monkeypatch):
    clock = Clock(monkeypatch, lambda step: 1.0 if step < 60 else 2.0, 3.0)
    run(tiny_config(stripes, time_budget_s=400), clock)
    assert clock.now == pytest.approx(400, rel=0.15)


def test_a_step_limit_holds_as_well(stripes, monkeypatch):
    clock = Clock(monkeypatch, lambda step: 1.0, 3.0)
    run(tiny_config(stripes, time_budget_s=400, max_steps=17), clock)
    assert clock.steps == 17


def test_a_budget_for_less_than_the_first_steps_ends_after_them(stripes, monkeypatch):
    clock = Clock(monkeypatch, lambda step: 10.0, 3.0)
    _, watcher = run(tiny_config(stripes, time_budget_s=15), clock)
    assert clock.steps == 2
    assert len(watcher.of("epoch")) == 1


@pytest.mark.parametrize("step", [20, 41])
def test_a_resumed_run_keeps_the_plan(stripes, monkeypatch, step):
    """Times that are exact in binary, so that nothing but the plan can make a difference."""
    config = tiny_config(stripes, time_budget_s=128)
    _, straight = run(config, Clock(monkeypatch, lambda step: 1.0, 4.0))
    folder, first = run(config, Clock(monkeypatch, lambda step: 1.0, 4.0), at_step(step))
    _, second = run(config, Clock(monkeypatch, lambda step: 1.0, 4.0), folder=folder)
    expected = [(event["step"], event["lr"]) for event in straight.of("step")]
    assert [(event["step"], event["lr"]) for event in first.of("step") + second.of("step")] == expected
    assert straight.of("epoch")[-1]["step"] == second.of("epoch")[-1]["step"]


def test_more_time_continues_a_finished_run(stripes, monkeypatch):
    config = tiny_config(stripes, time_budget_s=60)
    clock = Clock(monkeypatch, lambda step: 1.0, 4.0)
    folder, _ = run(config, clock)
    more = config.model_copy(update={"time_budget_s": 120.0})
    clock = Clock(monkeypatch, lambda step: 1.0, 4.0)
    _, watcher = run(more, clock, folder=folder)
    assert 60 + clock.now == pytest.approx(120, rel=0.15)
    assert watcher.of("warning")[0]["values"] == {"before": 60, "after": 120}


def test_a_used_budget_is_told(stripes):
    from alexcore.files import write_json
    from tests.support.run_folders import write_resumable

    folder = write_resumable("finished")
    write_json(folder / "config.json", tiny_config(stripes, time_budget_s=60).model_dump())
    with pytest.raises(RunError, match=r"has used its time budget of 60 s\. Give more seconds"):
        prepare_resume(read_run(folder), epochs=99)
    prepare_resume(read_run(folder), time_budget_s=90.0)


def test_the_words_before_the_start(stripes):
    config = tiny_config(stripes, time_budget_s=600)
    words = plan_in_words(config, make_plan(config, open_folder(stripes)), 3)
    assert words.endswith("as many steps as fit into 10 minutes.")


@pytest.mark.parametrize(
    ("seconds", "step_s", "val_s", "done", "expected"),
    [
        (100, 1, 10, 0, 50),  # five epochs of 10 + 10 s
        (109, 1, 10, 0, 50),
        (115, 1, 10, 0, 55),
        (95, 1, 10, 5, 45),  # half an epoch is done: 5 + 10 s, then four whole ones
        (5, 1, 10, 0, 0),
        (0, 1, 0, 0, 0),
        (-3, 1, 1, 0, 0),
    ],
)
def test_steps_by_hand(seconds, step_s, val_s, done, expected):
    assert steps_in(seconds, step_s, val_s, 10, done) == expected
