"""Classify in a real browser: a dozen uploads, an explanation read, a link, a large folder with progress."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from alexcore.analysis.reference import build_reference
from alexcore.runs import worker
from alexcore.runs.store import create_run
from tests.support.browser_server import Server, shoot
from tests.support.odd_pictures import CORPUS
from tests.support.run_folders import CLASSES, tiny_config

pytestmark = pytest.mark.timeout(900)
ODD = ("cmyk.jpg", "rotated.jpg", "alpha.png", "sixteen_bit.png", "animated.gif", "plain.avif")


@pytest.fixture(scope="module", autouse=True)
def _trained(store: Path, stripes: Path) -> None:
    """One run, measured, on stripes that a tiny network learns in seconds."""
    torch.manual_seed(0)
    folder = create_run(tiny_config(stripes, epochs=6, width=0.25, norm="batch"), store / "stripes")
    worker.execute(folder)
    build_reference(folder / "checkpoints" / "best.pt")


def test_a_dozen_uploads_and_an_explanation(
    page: Page,
    server: Server,
    stripes: Path,
    shots: Path | None,
    tmp_path: Path,
) -> None:
    photographs = [sorted((stripes / "val" / name).iterdir())[0] for name in CLASSES]
    odd = []
    for name in (*ODD, "text.jpg", "cut.png", "phone.heic"):
        odd.append(tmp_path / name)
        odd[-1].write_bytes(CORPUS[name].make())
    files = [*photographs, *odd]
    assert len(files) == 12

    page.goto(f"{server.url}/classify?run=stripes")
    expect(page.get_by_text("No picture yet")).to_be_visible()
    shoot(page, shots, "classify-empty")
    page.locator(".st-key-classify_upload input[type=file]").set_input_files(files)
    results = page.locator(".st-key-classify_results")
    expect(results.get_by_text("12 pictures; ")).to_be_visible(timeout=90_000)
    expect(results.get_by_text("text.jpg is no picture in a format that is known here.")).to_be_visible()
    expect(results.get_by_text("phone.heic is a HEIC picture, which is not read here.")).to_be_visible()
    expect(results.locator("h4")).to_have_count(6)
    expect(results.get_by_text("converted from CMYK")).to_be_visible()
    expect(page.locator(".st-key-classify_table")).to_be_visible()
    shoot(page, shots, "classify-dozen")

    # The explanation of the first one: maps, another class, occlusion, nearest training pictures.
    page.locator(".st-key-classify_explain_0 button").click()
    explanation = page.locator(".st-key-classify_explanation")
    expect(explanation.get_by_text(re.compile("strongest at the|Nothing that the last"))).to_be_visible(timeout=60_000)
    expect(explanation.get_by_test_id("stPlotlyChart")).to_have_count(1)
    expect(explanation.get_by_text("36 pictures were compared")).to_be_visible()
    explanation.get_by_text("Occlusion map").click()
    expect(explanation.get_by_text(re.compile("The network gives"))).to_be_visible(timeout=60_000)
    expect(explanation.get_by_test_id("stPlotlyChart")).to_have_count(2)
    explanation.locator("[class*=st-key-classify_class_] input").click()
    page.get_by_role("option", name="level").click()
    expect(explanation.get_by_text("Grad-CAM for level")).to_be_visible()
    shoot(page, shots, "classify-explained")
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "classify-explained-narrow")
    page.set_viewport_size({"width": 1280, "height": 1100})

    with page.expect_download() as waiting:
        page.locator(".st-key-classify_download_json button").click()
    told = json.loads(Path(waiting.value.path()).read_text())
    assert [each["file"] for each in told["predictions"]] == [path.name for path in files]
    assert sum("error" in each for each in told["predictions"]) == 3
    with page.expect_download() as waiting:
        page.locator(".st-key-classify_download button").click()
    assert Path(waiting.value.path()).read_text().startswith("file,rank,class,index,probability,error,novelty,")


def test_the_check_mark_and_a_link_to_one_picture(page: Page, server: Server, shots: Path | None) -> None:
    page.goto(f"{server.url}/classify?run=stripes&picture=val/wide/wide_001.jpg")
    expect(page.get_by_text("A picture of this run's data set")).to_be_visible(timeout=60_000)
    expect(page.locator(".st-key-classify_explanation").get_by_test_id("stPlotlyChart")).to_have_count(1)
    page.get_by_text("How reliable are these predictions?").click()
    page.get_by_role("button", name="Check 32 validation pictures").click()
    expect(page.get_by_text("✓ 12 of 12 validation pictures are answered here")).to_be_visible(timeout=60_000)
    shoot(page, shots, "classify-link")
    page.locator(".st-key-classify_back button").click()
    expect(page.get_by_text("No picture yet")).to_be_visible()
    page.goto(f"{server.url}/classify?run=stripes&picture=../../../etc/passwd")
    expect(page.get_by_text("has no picture ../../../etc/passwd")).to_be_visible()


def test_a_large_folder_shows_progress_and_ends_by_itself(
    page: Page,
    server: Server,
    stripes: Path,
    shots: Path | None,
) -> None:
    many = server.home / "many"
    many.mkdir()
    # Large enough that they take some seconds: what is looked for is gone when all are answered.
    with Image.open(sorted((stripes / "val" / "fine").iterdir())[0]) as small:
        small.resize((1600, 1200)).save(many / "000.jpg", quality=95)
    for number in range(1, 120):
        os.link(many / "000.jpg", many / f"{number:03d}.jpg")
    page.goto(f"{server.url}/classify?run=stripes&classify_tta=true&classify_source=A+folder&classify_folder={many}")
    expect(page.get_by_text(re.compile(r"of 120 pictures, \d+ a second"))).to_be_visible(timeout=60_000)
    shoot(page, shots, "classify-progress")
    expect(page.get_by_text("120 pictures; 120 taken for")).to_be_visible(timeout=120_000)
    expect(page.locator(".st-key-classify_page")).to_be_visible()
