"""The page looks more often while somebody waits for the first step, and not for longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alexcore.files import read_json, write_json
from alexcore.runs.status import Status
from tests.support.opened_pages import open_page
from tests.support.repository import REPOSITORY as ROOT
from tests.support.repository import imports
from tests.support.run_folders import write_run
from ui.parts.run_live import POLL_S, START_POLL_S, poll_every_s


@pytest.mark.parametrize(
    ("state", "phase", "every_s"),
    [
        ("queued", "starting", START_POLL_S),
        ("queued", "loading-pytorch", START_POLL_S),
        ("running", "building-network", START_POLL_S),
        ("queued", "waiting-for-run", POLL_S),
        ("running", "training", POLL_S),
        ("running", "validating", POLL_S),
        ("paused", "training", POLL_S),
        ("finished", "", None),
        ("lost", "loading-pytorch", None),
    ],
)
def test_how_often_a_run_is_looked_at(state: str, phase: str, every_s: float | None) -> None:
    assert poll_every_s(Status(state, phase=phase)) == every_s


def test_the_page_shows_a_run_that_starts_and_its_first_step(flowers: Path) -> None:
    folder = write_run("running", "starting-run")
    status = read_json(folder / "status.json") or {}
    write_json(folder / "status.json", {**status, "phase": "loading-pytorch", "step": 0})
    at = open_page("pages/train.py", run="starting-run")
    assert not at.exception
    assert any("loading PyTorch" in each.proto.text for each in at.get("progress"))
    write_json(folder / "status.json", {**status, "phase": "training", "step": 1})
    at.run()
    assert not at.exception
    assert any("step 1 of 10" in each.proto.text for each in at.get("progress"))


def test_the_overview_opens_without_the_libraries_that_other_pages_need() -> None:
    # They take as long to import as Streamlit takes for an empty page.
    names = sorted(imports(ROOT / "pages" / "overview.py") | imports(ROOT / "ui" / "main.py"))
    lines = [
        "import importlib, sys",
        *(f"importlib.import_module({name!r})" for name in names if name.split(".")[0] in ("ui", "alexcore")),
        "print({'pandas', 'torch'} & set(sys.modules) or 'none')",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "none", done.stdout + done.stderr[-2000:]
