"""Take it along, in a real browser: a report that is whole without a network, and downloads of what a job has made."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Download, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from alexcore.files import write_json
from alexcore.runs.store import create_run
from alexcore.runs.worker import execute
from tests.support.browser_server import Server, shoot
from tests.support.command_line import done
from tests.support.run_folders import tiny_config, write_run

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]


@pytest.fixture(scope="module")
def report(store: Path, stripes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    run = create_run(tiny_config(stripes, epochs=2), store / "reported")
    assert execute(run) == "finished"
    done("export", run, "--to", folder / "report.html", "--format", "report")
    return folder / "report.html"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
def test_the_report_opens_without_errors_or_requests(
    browser: BrowserContext,
    report: Path,
    shots: Path | None,
    width: int,
    scheme: str,
) -> None:
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
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
    if shots:
        page.screenshot(path=shots / f"report-{width}-{scheme}.png", full_page=True)
    page.close()


def test_the_project_and_the_report_are_made_and_downloaded(
    page: Page,
    server: Server,
    store: Path,
    stripes: Path,
    shots: Path | None,
) -> None:
    write_run("finished", "one", data=stripes, checkpoint=True)
    section = urlencode({"runs_section": "Take it along"})
    page.goto(f"{server.url}/runs?run=one&{section}")

    def choose(title: str) -> None:
        option = page.get_by_role("option", name=title, exact=True)
        while True:  # a list that opens while the page is being drawn is closed by it
            page.locator(".st-key-runs_export_format input").click()
            try:
                option.click(timeout=5_000)
                return
            except PlaywrightTimeoutError:
                page.keyboard.press("Escape")

    def made() -> Download:
        page.locator(".st-key-runs_export_make button").click()
        button = page.locator(".st-key-runs_export_download button")
        expect(button).to_be_visible(timeout=90_000)
        expect(page.get_by_text("SHA-256")).to_be_visible()
        with page.expect_download() as download:
            button.click()
        return download.value

    shoot(page, shots, "export-weights")
    choose("Three-file project")
    expect(page.locator(".st-key-runs_export_make").get_by_text("Make it", exact=True)).to_be_visible()
    project = made()
    assert project.suggested_filename == "one.zip"
    with zipfile.ZipFile(project.path()) as archive:
        assert {"one/model.py", "one/train.py", "one/predict.py"} < set(archive.namelist())
    shoot(page, shots, "export-project-made")
    choose("Report")
    expect(page.locator(".st-key-runs_export_make").get_by_text("Make it", exact=True)).to_be_visible()
    report = made()
    assert report.suggested_filename == "one.html"
    assert '<h1>Run <span translate="no">one</span></h1>' in Path(report.path()).read_text()
    # A file that was made before is offered at once, also after a refresh.
    page.reload()
    choose("Report")
    expect(page.locator(".st-key-runs_export_download button")).to_be_visible()
    page.set_viewport_size({"width": 420, "height": 900})
    shoot(page, shots, "export-report-narrow")
    young = write_run("queued", "young")
    # Nobody renews its heartbeat, and a busy machine may take longer for the page than a queued run may be silent.
    status = young / "status.json"
    write_json(status, {**json.loads(status.read_text()), "heartbeat": time.time() + 600})
    page.goto(f"{server.url}/runs?run=young&{section}")
    expect(page.get_by_text("has no checkpoint. Wait for its first epoch to end.")).to_be_visible()
