"""The BatchNorm experiment in a real browser: start, watch it grow, stop, resume, read the verdict, take it along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_server import PATIENCE_MS, Server, shoot

pytestmark = pytest.mark.timeout(900)


def fill(page: Page, key: str, value: str) -> None:
    field = page.locator(f".st-key-{key} input")
    field.fill(value)
    field.press("Enter")


def section(page: Page, name: str) -> None:
    page.locator(".st-key-bn_section").get_by_text(name, exact=True).click()


def done(page: Page) -> int:
    text = page.locator(".st-key-bn_progress").inner_text()
    found = re.search(r"step ([\d,]+) of", text)
    assert found, text
    return int(found[1].replace(",", ""))


def test_the_story_of_an_experiment(
    page: Page, server: Server, store: Path, shots: Path | None, tmp_path: Path
) -> None:
    # 1. The questions, the form, and a bad value as a sentence.
    page.goto(f"{server.url}/batchnorm")
    expect(page.get_by_text("Should a network not learn by itself what to amplify")).to_be_visible()
    start = page.locator(".st-key-bn_start button")
    expect(start).to_be_enabled()
    fill(page, "bn_steps", "0")
    expect(page.get_by_text("steps = 0 is not allowed")).to_be_visible()
    expect(start).to_be_disabled()
    fill(page, "bn_steps", "30")
    expect(page.get_by_text("90 optimizer steps")).to_be_visible()
    shoot(page, shots, "bn-form")
    start.click()

    # 2. It runs, and the curves grow without a click; the open section is in the URL.
    page.wait_for_url("**run=**")
    expect(page.locator(".st-key-bn_status")).to_contain_text("running")
    section(page, "Curves")
    page.wait_for_url("**section=curves**")
    expect(page.locator(".st-key-bn_curves .js-plotly-plot").first).to_be_visible(timeout=90_000)
    expect(page.locator(".st-key-bn_progress")).to_contain_text("of all arms together")
    before = done(page)
    page.wait_for_function(
        """(before) => {
            const found = document.querySelector(".st-key-bn_progress")?.innerText.match(/step ([0-9,]+) of/);
            return found && Number(found[1].replace(",", "")) > before;
        }""",
        arg=before,
    )

    # 3. Stop saves all arms; resume goes on; a refresh brings the section back.
    page.locator(".st-key-bn_stop button").click()
    expect(page.locator(".st-key-bn_status")).to_contain_text("stopped")
    page.locator(".st-key-bn_resume button").click()
    expect(page.locator(".st-key-bn_status")).to_contain_text("running")
    page.reload()
    expect(page.locator(".st-key-bn_curves .js-plotly-plot").first).to_be_visible(timeout=60_000)

    # 4. It ends by itself; one seed decides nothing, and says so; an answer leads to its charts.
    expect(page.locator(".st-key-bn_status")).to_contain_text("finished", timeout=PATIENCE_MS)
    expect(page.locator(".st-key-bn_curves")).to_contain_text("One seed cannot decide an order")
    shoot(page, shots, "bn-curves")
    section(page, "Verdict")
    verdict = page.locator(".st-key-bn_verdict")
    expect(verdict).to_contain_text("0 of 5 questions are decided by this experiment, over 1 seed.")
    expect(verdict.locator("[class*=st-key-bn_answer_]")).to_have_count(5)
    assert verdict.inner_text().count("not decided by this experiment") == 5
    shoot(page, shots, "bn-verdict")
    verdict.get_by_role("button", name="See the charts").first.click()
    page.wait_for_url("**section=inside**part=changes**")
    expect(page.get_by_text("Does a small change of the input grow?").first).to_be_visible()
    expect(page.locator(".st-key-bn_inside .js-plotly-plot").first).to_be_visible()
    page.locator(".st-key-bn_part").get_by_text("Distributions", exact=True).click()
    expect(page.locator(".st-key-bn_view_fans .js-plotly-plot")).to_have_count(3)
    shoot(page, shots, "bn-inside")

    # 5. The report is one file, and the charts in it draw without a network.
    section(page, "Take it along")
    with page.expect_download() as download:
        page.locator(".st-key-bn_report_html button").click()
    report = tmp_path / "report.html"
    download.value.save_as(report)
    reader = page.context.new_page()
    asked: list[str] = []
    reader.on("request", lambda each: asked.append(each.url) if each.url.startswith("http") else None)
    reader.goto(report.as_uri())
    expect(reader.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=60_000)
    assert asked == []
    reader.close()
    page.set_viewport_size({"width": 420, "height": 900})
    section(page, "Loss surface")
    expect(page.locator(".st-key-bn_surface .js-plotly-plot").first).to_be_visible()
    shoot(page, shots, "bn-surface-narrow")
