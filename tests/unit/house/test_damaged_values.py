"""Values that no worker of ours has written: one row says so, or nothing; the page and the command line go on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from alexcore.cli import processes
from alexcore.home import cache_dir, runs_dir
from alexcore.runs import run_list, trash
from alexcore.runs.about import change_about, read_about
from alexcore.runs.events import EventWriter
from alexcore.runs.run_list import summarised
from alexcore.runs.series import Series
from alexcore.runs.store import read_run
from tests.support.bn_experiments import write_experiment
from tests.support.command_line import done
from tests.support.repository import REPOSITORY
from tests.support.run_folders import tiny_config, write_run

LINES = [
    '{"type": "resume", "step": Infinity}',
    '{"type": "resume", "step": null}',
    '{"type": "resume", "step": "x"}',
    '{"type": "start", "ts": 1' + "0" * 400 + "}",
    '{"type": "start", "ts": 1e300}',
    '{"type": "start", "ts": Infinity}',
    '{"type": "step", "step": null, "loss": 1}',
    '{"type": "step", "step": "x"}',
    '{"type": "step", "step": NaN}',
    '{"type": "epoch", "step": null, "val_acc1": 0.9}',
    '{"type": "epoch", "step": Infinity, "val_acc1": 0.9}',
    '{"type": "epoch", "step": 1' + "0" * 400 + ', "val_acc1": 0.9}',
    '{"type": "end", "seconds": "x"}',
]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    run_list.forget()


@pytest.mark.parametrize("line", LINES, ids=[line[:34] for line in LINES])
def test_a_damaged_event_breaks_neither_the_list_nor_the_curves(line: str) -> None:
    folder = write_run("finished", "it")
    write_run("finished", "neighbour")
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    series = Series(folder / "events.jsonl")
    series.refresh()
    writer = EventWriter(folder / "events.jsonl")
    writer.write("resume", epoch=0, step=5)
    writer.close()
    series.refresh()
    assert all(isinstance(each["step"], int) and each["step"] <= 5 for each in [*series.steps, *series.epochs])
    assert {each.id for each in run_list.summaries()} == {"it", "neighbour"}
    for each in run_list.summaries():
        assert each.started is None or each.started < 1e11
    done("runs", "list")


@pytest.mark.parametrize("runs", [[], None, 3, {"it": []}, {"it": {"signature": [["x", float("inf"), 1, 1]]}}])
def test_a_damaged_index_is_read_anew(runs: object) -> None:
    write_run("finished", "it")
    run_list.summaries()
    file = cache_dir() / "runs-index.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "runs": runs}))
    run_list.forget()
    assert [each.id for each in run_list.summaries()] == ["it"]


def test_what_a_resume_has_undone_counts_nowhere() -> None:
    folder = write_run("stopped", "it")
    writer = EventWriter(folder / "events.jsonl")
    writer.write("epoch", epoch=1, step=9, val_acc1=0.99)
    writer.write("resume", epoch=1, step=5)
    writer.write("epoch", epoch=1, step=9, val_acc1=0.5)
    writer.close()
    (row,) = run_list.summaries()
    shown = done("runs", "show", "it", "--json").json
    figures = summarised(read_run(folder)).figures(folder)
    assert figures["best_val_acc1"] == shown["best_val_acc1"] == row.best_val_acc1 == 0.75
    assert figures["val_acc1"] == shown["val_acc1"] == row.val_acc1 == 0.5


def test_a_note_of_half_characters_is_kept_without_them() -> None:
    folder = write_run("finished", "it")
    done("runs", "note", "it", "a\udce4b\nc")
    assert read_about(folder).note == "a b\nc"
    change_about(folder, name="a\udce4b")
    (folder / "about.json").write_text('{"note": "x\\udce4y"}')
    assert read_about(folder).note == "x y"


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    for number in range(3):
        write_run("finished", f"run-{number}")
    command = [sys.executable, "-m", "alexcore", "runs", "list"]
    read, write = os.pipe()
    os.close(read)
    said = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(write)
    assert (said.returncode, said.stderr) == (141, "")


def test_processes_that_have_ended_at_once_are_told_by_their_status(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run("finished", "it")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not psutil.pid_exists(child.pid)
    monkeypatch.setattr(processes.launcher, "launch", lambda _folder, _processes: child.pid)
    processes.attend(folder, 2, lambda *_: None)


def test_the_command_of_an_experiment_is_that_of_experiments(tmp_path: Path) -> None:
    folder = write_experiment("finished", "bn")
    command = done("runs", "show", folder.name, "--json").json["command"]
    assert command.startswith("python -m alexcore compare-bn --preset=")
    (folder / "experiment.json").write_text("{")
    assert done("runs", "show", folder.name, "--json").json["command"] is None
    write_run("finished", "plain")
    assert done("runs", "show", "plain", "--json").json["command"].startswith("python -m alexcore train")


# The trash ----------------------------------------------------------------------------------------------------


def test_the_trash_lies_where_tensorboard_does_not_look() -> None:
    trash.trash_run(read_run(write_run("finished", "it")))
    assert not trash.trash_dir().is_relative_to(runs_dir())
    assert not any(runs_dir().rglob("events.jsonl"))


def test_the_trash_is_listed_while_another_tab_restores(monkeypatch: pytest.MonkeyPatch) -> None:
    trash.trash_run(read_run(write_run("finished", "it")))
    trash.trash_run(read_run(write_run("finished", "other")))
    gone = sorted(trash.trash_dir().iterdir())[0]
    is_dir = Path.is_dir

    def restored_just_then(path: Path) -> bool:
        found = is_dir(path)
        if path == gone and found:
            shutil.rmtree(path)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_dir", restored_just_then)
        assert len(trash.list_trash()) == 1
    shutil.rmtree(trash.trash_dir())
    assert trash.list_trash() == []


# Torchrun on another machine ----------------------------------------------------------------------------------


def test_only_the_unfinished_run_of_the_same_command_is_continued(stripes: Path, tmp_path: Path) -> None:
    from alexcore.cli.starting import _is_unfinished
    from alexcore.runs.store import create_run

    config = tiny_config(stripes)
    folder = create_run(config, tmp_path / "run")
    assert _is_unfinished(folder, config)
    assert _is_unfinished(folder, config.model_copy(update={"processes": 2, "batch_size": 4}))
    assert not _is_unfinished(folder, config.model_copy(update={"lr": 0.5}))
    assert not _is_unfinished(tmp_path / "nowhere", config)
    for state in ("finished", "stopped", "failed"):
        (folder / "status.json").write_text(json.dumps({"state": state}))
        assert not _is_unfinished(folder, config)


def test_train_continues_it_after_a_restart_and_refuses_it_before(
    stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alexcore.cli import starting
    from alexcore.runs.store import create_run

    executed = []
    monkeypatch.setattr(starting, "_execute", lambda folder, _json: executed.append(folder) or 0)
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "TORCHELASTIC_RESTART_COUNT": "0"}.items():
        monkeypatch.setenv(name, value)
    folder = create_run(tiny_config(stripes), tmp_path / "run")
    flags = [
        "--data",
        stripes,
        "--epochs",
        2,
        "--batch-size",
        8,
        "--image-size",
        64,
        "--width",
        0.25,
        "--num-workers",
        0,
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--run-dir",
        folder,
    ]
    from tests.support.command_line import refused

    assert "exists and is not empty" in refused("train", *flags)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    done("train", *flags)
    assert executed == [folder]
