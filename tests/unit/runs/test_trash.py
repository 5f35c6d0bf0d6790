"""The trash of the run store: back as it was, two of one name, and what is never touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from alexcore.errors import RunError
from alexcore.home import runs_dir
from alexcore.runs.run_list import forget, summaries
from alexcore.runs.status import ACTIVE
from alexcore.runs.store import list_runs, read_run
from alexcore.runs.trash import (
    disk_use,
    empty_trash,
    find_trashed,
    keep_only_best,
    list_trash,
    restore_run,
    trash_dir,
    trash_run,
)
from tests.support.command_line import done, refused
from tests.support.run_folders import write_run


@pytest.fixture(autouse=True)
def _fresh():
    forget()


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_a_deleted_run_comes_back_as_it_was():
    folder = write_run("finished", "it")
    before, size = content(folder), disk_use(folder)
    trashed = trash_run(read_run(folder))
    assert not folder.exists()
    assert list_runs() == summaries() == []
    assert (trashed.id, trashed.bytes, trashed.deleted is not None) == ("it", size, True)
    assert list_trash() == [trashed]
    assert restore_run(trashed) == folder
    assert content(folder) == before
    assert list_trash() == []
    assert list(trash_dir().iterdir()) == []


@pytest.mark.parametrize("state", ACTIVE)
def test_an_active_run_is_refused(state):
    run = read_run(write_run(state, "it"))
    for action in (trash_run, keep_only_best):
        with pytest.raises(RunError, match=f"The run it is {state}. Stop it first"):
            action(run)
    assert (run.path / "config.json").is_file()
    assert list_trash() == []


def test_a_run_whose_worker_has_just_begun_is_refused():
    run = read_run(write_run("stopped", "it"))  # as it was read a moment ago
    with FileLock(run.path / ".lock"), pytest.raises(RunError, match="A worker is at the run it"):
        trash_run(run)
    assert run.path.is_dir()


def test_a_run_that_has_gone_is_a_sentence():
    run = read_run(write_run("stopped", "it"))
    trash_run(run)
    with pytest.raises(RunError, match="There is no run it"):
        trash_run(run)
    assert not (runs_dir() / "it").exists()


def test_two_runs_of_one_name_do_not_meet_in_the_trash():
    for text in ("one", "two"):
        folder = write_run("finished", "it")
        (folder / "which").write_text(text)
        trash_run(read_run(folder))
    assert [each.id for each in list_trash()] == ["it", "it"]
    found = {(each.path / "which").read_text(): each for each in list_trash()}
    assert restore_run(found["one"]) == runs_dir() / "it"
    # Its own name is taken now.
    assert restore_run(found["two"]) == runs_dir() / "it-2"
    assert (runs_dir() / "it" / "which").read_text() == "one"
    assert (runs_dir() / "it-2" / "which").read_text() == "two"


def test_what_has_gone_from_the_trash_is_a_sentence():
    trashed = trash_run(read_run(write_run("finished", "it")))
    restore_run(trashed)
    with pytest.raises(RunError, match="no longer in the trash"):
        restore_run(trashed)
    for name in ("it", "..", "", "absent"):
        with pytest.raises(RunError, match="in the trash"):
            find_trashed(name)


def test_emptying_frees_the_disk_and_leaves_what_a_link_points_at(tmp_path):
    elsewhere = write_run("finished", "linked").rename(tmp_path / "elsewhere")
    (runs_dir() / "linked").symlink_to(elsewhere)
    sizes = [trash_run(read_run(write_run("finished", name))).bytes for name in ("a", "b")]
    assert trash_run(read_run(runs_dir() / "linked")).bytes == 0
    write_run("finished", "stays")
    assert empty_trash() == sum(sizes) > 0
    assert list_trash() == []
    assert (elsewhere / "config.json").is_file()
    assert [run.id for run in list_runs()] == ["stays"]
    assert empty_trash() == 0


def test_a_foreign_thing_in_the_trash_is_listed_and_emptied():
    (trash_dir() / "mine" / "thing").mkdir(parents=True)
    (trash_dir() / "mine" / "file").write_text("x")
    (trash_dir() / "loose").write_text("x")
    assert {(each.id, each.deleted) for each in list_trash()} == {("thing", None), ("file", None)}
    empty_trash()
    assert list_trash() == []


def test_a_folder_that_cannot_be_moved_is_a_sentence(monkeypatch):
    run = read_run(write_run("finished", "it"))

    def refuse(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RunError, match="The run it cannot be moved to the trash: No space left on device"):
        trash_run(run)
    assert list(trash_dir().iterdir()) == []


def test_only_the_best_checkpoint_stays():
    run = read_run(write_run("finished", "it"))
    for name, size in (("best.pt", 100), ("last.pt", 300), ("epoch-3.pt", 50)):
        (run.path / "checkpoints" / name).write_bytes(b"x" * size)
    assert keep_only_best(run) == 350
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["best.pt"]
    assert keep_only_best(run) == 0


def test_without_a_best_checkpoint_the_last_one_stays():
    run = read_run(write_run("finished", "it"))
    (run.path / "checkpoints" / "last.pt").touch()
    with pytest.raises(RunError, match="has no best checkpoint"):
        keep_only_best(run)
    assert (run.path / "checkpoints" / "last.pt").is_file()


# The command line -------------------------------------------------------------------------------------------------


def test_delete_trash_restore_and_empty_on_the_command_line():
    write_run("finished", "it")
    assert "`runs restore it` brings it back" in done("runs", "delete", "it").out
    (row,) = done("runs", "trash", "--json").json["trash"]
    assert (row["id"], row["bytes"] > 0) == ("it", True)
    assert done("runs", "trash").out.startswith("it  ")
    assert done("runs", "restore", "it").out == "Restored the run it.\n"
    done("runs", "delete", "it")
    write_run("finished", "it")
    assert "It is called it-2, because it exists again." in done("runs", "restore", "it").out
    done("runs", "delete", "it-2")
    assert done("runs", "empty-trash", "--json").json["freed_bytes"] > 0
    assert done("runs", "trash").out == "The trash is empty.\n"
    assert "There is no run it-2 in the trash." in refused("runs", "restore", "it-2")


def test_names_tags_and_notes_on_the_command_line():
    write_run("finished", "it")
    write_run("finished", "other")
    assert done("runs", "rename", "it", "my", "run", "--json").json["name"] == "my run"
    assert done("runs", "tag", "it", "good", "wide", "--json").json["tags"] == ["good", "wide"]
    assert done("runs", "untag", "it", "wide", "--json").json["tags"] == ["good"]
    assert done("runs", "note", "it", "for Monday", "--json").json["note"] == "for Monday"
    (row,) = done("runs", "list", "--search", "monday #", "--json").json["runs"] or [None]
    assert row is None
    (row,) = done("runs", "list", "--search", "monday", "--json").json["runs"]
    assert (row["id"], row["name"], row["tags"]) == ("it", "my run", ["good"])
    assert "my run #good" in done("runs").out
    assert "No run matches 'nothing'." in done("runs", "--search", "nothing").out
    shown = json.loads(done("runs", "show", "it").out)
    assert (shown["name"], shown["tags"], shown["note"]) == ("my run", ["good"], "for Monday")
    assert shown["command"].startswith("python -m alexcore train --epochs=2") or "--epochs=2" in shown["command"]
    assert done("runs", "note", "it", "--clear", "--json").json["note"] == ""
    assert "`runs rename` needs ID NAME." in refused("runs", "rename", "it")
    assert "`runs tag` needs the ID of a run" in refused("runs", "tag")
    assert "is not the name of a run" in refused("runs", "note", "../home", "x")


def test_prune_on_the_command_line():
    folder = write_run("finished", "it")
    (folder / "checkpoints" / "best.pt").write_bytes(b"x")
    (folder / "checkpoints" / "last.pt").write_bytes(b"x" * 1000)
    assert done("runs", "prune", "it", "--json").json == {"pruned": "it", "freed_bytes": 1000}
    assert "has no checkpoint" in refused("resume", "it", "--epochs", "9")
