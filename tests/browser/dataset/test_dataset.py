"""In a real browser: an archive is uploaded, paged through and scanned."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_server import Server, shoot

pytestmark = pytest.mark.timeout(900)


def test_an_uploaded_archive_becomes_a_data_set_to_page_through(
    page: Page, server: Server, stripes: Path, shots: Path | None, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "two kinds.zip", "w") as archive:
        for name in ("fine", "wide"):
            for path in sorted(stripes.glob(f"*/{name}/*")):
                archive.write(path, f"two kinds/{name}/{path.parts[-3]}-{path.name}")
    page.goto(f"{server.url}/dataset")
    page.get_by_text("Add a data set").click()
    page.locator(".st-key-dataset_archive input[type=file]").set_input_files(tmp_path / "two kinds.zip")
    expect(page.locator(".st-key-dataset_unpack button")).to_be_enabled()
    page.locator(".st-key-dataset_unpack button").click()
    expect(page.get_by_text("32 pictures, class folders, split 4:1")).to_be_visible(timeout=60_000)
    expect(page.locator(".st-key-dataset_gallery img")).to_have_count(24)
    second = page.locator(".st-key-dataset_page").get_by_role("button", name="Page 2", exact=True)
    expect(second).to_have_count(1)  # while the page is drawn anew, the one from before is still there
    second.click()
    expect(page.get_by_text("Pictures 25 to 32 of 32")).to_be_visible()
    page.locator(".st-key-dataset_scan button").click()
    expect(page.locator(".st-key-dataset_quality")).to_contain_text(
        re.compile("Choose a finding|Nothing was found"), timeout=60_000
    )
    page.locator("[class*='st-key-dataset_picture_'] button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("index")
    shoot(page, shots, "dataset-archive")
