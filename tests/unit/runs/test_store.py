"""Run folders on disk: made, read in every state, listed, found by a name from a URL, deleted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from alexcore.config import FIELDS, load_config
from alexcore.errors import AlexError, CheckpointError, RunError
from alexcore.files import write_json
from alexcore.home import runs_dir
from alexcore.process import OVERDUE_S, is_alive, own_identity
from alexcore.runs import launcher, store
from alexcore.runs.events import EventWriter, read_events
from alexcore.runs.launcher import prepare_resume, read_request, request
from alexcore.runs.resumption import asked_to_resume
from alexcore.runs.run_list import summarised
from alexcore.runs.status import ACTIVE, StatusWriter, read_status
from alexcore.runs.store import (
    create_run,
    find_run,
    list_runs,
    open_run,
    read_run,
    require_checkpoint,
)
from tests.support.run_folders import STATES, tiny_config, write_resumable, write_run, write_status

# Making -------------------------------------------------------------------------------------------------------


def test_a_new_run_is_queued_and_its_config_repeats_it():
    config = tiny_config("/pictures", seed=7, dropout=0.25)
    folder = create_run(config)
    assert folder.parent == runs_dir()
    assert set(json.loads((folder / "config.json").read_text())) == set(FIELDS)
    assert load_config(folder / "config.json") == config
    assert read_status(folder).state == "queued"
    assert (folder / "checkpoints").is_dir()
    assert create_run(config) != folder


def test_a_run_takes_an_empty_folder_but_no_other(tmp_path):
    empty, full, file = tmp_path / "empty", tmp_path / "full", tmp_path / "file"
    empty.mkdir()
    assert create_run(tiny_config(), empty) == empty
    full.mkdir()
    (full / "thesis.txt").write_text("three years of work")
    file.write_text("text")
    for taken in (empty, full, file):
        with pytest.raises(RunError, match=f"{taken} exists and is not empty"):
            create_run(tiny_config(), taken)
    assert [path.name for path in full.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written: Not a directory"):
        create_run(tiny_config(), tmp_path / "file" / "run")
    with pytest.raises(RunError, match="cannot be written: File name too long"):
        create_run(tiny_config(), tmp_path / ("x" * 300) / "run")


# Status -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_a_run_is_read_in_every_state(state):
    run = read_run(write_run(state, "it"))
    assert run.status.state == {"torn": "running"}.get(state, state)
    assert run.status.active == (run.status.state in ACTIVE)
    assert (run.status.epoch, run.status.step, run.status.total_steps) == (1, 7, 10)
    assert bool(run.status.error) == (state == "failed")
    assert run.config is not None
    assert not run.problem


def test_a_dead_process_is_lost(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = psutil.Process(child.pid).create_time()
        folder = write_status(tmp_path / "run", pid=child.pid, process_started=started)
        assert read_status(folder).state == "running"
        child.kill()
        # Until its parent asks for its exit code it is a zombie, which has pid and start time, but is dead.
        deadline = time.monotonic() + 60
        while is_alive(child.pid, started) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert read_status(folder).state == "lost"
    assert read_status(folder).state == "lost"


def test_a_live_pid_that_belongs_to_another_process_is_lost(tmp_path):
    _, started = own_identity()
    assert read_status(write_status(tmp_path, process_started=started - 60)).state == "lost"
    assert read_status(write_status(tmp_path, process_started=None)).state == "lost"
    # The system's clock was set by a moment: still the same process.
    assert read_status(write_status(tmp_path, process_started=started + 1)).state == "running"


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1, 2**70])
def test_a_number_that_is_no_pid_of_ours_is_not_alive(pid):
    assert not is_alive(pid, 1.0)


@pytest.mark.parametrize("state", ACTIVE)
def test_an_overdue_heartbeat_is_lost(tmp_path, state):
    late = time.time() - OVERDUE_S
    assert read_status(write_status(tmp_path, state=state, heartbeat=late + 10)).state == state
    assert read_status(write_status(tmp_path, state=state, heartbeat=late - 1)).state == "lost"


def test_a_run_that_has_ended_needs_neither_process_nor_heartbeat(tmp_path):
    for state in ("stopped", "finished", "failed"):
        assert read_status(write_status(tmp_path, state=state, pid=1, heartbeat=0)).state == state


def test_a_queued_run_has_a_minute_to_get_its_process(tmp_path):
    assert read_status(write_status(tmp_path, state="queued", pid=None)).state == "queued"
    assert read_status(write_status(tmp_path, state="queued", pid=None, heartbeat=time.time() - 61)).state == "lost"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "null",
        "[]",
        "7",
        "{}",
        '{"state": "lost"}',
        '{"state": "dancing"}',
        '{"state": ["running"]}',
        '{"state": "running", "pid": "x"}',
        '{"state": "running", "heartbeat": [1]}',
        "[" * 100_000,
        '{"state": "finished", "step": "many"}',
        '{"state": "finished", "step": Infinity}',
        '{"state": "finished", "eta_s": "soon"}',
    ],
    ids=lambda text: str(text)[:40],
)
def test_a_status_that_makes_no_sense_is_unknown(home, text):
    folder = create_run(tiny_config(), runs_dir() / "it")
    (folder / "status.json").unlink() if text is None else (folder / "status.json").write_text(text)
    assert read_status(folder).state == "unknown"
    assert [run.status.state for run in list_runs()] == ["unknown"]
    assert not read_run(folder).status.active


def test_the_writer_says_at_once_what_changes_the_state_and_beats_in_between(tmp_path, monkeypatch):
    monkeypatch.setattr("alexcore.runs.status.HEARTBEAT_S", 0.05)
    writer = StatusWriter(tmp_path)
    assert (read_status(tmp_path).state, writer.state) == ("queued", "queued")
    writer.update(state="running", step=3)
    first = read_status(tmp_path)
    assert (first.state, first.step) == ("running", 3)
    deadline = time.monotonic() + 60
    while read_status(tmp_path).heartbeat <= first.heartbeat and time.monotonic() < deadline:
        time.sleep(0.02)
    assert read_status(tmp_path).heartbeat > first.heartbeat
    writer.close("failed", error={"type": "RunError", "message": "No.", "hint": ""})
    assert read_status(tmp_path).error["message"] == "No."
    assert not list(tmp_path.glob(".*.tmp"))


def test_the_writer_survives_the_loss_of_its_folder_and_does_not_bring_it_back(tmp_path, monkeypatch):
    monkeypatch.setattr("alexcore.runs.status.HEARTBEAT_S", 0.05)
    folder = tmp_path / "run"
    folder.mkdir()
    writer = StatusWriter(folder)
    shutil.rmtree(folder)
    writer.update(state="running")
    time.sleep(0.15)
    assert writer._thread.is_alive()
    writer.close("failed")
    assert not folder.exists()


# Requests -----------------------------------------------------------------------------------------------------


def test_a_request_is_a_file_with_one_word():
    folder = write_run("running", "it")
    assert read_request(folder) == ""
    for word in ("pause", "continue", "stop"):
        request(folder, word)
        assert (folder / "request").read_text() == word == read_request(folder)
    (folder / "request").write_text("explode")
    assert read_request(folder) == ""


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "lost"])
def test_nothing_can_be_asked_of_a_run_that_is_not_active(state):
    folder = write_run(state, "it")
    with pytest.raises(RunError, match=f"The run it is {state}; there is nothing to stop"):
        request(folder, "stop")
    assert not (folder / "request").exists()


@pytest.mark.parametrize("state", ["stopped", "failed", "lost"])
def test_an_interrupted_run_can_be_made_ready_to_go_on(state):
    folder = write_resumable(state)
    (folder / "request").write_text("stop")
    prepare_resume(read_run(folder), epochs=5)
    assert read_status(folder).state == "queued"
    assert read_request(folder) == ""
    assert asked_to_resume(folder) == {"epochs": 5}
    assert load_config(folder / "config.json") == tiny_config(), "until its worker has begun"


@pytest.mark.parametrize(
    ("state", "epochs", "checkpoint", "message"),
    [
        ("running", None, True, "The run it is running"),
        ("stopped", None, False, "no checkpoint to resume from"),
        ("finished", None, True, "is finished. Give more epochs than 2"),
        ("stopped", 1, True, "epochs = 1 is fewer than the run's 2"),
        ("stopped", 10**9, True, "epochs = 1000000000 is not allowed"),
    ],
)
def test_what_cannot_be_resumed_stays_as_it_is(state, epochs, checkpoint, message):
    folder = write_resumable(state, checkpoint)
    before = [(folder / name).read_bytes() for name in ("config.json", "status.json")]
    with pytest.raises(Exception, match=message) as caught:
        prepare_resume(read_run(folder), epochs)
    assert type(caught.value).__name__ in ("RunError", "ConfigError")
    assert [(folder / name).read_bytes() for name in ("config.json", "status.json")] == before


def test_what_does_not_change_the_experiment_may_change():
    folder = write_resumable("stopped")
    changes = {"num_workers": 1, "checkpoint_every_epochs": 3, "checkpoint_every_minutes": 0.5, "lr": None}
    prepare_resume(read_run(folder), **changes)
    del changes["lr"]
    assert asked_to_resume(folder) == changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 0.5}, "lr = 0.5 would make it another experiment: the run has 0.0005. Start a new run for that."),
        ({"epochs": 9, "norm": "none"}, "norm = 'none' would make it another experiment: the run has 'batch'."),
        ({"batch_size": 0}, "batch_size = 0 is not allowed"),
        ({"colour": "red"}, "colour is not a setting of a run"),
    ],
)
def test_another_experiment_is_refused_by_name(changes, message):
    folder = write_resumable("stopped")
    before = (folder / "config.json").read_bytes()
    with pytest.raises(AlexError) as caught:
        prepare_resume(read_run(folder), **changes)
    assert str(caught.value).startswith(message)
    assert (folder / "config.json").read_bytes() == before


def test_a_run_that_its_step_limit_ended_says_so():
    folder = write_resumable("finished")
    write_json(folder / "config.json", tiny_config(max_steps=7).model_dump())
    with pytest.raises(RunError, match="has made the 7 steps that max_steps allows"):
        prepare_resume(read_run(folder), epochs=5)


def test_a_broken_run_cannot_be_resumed():
    folder = write_resumable("stopped")
    (folder / "config.json").write_text("{")
    with pytest.raises(RunError, match=r"cannot be resumed: .*config.json cannot be read"):
        prepare_resume(read_run(folder))


def test_start_makes_the_folder_and_one_process(monkeypatch):
    spawned = []
    monkeypatch.setattr(launcher, "spawn", lambda arguments, log: spawned.append((arguments, log)))
    folder = launcher.start(tiny_config())
    assert spawned == [(["alexcore.runs.worker", str(folder)], folder / "worker.log")]
    assert read_status(folder).state == "queued"


# Finding ------------------------------------------------------------------------------------------------------


def test_the_newest_run_comes_first_and_broken_ones_are_listed_with_their_problem():
    for age, name in enumerate(("new", "middle", "old")):
        folder = write_run("finished", name)
        os.utime(folder / "config.json", (1e9 - age, 1e9 - age))
    (runs_dir() / "middle" / "config.json").write_text('{"epochs": 0}')
    os.utime(runs_dir() / "middle" / "config.json", (1e9 - 1, 1e9 - 1))
    (runs_dir() / "empty").mkdir()
    (runs_dir() / ".queue").mkdir()
    (runs_dir() / "notes.txt").write_text("no run")
    runs = list_runs()
    assert [run.id for run in runs] == ["new", "middle", "old", "empty"]
    assert runs[1].config is None
    assert "epochs = 0 is not allowed" in runs[1].problem
    assert "config.json cannot be read" in runs[3].problem
    assert runs[3].started is None
    assert runs[0].started.timestamp() == 1e9


def test_a_store_that_does_not_exist_yet_has_no_runs():
    assert not runs_dir().exists()
    assert list_runs() == []


def test_a_run_deleted_while_the_list_is_made_is_left_out(monkeypatch):
    write_run("finished", "gone")
    write_run("finished", "here")

    def read(path: Path, read_run=read_run):
        shutil.rmtree(runs_dir() / "gone", ignore_errors=True)
        return read_run(path)

    monkeypatch.setattr(store, "read_run", read)
    assert [run.id for run in list_runs()] == ["here"]


NO_IDS = ["", ".", "..", "../home", "a/b", "/etc", ".queue", ".hidden", "it\0", "it/", "x" * 300, "\udcff", "absent"]


@pytest.mark.parametrize("name", NO_IDS, ids=lambda name: ascii(name)[:20])
def test_a_name_from_a_url_opens_only_runs_of_the_store(home, name):
    write_run("finished", "it")
    (runs_dir() / ".hidden").mkdir()
    (runs_dir() / "a" / "b").mkdir(parents=True)
    with pytest.raises(RunError):
        open_run(name)
    assert open_run("it").id == "it"


def test_the_command_line_finds_a_run_by_id_or_by_path(tmp_path):
    folder = write_run("finished", "it")
    elsewhere = shutil.copytree(folder, tmp_path / "copied")
    assert find_run("it").path == find_run(str(folder)).path == folder
    assert find_run(str(elsewhere)).status.state == "finished"
    for name in ("absent", "x" * 300):
        with pytest.raises(RunError, match=f"There is no run {name[:80]}"):
            find_run(name)


# Reading results ----------------------------------------------------------------------------------------------


def test_the_summary_is_what_train_prints():
    folder = write_run("stopped", "it")
    writer = EventWriter(folder / "events.jsonl")
    writer.write("epoch", epoch=1, step=10, val_acc1=0.5, images_per_s=120.5)
    writer.write("end", state="stopped", seconds=15.5)
    writer.close()
    assert summarised(read_run(folder)).figures(folder) == {
        "run": str(folder),
        "status": "stopped",
        "epochs": 1,
        "steps": 7,
        "val_acc1": 0.5,
        "best_val_acc1": 0.75,
        "images_per_s": 120.5,
        "seconds": 15.5,
    }


def test_the_summary_of_a_run_that_has_not_begun():
    folder = create_run(tiny_config())
    result = summarised(read_run(folder)).figures(folder)
    assert result["status"] == "queued"
    assert (result["epochs"], result["steps"]) == (0, 0)
    assert [result[name] for name in ("val_acc1", "best_val_acc1", "images_per_s", "seconds")] == [None] * 4


def test_the_best_checkpoint_is_preferred_to_the_last():
    folder = create_run(tiny_config())
    with pytest.raises(CheckpointError, match=r"\(queued\) has no checkpoint. Wait for its first epoch"):
        require_checkpoint(read_run(folder))
    (folder / "checkpoints" / "last.pt").touch()
    assert require_checkpoint(read_run(folder)).name == "last.pt"
    (folder / "checkpoints" / "best.pt").touch()
    assert require_checkpoint(read_run(folder)).name == "best.pt"


def test_a_torn_run_still_has_its_events():
    events, _ = read_events(write_run("torn", "it") / "events.jsonl")
    assert [event["type"] for event in events] == ["start", *["step"] * 7, "epoch"]
