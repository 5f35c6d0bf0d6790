"""The benchmark of the run index still runs, at a tiny size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.repository import REPOSITORY

BENCHMARK = REPOSITORY / "benchmarks" / "runs_index.py"


def test_runs_index(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(BENCHMARK), "--runs", "5", "--visits", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["result"]["runs"] == 5
    assert all(value > 0 for name, value in told["result"].items() if name.endswith("_s")), told
    assert set(told["checks"]) == {"cold_page_below_1_s", "page_below_1_s"}
    assert list(tmp_path.iterdir()) == [tmp_path / "home"], "it leaves nothing behind"
