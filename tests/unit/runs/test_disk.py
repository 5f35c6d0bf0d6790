"""A finished run can do without what only a resume would need: how much that is, and how it is freed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alexcore.cli import main
from alexcore.errors import RunError
from alexcore.files import previous_of
from alexcore.runs.disk import free, spare_bytes
from alexcore.runs.run_list import summaries
from alexcore.runs.store import read_run
from alexcore.runs.trash import disk_use
from alexcore.training.checkpoint import load_checkpoint, save_checkpoint
from tests.support.run_folders import write_run


def full(state: str, name: str = "it") -> Path:
    """A run as version 0.1 has left it: each checkpoint has the state of the optimizer, as large as the weights."""
    folder = write_run(state, name, checkpoint=True)
    for path in (folder / "checkpoints").glob("*.pt"):
        saved = load_checkpoint(path)
        momentum = {name: value.clone() for name, value in saved["model"].items()}
        save_checkpoint(path, {**saved, "optimizer": {"state": momentum}, "rng": {}})
    return folder


def test_a_finished_run_says_what_can_be_freed_and_frees_that(home):
    folder = full("finished")
    last = folder / "checkpoints" / "last.pt"
    kept = last.read_bytes()
    previous_of(last).write_bytes(kept)
    spare = spare_bytes(read_run(folder))
    before = disk_use(folder)
    freed, left = free(read_run(folder))
    assert left == []
    assert freed == before - disk_use(folder)
    assert freed == pytest.approx(spare, rel=0.02)
    assert freed > 1.4 * len(kept), "the one before, and half of the best one"
    assert last.read_bytes() == kept
    assert spare_bytes(read_run(folder)) == 0
    assert free(read_run(folder)) == (0, [])


def test_an_experiment_frees_what_its_arms_have(home):
    folder = full("finished")
    arm = folder / "arms" / "batch-s0" / "checkpoints" / "last.pt"
    arm.parent.mkdir(parents=True)
    (folder / "checkpoints" / "best.pt").rename(arm)
    assert summaries()[0].spare_bytes > 0
    assert free(read_run(folder))[0] > 0
    assert "optimizer" not in load_checkpoint(arm)
    assert summaries()[0].spare_bytes == 0, "the list has noticed"


@pytest.mark.parametrize("state", ["stopped", "failed", "running"])
def test_one_that_has_not_finished_keeps_all(home, state):
    folder = full(state)
    assert spare_bytes(read_run(folder)) == 0
    with pytest.raises(RunError, match=f"is {state}"):
        free(read_run(folder))


def test_one_command_frees_all_of_them_and_names_what_it_could_not(home, capsys):
    full("finished", "one")
    full("stopped", "two")
    damaged = full("finished", "three") / "checkpoints" / "best.pt"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    expected = sum(each.spare_bytes for each in summaries() if each.id == "one")
    assert main(["runs", "free", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert sorted(told["runs"]) == ["one", "three"]
    assert told["freed_bytes"] == pytest.approx(expected, rel=0.02)
    assert told["notes"][0].startswith("three: checkpoints/best.pt stays as it is")
    assert main(["runs", "free", "two"]) == 2
    assert "The run two is stopped" in capsys.readouterr().err
