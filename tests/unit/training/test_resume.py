"""A run that was interrupted and resumed ends as if it had run straight through: bit by bit, on a CPU."""

from __future__ import annotations

import errno
import math
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from alexcore.config import make_config
from alexcore.errors import AlexError, CheckpointError, TrainingError
from alexcore.runs.launcher import prepare_resume
from alexcore.runs.store import create_run, read_run
from alexcore.runs.worker import execute
from alexcore.training import run_parts, session
from alexcore.training.checkpoint import load_checkpoint, save_checkpoint
from alexcore.training.loop import fit
from alexcore.training.session import Session
from alexcore.training.step import StepResult
from tests.support.interrupted_runs import (
    Watcher,
    assert_same_run,
    assert_same_state,
    at_step,
    config_of,
    interrupted,
    losses,
    measured,
    straight,
    while_validating,
)

# A machine of one core warns of two loader processes; newer Pythons warn of a fork beside torch's threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]


@pytest.fixture(scope="module")
def whole(stripes, tmp_path_factory) -> tuple[Path, Watcher]:
    """The straight run that the interrupted ones are compared with."""
    return straight(config_of(stripes), tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize(
    "moments",
    [
        [at_step(0)],
        [at_step(1)],
        [at_step(2)],
        [while_validating(0)],
        [at_step(3)],
        [at_step(4), at_step(5), while_validating(1), at_step(8)],
    ],
    ids=["before-the-first-step", "step-1", "step-2", "validating", "end-of-epoch", "four-times"],
)
def test_an_interrupted_run_ends_as_the_straight_one(stripes, whole, moments):
    pieces = interrupted(config_of(stripes), moments)
    assert_same_run(whole, pieces)
    assert losses(pieces[1]) == losses([whole[1]])


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "sgd", "norm": "group", "class_weights": "effective", "scheduler": "cosine", "grad_clip": 1.0},
        {"norm": "none", "init": "torch", "optimizer": "adam", "accumulation_steps": 1, "early_stopping": 1},
        {"checkpoint_every_epochs": 2, "max_steps": 7},
    ],
    ids=["sgd-group-weights", "adam-none", "limited"],
)
def test_it_does_whatever_is_chosen(stripes, values):
    config = config_of(stripes, **values)
    assert_same_run(straight(config), interrupted(config, [at_step(2)]))


EVERYTHING: dict[str, Any] = {"ema_decay": 0.9, "weight_decay": 0.1, "grad_clip": 5.0, "epochs": 4}


@pytest.fixture(scope="module")
def straight_ones(stripes, tmp_path_factory) -> dict[str, tuple[Path, Watcher]]:
    return {
        scheduler: straight(
            config_of(stripes, scheduler=scheduler, **EVERYTHING, **more), tmp_path_factory.mktemp(scheduler)
        )
        for scheduler, more in ONE_OF_EACH.items()
    }


ONE_OF_EACH: dict[str, dict[str, Any]] = {
    "plateau": {"plateau_patience": 0, "lr": 0.01},
    "onecycle": {"optimizer": "sgd", "nesterov": True, "class_weights": "1,2,4"},
}


@pytest.mark.parametrize("number", range(10))
def test_it_does_from_any_step_whatever_is_switched_on(stripes, straight_ones, number):
    """Ten runs with two interruptions each: averaged weights, accumulation, a schedule with a state and one without."""
    chance = random.Random(number)
    scheduler = list(ONE_OF_EACH)[number % 2]
    config = config_of(stripes, scheduler=scheduler, **EVERYTHING, **ONE_OF_EACH[scheduler])
    moments = sorted(chance.sample(range(12), 2))
    pieces = interrupted(config, [at_step(step) for step in moments])
    assert_same_run(straight_ones[scheduler], pieces)
    assert losses(pieces[1]) == losses([straight_ones[scheduler][1]])


def test_those_runs_have_something_to_lose(straight_ones):
    """A plateau that never fell, or an average that is the network, would prove nothing."""
    last = {name: load_checkpoint(run[0] / "checkpoints" / "last.pt") for name, run in straight_ones.items()}
    assert last["plateau"]["position"]["lr_scale"] < 1
    assert len({lr for _, _, lr in losses([straight_ones["onecycle"][1]])}) == 12
    assert all(
        not torch.equal(each["model"]["features.0.weight"], each["trained"]["features.0.weight"])
        for each in last.values()
    )


class Killed(BaseException):
    """What a power cut is to a process."""


def test_a_run_killed_between_its_checkpoints_goes_on_from_the_last_one(stripes, straight_ones):
    """A checkpoint every two minutes, and a minute a step: killed in step 9, it goes on from the middle of an epoch."""
    config = config_of(stripes, scheduler="plateau", **EVERYTHING, **ONE_OF_EACH["plateau"], checkpoint_every_minutes=2)
    folder, watcher = create_run(config), Watcher()

    def cut() -> str:
        if watcher.step == 8:
            raise Killed
        return ""

    watcher.request = cut  # type: ignore[method-assign]
    with pytest.raises(Killed):
        fit(config, folder, watcher, clock=lambda: 60.0 * watcher.step)
    saved = load_checkpoint(folder / "checkpoints" / "last.pt")["position"]
    assert (saved["step"], saved["batch"]) == (8, 4)
    steps = [event["step"] for event in watcher.of("checkpoint") if event["name"] == "last.pt"]
    assert steps == [2, 3, 5, 6, 8]
    again = Watcher()
    assert fit(config, folder, again, resume=True) == "finished"
    whole = straight_ones["plateau"]
    for name in ("last.pt", "best.pt"):
        ours, theirs = (load_checkpoint(path / "checkpoints" / name) for path in (folder, whole[0]))
        for state in (ours, theirs):
            del state["config"], state["position"]["seconds"], state["position"]["ending_s"]
        assert_same_state(ours, theirs, name)


def test_without_minutes_there_is_a_checkpoint_an_epoch(stripes):
    config = config_of(stripes, epochs=2, checkpoint_every_minutes=0)
    watcher = Watcher()
    fit(config, create_run(config), watcher, clock=lambda: 1e6 * watcher.step)
    assert [event["step"] for event in watcher.of("checkpoint") if event["name"] == "last.pt"] == [3, 6]


def test_however_long_the_data_took_there_is_no_checkpoint_before_the_first_step(stripes):
    config = config_of(stripes, epochs=2, checkpoint_every_minutes=1)
    watcher, times = Watcher(), iter([0.0])
    fit(config, create_run(config), watcher, clock=lambda: next(times, 1e6))
    assert [event["step"] for event in watcher.of("checkpoint") if event["name"] == "last.pt"] == [1, 3, 6]


def test_a_full_disk_is_a_sentence_and_the_run_goes_on_when_there_is_room(stripes, straight_ones, monkeypatch):
    config = config_of(stripes, scheduler="plateau", **EVERYTHING, **ONE_OF_EACH["plateau"])
    folder = create_run(config)
    save, calls = torch.save, []

    def full(state: Any, file: Any) -> None:
        calls.append(file)
        if len(calls) >= 4:
            Path(file).write_bytes(b"half a checkpoint")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(state, file)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(AlexError, match=r"\.pt cannot be written: .*No space left on device.*Free some disk space"):
            execute(folder)
    assert read_run(folder).status.state == "failed"
    assert load_checkpoint(folder / "checkpoints" / "last.pt")["position"]["step"] > 0
    prepare_resume(read_run(folder))
    assert execute(folder) == "finished"
    ours, theirs = (load_checkpoint(path / "checkpoints" / "last.pt") for path in (folder, straight_ones["plateau"][0]))
    assert_same_state(ours["model"], theirs["model"], "model")


def test_weights_that_are_not_finite_never_replace_a_checkpoint(stripes):
    config = config_of(stripes, epochs=2)
    folder = create_run(config)
    assert fit(config, folder, Watcher(at_step(2))) == "stopped"
    run = run_parts.prepare(config, Session(folder, Watcher()), resume=True)
    run.state.model.classifier[-1].bias.data[0] = float("inf")
    with pytest.raises(
        TrainingError, match=r"The weights are not finite after step 2: .*last checkpoint is still good"
    ):
        run_parts.save("last.pt", run)
    assert load_checkpoint(folder / "checkpoints" / "last.pt")["model"]["classifier.6.bias"].isfinite().all()


def test_it_does_with_loader_processes_on_one_side_only(stripes, whole):
    """Batches already fetched by a loader process are thrown away at a stop; none may be missing later."""
    assert_same_run(whole, interrupted(config_of(stripes, num_workers=2), [at_step(2)]))


def test_a_checkpoint_of_the_version_before_goes_on(stripes, whole):
    """It lacks what has been added since; each missing value is the one that means "off"."""
    config = config_of(stripes)
    folder = create_run(config)
    assert fit(config, folder, first := Watcher(at_step(4))) == "stopped"
    path = folder / "checkpoints" / "last.pt"
    saved = load_checkpoint(path)
    known = {"epoch", "batch", "step", "loss_sum", "correct", "seen", "seconds", "best_acc1", "best_epoch"}
    saved["position"] = {name: value for name, value in saved["position"].items() if name in known}
    for name in ("ema_decay", "start_from", "time_budget_s", "compile", "lr_gamma", "checkpoint_every_minutes"):
        del saved["config"][name]
    save_checkpoint(path, saved)
    assert fit(config, folder, second := Watcher(), resume=True) == "finished"
    assert not second.of("warning")
    assert measured([first, second]) == measured([whole[1]])


def test_another_seed_is_another_run(stripes, whole):
    """So that the comparisons above can fail."""
    folder, watcher = straight(config_of(stripes, seed=6))
    assert losses([watcher]) != losses([whole[1]])
    with pytest.raises(AssertionError):
        assert_same_run(whole, (folder, [watcher]))


def test_a_finished_run_goes_on_with_more_epochs(stripes):
    config = config_of(stripes, epochs=1, scheduler="constant")
    folder, _ = straight(config)
    more, watcher = make_config(**{**config.model_dump(), "epochs": 2}), Watcher()
    assert fit(more, folder, watcher, resume=True) == "finished"
    assert [(event["epoch"], event["step"]) for event in watcher.of("epoch")] == [(1, 6)]
    assert not watcher.of("warning")
    _, whole = straight(more)
    assert measured([watcher]) == measured([whole])[1:]


def test_a_schedule_that_is_planned_anew_is_told(stripes):
    config = config_of(stripes, epochs=1, scheduler="cosine")
    folder, _ = straight(config)
    watcher = Watcher()
    assert fit(make_config(**{**config.model_dump(), "epochs": 3}), folder, watcher, resume=True) == "finished"
    (warning,) = watcher.of("warning")
    assert warning["code"] == "run.epochs-changed"
    assert warning["values"] == {"before": 1, "after": 3, "scheduler": "cosine"}
    rates = [event["lr"] for event in watcher.of("step")]
    assert rates == [pytest.approx(config.lr * (1 + math.cos(math.pi * (step - 2) / 7)) / 2) for step in range(3, 9)]


def test_a_stop_in_a_pause_ends_the_pause(stripes, monkeypatch):
    monkeypatch.setattr(session, "PAUSE_POLL_S", 0.01)
    watcher = Watcher()
    watcher.words = ["pause"] * 4 + ["continue", "continue"] + ["pause", "pause", "stop", "stop"]
    config = config_of(stripes)
    folder = create_run(config)
    assert fit(config, folder, watcher) == "stopped"
    assert watcher.pauses == [True, False, True, False]
    assert watcher.step == 1
    assert load_checkpoint(folder / "checkpoints" / "last.pt")["position"]["step"] == 1


def test_another_data_set_is_told_and_another_mapping_refused(stripes, tmp_path):
    data = shutil.copytree(stripes, tmp_path / "data")
    config = config_of(data, epochs=2)
    folder = create_run(config)
    assert fit(config, folder, Watcher(at_step(1))) == "stopped"
    next((data / "train" / "fine").glob("*.jpg")).unlink()
    watcher = Watcher(at_step(2))
    assert fit(config, folder, watcher, resume=True) == "stopped"
    assert watcher.of("warning")[0]["code"] == "run.data-changed"
    for split in ("train", "val"):
        (data / split / "wide").rename(data / split / "broad")
    with pytest.raises(CheckpointError, match=r"from the run\.\n0: the run has fine, the data set broad\n"):
        fit(config, folder, Watcher(), resume=True)


def test_a_loss_that_is_not_finite_ends_the_run_and_spares_its_checkpoint(stripes, monkeypatch):
    config = config_of(stripes)
    folder = create_run(config)
    step = run_parts.train_step
    watcher = Watcher()

    def broken(*parts: Any, **more: Any) -> StepResult:
        return StepResult(float("nan"), 0, 8, 1.0) if watcher.step == 4 else step(*parts, **more)

    monkeypatch.setattr(run_parts, "train_step", broken)
    with pytest.raises(TrainingError, match=r"The loss is nan in step 5.* Lower the learning rate \(0.0005\)"):
        fit(config, folder, watcher)
    state = load_checkpoint(folder / "checkpoints" / "last.pt")
    assert state["position"]["step"] == 3
    assert all(tensor.isfinite().all() for tensor in state["model"].values())
    assert len(watcher.of("step")) == 4


def test_a_stop_while_pictures_are_checked_ends_at_once(stripes):
    folder = create_run(config_of(stripes))
    watcher = Watcher(lambda seen: seen.phase == "checking-pictures")
    assert fit(config_of(stripes), folder, watcher) == "stopped"
    assert watcher.events == []
    assert not list((folder / "checkpoints").iterdir())
