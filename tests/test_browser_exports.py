"""An exported report in a real browser: whole without a network, with nothing to complain about."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import done
from playwright.sync_api import Browser
from run_folders import tiny_config
from test_browser import browser, shots  # noqa: F401  # fixtures

from alexcore.runs.store import create_run
from alexcore.runs.worker import execute

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
def test_the_report_opens_without_errors_or_requests(
    browser: Browser,  # noqa: F811
    stripes: Path,
    shots: Path,  # noqa: F811
    tmp_path: Path,
    width: int,
    scheme: str,
) -> None:
    run = create_run(tiny_config(stripes, epochs=2))
    assert execute(run) == "finished"
    report = tmp_path / "report.html"
    done("export", run, "--to", report, "--format", "report")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_load_state("networkidle")
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert page.locator("svg").count() == 4
    # Every picture is inside and was decoded.
    pictures = page.locator("img")
    assert pictures.count() >= 12
    assert pictures.evaluate_all("all => all.every(each => each.naturalWidth > 0)")
    # Nothing is wider than the screen, on a telephone either.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_text("The numbers").first.click()
    assert page.get_by_role("cell", name="wide", exact=True).first.is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").first.click()
    assert download.value.suggested_filename.endswith("-pictures-per-class.csv")
    assert Path(download.value.path()).read_text().startswith("class,train,val\nfine,12,4\n")
    assert complaints == []
    page.screenshot(path=shots / f"report-{width}-{scheme}.png", full_page=True)
    context.close()
