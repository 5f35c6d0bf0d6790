"""Runs in a real browser: choose two and compare them, clone one, delete and undo, while another one trains."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from alexcore.config import load_config
from alexcore.home import SYNTHETIC
from alexcore.runs.about import change_about
from tests.support.browser_server import PATIENCE_MS, Server, shoot
from tests.support.run_folders import tiny_config, write_checkpoint, write_run

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(autouse=True)
def _three_runs(server: Server, store: Path) -> Iterator[None]:
    """Finished ones: alpha, beta and gamma, the newest."""
    data = server.home / "data" / SYNTHETIC
    for name, epochs in (("alpha", 2), ("beta", 3), ("gamma", 1)):
        folder = write_run("finished", name, data=data, epochs=epochs)
        write_checkpoint(folder / "checkpoints" / "best.pt", tiny_config(data))
        time.sleep(0.01)
    change_about(store / "beta", name="the second", tags=("homework",))
    yield
    for folder in store.iterdir():
        shutil.rmtree(folder)


def tick(page: Page, row: int) -> None:
    """Click into the box at the left of a row: the table is a canvas, which has places and no elements."""
    table = page.locator(".st-key-runs_table").get_by_test_id("stDataFrame")
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 15, box["y"] + 17 + 35 * (row + 1))


def chosen(page: Page) -> Locator:
    return page.locator(".st-key-runs_chosen")


def test_two_runs_are_chosen_compared_and_shared_as_a_link(
    page: Page,
    server: Server,
    store: Path,
    shots: Path | None,
) -> None:
    page.goto(f"{server.url}/runs")
    expect(page.get_by_text("3 of 3 runs.")).to_be_visible()
    tick(page, 2)
    expect(chosen(page)).to_contain_text("alpha")
    # Another run comes in above: the ticks are positions, and must not slip to its neighbours.
    write_run("finished", "newcomer", data=server.home / "data" / SYNTHETIC)
    expect(page.get_by_text("4 of 4 runs.")).to_be_visible()
    expect(chosen(page)).to_contain_text("alpha")
    expect(chosen(page)).not_to_contain_text("the second")
    tick(page, 2)
    expect(chosen(page)).to_contain_text("the second")
    expect(chosen(page)).to_contain_text("alpha")
    shoot(page, shots, "runs-table")
    page.locator(".st-key-runs_compare button").click()

    # The comparison stands in the URL with everything that was switched.
    page.wait_for_url("**compare=alpha**beta**")
    overlay = page.locator(".st-key-runs_overlay")
    expect(overlay.get_by_test_id("stPlotlyChart")).to_have_count(2)
    page.locator(".st-key-runs_x").get_by_text("epoch", exact=True).click()
    page.wait_for_url("**x=epoch**")
    page.locator(".st-key-runs_curves").get_by_text("Training, by step").click()
    page.locator(".st-key-runs_smooth").get_by_text("0.9", exact=True).click()
    page.wait_for_url("**smooth=0.9**")
    page.reload()
    expect(overlay).to_contain_text("Training loss, by step")
    expect(overlay.locator(".xtitle").first).to_have_text("epoch")
    expect(page.locator(".st-key-runs_differences")).to_contain_text("1 settings differ")
    page.locator(".st-key-runs_pictures button").click()
    expect(page.locator(".st-key-runs_same_pictures img")).to_have_count(6, timeout=PATIENCE_MS)
    expect(page.locator(".st-key-runs_same_pictures")).to_contain_text("the second")
    shoot(page, shots, "runs-compare")
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "runs-compare-narrow")


def test_a_run_is_opened_cloned_and_the_clone_trains(
    page: Page,
    server: Server,
    store: Path,
    shots: Path | None,
) -> None:
    page.goto(f"{server.url}/runs")
    chosen(page).locator("input").click()
    chosen(page).locator("input").press_sequentially("the sec")
    page.get_by_role("option", name="the second").click()
    page.keyboard.press("Escape")  # its list stays open for a second choice, and hides the rest from readers
    page.locator(".st-key-runs_open button").click()
    page.wait_for_url("**run=beta**")
    expect(page.locator(".st-key-train_status")).to_contain_text("finished")
    page.get_by_role("tab", name="Again").click()
    expect(page.get_by_text("python -m alexcore train")).to_be_visible()
    shoot(page, shots, "runs-one")
    page.get_by_role("link", name="Fill the form with these settings").click()
    page.wait_for_url("**clone=beta**")
    expect(page.locator(".st-key-train_epochs input")).to_have_value("3")
    page.locator(".st-key-train_epochs input").fill("2")
    page.locator(".st-key-train_epochs input").press("Enter")
    expect(page.get_by_text("10 steps in all")).to_be_visible()
    page.locator(".st-key-train_start button").click()
    page.wait_for_url("**run=2**")
    (new,) = store.glob("2*")
    assert load_config(new / "config.json") == load_config(store / "beta" / "config.json").model_copy(
        update={"epochs": 2}
    )
    # Its row follows it to the end, without a click.
    page.goto(f"{server.url}/runs")
    expect(page.get_by_text(re.compile("4 of 4 runs(, 1 of them active)?"))).to_be_visible()
    expect(page.get_by_text("4 of 4 runs.")).to_be_visible(timeout=180_000)
    page.goto(f"{server.url}/runs?run={new.name}")
    expect(page.locator(".st-key-train_status")).to_contain_text("finished")


def test_delete_and_undo(page: Page, server: Server, store: Path, shots: Path | None) -> None:
    page.goto(f"{server.url}/runs")
    expect(page.get_by_text("3 of 3 runs.")).to_be_visible()
    tick(page, 0)
    expect(chosen(page)).to_contain_text("gamma")
    page.locator(".st-key-runs_delete button").click()
    expect(page.locator(".st-key-runs_outcome")).to_contain_text(re.compile("Moved gamma to the trash.*frees .*MB"))
    expect(page.get_by_text("2 of 2 runs.")).to_be_visible()
    expect(page.locator(".st-key-runs_disk")).to_contain_text(re.compile("the trash [0-9.]+ MB"))
    assert not (store / "gamma").exists()
    shoot(page, shots, "runs-deleted")
    page.locator(".st-key-runs_undo button").click()
    expect(page.get_by_text("3 of 3 runs.")).to_be_visible()
    expect(page.get_by_text("gamma is back.")).to_be_visible()
    assert (store / "gamma" / "checkpoints" / "best.pt").is_file()

    # Deleted from its own page, and brought back from the trash after a reload.
    page.goto(f"{server.url}/runs?run=gamma")
    page.locator(".st-key-runs_delete button").click()
    expect(page.get_by_text("2 of 2 runs.")).to_be_visible()
    page.reload()
    page.get_by_text("Disk use").click()
    page.locator(".st-key-runs_disk").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("gamma is back.")).to_be_visible()
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "runs-narrow")
