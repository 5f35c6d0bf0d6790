"""Every benchmark runs at a tiny size, by the one command; gates are counts, never times.

What the dashboard's own counts promise is tried by day, in test_dashboard.py.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.support.warm_process import COLD_CHILDREN, WarmProcess
from ui.parts.run_live import POLL_S, START_POLL_S

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]
# bench_dataset.py and augment_draws.py have their tests in test_scripts.py.
NAMES = ["dashboard", "training", "time_to_accuracy", "processes", "loader", "doubt", "gpu"]


@pytest.fixture(scope="module")
def rows(warm: WarmProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What both commands say: the dashboard measures its servers by their pid, so none of them may be forked."""
    folder = tmp_path_factory.mktemp("all-benchmarks")
    environment = {**os.environ, "TMPDIR": str(folder)}
    started = {
        part: warm.start(
            ["-m", "benchmarks.run_all", "--tiny", "--out", folder / f"{part}.jsonl", "--only", *names],
            folder / f"{part}.log",
            environment | more,
        )
        for part, names, more in (("one", NAMES[:1], {COLD_CHILDREN: "1"}), ("others", NAMES[1:], {}))
    }
    lines = []
    for part, process in started.items():
        log = folder / f"{part}.log"
        assert process.wait(580) == 0, log.read_text()[-7000:]
        last = json.loads(log.read_text().splitlines()[-1])
        assert last["failed"] == last["left_out"] == []
        lines += [json.loads(line) for line in (folder / f"{part}.jsonl").read_text().splitlines()]
    assert [line["name"] for line in lines] == NAMES
    # torch and torchrun have folders of their own there.
    own = [path.name for path in folder.iterdir() if path.name.startswith(("bench-", "time-to-"))]
    assert own == [], "they leave nothing behind"
    return {line["name"]: line["result"] for line in lines}


def test_the_other_rows_of_the_dashboard_are_there(rows: dict[str, Any]) -> None:
    dashboard = rows["dashboard"]
    assert dashboard["memory"]["changes"] == 6
    assert "loading-pytorch" in dashboard["first_step"]["phases"]
    assert 0 < dashboard["first_step"]["first_step_s"][0] <= dashboard["first_step"]["visible_s"][0]
    # Slower again once there is a step; a run as short as this may have ended by then.
    assert dashboard["first_step"]["every_s"] in ([START_POLL_S, POLL_S], [START_POLL_S])
    assert len(dashboard["start_up"]["ratios"]) == len(dashboard["slowed"]["slowed_each"]) == 1
    names = ("start_up", "every page's p95", "poll", "memory grows", "first step", "slowed")
    assert all(any(claim.startswith(name) for claim in dashboard["checks"]) for name in names)


def test_processes_make_the_same_number_of_steps(rows: dict[str, Any]) -> None:
    # 64 pictures in batches of 32, or of 2 times 16, over 2 epochs.
    assert rows["processes"]["steps"] == {"2 processes": 4, "1 process": 4}
    assert all(rate > 0 for rates in rows["processes"]["images_per_s"].values() for rate in rates)


def test_the_loaders_give_the_same_batches(rows: dict[str, Any]) -> None:
    assert rows["loader"]["different_batches"] == 0
    assert rows["loader"]["cache_mib"] > 0
    assert set(rows["loader"]["ratios"]) == {"bytes, decoded / bytes", "bytes / floats"}


def test_accuracies_of_both_recipes_are_compared(rows: dict[str, Any]) -> None:
    found = rows["time_to_accuracy"]
    assert set(found["means"]) == {"recipe", "default"}
    assert all(0 <= mean <= 1 for mean in found["means"].values())
    assert len(found["ratios"]) == 1
    assert found["short_epochs"] == 1


def test_training_is_compared_with_the_recipe_and_the_limit(rows: dict[str, Any]) -> None:
    assert set(rows["training"]["ratios"]) == {"default, growing / seed", "default, fixed size / limit"}


def test_the_benchmark_of_the_gpu_works_on_a_processor(rows: dict[str, Any]) -> None:
    # 24 pictures in batches of 8.
    assert rows["gpu"]["steps"] == 3
    assert set(rows["gpu"]["images_per_s"]) == {"limit", "resident"}


def test_doubt_has_every_signal_for_every_kind_of_image(rows: dict[str, Any]) -> None:
    sets = rows["doubt"]["drawings"]["sets"]
    assert {"own validation", "fresh drawings", "screens", "noise and plain"} <= set(sets)
    assert all(set(row) == {"novelty", "max softmax", "energy"} for row in sets.values())
    assert all(0 <= figure["flagged"] <= 1 for row in sets.values() for figure in row.values())
    assert len(rows["doubt"]["left_out"]) == 2, "insects and photographs"
