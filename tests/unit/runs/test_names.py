"""A run is found by its name wherever its id is taken; a name that several have is refused with their ids."""

from __future__ import annotations

import pytest

from alexcore.errors import ConfigError, RunError
from alexcore.runs.about import change_about
from alexcore.runs.launcher import read_request
from alexcore.runs.store import find_run, open_run
from alexcore.runs.trash import find_trashed, trash_run
from alexcore.training.start_from import checkpoint_of
from tests.support.command_line import done, refused
from tests.support.run_folders import write_run


def named(run_id: str, name: str, state: str = "finished", **more):
    folder = write_run(state, run_id, **more)
    change_about(folder, name=name)
    return folder


def test_a_name_finds_its_run_in_library_pages_and_commands(tmp_path, monkeypatch):
    folder = named("20260101-120000-aaaa", "quick try / 50 %")
    for find in (find_run, open_run):
        assert find("quick try / 50 %").path == folder
        assert find(folder.name).path == folder
    assert done("runs", "show", "quick try / 50 %", "--json").json["run"] == str(folder)
    assert done("runs", "delete", "quick try / 50 %", "--json").json["deleted"] == folder.name
    assert "quick try" in done("runs", "trash").out
    assert done("runs", "restore", "quick try / 50 %", "--json").json["restored"] == folder.name
    assert "There is no run slow try" in refused("evaluate", "slow try")
    # A folder of that name that holds no run does not stand in the way.
    monkeypatch.chdir(tmp_path)
    change_about(folder, name="flowers")
    (tmp_path / "flowers").mkdir()
    assert find_run("flowers").path == folder


def test_an_id_comes_before_a_name():
    one, two = named("one", "two"), named("two", "")
    assert find_run("two").path == two
    assert find_run("one").path == one


def test_a_name_of_several_runs_is_refused_with_their_ids():
    for run_id in ("one", "two"):
        named(run_id, "twin")
    for find in (find_run, open_run):
        with pytest.raises(RunError, match="2 runs are called twin: one, two"):
            find("twin")
    for command in (["resume"], ["predict"], ["export", "--to=x", "--format=report"], ["runs", "delete"]):
        assert "one, two" in refused(*command, "twin", *(["x.jpg"] if command == ["predict"] else []))
    with pytest.raises(ConfigError, match="one, two"):
        checkpoint_of("twin")
    for run_id in ("one", "two"):
        trash_run(open_run(run_id))
    with pytest.raises(RunError, match="one, two"):
        find_trashed("twin")


def test_weights_to_start_from_are_named_by_the_name_of_their_run():
    folder = named("it", "good start")
    (folder / "checkpoints" / "best.pt").write_bytes(b"weights")
    assert checkpoint_of("good start") == folder / "checkpoints" / "best.pt"


@pytest.mark.parametrize("word", ["stop", "pause", "continue"])
def test_a_run_is_stopped_and_paused_by_its_name(word):
    folder = named("it", "long one", "running")
    assert done("runs", word, "long one", "--json").json == {"run": str(folder), "requested": word}
    assert read_request(folder) == word
