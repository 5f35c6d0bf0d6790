"""Both branches of each call that Linux, macOS and Windows have differently; one of them has only these tests."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from alexcore import system


@pytest.fixture(params=["win32", "linux"])
def windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether this is Windows, as far as the code can tell."""
    monkeypatch.setattr(sys, "platform", request.param)
    return request.param == "win32"


def test_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 7}, raising=False)
    assert system.available_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert system.available_cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert system.available_cores() == 1


def test_priority(windows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(os, "nice", given.append, raising=False)
    monkeypatch.setattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", "below", raising=False)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(nice=given.append))
    system.lower_priority(5)
    assert given == (["below"] if windows else [5])


def test_a_process_apart(windows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x8000000, raising=False)
    assert system.apart() == ({"creationflags": 0x8000200} if windows else {"start_new_session": True})


def refusing(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Let a rename fail so often, as Windows does while somebody reads; the list grows with each try."""
    tries: list[int] = []
    rename = Path.replace

    def replace(self: Path, target: Path) -> Path:
        tries.append(1)
        if len(tries) <= times:
            raise PermissionError(13, "Access is denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    return tries


def test_a_file_that_is_being_read_is_replaced(windows: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    tries = refusing(monkeypatch, 3)
    if windows:
        system.replace_file(new, old)
        assert (old.read_text(), len(tries)) == ("new", 4)
    else:  # elsewhere it means that the folder may not be written to
        with pytest.raises(PermissionError):
            system.replace_file(new, old)
        assert (old.read_text(), len(tries)) == ("old", 1)


def test_a_file_that_nobody_lets_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(system, "REPLACE_S", 0.05)
    (tmp_path / "new").write_text("new")
    tries = refusing(monkeypatch, 10**6)
    with pytest.raises(PermissionError):
        system.replace_file(tmp_path / "new", tmp_path / "old")
    assert len(tries) > 1


def test_bytes_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    monkeypatch.setattr(os, "open", lambda _path, flags, _mode: opened.append(flags) or 3)
    monkeypatch.delattr(os, "O_BINARY", raising=False)
    system.open_file(tmp_path, os.O_RDWR)
    monkeypatch.setattr(os, "O_BINARY", 0x8000, raising=False)
    system.open_file(tmp_path, os.O_RDWR)
    assert opened == [os.O_RDWR, os.O_RDWR | 0x8000]


@pytest.mark.parametrize(("platform", "peak"), [("win32", 7), ("linux", 5 * 1024), ("darwin", 5)])
def test_the_peak_of_memory(platform: str, peak: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: SimpleNamespace(ru_maxrss=5))
    monkeypatch.setitem(sys.modules, "resource", None if platform == "win32" else used)
    memory = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=7))
    monkeypatch.setattr(psutil, "Process", lambda: memory)
    monkeypatch.setattr(sys, "platform", platform)
    assert system.peak_bytes() == peak


@pytest.mark.parametrize("error", [OSError, TypeError, AttributeError])
def test_freed_memory_is_kept_only_with_glibc(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(_name: object) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    assert not system.keep_freed_memory()
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(
        ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=lambda name, value: calls.append((name, value)) or 1)
    )
    assert system.keep_freed_memory()
    assert len(calls) == 4


def test_no_other_module_asks_which_system_this_is() -> None:
    package = Path(system.__file__).parent
    words = (
        "sys.platform",
        "os.name",
        'hasattr(os, "',
        'getattr(os, "',
        "import resource",
        "import ctypes",
        "start_new_session",
    )
    # torchrun's own switch for Windows is a matter of torchrun.
    known = {("runs/group.py", "sys.platform")}
    found = {
        (file.relative_to(package).as_posix(), word)
        for file in package.rglob("*.py")
        if file != Path(system.__file__)
        for word in words
        if word in file.read_text(encoding="utf-8")
    }
    assert found == known
