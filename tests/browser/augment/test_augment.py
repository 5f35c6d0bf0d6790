"""In a real browser: the grid of draws follows the pipeline, and the pipeline goes into a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_server import Server, shoot

pytestmark = pytest.mark.timeout(900)


def test_the_grid_of_draws_follows_the_pipeline(page: Page, server: Server, stripes: Path, shots: Path | None) -> None:
    pipeline = [
        {"op": "Resize", "size": [96, 96]},
        {"op": "RandomPosterize", "bits": 1, "p": 1.0},
        {"op": "RandomSolarize", "threshold": 100, "p": 1.0},
        {"op": "ToTensor"},
    ]
    page.goto(f"{server.url}/augment?{urlencode({'dataset': str(stripes), 'pipeline': json.dumps(pipeline)})}")
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
    own = min((stripes / "val" / "wide").iterdir())
    page.locator(".st-key-augment_upload input[type=file]").set_input_files(own)
    expect(grid.locator("figure").first).to_contain_text(own.name)
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "augment-narrow")
    page.locator(".st-key-augment_use button").click()
    page.wait_for_url("**/train**")
    expect(page.locator(".st-key-train_start button")).to_be_enabled(timeout=90_000)
