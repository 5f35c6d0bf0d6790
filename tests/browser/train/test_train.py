"""In a real browser: Stop, Resume and Pause of a run that trains meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_server import PATIENCE_MS, Server, shoot

pytestmark = pytest.mark.timeout(900)


def test_stop_saves_and_resume_goes_on(page: Page, server: Server, store: Path, shots: Path | None) -> None:
    page.goto(f"{server.url}/train?dataset=synthetic-flowers")
    expect(page.locator(".st-key-train_start button")).to_be_enabled(timeout=90_000)
    page.locator(".st-key-train_preset").get_by_text("quick", exact=True).click()
    epochs = page.locator(".st-key-train_epochs input")
    expect(epochs).to_have_value("4")
    epochs.fill("10")  # of 36 pictures
    epochs.press("Enter")
    expect(epochs).to_have_value("10")
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
