"""What the benchmark of the dashboard counts: pages that rest, and polls that read what is new."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import REPOSITORY
from tests.support.warm_process import COLD_CHILDREN, WarmProcess

pytestmark = pytest.mark.timeout(600)


def told(warm: WarmProcess, folder: Path, row: str) -> dict[str, Any]:
    """What a row of it says; it knows its server by the pid, so that one may not be forked."""
    log = folder / "log"
    process = warm.start(
        [REPOSITORY / "benchmarks" / "bench_dashboard.py", "--tiny", "--no-browser", "--rows", row],
        log,
        {**os.environ, "TMPDIR": str(folder), COLD_CHILDREN: "1"},
    )
    assert process.wait(580) == 0, log.read_text()[-7000:]
    found: dict[str, Any] = json.loads(log.read_text().splitlines()[-1])[row]
    return found


@pytest.fixture(scope="module")
def reruns(warm: WarmProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return told(warm, tmp_path_factory.mktemp("reruns"), "reruns")


@pytest.fixture(scope="module")
def poll(warm: WarmProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return told(warm, tmp_path_factory.mktemp("poll"), "poll")


@pytest.mark.nightly
def test_every_page_of_the_menu_is_measured(reruns: dict[str, Any]) -> None:
    measured = {page.split("?")[0].lstrip("/") or "overview" for page in reruns}
    assert {path.stem for path in (REPOSITORY / "pages").glob("*.py")} <= measured
    assert all(row["elements"] > 3 for row in reruns.values())


@pytest.mark.nightly
def test_no_page_reruns_by_itself_without_an_active_run(reruns: dict[str, Any]) -> None:
    found = {page: row["reruns_per_minute"] for page, row in reruns.items()}
    # The list of runs looks now and then for a folder that was copied in.
    assert all(each <= (4 if page.startswith("/runs") else 0) for page, each in found.items()), found


def test_a_poll_reads_what_is_new(poll: dict[str, Any]) -> None:
    assert poll["events"] >= 2000
    if poll["core_bytes"] is None:
        pytest.skip("this system does not count the bytes that a process reads")
    # The whole log has about 350,000 bytes.
    assert poll["core_bytes"] <= poll["event_bytes"] + 100
    assert 0 < poll["page_bytes"] < 50_000


def test_a_poll_is_one_run_of_one_fragment_at_most_once_a_second(poll: dict[str, Any]) -> None:
    assert poll["runs_per_poll"] == 1
    assert 0 < poll["reruns_per_minute"] <= 60
