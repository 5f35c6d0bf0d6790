"""Why a run has failed: each limit has its own sentence, and it is told even where there is no room for it."""

from __future__ import annotations

import errno
import json
import os
import weakref
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest

from alexcore.errors import AlexError, RunError
from alexcore.files import replacing
from alexcore.runs import launcher, status
from alexcore.runs.failing import explain, let_go
from alexcore.runs.status import StatusWriter, read_status
from tests.support.run_folders import tiny_config, write_run

BUS = "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that ... out of shared memory."
FROM_LOADER = """Caught OSError in DataLoader worker process 0.
Original Traceback (most recent call last):
OSError: [Errno 24] Too many open files: 'a.png'"""
SHM = "unable to open shared memory object </torch_1_2> in read-write mode: "


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(FROM_LOADER), "ulimit -n"),
        (RuntimeError(SHM + "Too many open files (24)"), "ulimit -n"),
        (OSError(errno.ENFILE, "Too many open files in system"), "fs.file-max"),
        (OSError(errno.ENOSPC, "No space left on device"), "this disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "quota"),
        (OSError(errno.EROFS, "Read-only file system"), "read-only"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
        (RuntimeError(SHM + "No space left on device (28)"), "/dev/shm"),
        (RuntimeError(BUS), "/dev/shm"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), "memory limit"),
        (RuntimeError("DataLoader worker (pid(s) 7, 9) exited unexpectedly"), "memory limit"),
        (
            RuntimeError("DataLoader worker (pid 7) exited unexpectedly with exit code 1. Details are lost"),
            "num_workers",
        ),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "batch_size 4"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."), "batch_size 4"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has ..."), "batch_size 4"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_limit_has_its_own_sentence(error: Exception, limit: str):
    told = explain(error, tiny_config(num_workers=2))
    assert limit in str(told)
    assert "bug" not in str(told)
    assert ("disk" in str(told)) == (limit in ("this disk is full", "quota", "read-only"))
    assert ("on the GPU" in str(told)) == ("CUDA" in str(error))
    assert "not " not in explain(error, None).hint


def test_only_what_is_about_no_limit_is_a_bug():
    assert "This is a bug" in explain(KeyError("weight"), None).hint
    assert "permissions" in explain(PermissionError(errno.EACCES, "Permission denied"), None).hint


def full(*_parts: object, **_more: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_last_word_is_written_even_on_a_full_disk(home: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_run("running", "it")
    writer = StatusWriter(folder)
    writer.update(state="running", step=3, phase="training")
    monkeypatch.setattr(status, "write_json", full)
    writer.close("failed", error=RunError("The disk is full.", "Free some.").as_dict())
    assert read_status(folder).state == "failed"
    assert read_status(folder).error["message"] == "The disk is full."
    assert json.loads((folder / "status.json").read_text())["step"] == 3


def test_what_could_not_be_written_takes_no_room_although_somebody_holds_it(tmp_path: Path):
    def write() -> None:
        with replacing(tmp_path / "file") as temporary:
            temporary.write_bytes(b"x" * 100_000)
            files.append(temporary.open("rb"))
            raise ZeroDivisionError

    files: list[BinaryIO] = []
    with pytest.raises(ZeroDivisionError):
        write()
    with files[0] as held:
        assert os.fstat(held.fileno()).st_size == 0
    assert not list(tmp_path.glob("*file*"))


class Held:
    """What a call has opened."""


def test_an_error_lets_go_of_what_its_calls_have_opened():
    opened: list[weakref.ref[Held]] = []

    def fail() -> None:
        held = Held()
        opened.append(weakref.ref(held))
        raise KeyError

    def wrap() -> None:
        try:
            fail()
        except KeyError as error:
            raise RunError("It failed.") from error

    with pytest.raises(RunError) as caught:
        wrap()
    assert opened[0]() is not None
    let_go(caught.value)
    assert opened[0]() is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EMFILE])
def test_a_request_and_a_start_that_the_disk_refuses_are_sentences(
    home: Path, monkeypatch: pytest.MonkeyPatch, code: int
):
    def refuse(*_parts: object, **_more: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    folder = write_run("running", "it")
    monkeypatch.setattr(launcher, "replacing", refuse)
    monkeypatch.setattr(launcher, "spawn", refuse)
    with pytest.raises(AlexError, match=os.strerror(code)) as asked:
        launcher.request(folder, "stop")
    with pytest.raises(AlexError, match=os.strerror(code)) as started:
        launcher.start(tiny_config())
    assert asked.value.hint == started.value.hint != ""
    assert "limit" in asked.value.hint or "disk" in asked.value.hint
