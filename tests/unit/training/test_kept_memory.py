"""A training process keeps the memory that it frees; the system then clears no page twice."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.repository import REPOSITORY

COUNT = """
import resource, sys
from alexcore.system import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def step():
    block = bytearray(40_000_000)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has these settings")
def test_pages_are_cleared_once() -> None:
    def faults(mode: str) -> int:
        command = [sys.executable, "-c", COUNT, mode]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
        return int(done.stdout)

    assert faults("keep") * 10 < faults("plain")


def test_every_process_of_a_group_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from alexcore.runs import training_worker as worker

    class Called(Exception):
        pass

    def keep() -> bool:
        raise Called

    monkeypatch.setattr(worker, "keep_freed_memory", keep)
    with pytest.raises(Called):
        worker.follow()
