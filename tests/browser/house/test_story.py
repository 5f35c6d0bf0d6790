"""The story of the product in a real browser, against a real server: data, training, refresh, restart, classify."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from alexcore.analysis.prediction import Classifier
from alexcore.data.images import read_picture
from tests.support.browser_server import PATIENCE_MS, Server, shoot

pytestmark = pytest.mark.timeout(900)


# The progress moves without a click.
MOVES_ON = """(before) => {
    const found = document.querySelector(".st-key-train_progress")?.innerText.match(/step ([0-9,]+) of/);
    return found && Number(found[1].replace(",", "")) > before;
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, few_photographs: Path) -> Iterator[Server]:
    """A server of this story alone: its home is empty at first, and it dies on the way."""
    home = tmp_path_factory.mktemp("story-home")
    running = Server(home, [home, few_photographs])
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
    expect(page.get_by_text("700 pictures")).to_be_visible()
    page.locator(".st-key-dataset_page").get_by_role("button", name="Page 3", exact=True).click()
    expect(page.get_by_text("Pictures 49 to 72 of 700")).to_be_visible()
    page.wait_for_url("**page=3**")
    page.reload()
    expect(page.get_by_text("Pictures 49 to 72 of 700")).to_be_visible()
    shoot(page, shots, "dataset-photographs")
    page.get_by_role("link", name="Train on this data set").click()

    # 3. A short run from the form, with visible progress at once.
    expect(page.get_by_text("600 training and 100 validation pictures")).to_be_visible()
    page.locator(".st-key-train_preset").get_by_text("quick", exact=True).click()
    expect(page.locator(".st-key-train_epochs input")).to_have_value("4")
    page.locator(".st-key-train_epochs input").fill("0")
    page.locator(".st-key-train_epochs input").press("Enter")
    expect(page.get_by_text("epochs = 0 is not allowed")).to_be_visible()
    expect(page.locator(".st-key-train_start button")).to_be_disabled()
    page.locator(".st-key-train_epochs input").fill("3")
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


def test_stop_saves_and_resume_goes_on(page: Page, server: Server, shots: Path | None) -> None:
    page.goto(f"{server.url}/train?dataset=synthetic-flowers")
    expect(page.locator(".st-key-train_start button")).to_be_enabled(timeout=90_000)
    page.locator(".st-key-train_preset").get_by_text("quick", exact=True).click()
    expect(page.locator(".st-key-train_epochs input")).to_have_value("4")
    page.locator(".st-key-train_start button").click()
    expect(page.locator(".st-key-train_curves")).to_be_visible(timeout=60_000)
    page.locator(".st-key-train_stop button").click()
    expect(page.locator(".st-key-train_status")).to_contain_text("stopped")
    shoot(page, shots, "train-stopped")
    page.locator(".st-key-train_resume button").click()
    expect(page.locator(".st-key-train_status")).to_contain_text("running")
    page.locator(".st-key-train_pause button").click()
    expect(page.locator(".st-key-train_status")).to_contain_text("paused")
    page.locator(".st-key-train_resume button").click()
    expect(page.locator(".st-key-train_status")).to_contain_text("finished", timeout=PATIENCE_MS)


def test_the_grid_of_draws_follows_the_pipeline(
    page: Page, server: Server, few_photographs: Path, shots: Path | None
) -> None:
    pipeline = [
        {"op": "Resize", "size": [96, 96]},
        {"op": "RandomPosterize", "bits": 1, "p": 1.0},
        {"op": "RandomSolarize", "threshold": 100, "p": 1.0},
        {"op": "ToTensor"},
    ]
    page.goto(f"{server.url}/augment?{urlencode({'dataset': str(few_photographs), 'pipeline': json.dumps(pipeline)})}")
    grid = page.locator(".st-key-augment_grid")
    draw = grid.locator("figure").nth(1)
    expect(draw).to_contain_text(re.compile("posterized.*solarized"))
    before = draw.locator("img").get_attribute("src")

    # Reordered: the words and the pixels follow, and so does the URL.
    page.locator(".st-key-augment_operation_2").get_by_role("button", name="↑").click()
    expect(draw).to_contain_text(re.compile("solarized.*posterized"))
    assert draw.locator("img").get_attribute("src") != before
    page.wait_for_url(re.compile("RandomSolarize.*RandomPosterize"))
    page.reload()
    expect(draw).to_contain_text(re.compile("solarized.*posterized"))

    # An order that cannot work is a sentence beside the operation, and the way back is one click.
    page.locator(".st-key-augment_operation_2").get_by_role("button", name="↓").click()
    expect(page.locator(".st-key-augment_operation_3")).to_contain_text("Move it above ToTensor")
    expect(page.locator(".st-key-augment_use button")).to_be_disabled()
    shoot(page, shots, "augment-error")
    page.locator(".st-key-augment_operation_3").get_by_role("button", name="↑").click()
    expect(draw).to_contain_text(re.compile("solarized.*posterized"))

    # A preset with chance: another seed is another grid, the same seed the same.
    page.locator(".st-key-augment_preset input").click()
    page.get_by_role("option", name="strong").click()
    expect(draw).to_contain_text("part ")
    first = grid.locator("img").nth(1).get_attribute("src")
    page.locator(".st-key-augment_redraw button").click()
    expect(draw.locator("img")).not_to_have_attribute("src", first or "")
    page.locator(".st-key-augment_seed input").fill("0")
    page.locator(".st-key-augment_seed input").press("Enter")
    expect(draw.locator("img")).to_have_attribute("src", first or "")
    for view in ("Training and evaluation", "A whole batch", "What the network gets"):
        page.get_by_role("tab", name=view).click()
        expect(page.get_by_role("tabpanel", name=view)).to_contain_text(re.compile(".{80}"))
    shoot(page, shots, "augment")

    # A picture of one's own, and the way into a run.
    page.get_by_text("Your own picture").click()
    own = next(iter(sorted((few_photographs / "val" / "tulips").iterdir())))
    page.locator(".st-key-augment_upload input[type=file]").set_input_files(own)
    expect(grid.locator("figure").first).to_contain_text(own.name)
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "augment-narrow")
    page.locator(".st-key-augment_use button").click()
    page.wait_for_url("**/train**")
    expect(page.locator(".st-key-train_start button")).to_be_enabled(timeout=90_000)


def test_an_uploaded_archive_becomes_a_data_set_to_page_through(
    page: Page, server: Server, few_photographs: Path, shots: Path | None, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "two kinds.zip", "w") as archive:
        for name in ("daisy", "roses"):
            for path in sorted((few_photographs / "train" / name).iterdir())[:20]:
                archive.write(path, f"two kinds/{name}/{path.name}")
    page.goto(f"{server.url}/dataset")
    page.get_by_text("Add a data set").click()
    page.locator(".st-key-dataset_archive input[type=file]").set_input_files(tmp_path / "two kinds.zip")
    expect(page.locator(".st-key-dataset_unpack button")).to_be_enabled()
    page.locator(".st-key-dataset_unpack button").click()
    expect(page.get_by_text("40 pictures, class folders, split 4:1")).to_be_visible(timeout=60_000)
    expect(page.locator(".st-key-dataset_gallery img")).to_have_count(24)
    second = page.locator(".st-key-dataset_page").get_by_role("button", name="Page 2", exact=True)
    expect(second).to_have_count(1)  # while the page is drawn anew, the one from before is still there
    second.click()
    expect(page.get_by_text("Pictures 25 to 40 of 40")).to_be_visible()
    page.locator(".st-key-dataset_scan button").click()
    expect(page.locator(".st-key-dataset_quality")).to_contain_text(
        re.compile("Choose a finding|Nothing was found"), timeout=60_000
    )
    page.locator("[class*='st-key-dataset_picture_'] button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("index")
    shoot(page, shots, "dataset-archive")
