"""The pages on a home of version 0.1.0, and beside a worker of that version which still runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from alexcore.files import read_json, write_json
from alexcore.home import runs_dir
from alexcore.process import own_identity
from alexcore.runs.run_list import forget
from tests.support.old_homes import EXPERIMENT, FINISHED, STOPPED, STOPPED_EXPERIMENT, old_home
from tests.support.opened_pages import errors_of, open_page, text_of

TRAIN, BATCHNORM, RUNS = "pages/train.py", "pages/batchnorm.py", "pages/runs.py"


@pytest.fixture(autouse=True)
def _old(home: Path) -> None:
    forget()
    old_home(home)


@pytest.mark.parametrize(
    ("page", "name", "key", "state"),
    [
        (TRAIN, FINISHED, "train", "finished"),
        (TRAIN, STOPPED, "train", "stopped"),
        (BATCHNORM, EXPERIMENT, "bn", "finished"),
        (BATCHNORM, STOPPED_EXPERIMENT, "bn", "stopped"),
    ],
)
def test_its_runs_are_shown_on_their_pages(page: str, name: str, key: str, state: str) -> None:
    at = open_page(page, run=name)
    assert not errors_of(at)
    assert state in str(at.get_by_key(f"{key}_status").markdown[0].value)
    assert ("Resume" in [button.label for button in at.button]) == (state == "stopped")
    assert "the last checkpoint" in text_of(at) or state == "finished"
    other = open_page(BATCHNORM if page == TRAIN else TRAIN, run=name)
    assert "Look at it on " in str([link.proto.label for link in other.get("page_link")])


def test_the_row_of_an_experiment_says_what_it_is() -> None:
    at = open_page(RUNS)
    table = at.dataframe[0].value.set_index("id")
    assert table.loc[EXPERIMENT, "arms"] == "3 arms: 33 / 33 / 33 %"
    assert table.loc[EXPERIMENT, ["best val", "last val"]].isna().all()
    assert table.loc[FINISHED, "arms"] == ""
    assert table.loc[FINISHED, "best val"] == pytest.approx(1 / 3)
    assert "finished, 1 epochs, 3 arms: 33 / 33 / 33 %" in text_of(open_page())


def test_a_comparison_refuses_an_experiment_with_a_link() -> None:
    at = open_page(RUNS, compare=f"{FINISHED},{STOPPED},{EXPERIMENT}")
    assert not errors_of(at)
    assert "2 runs beside each other" in str([each.value for each in at.subheader])
    assert f"[its comparison of the arms](/batchnorm?run={EXPERIMENT})" in str([each.value for each in at.markdown])


# A worker of version 0.1.0 that still runs says where it is in these words, and does what `request` says.
PHASES = (
    "loading PyTorch",
    "waiting for 20260701-100000-f101",
    "checking pictures",
    "building the network",
    "training",
)


@pytest.mark.parametrize("phase", [*PHASES, "validating"])
@pytest.mark.parametrize(("page", "name", "key"), [(TRAIN, STOPPED, "train"), (BATCHNORM, STOPPED_EXPERIMENT, "bn")])
def test_a_running_0_1_worker_is_watched_and_asked(page: str, name: str, key: str, phase: str) -> None:
    run = runs_dir() / name
    pid, started = own_identity()  # this process stands in for it
    waiting = phase.startswith(("waiting", "loading"))
    now = {"state": "queued" if waiting else "running", "phase": phase, "heartbeat": time.time(), "done": 1, "total": 4}
    told = read_json(run / "status.json") or {}
    write_json(run / "status.json", {**told, **now, "pid": pid, "process_started": started})
    (run / "request").unlink()
    at = open_page(page, run=name)
    assert not errors_of(at)
    (bar,) = [each.proto.text for each in at.get_by_key(f"{key}_progress").get("progress")]
    if phase in ("training", "validating"):
        assert bar.startswith("step ")
        at.button(key=f"{key}_pause").click().run()
        assert (run / "request").read_text(encoding="utf-8") == "pause"
    elif key == "train":
        assert bar.startswith(phase)
        assert ("place 5 in the queue" in bar) == phase.startswith("waiting")
    at.button(key=f"{key}_stop").click().run()
    assert (run / "request").read_text(encoding="utf-8") == "stop"
