"""The benchmarks that stand alone still run, each at a tiny size: warnings are errors, and its last line is read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import REPOSITORY
from tests.support.warm_process import COLD_CHILDREN, WarmProcess

pytestmark = pytest.mark.nightly
Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def result(warm: WarmProcess, tmp_path: Path) -> Measure:
    def result(script: str, **flags: object) -> dict[str, Any]:
        words = [word for name, value in flags.items() for word in (f"--{name.replace('_', '-')}", value)]
        log, folder = tmp_path / "log", tmp_path / "where"
        folder.mkdir()
        arguments = ["-W", "error", REPOSITORY / "benchmarks" / script, *words]
        assert warm.start(arguments, log, {**os.environ, COLD_CHILDREN: "1"}, folder).wait(240) == 0, log.read_text()[
            -6000:
        ]
        assert {path.name for path in [*tmp_path.iterdir(), *folder.iterdir()]} == {"home", "where", "log"}
        found: dict[str, Any] = json.loads(log.read_text().splitlines()[-1])
        return found

    return result


def test_bench_dataset(result: Measure) -> None:
    found = result("bench_dataset.py", images=120, pages=3)
    assert [size["images"] for size in found["sizes"]] == [100, 120]
    for size in found["sizes"]:
        assert all(size[name] > 0 for name in size if name.endswith("_s")), size
    assert {"first_index_below_10_s", "later_open_below_0.5_s", "every_page_below_0.3_s"} < set(found["checks"])


def test_augment_draws(result: Measure) -> None:
    found = result("augment_draws.py", repeat=1, pictures=2, pairs=2)
    assert {"seed", "strong"} < set(found["grids"])
    assert all(value > 0 for grid in found["grids"].values() for value in grid.values())
    assert all(0 < each["share_alone"] < 1 for each in found["seeding"].values())
    assert {"every_grid_below_0.5_s", "seeding_alone_below_3_percent"} < set(found["checks"])


def test_runs_index(result: Measure) -> None:
    told = result("runs_index.py", runs=5, visits=2)
    assert told["result"]["runs"] == 5
    assert all(value > 0 for name, value in told["result"].items() if name.endswith("_s")), told
    assert set(told["checks"]) == {"cold_page_below_1_s", "page_below_1_s"}


def test_bench_checkpoints(result: Measure) -> None:
    found = result("bench_checkpoints.py", pairs=1, width=0.1)
    assert set(found["checks"]) == {"save_longer_by_less_than_0.05", "load_longer_by_less_than_0.1"}
    assert found["result"]["load"]["longer"]


def test_classify(result: Measure) -> None:
    found = result("classify.py", pictures=40, passes=2, image_size=64, width=0.125)
    assert found["pictures"] == 40
    assert set(found["rate"]) == {"bare", "in_turn", "page"}
    assert all(value > 0 for value in found["rate"].values())
    assert len(found["page_of_bare_passes"]) == 2
    assert found["streamlit"]["single_median_s"] > 0
    assert {"one_picture_below_0.3_s", "page_at_least_80_percent_of_bare"} <= set(found["checks"])
