"""benchmarks/classify.py still runs: at a tiny size, its last line read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.repository import REPOSITORY

SCRIPT = REPOSITORY / "benchmarks" / "classify.py"


def test_classify(tmp_path: Path) -> None:
    sizes = ["--pictures", "40", "--passes", "2", "--image-size", "64", "--width", "0.125"]
    command = [sys.executable, "-W", "error", str(SCRIPT), *sizes]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["pictures"] == 40
    assert set(result["rate"]) == {"bare", "in_turn", "page"}
    assert all(value > 0 for value in result["rate"].values())
    assert len(result["page_of_bare_passes"]) == 2
    assert result["streamlit"]["single_median_s"] > 0
    assert {"one_picture_below_0.3_s", "page_at_least_80_percent_of_bare"} <= set(result["checks"])
    assert {path.name for path in tmp_path.iterdir()} <= {"home"}, "it leaves nothing behind"
