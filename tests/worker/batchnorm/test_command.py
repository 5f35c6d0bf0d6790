"""`compare-bn` as a person or a program starts it, and its worker killed from outside."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch

from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.settings import create_experiment
from alexcore.files import read_json
from alexcore.home import runs_dir
from alexcore.runs import launcher
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.status import read_status
from alexcore.runs.store import create_run, read_run
from alexcore.training.checkpoint import load_checkpoint
from tests.support.bn_experiments import tiny_experiment
from tests.support.command_line import done, refused
from tests.support.watched_runs import wait_until

FLAGS = (
    "--steps",
    4,
    "--batch-size",
    8,
    "--image-size",
    64,
    "--width",
    0.1,
    "--num-workers",
    0,
    "--device",
    "cpu",
    "--probe-images",
    16,
    "--recalibrate-images",
    16,
    "--probe-every",
    100,
)


def test_the_last_line_is_what_the_contract_says(stripes):
    said = done("compare-bn", "--data", stripes, *FLAGS, "--json")
    assert set(said.json) == {"run", "arms", "verdict"}
    assert said.json["arms"] == ["none", "batch", "group"]
    assert len(said.json["verdict"]) == 5
    assert all(isinstance(sentence, str) and sentence for sentence in said.json["verdict"])
    assert (Path(said.json["run"]) / "arms" / "batch-s0" / "checkpoints" / "last.pt").is_file()


def test_words_for_a_person_and_two_seeds_in_a_folder_of_ones_own(stripes, tmp_path):
    said = done(
        "compare-bn", "--data", stripes, *FLAGS, "--seeds", 2, "--arms", "none,batch", "--run", tmp_path / "mine"
    )
    lines = [line for line in said.out.splitlines() if not line.startswith("   ")]  # without details of an answer
    assert [line.split()[0] for line in lines[1:5]] == ["none-s0", "none-s1", "batch-s0", "batch-s1"]
    assert [line[:2] for line in lines[5:10]] == ["1.", "2.", "3.", "4.", "5."]
    assert lines[10].startswith("Probes took ")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--preset", "slow"], "There is no preset 'slow'"),
        (["--arms", "batch"], "arms = 'batch' is not allowed"),
        (["--seeds", 0], "seeds = 0 is not allowed"),
        (["--norm", "none"], "`arms` says which norms it compares"),
        (["--precision", "bf16"], "precision = 'bf16' is not possible"),
        (["--batch-size", 5], "leaves a last batch of 1 picture out of 36"),
        (["--batch-size", 64], "is larger than the training split"),
        (["--image-size", 32], "is too small for the variant seed"),
    ],
)
def test_bad_input_is_one_line(stripes, flags, words):
    line = refused("compare-bn", "--data", stripes, "--num-workers", 0, *flags)
    assert words in line


def test_a_wrong_path_leaves_no_run_behind(tmp_path):
    refused("compare-bn", "--data", tmp_path / "nowhere")
    refused("compare-bn")
    assert not runs_dir().exists() or not list(runs_dir().iterdir())


# The worker ---------------------------------------------------------------------------------------------------


def rounds(folder: Path) -> int:
    record = Experiment(folder)
    record.refresh()
    return max((event["step"] for events in record.steps.values() for event in events), default=0)


def kill(folder: Path) -> None:
    os.kill((read_json(folder / "status.json") or {})["pid"], signal.SIGKILL)
    wait_until(folder, lambda: read_status(folder).state == "lost", "the worker's death")


def started(config, bn):
    folder = create_experiment(config, bn)
    launcher.launch(folder, processes=1)
    return folder


def test_a_worker_that_is_killed_and_resumed_ends_as_one_that_was_not(stripes, monkeypatch):
    # Three arms, dropout and augmentation on; the one that is killed has a checkpoint after every round.
    settings = {"steps": 14, "batch_size": 8, "augment": "strong", "probe_every": 7}
    straight = started(*tiny_experiment(stripes, **settings))
    killed = started(*tiny_experiment(stripes, **settings, checkpoint_every_minutes=1e-6))
    wait_until(killed, lambda: rounds(killed) >= 5, "round 5")
    kill(killed)
    assert (killed / "checkpoints" / BATCHNORM.checkpoint).is_file()
    launcher.resume(read_run(killed))
    for folder in (straight, killed):
        wait_until(folder, lambda folder=folder: read_status(folder).state not in ("queued", "running"), "the end")
        assert read_status(folder).state == "finished", (folder / "worker.log").read_text()[-2000:]
    one, other = (
        load_checkpoint(folder / "checkpoints" / BATCHNORM.checkpoint, required=("arms",))["arms"]
        for folder in (straight, killed)
    )
    assert list(one) == ["none-s0", "batch-s0", "group-s0"]
    for key in one:
        for name, value in one[key]["model"].items():
            assert torch.equal(value, other[key]["model"][name]), (key, name)
    records = [Experiment(folder) for folder in (straight, killed)]
    for record in records:
        record.refresh()
    assert records[1].resumes
    curves = [
        {arm: [(event["step"], event["loss"]) for event in events] for arm, events in record.steps.items()}
        for record in records
    ]
    assert curves[0] == curves[1]
    assert [event["step"] for event in records[1].steps["none", 0]] == list(range(1, 15))
    assert len(records[1].answers) == 5


def test_a_request_stops_it_and_resume_on_the_command_line_ends_it(stripes):
    described = tiny_experiment(stripes, steps=30, probe_every=100, arms="none,batch")
    folder = started(*described)
    wait_until(folder, lambda: rounds(folder) >= 3, "round 3")
    launcher.request(folder, "stop")
    wait_until(folder, lambda: not read_status(folder).active, "the stop")
    status = read_status(folder)
    assert status.state == "stopped"
    assert 6 <= status.step < 60
    assert read_run(folder / "arms" / "none-s0").checkpoint is not None
    said = done("resume", folder, "--json")
    assert said.json["run"] == str(folder)
    assert read_status(folder).state == "finished"


def test_without_a_checkpoint_there_is_nothing_to_resume(stripes):
    folder = create_experiment(*tiny_experiment(stripes))
    status = read_json(folder / "status.json") or {}
    from alexcore.files import write_json

    write_json(folder / "status.json", {**status, "state": "failed"})
    assert "has no checkpoint to resume from" in refused("resume", folder)


def test_an_ordinary_run_is_not_taken_for_an_experiment(stripes):
    from alexcore.runs.worker import execute
    from tests.support.run_folders import tiny_config

    folder = create_run(tiny_config(stripes, epochs=1))
    assert execute(folder) == "finished"
    assert not (folder / "arms").exists()
