"""Nothing starts and nothing goes on where a disk has less room than it needs, and the sentence has the sum."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore.cli import main
from alexcore.errors import RunError
from alexcore.home import runs_dir
from alexcore.runs.launcher import prepare_resume
from alexcore.runs.store import read_run
from alexcore.training import room
from alexcore.training.room import checkpoint_bytes, require_room, require_room_to_resume
from tests.support.run_folders import tiny_config, write_run

GB = 1_000_000_000


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda _folder: free)


def test_a_start_needs_a_gigabyte_and_four_checkpoints(tmp_path, monkeypatch):
    small, large = tiny_config(), tiny_config(width=2.0, optimizer="adam")
    with_free(monkeypatch, GB)
    require_room(small, 3, tmp_path)
    one = checkpoint_bytes(large, 3)
    assert 4 * one > 2 * GB
    with pytest.raises(RunError, match=r"Checkpoints take up to .* GB \(last, the one before, best") as caught:
        require_room(large, 3, tmp_path)
    assert caught.value.values == {"needed": 4 * one, "one": one, "free": GB, "least": GB}
    with_free(monkeypatch, 4 * one)
    require_room(large, 3, tmp_path)
    with pytest.raises(RunError):
        require_room(large, 3, tmp_path, networks=2)
    with_free(monkeypatch, GB - 1)
    with pytest.raises(RunError, match="less than 1 GB, nothing starts"):
        require_room(small, 3, tmp_path)


def test_a_resume_counts_what_lies_there(tmp_path, monkeypatch):
    (tmp_path / "checkpoints").mkdir()
    for name in ("last.pt", "last.previous.pt"):
        with (tmp_path / "checkpoints" / name).open("wb") as file:
            file.truncate(GB)  # takes no place on the disk
    with_free(monkeypatch, 2 * GB)
    require_room_to_resume(tmp_path)
    with_free(monkeypatch, 2 * GB - 1)
    with pytest.raises(RunError, match="Checkpoints take up to 4 GB"):
        require_room_to_resume(tmp_path)


def test_every_command_that_starts_refuses_and_leaves_nothing(home, stripes, monkeypatch, capsys):
    stopped = write_run("stopped", "it", data=stripes, checkpoint=True)
    before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
    with_free(monkeypatch, 5_000_000)
    for command in (
        ["train", "--data", str(stripes)],
        ["compare-bn", "--data", str(stripes)],
        ["resume", str(stopped)],
    ):
        assert main(command) == 2
        line = capsys.readouterr().err.strip().splitlines()[-1]
        assert line.startswith("error: Checkpoints take up to ")
        assert "5 MB are free" in line
    with pytest.raises(RunError, match="5 MB are free"):
        prepare_resume(read_run(stopped))
    assert {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()} == before
    assert [path.name for path in Path(runs_dir()).iterdir()] == ["it"]
