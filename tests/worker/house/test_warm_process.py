"""What the warm process starts behaves as a process that was started with `python`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.warm_process import WarmProcess

ABOUT_ITSELF = """
import os, sys
print(os.getcwd(), os.environ.get("ALEXCORE_HOME"), sys.argv[1:], os.getsid(0) == os.getpid(), "torch" in sys.modules)
sys.exit(3)
"""


def test_it_has_folder_environment_arguments_session_and_exit_code(
    warm: WarmProcess, home: Path, tmp_path: Path
) -> None:
    started = warm.start(["-c", ABOUT_ITSELF, "a", 1], tmp_path / "log", cwd=tmp_path)
    assert started.wait(60) == 3
    assert started.poll() == 3
    assert (tmp_path / "log").read_text() == f"{tmp_path} {home} ['a', '1'] True True\n"


def test_a_killed_one_says_so_and_a_traceback_goes_to_the_log(warm: WarmProcess, tmp_path: Path) -> None:
    waiting = warm.start(["-c", "import time; time.sleep(600)"], tmp_path / "log")
    assert waiting.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.01)
    waiting.kill()
    assert waiting.wait(60) == -9
    assert warm.start(["-c", "1 / 0"], tmp_path / "log").wait(60) == 1
    assert (tmp_path / "log").read_text().endswith("ZeroDivisionError: division by zero\n")


def test_what_it_starts_is_forked_as_well(warm: WarmProcess, tmp_path: Path) -> None:
    child = "import sys; print(sys.stdin.read() + '!', 'torch' in sys.modules); sys.exit(4)"
    parent = (
        "import subprocess, sys\n"
        f"done = subprocess.run([sys.executable, '-c', {child!r}], input='hello', capture_output=True, text=True)\n"
        "print(done.stdout.strip(), done.returncode)\n"
    )
    assert warm.start(["-c", parent], tmp_path / "log").wait(60) == 0
    assert (tmp_path / "log").read_text() == "hello! True 4\n"


def test_it_does_not_see_this_package_from_elsewhere(warm: WarmProcess, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    assert warm.start(["-c", "import tests.support"], tmp_path / "log", environment, tmp_path).wait(60) == 1
    assert "ModuleNotFoundError: No module named 'tests" in (tmp_path / "log").read_text()
    assert warm.start(["-c", "import tests.support"], tmp_path / "log", environment).wait(60) == 0
