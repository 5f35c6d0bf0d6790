"""The index of the run store: what it says of a run, and that every change on disk reaches it."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from alexcore.files import write_json
from alexcore.home import cache_dir, runs_dir
from alexcore.process import own_identity
from alexcore.runs import events as events_module
from alexcore.runs import run_list
from alexcore.runs.about import MOST_NAME, MOST_TAGS, About, change_about, read_about
from alexcore.runs.digest import Digest
from alexcore.runs.events import EventWriter, read_events
from alexcore.runs.kinds import BATCHNORM, TRAINING
from alexcore.runs.run_list import active_runs, forget, matching, summaries, summarised, summary_of
from alexcore.runs.store import create_run, list_runs, read_run
from alexcore.runs.trash import disk_use
from tests.support.run_folders import STATES, tiny_config, write_run


@pytest.fixture(autouse=True)
def _fresh():
    forget()


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The runs whose files are read, in order."""
    seen: list[str] = []

    def reading(path: Path, read=run_list.read_run):
        seen.append(path.name)
        return read(path)

    monkeypatch.setattr(run_list, "read_run", reading)
    return seen


# What it says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_it_agrees_with_reading_the_folder(state):
    folder = write_run(state, "it", checkpoint=state == "finished")
    (found,) = summaries()
    figures = summarised(read_run(folder)).figures(folder)
    assert found.figures(folder) == {name: found.as_json()[name] for name in figures} == figures
    assert found.status == read_run(folder).status
    assert found.settings == tiny_config().model_dump(mode="json")
    assert found.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert (found.best_bytes is not None) == (state == "finished")
    assert json.dumps(found.as_json())


def test_the_newest_run_comes_first_and_a_broken_one_says_what_is_wrong():
    for number, name in enumerate(("old", "middle", "new")):
        folder = create_run(tiny_config(), runs_dir() / name)
        os.utime(folder / "config.json", (1e9 + number, 1e9 + number))
    (runs_dir() / "middle" / "config.json").write_text('{"epochs": 0}')
    os.utime(runs_dir() / "middle" / "config.json", (1e9 + 1, 1e9 + 1))
    (runs_dir() / "empty").mkdir()
    (runs_dir() / ".queue").mkdir()
    (runs_dir() / "notes.txt").write_text("no run")
    found = summaries()
    assert [each.id for each in found] == ["new", "middle", "old", "empty"]
    assert "epochs = 0 is not allowed" in found[1].problem
    assert "config.json cannot be read" in found[3].problem
    assert found[1].settings == {}


def test_a_run_keeps_its_place_when_a_resume_writes_its_configuration_again():
    folder = write_run("stopped", "it")
    began = read_events(folder / "events.jsonl")[0][0]["ts"]
    os.utime(folder / "config.json", (began + 9e4, began + 9e4))
    assert summaries()[0].started == began


def test_an_experiment_is_told_from_a_run():
    write_run("finished", "plain")
    write_json(write_run("finished", "bn") / "experiment.json", {"arms": "none,batch"})
    assert {each.id: each.kind for each in summaries()} == {"plain": TRAINING, "bn": BATCHNORM}


def test_the_row_of_an_experiment_has_an_accuracy_for_each_arm():
    folder = write_run("queued", "bn")
    write_json(folder / "experiment.json", {"arms": "none,batch"})
    writer = EventWriter(folder / "events.jsonl")
    for step, seed, none, batch in ((5, 0, 0.3, 0.9), (10, 0, 0.92, 0.2), (5, 1, 0.5, 0.6), (10, 1, 0.52, 0.3)):
        writer.write("arm_eval", arm="none", seed=seed, step=step, val_acc1=none)
        more = {"val_acc1_recalibrated": 0.61 + seed / 10} if step == 10 else {}
        writer.write("arm_eval", arm="batch", seed=seed, step=step, val_acc1=batch, **more)
    (row,) = summaries()
    assert (row.best_val_acc1, row.val_acc1) == (None, None)
    assert row.arms == {"none-s0": 0.92, "batch-s0": 0.61, "none-s1": 0.52, "batch-s1": 0.71}
    assert row.in_words == "2 arms: 72 / 66 %"
    assert row.as_json()["arms"] == row.arms
    writer.write("resume", step=5)
    writer.close()
    assert summaries()[0].in_words == "2 arms: 40 / 75 %"


# Changes ---------------------------------------------------------------------------------------------------------


def test_nothing_is_read_twice(reads):
    write_run("finished", "a")
    write_run("running", "b")
    assert len(summaries()) == 2
    assert sorted(reads) == ["a", "b"]
    assert len(summaries()) == 2
    assert sorted(reads) == ["a", "b"]


CHANGES = {
    "config": lambda run: write_json(run / "config.json", tiny_config(seed=77).model_dump()),
    "status": lambda run: write_json(run / "status.json", {"state": "failed", "epoch": 9}),
    "about": lambda run: change_about(run, name="a better name"),
    "experiment": lambda run: write_json(run / "experiment.json", {}),
    "checkpoint": lambda run: (run / "checkpoints" / "last.pt").write_bytes(b"x" * 1000),
    "environment": lambda run: write_json(run / "env.json", {"python": "3.11"}),
    "deleted file": lambda run: (run / "class_indices.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_any_file_is_seen_and_only_its_run_is_read(change, reads):
    write_run("finished", "other")
    folder = write_run("finished", "it")
    before = summary_of("it")
    reads.clear()
    change(folder)
    assert summary_of("it") != before
    assert reads == ["it"]
    assert summary_of("it").bytes == disk_use(folder)


def test_same_size_and_time_but_another_file_is_seen():
    folder = write_run("finished", "it")
    summaries()
    stat = (folder / "about.json").stat() if (folder / "about.json").exists() else (folder / "config.json").stat()
    text = (folder / "config.json").read_text().replace('"seed": 0', '"seed": 7')
    assert "7" in text
    other = folder / ".new"
    other.write_text(text)
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(folder / "config.json")
    assert summary_of("it").settings["seed"] == 7


def test_a_folder_that_is_copied_in_appears_and_a_deleted_one_goes(tmp_path):
    write_run("finished", "here")
    shutil.copytree(runs_dir() / "here", tmp_path / "from elsewhere")
    assert [each.id for each in summaries()] == ["here"]
    shutil.copytree(tmp_path / "from elsewhere", runs_dir() / "from elsewhere")
    assert {each.id for each in summaries()} == {"here", "from elsewhere"}
    shutil.rmtree(runs_dir() / "here")
    assert [each.id for each in summaries()] == ["from elsewhere"]
    with pytest.raises(Exception, match="There is no run here"):
        summary_of("here")


def test_a_run_becomes_lost_without_any_file_changing(reads, monkeypatch):
    write_run("running", "it")
    assert active_runs()[0].id == "it"
    monkeypatch.setattr("alexcore.runs.status.lives", lambda mark: False)
    assert summaries()[0].status.state == "lost"
    assert active_runs() == []
    assert reads == ["it"]


def test_another_home_has_another_index(tmp_path, monkeypatch):
    write_run("finished", "it")
    assert len(summaries()) == 1
    monkeypatch.setenv("ALEXCORE_HOME", str(tmp_path / "elsewhere"))
    assert summaries() == []


def test_a_run_deleted_while_it_is_read_is_left_out(monkeypatch):
    write_run("finished", "gone")
    write_run("finished", "here")

    def read(path: Path, read_run=run_list.read_run):
        shutil.rmtree(runs_dir() / "gone", ignore_errors=True)
        return read_run(path)

    monkeypatch.setattr(run_list, "read_run", read)
    assert [each.id for each in summaries()][-1] == "here"
    assert [each.id for each in summaries()] == ["here"]


# The memory on disk ----------------------------------------------------------------------------------------------


def test_a_new_process_reads_only_what_goes_on_or_has_changed(reads):
    write_run("finished", "ended")
    write_run("stopped", "changed")
    write_run("running", "busy")
    before = {each.id: each for each in summaries()}
    reads.clear()
    forget()
    change_about(runs_dir() / "changed", note="better")
    after = {each.id: each for each in summaries()}
    assert sorted(reads) == ["busy", "changed"]
    assert after["ended"] == before["ended"]
    assert after["changed"].note == "better"


@pytest.mark.parametrize("damage", ["{", "[]", '{"version": 1}', None])
def test_a_damaged_memory_costs_time_only(damage, reads):
    write_run("finished", "it")
    before = summaries()
    file = cache_dir() / "runs-index.json"
    raw = json.loads(file.read_text())
    if damage is None:
        raw["runs"]["it"]["summary"] = {"id": 3}
        raw["runs"]["other"] = "nothing"
    file.write_text(json.dumps(raw) if damage is None else damage)
    forget()
    reads.clear()
    assert summaries() == before
    assert reads == ["it"]


def test_a_cache_that_cannot_be_written_is_done_without(home):
    cache_dir().parent.mkdir(parents=True)
    cache_dir().write_text("in the way")
    write_run("finished", "it")
    assert len(summaries()) == 1


def test_a_thousand_runs(reads):
    """Measured in benchmarks/runs_index.py; here only that nothing is read again."""
    template = write_run("finished", "run-0000")
    for number in range(1, 1000):
        folder = runs_dir() / f"run-{number:04d}"
        (folder / "checkpoints").mkdir(parents=True)
        for name in ("config.json", "status.json", "events.jsonl"):
            os.link(template / name, folder / name)
    assert len(summaries()) == len(reads) == 1000
    forget()
    assert len(summaries()) == len(reads) == 1000
    assert len(matching(summaries(), "run-07")) == 100


# Digest ----------------------------------------------------------------------------------------------------------


def test_a_digest_goes_on_where_it_was(tmp_path, monkeypatch):
    offsets = []

    def reading(path, offset=0, without=(), read=events_module.read_events):
        offsets.append(offset)
        return read(path, offset, without)

    writer = EventWriter(tmp_path / "events.jsonl")
    monkeypatch.setattr(events_module, "read_events", reading)
    writer.write("start", classes=["a"])
    found = Digest(tmp_path / "events.jsonl")
    found.refresh()
    size = (tmp_path / "events.jsonl").stat().st_size
    for step in range(1, 4):
        writer.write("step", step=step, loss=1.0)
    writer.write("epoch", epoch=0, step=3, val_acc1=0.25, images_per_s=12.0)
    found.refresh()
    writer.close()
    assert offsets == [0, size]
    assert (found.last, found.best, found.images_per_s) == (0.25, 0.25, 12.0)


def test_what_a_resume_has_undone_does_not_count(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write("start")
    writer.write("epoch", step=5, val_acc1=0.5)
    writer.write("epoch", step=10, val_acc1=0.9)
    writer.write("resume", step=5)
    writer.write("epoch", step=10, val_acc1=0.6)
    writer.close()
    found = Digest(tmp_path / "events.jsonl")
    found.refresh()
    assert (found.best, found.last, found.epochs) == (0.6, 0.6, [(5, 0.5), (10, 0.6)])


def test_the_duration_adds_up_all_attempts(tmp_path):
    lines = [
        {"ts": 100.0, "type": "start"},
        {"ts": 130.0, "type": "epoch", "step": 5},  # then it was killed
        {"ts": 1000.0, "type": "start"},
        {"ts": 1020.0, "type": "end", "seconds": 21.5},
        {"ts": 2000.0, "type": "start"},
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    found = Digest(tmp_path / "events.jsonl")
    found.refresh()
    assert (found.duration_s, found.open_since, found.seconds, found.began) == (51.5, 2000.0, 21.5, 100.0)


def test_working_time_of_a_run_that_goes_on_ends_with_its_heartbeat():
    folder = write_run("running", "it")
    began = read_events(folder / "events.jsonl")[0][0]["ts"]
    pid, started = own_identity()
    values = {"state": "running", "pid": pid, "process_started": started, "heartbeat": began + 7}
    write_json(folder / "status.json", values)
    assert summaries()[0].worked_s == pytest.approx(7, abs=0.01)


@pytest.mark.parametrize("longer", [False, True])
def test_another_run_s_history_in_the_same_place_is_read_anew(tmp_path, longer):
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write("start")
    writer.write("epoch", step=5, val_acc1=0.9)
    writer.close()
    found = Digest(tmp_path / "events.jsonl")
    found.refresh()
    (tmp_path / "events.jsonl").unlink()
    time.sleep(0.002)
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write("start", classes=["x"] * (100 if longer else 0))
    writer.write("epoch", step=1, val_acc1=0.1)
    writer.close()
    found.refresh()
    assert found.epochs == [(1, 0.1)]


@pytest.mark.parametrize(
    "line", ['{"type": "epoch", "step": "x", "val_acc1": [1]}', '{"type": "start", "ts": {}}', "{"]
)
def test_foreign_values_in_a_history_are_passed_over(tmp_path, line):
    (tmp_path / "events.jsonl").write_text(line + '\n{"type": "epoch", "step": 5, "val_acc1": 0.5}\n')
    found = Digest(tmp_path / "events.jsonl")
    found.refresh()
    assert found.last == 0.5


def test_steps_are_left_unread_and_nothing_else(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write("step", step=1)
    writer.write("note", message='a note that quotes "type": "step", early')
    writer.write("epoch", step=1)
    writer.close()
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"type":"step","step":2}\n')  # written by another program
    kinds = [event["type"] for event in read_events(tmp_path / "events.jsonl", without=("step",))[0]]
    assert kinds == ["note", "epoch", "step"]


# Search ----------------------------------------------------------------------------------------------------------


def test_every_word_of_a_search_has_to_occur_somewhere():
    write_run("finished", "first", data="/pictures/flowers")
    write_run("failed", "second", epochs=7)
    change_about(runs_dir() / "second", name="Zweiter Versuch", tags=("wide",), note="for Monday")
    found = summaries()

    def names(text: str) -> list[str]:
        return [each.id for each in matching(found, text)]

    assert set(names("")) == set(names("  ")) == {"first", "second"}
    assert names("FLOWERS finished") == ["first"]
    assert names("flowers failed") == []
    assert names("epochs=7") == names("versuch") == names("wide monday") == ["second"]
    assert set(names("norm=batch")) == {"first", "second"}


# About -----------------------------------------------------------------------------------------------------------


def test_name_tags_and_note_live_in_a_file_of_their_own():
    folder = write_run("running", "it")
    before = {path: path.read_bytes() for path in folder.glob("*.json")}
    change_about(folder, name="  the\tlong\nrun ")
    change_about(folder, tags=("a", "b", "a", " "))
    change_about(folder, note=" two\nlines ")
    assert read_about(folder) == About("the long run", ("a", "b"), "two\nlines")
    assert {path: path.read_bytes() for path in before} == before
    assert [run.id for run in list_runs()] == ["it"]
    change_about(folder, name="", tags=(), note="")
    assert read_about(folder) == About()


@pytest.mark.parametrize(
    "raw",
    ["", "{", "[1]", '{"tags": "x"}', '{"name": null, "tags": [null, 3], "note": {"a": 1}}', '{"name": "\\u0007"}'],
)
def test_a_foreign_about_is_tolerated(raw):
    folder = write_run("finished", "it")
    (folder / "about.json").write_text(raw)
    assert read_about(folder).name == ""
    assert len(summaries()) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "x" * (MOST_NAME + 1)}, "has 81 characters"),
        ({"tags": [str(number) for number in range(MOST_TAGS + 1)]}, "13 tags are too many"),
        ({"tags": ["x" * 31]}, "has 31 characters"),
        ({"note": "x" * 4001}, "has 4,001 characters"),
    ],
)
def test_too_much_is_refused_and_nothing_is_written(changes, sentence):
    folder = write_run("finished", "it")
    with pytest.raises(Exception, match=sentence):
        change_about(folder, **changes)
    assert not (folder / "about.json").exists()


def test_an_about_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(Exception, match="There is no run nothing"):
        change_about(tmp_path / "nothing", name="x")
    folder = write_run("finished", "it")
    (folder / "about.json").mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        change_about(folder, name="x")
