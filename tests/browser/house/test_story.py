"""The story of the product in a real browser, against a real server: data, training, refresh, restart, classify."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alexcore.analysis.prediction import Classifier
from alexcore.data.decoding.images import read_picture
from tests.support.browser_server import PATIENCE_MS, Server, shoot
from tests.support.warm_process import WarmProcess

pytestmark = pytest.mark.timeout(900)


# The progress moves without a click.
MOVES_ON = """(before) => {
    const found = document.querySelector(".st-key-train_progress")?.innerText.match(/step ([0-9,]+) of/);
    return found && Number(found[1].replace(",", "")) > before;
}"""


@pytest.fixture(scope="module")
def few_photographs(some_photographs: Callable[[int, int], Path]) -> Path:
    """Five classes of 40 to train on and 10 for validation: enough to be on the way when the server dies."""
    return some_photographs(40, 10)


@pytest.fixture(scope="module")
def server(warm: WarmProcess, tmp_path_factory: pytest.TempPathFactory, few_photographs: Path) -> Iterator[Server]:
    """A server of this story alone: its home is empty at first, and it dies on the way."""
    home = tmp_path_factory.mktemp("story-home")
    running = Server(home, [home, few_photographs], warm)
    yield running
    running.kill()


def test_the_story_from_data_to_an_answer(
    page: Page, server: Server, few_photographs: Path, shots: Path | None, tmp_path: Path
) -> None:
    # 1. A fresh home: the built-in data set draws itself, and the overview leads to it.
    page.goto(server.url)
    expect(page.get_by_text("Drawing the built-in data set")).to_be_visible()
    expect(page.get_by_text("Runs compute on")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("Drawing the built-in data set")).to_have_count(0, timeout=PATIENCE_MS)
    shoot(page, shots, "overview")
    page.get_by_role("link", name="Open the data set").click()
    expect(page.locator(".st-key-dataset_gallery img")).to_have_count(24)
    shoot(page, shots, "dataset-synthetic")

    # 2. A folder of real photographs, typed; page and filter survive a refresh, because they are in the URL.
    page.locator(".st-key-dataset_source input").click()
    page.get_by_role("option", name="a folder ...").click()
    page.locator(".st-key-dataset_path input").fill(str(few_photographs))
    page.locator(".st-key-dataset_open button").click()
    expect(page.get_by_text("250 pictures")).to_be_visible()
    page.locator(".st-key-dataset_page").get_by_role("button", name="Page 3", exact=True).click()
    expect(page.get_by_text("Pictures 49 to 72 of 250")).to_be_visible()
    page.wait_for_url("**page=3**")
    page.reload()
    expect(page.get_by_text("Pictures 49 to 72 of 250")).to_be_visible()
    shoot(page, shots, "dataset-photographs")
    page.get_by_role("link", name="Train on this data set").click()

    # 3. A short run from the form, with visible progress at once.
    expect(page.get_by_text("200 training and 50 validation pictures")).to_be_visible()
    page.locator(".st-key-train_preset").get_by_text("quick", exact=True).click()
    expect(page.locator(".st-key-train_epochs input")).to_have_value("4")
    page.locator(".st-key-train_epochs input").fill("0")
    page.locator(".st-key-train_epochs input").press("Enter")
    expect(page.get_by_text("epochs = 0 is not allowed")).to_be_visible()
    expect(page.locator(".st-key-train_start button")).to_be_disabled()
    page.locator(".st-key-train_epochs input").fill("7")
    page.locator(".st-key-train_epochs input").press("Enter")
    expect(page.locator(".st-key-train_start button")).to_be_enabled()
    shoot(page, shots, "train-form")
    page.locator(".st-key-train_start button").click()
    expect(page.locator(".st-key-train_progress")).to_be_visible(timeout=10_000)
    page.wait_for_url("**run=**")
    expect(page.locator(".st-key-train_status")).to_contain_text("running")
    expect(page.locator(".st-key-train_curves")).to_be_visible(timeout=60_000)
    expect(page.locator(".st-key-train_progress")).to_contain_text("step")
    step = _step(page)
    page.wait_for_function(MOVES_ON, arg=step)

    # 4. Neither a refresh, nor a second tab, nor the death of the server disturbs the run.
    page.reload()
    expect(page.locator(".st-key-train_progress")).to_contain_text("step")
    shoot(page, shots, "train-running")
    second = page.context.new_page()
    second.goto(f"{server.url}/train")
    expect(second.locator(".st-key-train_status")).to_contain_text("running")
    second.close()
    server.kill()
    server.start()
    page.goto(page.url)
    expect(page.locator(".st-key-train_status")).to_contain_text(re.compile("running|finished"))
    expect(page.get_by_test_id("stSidebarNav")).to_contain_text("Data set")

    # 5. It ends by itself, and the page says so without a click.
    expect(page.locator(".st-key-train_status")).to_contain_text("finished", timeout=PATIENCE_MS)
    expect(page.locator(".st-key-train_curves")).to_contain_text("Validation accuracy is")
    shoot(page, shots, "train-finished")
    (run,) = (server.home / "runs").glob("2*")
    picture, answer = _surest_answer(run, few_photographs)

    # 6. A photograph that the network has never seen.
    page.get_by_role("link", name="Classify a picture with this run").click()
    page.locator(".st-key-classify_upload input[type=file]").set_input_files(picture)
    heading = page.locator(".st-key-classify_results h4")
    expect(heading).to_contain_text(answer)
    expect(page.locator(".st-key-classify_results").get_by_test_id("stProgress")).to_have_count(3)
    shoot(page, shots, "classify")
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "classify-narrow")

    # 7. Files that are no pictures get a sentence each.
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not a picture")
    bad = [tmp_path / "empty.png", tmp_path / "text.jpg"]
    page.locator(".st-key-classify_upload input[type=file]").set_input_files(bad)
    expect(page.get_by_text("empty.png is empty (0 bytes).")).to_be_visible()
    expect(page.get_by_text("text.jpg is no picture in a format that is known here.")).to_be_visible()
    shoot(page, shots, "classify-errors")


def _step(page: Page) -> int:
    text = page.locator(".st-key-train_progress").inner_text()
    found = re.search(r"step ([\d,]+) of", text)
    assert found, text
    return int(found[1].replace(",", ""))


def _surest_answer(run: Path, few_photographs: Path) -> tuple[Path, str]:
    """The validation photograph of which the run is surest, out of five of each class, and what it takes it for."""
    classifier = Classifier(run / "checkpoints" / "best.pt")
    paths = [path for folder in sorted((few_photographs / "val").iterdir()) for path in sorted(folder.iterdir())[:5]]
    answers = [classifier.classify([read_picture(path).image])[0][0] for path in paths]
    surest = max(range(len(paths)), key=lambda number: answers[number].probability)
    return paths[surest], answers[surest].name
