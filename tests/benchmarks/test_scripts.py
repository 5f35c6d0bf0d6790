"""The benchmarks still run: each at a tiny size, its last line read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.repository import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"


def test_bench_dataset(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(BENCHMARKS / "bench_dataset.py"), "--images", "120", "--pages", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert [size["images"] for size in result["sizes"]] == [100, 120]
    for size in result["sizes"]:
        assert all(size[name] > 0 for name in size if name.endswith("_s")), size
    assert {"first_index_below_10_s", "later_open_below_0.5_s", "every_page_below_0.3_s"} < set(result["checks"])
    assert list(tmp_path.iterdir()) == [tmp_path / "home"], "it leaves nothing behind"


def test_augment_draws(tmp_path: Path) -> None:
    sizes = ["--repeat", "1", "--pictures", "2", "--pairs", "2"]
    command = [sys.executable, "-W", "error", str(BENCHMARKS / "augment_draws.py"), *sizes]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert {"seed", "strong"} < set(result["grids"])
    assert all(value > 0 for grid in result["grids"].values() for value in grid.values())
    assert all(0 < each["share_alone"] < 1 for each in result["seeding"].values())
    assert {"every_grid_below_0.5_s", "seeding_alone_below_3_percent"} < set(result["checks"])
