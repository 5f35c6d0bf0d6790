"""In a real browser: every button that starts a job shows what the job has made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alexcore.home import SYNTHETIC
from alexcore.jobs import JOBS
from tests.support.bn_experiments import write_experiment
from tests.support.browser_server import PATIENCE_MS, Server, shoot
from tests.support.command_line import done
from tests.support.repository import TESTS
from tests.support.run_folders import CLASSES, tiny_config, write_checkpoint, write_run
from tests.support.striped_pictures import write_pictures

pytestmark = pytest.mark.timeout(900)

# The pages, and on each by its job: what has to be opened before, the button by its key, and what its end shows.
PRESSED: dict[str, dict[str, tuple[tuple[str, ...], str, str]]] = {
    "/train?clone=a-run": {
        "lr-find": ((), "train_lr_find", "which is suggested|no rate is suggested|never a number"),
        "preflight": ((), "train_check_preflight", "Measure again"),
        "prove-accumulation": (
            ("Check before you start", "Accumulation"),
            "train_check_prove_accumulation",
            "Prove it",
        ),
        "repeat-check": (("Same seed, same run",), "train_check_repeat_check", "Check again"),
    },
    "/dataset?dataset=new": {
        "data info": ((), "dataset_check", "No problems found"),
        "data stats": ((), "dataset_measure", "Average training picture of each class"),
    },
    "/classify?run=a-run": {
        "reference": (("How reliable are these predictions?",), "classify_measure_a-run", "Check 32 validation"),
    },
    "/batchnorm?run=arms&section=sweeps&part=rates": {
        "compare-bn-sweep": ((), "bn_sweep_start_q14", "Each at its best rate|learned at any of the rates"),
    },
    "/runs": {
        "import": (("Bring a run back from a bundle",), "runs_import_start", "The run a-run-again is here"),
    },
}
# What other files of this tier press in their own stories, with the words by which it is found there.
ELSEWHERE = {
    "devices": ("house/test_story.py", "Runs compute on"),
    "data sample": ("house/test_story.py", "Drawing the built-in data set"),
    "data unpack": ("dataset/test_dataset.py", ".st-key-dataset_unpack button"),
    "data scan": ("dataset/test_dataset.py", ".st-key-dataset_scan button"),
    "evaluate": ("network/test_network.py", ".st-key-evaluation_start button"),
    "export": ("runs/test_exports.py", ".st-key-runs_export_make button"),
}
# 218 MB from outside this machine, and what ends in a message of a few seconds; both are pressed without a browser.
NOT_PRESSED = {"data download", "runs free"}


def test_every_job_is_pressed_somewhere() -> None:
    pressed = {job for jobs in PRESSED.values() for job in jobs}
    assert pressed | ELSEWHERE.keys() | NOT_PRESSED == set(JOBS)
    for file, words in ELSEWHERE.values():
        assert words in (TESTS / "browser" / file).read_text()


@pytest.fixture
def bundle(server: Server, store: Path, tmp_path: Path) -> Path:
    """A run on the small data set, whose bundle has another name; and an experiment with little to sweep."""
    data = server.home / "data" / SYNTHETIC
    # Not looked at yet.
    write_pictures(server.home / "data" / "new", CLASSES, {"train": 4, "val": 2}, size=32)
    folder = write_run("finished", "a-run", data=data)
    for name in ("best", "last"):
        write_checkpoint(folder / "checkpoints" / f"{name}.pt", tiny_config(data))
    write_experiment("finished", "arms", data=data, arms="none,batch", sweep_rates="0.01,0.1", sweep_seeds=1)
    done("export", folder, "--to", tmp_path / "bundle.zip", "--format", "bundle")
    return tmp_path / "bundle.zip"


def test_every_button_that_starts_a_job_shows_its_result(
    page: Page, server: Server, bundle: Path, shots: Path | None
) -> None:
    for address, jobs in PRESSED.items():
        page.goto(server.url + address)
        for job, (opened, key, result) in jobs.items():
            for title in opened:
                page.get_by_text(title, exact=True).first.click()
            if job == "import":
                page.locator("[class*=st-key-runs_import] input[type=file]").set_input_files(bundle)
                page.locator(".st-key-runs_import_name input").fill("a-run-again")
                page.locator(".st-key-runs_import_name input").press("Enter")
            button = page.locator(f".st-key-{key} button")
            expect(button).to_be_enabled()
            button.click()
            shown = page.get_by_text(re.compile(result)).first
            expect(shown).to_be_visible(timeout=PATIENCE_MS)
            expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
        shoot(page, shots, f"jobs-{address.split('?')[0][1:]}")
