"""Workers and jobs are real processes: forked from a warm one, unless a test is about how they are started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alexcore import jobs, process
from alexcore.runs import launcher
from tests.support.warm_process import WarmProcess


@pytest.fixture(scope="module", autouse=True)
def _forked(warm: WarmProcess) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (jobs, launcher):
            patch.setattr(module, "spawn", warm.spawn)
        yield


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test start its processes as the product does, each with imports of its own."""
    for module in (jobs, launcher):
        monkeypatch.setattr(module, "spawn", process.spawn)
