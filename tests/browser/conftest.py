"""A browser, a server and a page of it; a test file that needs a store of its own brings its own `server`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright

from alexcore.home import SYNTHETIC
from tests.support.browser_server import DEFAULT_MS, Server, forget, is_outside, open_browser
from tests.support.warm_process import WarmProcess

expect.set_options(timeout=DEFAULT_MS)


@pytest.fixture(scope="session")
def server(warm: WarmProcess, tmp_path_factory: pytest.TempPathFactory, stripes: Path) -> Iterator[Server]:
    """One server for all tests that need no other: its built-in data set is the small one, and lies there twice."""
    home = tmp_path_factory.mktemp("browser-home")
    for name in (SYNTHETIC, "stripes"):
        shutil.copytree(stripes, home / "data" / name)
    running = Server(home, [home, stripes], warm)
    yield running
    running.kill()


@pytest.fixture(autouse=True)
def home(server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a test writes is in the home of its server."""
    monkeypatch.setenv("ALEXCORE_HOME", str(server.home))
    return server.home


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[Path]:
    """The runs of the server's home: none when a module begins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXCORE_HOME", str(server.home))
        runs = server.home / "runs"
        runs.mkdir()
        yield runs
        for folder in (runs, server.home / "data" / ".cache"):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser that keeps the scripts which it has compiled: a page of ours costs it half as much from then on."""
    executable = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if executable is None:
        assert not os.environ.get("CI"), "in CI the browser tier has to run: install Chromium"
        pytest.skip("no Chromium was found on this machine")
    with sync_playwright() as playwright:
        browser = open_browser(playwright, executable, tmp_path_factory.mktemp("profile"))
        yield browser
        browser.close()


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Path | None:
    """Where pictures of pages are kept for somebody who wants to look at them."""
    folder = os.environ.get("ALEXCORE_TEST_SHOTS")
    return Path(folder) / request.node.name if folder else None


@pytest.fixture
def page(browser: BrowserContext, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new visitor's page, which may talk to this machine only, and shows the server's log when its test fails."""
    outside: list[str] = []

    def listen(asked: Request) -> None:
        if is_outside(asked.url):
            outside.append(asked.url)

    browser.on("request", listen)
    failed = request.session.testsfailed
    opened = browser.new_page()
    yield opened
    if request.session.testsfailed > failed:
        print(server.log.read_text()[-4000:])
    browser.remove_listener("request", listen)
    forget(opened, server.url)
    for each in browser.pages[1:]:  # with its last page the browser goes
        each.close()
    assert outside == [], "a page asks nobody outside this machine"
