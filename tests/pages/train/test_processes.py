"""The page Train and several processes: the card, the command, the start; and a finished run that goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alexcore.config import load_config
from alexcore.errors import DataError
from alexcore.files import write_json
from alexcore.findings.run import StoppedEarly
from alexcore.home import cache_dir
from alexcore.runs import launcher
from alexcore.runs.events import EventWriter
from alexcore.runs.resumption import asked_to_resume, end_resume
from alexcore.runs.store import list_runs
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import write_run


@pytest.fixture
def started(monkeypatch) -> list[tuple[list[str], dict[str, str]]]:
    """What the launcher would have started: arguments of `python -m`, and variables."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def spawn(arguments: list[str], _log: Path, environment: dict[str, str] | None = None) -> int:
        found.append((arguments, environment or {}))
        return 0

    monkeypatch.setattr(launcher, "spawn", spawn)
    return found


def test_two_processes_are_explained_shown_as_a_command_and_started(flowers: Path, started) -> None:
    at = open_page("pages/train.py")
    at.number_input(key="train_batch_size").set_value(8)
    at.number_input(key="train_processes").set_value(2).run()
    assert "An epoch: 3 batches of 16 (2 processes, 8 in each), the last of 4" in text_of(at)
    assert "Effective batch 16 for the gradient (2 processes), 8 for BatchNorm's statistics" in text_of(at)
    (command,) = [code.value for code in at.code if code.value.startswith("torchrun")]
    assert command.startswith("torchrun --standalone --nproc-per-node=2 -m alexcore train --data=")
    assert " --batch-size=8" in command
    assert "--processes" not in command
    at.button(key="train_start").click().run()
    (run,) = list_runs()
    assert run.config is not None
    assert run.config.processes == 2
    ((arguments, environment),) = started
    assert arguments[:3] == ["torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    assert arguments[3:] == ["-m", "alexcore.runs.worker", str(run.path.resolve())]
    assert "OMP_NUM_THREADS" in environment or "OMP_NUM_THREADS" in os.environ


def test_one_process_needs_no_torchrun(flowers: Path, started) -> None:
    at = open_page("pages/train.py")
    assert any(code.value.startswith("python -m alexcore train --data=") for code in at.code)
    at.button(key="train_start").click().run()
    ((arguments, environment),) = started
    assert (arguments[0], environment) == ("alexcore.runs.worker", {})


def test_batch_norm_over_processes_is_warned_of_without_a_gpu(flowers: Path) -> None:
    cache_dir().mkdir(parents=True, exist_ok=True)
    write_json(cache_dir() / "devices.json", {"device": "cpu", "description": "CPU", "torch": "2"})
    at = open_page("pages/train.py")
    at.toggle(key="train_sync_batchnorm").set_value(True).run()
    assert any("torch's SyncBatchNorm has no CPU implementation" in each.value for each in at.warning)
    at.text_input(key="train_device").set_value("cpu").run()
    assert "sync_batchnorm = True needs GPUs" in errors_of(at)


def test_a_finished_run_goes_on_for_more_epochs(flowers: Path, started) -> None:
    folder = write_run("finished", "done", data=flowers, checkpoint=True)
    at = open_page("pages/train.py", run="done")
    at.number_input(key="train_longer_epochs").set_value(5)
    at.button(key="train_longer_start").click().run()
    assert asked_to_resume(folder) == {"epochs": 5}
    assert json.loads((folder / "status.json").read_text())["state"] == "queued"
    assert len(started) == 1


@pytest.mark.parametrize(("epochs", "words"), [(2, "Give more epochs than 2"), (0, "a whole number from 1")])
def test_epochs_that_are_not_more_are_refused(flowers: Path, started, epochs, words) -> None:
    folder = write_run("finished", "done", data=flowers, checkpoint=True)
    at = open_page("pages/train.py", run="done")
    at.number_input(key="train_longer_epochs").set_value(epochs)
    at.button(key="train_longer_start").click().run()
    assert any(words in each.value for each in at.toast)
    assert load_config(folder / "config.json").epochs == 2
    assert not started


def test_a_run_that_stopped_early_says_what_a_resume_will_do_and_why_one_failed(flowers: Path, started) -> None:
    folder = write_run("finished", "early", data=flowers, checkpoint=True, epochs=20)
    values = {**load_config(folder / "config.json").model_dump(), "early_stopping": 2}
    write_json(folder / "config.json", values)
    writer = EventWriter(folder / "events.jsonl")
    writer.write("outcome", **StoppedEarly(2).as_event())
    writer.close()
    before = (folder / "status.json").read_bytes()
    at = open_page("pages/train.py", run="early")
    assert "Stopped early: no better validation accuracy for 2 epochs." in text_of(at)
    assert "It goes on after epoch 1 to epoch 40; early stopping waits for 2 epochs, counted from here on." in text_of(
        at
    )
    at.number_input(key="train_longer_patience").set_value(0)
    at.number_input(key="train_longer_epochs").set_value(20).run()
    assert "to epoch 20; early stopping is off." in text_of(at)
    at.button(key="train_longer_start").click().run()
    assert asked_to_resume(folder) == {"epochs": 20, "early_stopping": 0}
    assert len(started) == 1

    # Its worker could not begin: the run is what it was, and the page says why.
    end_resume(folder, DataError("There is no folder /gone.", "Look for it."))
    (folder / "status.json").write_bytes(before)
    at = open_page("pages/train.py", run="early")
    assert "The last resume failed, and the run is what it was. There is no folder /gone. Look for it." in errors_of(at)


def test_settings_that_cannot_act_are_said_above_start(flowers: Path) -> None:
    at = open_page("pages/train.py")
    at.number_input(key="train_warmup_steps").set_value(1000).run()
    assert any("= 1,000 is no shorter than the run of" in each.value for each in at.warning)
