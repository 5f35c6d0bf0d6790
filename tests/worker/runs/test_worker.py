"""Runs in processes of their own: finish, pause, stop, kill -9, resume, wait for a turn, fail with a sentence."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch

from alexcore import process
from alexcore.config import FIELDS, TrainConfig, load_config
from alexcore.errors import AlexError, RunError
from alexcore.files import read_json
from alexcore.process import is_alive
from alexcore.runs import launcher
from alexcore.runs.events import read_events
from alexcore.runs.run_list import summarised
from alexcore.runs.status import read_status
from alexcore.runs.store import create_run, read_run
from alexcore.runs.worker import execute
from alexcore.training import run_parts
from alexcore.training.checkpoint import load_checkpoint
from tests.support.interrupted_runs import assert_same_weights
from tests.support.repository import REPOSITORY
from tests.support.run_folders import tiny_config
from tests.support.watched_runs import events, identity, state, step, wait_for, wait_until

# Watching -----------------------------------------------------------------------------------------------------


def measured(folder: Path) -> list[dict]:
    """What a run measured, the last word on each epoch, without the figures that depend on the clock."""
    clock = ("ts", "seq", "seconds", "images_per_s")
    latest = {event["epoch"]: event for event in events(folder, "epoch")}
    return [{name: value for name, value in each.items() if name not in clock} for each in latest.values()]


# Sharing ------------------------------------------------------------------------------------------------------


def straight_config(data: Path, **values) -> TrainConfig:
    """Long enough to be interrupted, 180 steps; everything that draws a random number is on."""
    chances = {"epochs": 20, "batch_size": 4, "augment": "strong", "checkpoint_every_epochs": 5, "seed": 3}
    return tiny_config(data, **{**chances, **values})


@pytest.fixture
def start(home) -> Iterator[Callable[[TrainConfig], Path]]:
    """`launcher.start`; whatever still runs at the end of the test is killed."""
    folders: list[Path] = []

    def start(config: TrainConfig) -> Path:
        folders.append(launcher.start(config))
        return folders[-1]

    yield start
    for folder in folders:
        status = read_json(folder / "status.json") or {}
        if status.get("pid") and is_alive(status["pid"], status["process_started"]):
            os.kill(status["pid"], signal.SIGKILL)


@pytest.fixture(scope="module")
def finished(stripes, tmp_path_factory) -> Path:
    """A run that went straight through, although its starter was killed at once with all its process group."""
    home = tmp_path_factory.mktemp("finished")
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from alexcore.config import make_config; from alexcore.runs.launcher import start\n"
        "import json; start(make_config(**json.loads(sys.argv[1])), Path(sys.argv[2]))\n"
        "os.killpg(os.getpgrp(), signal.SIGKILL)"
    )
    config, folder = straight_config(stripes), home / "runs" / "straight"
    command = [sys.executable, "-c", script, config.model_dump_json(), folder]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXCORE_HOME", str(home))
        parent = subprocess.run(command, cwd=REPOSITORY, start_new_session=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    assert state(folder) == "queued"
    wait_for(folder, "finished")
    return folder


# A run that goes straight through -----------------------------------------------------------------------------


def test_a_finished_run_has_every_file(finished, stripes):
    config = straight_config(stripes)
    assert set(json.loads((finished / "config.json").read_text())) == set(FIELDS)
    assert load_config(finished / "config.json") == config
    status = read_json(finished / "status.json")
    assert status["state"] == "finished"
    assert (status["epoch"], status["step"], status["total_steps"], status["error"]) == (20, 180, 180, None)
    assert {"pid", "process_started", "heartbeat"} <= set(status)
    assert read_json(finished / "class_indices.json") == {"0": "fine", "1": "level", "2": "wide"}
    environment = read_json(finished / "env.json")
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0]
    assert environment["data_fingerprint"]
    assert (finished / "worker.log").read_text() == ""
    assert not list(finished.rglob("*.tmp"))


def test_its_events_tell_its_story_in_order(finished):
    history, _ = read_events(finished / "events.jsonl")
    assert [event["seq"] for event in history] == list(range(len(history)))
    assert (history[0]["type"], history[-1]["type"]) == ("start", "end")
    assert (history[0]["train_images"], history[0]["val_images"], history[0]["total_steps"]) == (36, 12, 180)
    assert history[-1]["state"] == "finished"
    assert [event["step"] for event in events(finished, "step")] == list(range(1, 181))
    assert [event["step"] for event in events(finished, "epoch")] == list(range(9, 181, 9))
    assert all(0 <= event["val_acc1"] <= 1 and event["val_loss"] > 0 for event in events(finished, "epoch"))


def test_its_checkpoints_hold_tensors_and_plain_data_only(finished):
    accuracies = [event["val_acc1"] for event in events(finished, "epoch")]
    for name, epoch in (("last.pt", 20), ("best.pt", accuracies.index(max(accuracies)) + 1)):
        state = torch.load(finished / "checkpoints" / name, weights_only=True)
        assert state["position"]["epoch"] == epoch
        assert state["class_to_idx"] == {"fine": 0, "level": 1, "wide": 2}
        assert all(isinstance(tensor, torch.Tensor) for tensor in state["model"].values())


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    board.Reload()
    return [(each.step, each.value) for each in board.Scalars(tag)]


def test_tensorboard_shows_the_same_scalars(finished):
    expected = [(event["step"], pytest.approx(event["val_acc1"])) for event in events(finished, "epoch")]
    assert scalars(finished, "val/acc1") == expected
    for tag, field in (("train/loss_step", "loss"), ("train/lr", "lr"), ("train/grad_norm", "grad_norm")):
        assert scalars(finished, tag) == [
            (event["step"], pytest.approx(event[field], rel=1e-5)) for event in events(finished, "step")
        ]
    assert all(value > 0 for _, value in scalars(finished, "train/grad_norm"))


# Interruptions ------------------------------------------------------------------------------------------------


def test_paused_stopped_and_terminated_it_ends_as_the_straight_run(stripes, start, finished):
    run = start(straight_config(stripes))
    launcher.request(run, "pause")
    wait_for(run, "paused")
    assert step(run) == 0
    launcher.request(run, "continue")
    wait_until(run, lambda: step(run) >= 3, "three steps")
    launcher.request(run, "pause")
    wait_for(run, "paused")
    paused_at = step(run)
    time.sleep(0.5)
    assert (step(run), state(run)) == (paused_at, "paused")
    launcher.request(run, "continue")
    wait_until(run, lambda: step(run) > paused_at, "a step after the pause")
    launcher.request(run, "stop")
    wait_for(run, "stopped")
    stopped_at = load_checkpoint(run / "checkpoints" / "last.pt")["position"]["step"]
    assert paused_at < stopped_at == step(run) < 180
    assert read_status(run).step == stopped_at
    assert not read_status(run).error

    # A signal while PyTorch is still being loaded, which only a cold process does: no step more, and none is forgotten.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "spawn", process.spawn)
        launcher.resume(read_run(run))
    wait_until(run, lambda: read_status(run).phase == "loading-pytorch", "a worker")
    os.kill(identity(run)[0], signal.SIGTERM)
    wait_for(run, "stopped")
    assert (step(run), summarised(read_run(run)).figures(run)["steps"]) == (stopped_at, stopped_at)

    # A signal in mid-run.
    launcher.resume(read_run(run))
    wait_until(run, lambda: step(run) > stopped_at, "a step after the resume")
    os.kill(identity(run)[0], signal.SIGTERM)
    wait_for(run, "stopped")
    assert stopped_at < step(run) < 180

    launcher.resume(read_run(run))
    wait_for(run, "finished")
    assert [event["state"] for event in events(run, "end")] == ["stopped", "stopped", "stopped", "finished"]
    assert [event["step"] for event in events(run, "step")] == list(range(1, 181))
    assert measured(run) == measured(finished)
    assert_same_weights(run, finished)


def test_a_second_run_waits_for_its_turn_and_a_killed_one_gives_it_up(stripes, start, finished, tmp_path):
    data = shutil.copytree(stripes, tmp_path / "data")
    (data / "train" / "wide" / "wide_003.jpg").write_bytes(b"\xff\xd8\xff no picture")
    first = start(straight_config(stripes, num_workers=1))
    wait_until(first, lambda: (first / "checkpoints" / "last.pt").is_file(), "a checkpoint")
    launcher.request(first, "pause")
    wait_for(first, "paused")
    assert step(first) < 180

    second = start(tiny_config(data, epochs=1))
    wait_until(second, lambda: read_status(second).phase_values == {"run": first.name}, "waiting")
    with pytest.raises(RunError, match=f"Another worker is at the run {first.name}"):
        execute(first)
    time.sleep(0.5)
    assert (state(first), state(second)) == ("paused", "queued")

    pid, started = identity(first)
    loaders = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    wait_until(first, lambda: not is_alive(pid, started), "the end of the killed worker")
    assert state(first) == "lost"
    assert not events(first, "end")
    # At once: neither its lock nor its turn is kept by what it left behind.
    launcher.resume(read_run(first))

    wait_for(second, "finished")
    (warning,) = events(second, "warning")
    assert warning["code"] == "data.undecodable"
    assert warning["values"]["pictures"][0][0] == "train/wide/wide_003.jpg"
    assert events(second, "start")[0]["train_images"] == 35

    wait_for(first, "finished")
    assert len(loaders) == 1
    assert not any(is_alive(each.pid, each.create_time()) for each in loaders if each.is_running())
    (resumed,) = events(first, "resume")
    assert resumed["step"] == 45 * round(resumed["step"] / 45) > 0
    assert measured(first) == measured(finished)
    assert_same_weights(first, finished)
    assert scalars(first, "val/acc1") == scalars(finished, "val/acc1")


@pytest.mark.parametrize(
    "most", [2, pytest.param(30, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)])], ids="{}-kills".format
)
def test_killed_at_random_moments_with_all_its_processes_it_ends_as_the_straight_run(stripes, start, finished, most):
    """A checkpoint every half second; a kill may hit a step, a validation or the writing of a checkpoint."""
    chance = random.Random(5)
    run = start(straight_config(stripes, num_workers=1, checkpoint_every_minutes=0.5 / 60))
    for kills in range(1, most + 1):
        wait_until(run, lambda: (run / "checkpoints" / "last.pt").is_file() and state(run) == "running", "a checkpoint")
        begin = step(run)
        wait_until(run, lambda begin=begin: step(run) > begin or state(run) == "finished", "a step")
        time.sleep(chance.uniform(0, 1))
        if state(run) == "finished":  # a fast machine
            break
        pid, started = identity(run)
        os.killpg(pid, signal.SIGKILL)
        wait_until(run, lambda dead=(pid, started): not is_alive(*dead), "the end of the killed worker")
        launcher.resume(read_run(run))
        wait_until(run, lambda count=kills: len(events(run, "resume")) == count, "a resume")
    wait_for(run, "finished")
    assert events(run, "resume")
    assert measured(run) == measured(finished)
    assert_same_weights(run, finished)


@pytest.mark.nightly
def test_a_worker_that_was_stopped_by_a_signal_is_woken_up_and_stops_in_good_order(stripes, start):
    run = start(straight_config(stripes, num_workers=1))
    wait_until(run, lambda: step(run) >= 1, "a step")
    pid, _ = identity(run)
    os.killpg(pid, signal.SIGSTOP)
    launcher.request(run, "stop")
    wait_for(run, "stopped")
    assert (run / "checkpoints" / "last.pt").is_file()
    assert "run.worker-hung" not in {event.get("code") for event in events(run, "warning")}


def test_a_run_whose_folder_is_deleted_ends_and_does_not_bring_it_back(stripes, start):
    run = start(straight_config(stripes, epochs=10_000))
    wait_until(run, lambda: step(run) >= 1, "a step")
    pid, started = identity(run)
    while run.exists():  # the worker writes into it meanwhile
        shutil.rmtree(run, ignore_errors=True)
    wait_until(run, lambda: not is_alive(pid, started), "the end of the worker")
    assert not run.exists()


# Failures -----------------------------------------------------------------------------------------------------


def assert_failed(run: Path, kind: str, message: str, hint: str) -> None:
    status = read_status(run)
    assert status.state == "failed"
    assert (status.error["type"], message in status.error["message"]) == (kind, True), status.error
    assert hint in status.error["hint"]
    assert "Traceback (most recent call last)" in (run / "worker.log").read_text()
    others = [path for path in run.iterdir() if path.suffix in (".json", ".jsonl")]
    assert not any("Traceback" in path.read_text() for path in others)
    assert [event["state"] for event in events(run, "end")] == ["failed"]


def test_a_run_whose_data_has_gone_fails_with_a_sentence(stripes, start, tmp_path):
    run = start(tiny_config(tmp_path / "gone"))
    wait_for(run, "failed")
    assert_failed(run, "DataError", f"There is no folder {tmp_path / 'gone'}", "Check the spelling")


BUG = "This is a bug. worker.log in the run's folder has the details."


# TensorBoard's thread complains when it finds its file gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("when", [1, 3])
def test_a_deleted_folder_has_its_own_sentence(stripes, monkeypatch, when):
    run = create_run(tiny_config(stripes))
    train_step, calls = run_parts.train_step, []

    def delete_and_step(*parts, **more):
        calls.append(parts)
        if len(calls) == when:
            shutil.rmtree(run, ignore_errors=True)
        return train_step(*parts, **more)

    monkeypatch.setattr(run_parts, "train_step", delete_and_step)
    with pytest.raises(RunError, match="was deleted while its run was active"):
        execute(run)
    assert (len(calls), run.exists()) == (when, False)
    with pytest.raises(RunError, match="There is no run"):
        execute(run)
    assert not run.exists()


@pytest.mark.parametrize(
    ("error", "kind", "message", "hint"),
    [
        (KeyError("weight"), "TrainingError", "failed unexpectedly: KeyError: 'weight'", BUG),
        (RuntimeError(), "TrainingError", "failed unexpectedly: RuntimeError: ", BUG),
        (MemoryError(), "TrainingError", "not enough memory", "batch_size 4 and accumulation_steps 2"),
        (
            RuntimeError("CUDA out of memory. Tried to"),
            "TrainingError",
            "not enough memory",
            "batch_size 4 and accumulation_steps 2",
        ),
        (OSError(28, "No space left on device"), "RunError", "No space left on device", "this disk is full"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whatever_breaks_is_told_in_a_sentence(stripes, monkeypatch, error, kind, message, hint):
    def broken(*parts, **more):
        raise error

    monkeypatch.setattr(run_parts, "train_step", broken)
    run = create_run(tiny_config(stripes))
    with pytest.raises(AlexError) as caught:
        execute(run)
    assert type(caught.value).__name__ == kind
    assert_failed(run, kind, message, hint)


def test_a_failed_run_can_be_mended_and_executed_again(stripes, tmp_path):
    data = shutil.copytree(stripes, tmp_path / "data")
    (data / "train" / "wide").rename(tmp_path / "wide")
    run = create_run(tiny_config(data, epochs=1))
    with pytest.raises(AlexError, match="val has classes that train lacks: wide") as _kept:
        execute(run)
    assert_failed(run, "DataError", "val has classes that train lacks: wide", "Add them to train")
    (tmp_path / "wide").rename(data / "train" / "wide")
    assert execute(run) == "finished"
    assert not read_status(run).error


def test_weights_that_blow_up_end_the_run(stripes):
    run = create_run(tiny_config(stripes, lr=10, norm="none", optimizer="sgd", momentum=0.99, epochs=20))
    with pytest.raises(AlexError, match=r"The (loss|gradient) is (nan|inf) in step \d+: the weights have blown up"):
        execute(run)
    assert_failed(run, "TrainingError", "the weights have blown up", "Lower the learning rate (10)")
    assert all(event["loss"] is not None for event in events(run, "step"))
