"""The rehearsal of a run: real steps in a folder that is thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alexcore.analysis import rehearsal
from alexcore.command_line import flags
from alexcore.config import TrainConfig
from alexcore.home import cache_dir, runs_dir
from alexcore.training.checks import known_check
from tests.support.command_line import call, done
from tests.support.run_folders import tiny_config


def test_three_real_steps_are_measured_and_leave_nothing_behind(stripes: Path):
    config = tiny_config(stripes, batch_size=4, accumulation_steps=2)
    found = done("preflight", "--json", *flags(config)).json
    assert len(found["steps_s"]) == 3
    assert found["step_s"] == pytest.approx(sum(found["steps_s"]) / 3)
    assert found["images_per_s"] == pytest.approx(8 / found["step_s"])
    assert found["memory_bytes"] > 50e6
    assert found["gpu_bytes"] is None
    assert found["checkpoint_bytes"] > 1e6
    assert known_check("preflight", config) == found
    assert not list(cache_dir().glob("rehearsal-*"))
    assert not runs_dir().exists()
    assert "images/s" in done("preflight", *flags(config)).out


def test_a_run_shorter_than_its_rehearsal_can_be_measured(stripes: Path):
    found = rehearsal.measure_steps(tiny_config(stripes, epochs=1, max_steps=1, batch_size=36))
    assert len(found["steps_s"]) == 3


def test_what_would_end_the_run_ends_the_rehearsal(stripes: Path):
    said = call("preflight", *flags(tiny_config(stripes, batch_size=5)))
    assert said.code == 2
    assert "leaves a last batch of 1" in said.err
    assert not list(cache_dir().glob("rehearsal-*"))


def test_the_same_seed_gives_the_same_weights(stripes: Path):
    config = tiny_config(stripes)
    found = done("repeat-check", "--json", *flags(config)).json
    assert found["same"]
    assert found["hashes"][0] == found["hashes"][1]
    assert found["largest_difference"] == 0
    assert "bit by bit" in found["sentence"]
    assert known_check("repeat-check", config) == found


def test_runs_that_differ_are_told_apart(stripes: Path, monkeypatch: pytest.MonkeyPatch):
    seeds = iter((1, 2))
    real = rehearsal.fit

    def with_another_seed(config: TrainConfig, *rest, **more) -> str:
        return real(config.model_copy(update={"seed": next(seeds)}), *rest, **more)

    monkeypatch.setattr(rehearsal, "fit", with_another_seed)
    found = rehearsal.repeat(tiny_config(stripes))
    assert not found["same"]
    assert found["hashes"][0] != found["hashes"][1]
    assert found["largest_difference"] > 0
    assert "Switch on deterministic" in found["sentence"]


def test_a_hash_sees_one_changed_bit_and_a_name():
    state = {"w": torch.zeros(4), "n": torch.tensor(3)}
    changed = {**state, "w": torch.tensor([0.0, 0, 0, 1e-45])}
    hashes = {rehearsal.weights_hash(each) for each in (state, changed, {"v": state["w"], "n": state["n"]})}
    assert len(hashes) == 3
    assert rehearsal.weights_hash(dict(reversed(state.items()))) == rehearsal.weights_hash(state)


def test_warm_up_and_validation_are_not_part_of_a_steps_time(stripes: Path, monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr(rehearsal.time, "perf_counter", lambda: clock[0])

    def after(seconds: float, watch, phase: str, step: int) -> None:
        clock[0] += seconds
        watch.progress(phase, 1, 2, **({"step": step} if phase == "training" else {}))

    def fit(_config, folder: Path, watch, **_more) -> str:
        watch.event("start", train_images=36)
        for seconds, phase, step in [
            (9, "checking pictures", 0),
            (5, "training", 1),
            (1, "training", 2),
            (70, "validating", 0),
            (80, "training", 2),
            (2, "training", 3),
            (3, "training", 4),
        ]:
            assert watch.request() == ""
            after(seconds, watch, phase, step)
        assert watch.request() == "stop"
        (folder / "checkpoints" / "last.pt").write_bytes(b"1234")
        return "stopped"

    monkeypatch.setattr(rehearsal, "fit", fit)
    found = rehearsal.measure_steps(tiny_config(stripes, batch_size=6))
    assert found["steps_s"] == [1, 2, 3]
    assert found["step_s"] == 2
    assert found["images_per_s"] == 3
    assert found["checkpoint_bytes"] == 4
