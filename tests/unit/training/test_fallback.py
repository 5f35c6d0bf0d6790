"""Nothing saved is the only copy: a run goes on from the checkpoint before a damaged one, bit by bit, and says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from alexcore.data.sources import open_source
from alexcore.errors import AlexError, CheckpointError
from alexcore.files import read_json, write_json
from alexcore.home import runs_dir
from alexcore.runs.disk import slim_down
from alexcore.runs.reporter import RunReporter
from alexcore.runs.run_list import summaries
from alexcore.runs.status import StatusWriter
from alexcore.runs.store import create_run, read_run
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.loop import fit
from alexcore.training.session import Session
from tests.support.interrupted_runs import Watcher, assert_same_weights, at_step, config_of, straight
from tests.support.run_folders import tiny_config

LAST, PREVIOUS, BEST = "last.pt", "last.previous.pt", "best.pt"


@pytest.fixture(scope="module")
def whole(stripes, tmp_path_factory) -> Path:
    """The run as it would have been, three epochs of five steps."""
    return straight(config_of(stripes, accumulation_steps=1), tmp_path_factory.mktemp("whole") / "run")[0]


@pytest.fixture(scope="module")
def stopped(stripes, tmp_path_factory) -> Path:
    """The same, stopped after two epochs and a step: last.pt is of the stop, last.previous.pt of an epoch's end."""

    config = config_of(stripes, accumulation_steps=1)
    folder = create_run(config, tmp_path_factory.mktemp("stopped") / "run")
    assert fit(config, folder, Watcher(at_step(11))) == "stopped"
    return folder


@pytest.fixture
def run(stopped, tmp_path) -> Path:
    return shutil.copytree(stopped, tmp_path / "run")


def file(run: Path, name: str) -> Path:
    return run / "checkpoints" / name


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def resumed(run: Path) -> Watcher:
    watcher, config = Watcher(), read_run(run).config
    assert config is not None
    assert fit(config, run, watcher, resume=True) == "finished"
    return watcher


def test_what_lies_in_the_folder_of_a_run_that_has_not_finished(run):
    steps = {name: load_checkpoint(file(run, name))["position"]["step"] for name in (LAST, PREVIOUS)}
    assert steps == {LAST: 11, PREVIOUS: 10}


@pytest.mark.parametrize(
    ("harm", "word"), [(flip, "damaged"), (cut, "damaged"), (Path.unlink, "missing")], ids=["flip", "cut", "gone"]
)
def test_it_goes_on_from_the_one_before_bit_by_bit(run, whole, harm, word):
    harm(file(run, LAST))
    watcher = resumed(run)
    (told,) = watcher.of("warning")
    assert told["code"] == "run.checkpoint-damaged"
    assert told["message"].startswith(f"last.pt is {word}: the run has gone on from last.previous.pt, after step 10.")
    assert watcher.of("resume")[0]["step"] == 10
    assert_same_weights(run, whole)


def test_what_is_damaged_takes_no_good_ones_place(run):
    flip(file(run, LAST))
    before = file(run, PREVIOUS).read_bytes()
    watcher, config = Watcher(at_step(11)), read_run(run).config
    assert fit(config, run, watcher, resume=True) == "stopped"
    assert file(run, PREVIOUS).read_bytes() == before
    assert load_checkpoint(file(run, LAST))["position"]["step"] == 11


def test_within_the_second_epoch_the_best_one_stands_in(run, whole):
    for name in (LAST, PREVIOUS):
        flip(file(run, name))
    (told,) = resumed(run).of("warning")
    assert "gone on from best.pt" in told["message"]
    assert_same_weights(run, whole)


def test_without_any_whole_one_the_sentence_names_the_last(run):
    for name in (LAST, PREVIOUS, BEST):
        cut(file(run, name))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(CheckpointError, match=r"last\.pt is no checkpoint, or a damaged one"):
        resumed(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_an_experiment_goes_back_likewise(stripes, tmp_path):
    config = tiny_config(width=0.05)
    session, watcher = Session(tmp_path, Watcher()), Watcher()
    index = open_source(stripes)
    (tmp_path / "checkpoints").mkdir()
    for step in (1, 2):
        state = {"arms": {"none-s0": torch.ones(9)}, "position": {"step": step}, "config": config.model_dump()}
        session.save("experiment.pt", state, index, 0, step)
    flip(file(tmp_path, "experiment.pt"))
    again = Session(tmp_path, watcher)
    assert again.read("experiment.pt", "cpu", ("version", "arms", "position"))["position"] == {"step": 1}
    (told,) = watcher.of("warning")
    assert told["message"].startswith("experiment.pt is damaged: the run has gone on from experiment.previous.pt")


def test_one_of_a_newer_version_is_not_damaged(run):

    state = torch.load(file(run, LAST), weights_only=True)
    torch.save({**state, "version": 99}, file(run, LAST))
    with pytest.raises(CheckpointError, match="has version 99"):
        resumed(run)


def test_status_outcome_and_list_say_so(stopped, home):
    run = shutil.copytree(stopped, runs_dir() / "it")
    write_json(run / "status.json", {"state": "stopped", "epoch": 2, "step": 11})
    cut(file(run, LAST))
    config = read_run(run).config
    assert config is not None
    status = StatusWriter(run)
    reporter = RunReporter(run, status)
    assert fit(config, run, reporter, resume=True) == "finished"
    status.close("finished")
    reporter.close()
    sentence = "last.pt is damaged: the run has gone on from last.previous.pt, after step 10."
    assert (read_json(run / "status.json") or {})["went_back"]["message"] == sentence
    (summary,) = summaries()
    assert summary.figures(run)["went_back"]["message"] == sentence


# When it has finished -----------------------------------------------------------------------------------------


def test_a_finished_run_keeps_the_last_one_whole_and_of_the_best_what_predicts(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    best, last = file(run, BEST), file(run, LAST)
    expected, kept, large = load_checkpoint(best)["model"], last.read_bytes(), best.stat().st_size
    assert slim_down(run) == []
    assert not file(run, PREVIOUS).exists()
    assert last.read_bytes() == kept
    assert best.stat().st_size < 0.6 * large
    state = load_checkpoint(best)
    assert "optimizer" not in state
    assert state["position"]["step"] > 0
    assert all(bool((state["model"][name] == value).all()) for name, value in expected.items())
    again = best.stat().st_mtime_ns
    assert slim_down(run) == []
    assert best.stat().st_mtime_ns == again, "there is nothing left to do"


def test_a_best_one_that_cannot_be_read_is_left_and_said(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    flip(file(run, BEST))
    before = file(run, BEST).read_bytes()
    (left,) = slim_down(run)
    assert (left.code, left.name) == ("run.checkpoint-left", "checkpoints/best.pt")
    assert "or a damaged one" in left.sentence
    assert file(run, BEST).read_bytes() == before


def test_a_run_of_more_epochs_goes_on_after_it(whole, stripes, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    slim_down(run)
    config = config_of(stripes, accumulation_steps=1, epochs=4)
    assert fit(config, run, Watcher(), resume=True) == "finished"
    flip(file(run, LAST))
    file(run, PREVIOUS).unlink()
    slim_down(run)
    with pytest.raises(AlexError, match=r"last\.pt is no checkpoint, or a damaged one"):
        fit(config, run, Watcher(), resume=True)
