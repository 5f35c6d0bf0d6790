"""A reader sees the old file or the new one, never half of one and never a leftover."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from alexcore.files import previous_of, read_json, remove_leftovers, replacing, write_json


def test_the_new_content_takes_the_place_of_the_old(home):
    file = home / "status.json"
    for value in ({"state": "running"}, {"state": "finished", "name": "Gänseblümchen"}):
        write_json(file, value)
        assert read_json(file) == value
    assert "Gänseblümchen" in file.read_text(encoding="utf-8")
    assert os.listdir(home) == ["status.json"]


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("existed", [False, True])
def test_a_failure_leaves_what_was_there(home, durable, existed):
    file = home / "last.pt"
    if existed:
        file.write_text("old")

    def write_half() -> None:
        with replacing(file, durable=durable) as temporary:
            temporary.write_text("ne")
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_half()
    assert [path.read_text() for path in home.iterdir()] == (["old"] if existed else [])


def test_a_value_that_is_no_json_leaves_the_old_file(home):
    file = home / "status.json"
    write_json(file, {"a": 1})
    with pytest.raises(TypeError):
        write_json(file, {"a": object()})
    assert read_json(file) == {"a": 1}
    assert os.listdir(home) == ["status.json"]


def test_the_old_file_stands_until_the_very_end(home):
    file = home / "a.json"
    write_json(file, {"old": 1})
    with replacing(file) as temporary:
        temporary.write_text('{"new": 1}')
        assert read_json(file) == {"old": 1}
        assert temporary.parent == file.parent, "a rename is atomic only within one file system"
        assert temporary.name.startswith("."), "a listing must not show it"
    assert read_json(file) == {"new": 1}


def test_a_reader_never_sees_half_a_file(home):
    file = home / "status.json"
    write_json(file, {"n": -1})
    done = threading.Event()

    def write() -> None:
        for number in range(100):
            write_json(file, {"n": number, "text": "x" * 2000})
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        seen.append(read_json(file))
    writer.join()
    assert None not in seen
    assert read_json(file) == {"n": 99, "text": "x" * 2000}


@pytest.mark.skipif(os.name == "nt", reason="no such permissions on Windows")
def test_others_may_read_a_run(home):
    """Symptom: a colleague cannot open a shared run folder, because its files are for their writer alone."""
    (home / "plain").touch()
    write_json(home / "a.json", {})
    assert stat.S_IMODE((home / "a.json").stat().st_mode) == stat.S_IMODE((home / "plain").stat().st_mode)


@pytest.mark.parametrize("junk", [b"", b"{", b'{"a": 1', b"[1]", b"3", b"null", b"\xff\xfe", b"NaN}", b"[" * 20_000])
def test_junk_is_none(tmp_path: Path, junk):
    file = tmp_path / "a.json"
    file.write_bytes(junk)
    assert read_json(file) is None


def test_what_cannot_be_read_is_none(tmp_path: Path):
    assert read_json(tmp_path / "missing.json") is None
    assert read_json(tmp_path) is None
    assert read_json(tmp_path / "a\0b") is None


def test_the_former_file_is_kept_under_its_own_name(home):
    file = home / "last.pt"
    for text in ("one", "two", "three"):
        with replacing(file, durable=True, former=previous_of(file)) as temporary:
            temporary.write_text(text)
    assert {path.name: path.read_text() for path in home.iterdir()} == {"last.pt": "three", "last.previous.pt": "two"}


def test_what_killed_writers_have_left_is_removed_and_nothing_else(home):
    kept = [home / "status.json", home / ".lock", home / ".request.9-9.tmp", home / "checkpoints" / "last.pt"]
    gone = [
        home / ".status.json.7-1.tmp",
        home / "checkpoints" / ".last.pt.7-1.tmp",
        home / "arms" / "batch-s0" / "checkpoints" / ".last.pt.7-1.tmp",
        home / ".about.json.7-1.tmp",
    ]
    for path in (*kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    os.utime(gone[-1], (0, 0))
    assert remove_leftovers(home) == 4 * len("half")
    assert [path.exists() for path in (*kept, *gone)] == [True] * 4 + [False] * 4
