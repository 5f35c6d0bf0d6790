"""A browser, a server and a page of it; a test file that needs a store of its own brings its own `server`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.browser_server import DEFAULT_MS, FLAGS, Server, is_outside

expect.set_options(timeout=DEFAULT_MS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, photographs: Path) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("browser-home")
    running = Server(home, [home, photographs])
    yield running
    running.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if executable is None:
        assert not os.environ.get("CI"), "in CI the browser tier has to run: install Chromium"
        pytest.skip("no Chromium was found on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("screenshots")
    print(f"screenshots are kept in {folder}")
    return folder


@pytest.fixture
def page(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that may talk to this machine only, and that shows the server's log when its test fails."""
    context = browser.new_context(viewport={"width": 1280, "height": 1100})
    context.set_default_timeout(DEFAULT_MS)
    outside: list[str] = []
    context.on("request", lambda each: outside.append(each.url) if is_outside(each.url) else None)
    failed = request.session.testsfailed
    opened = context.new_page()
    yield opened
    if request.session.testsfailed > failed:
        print(server.log.read_text()[-4000:])
    context.close()
    assert outside == [], "a page asks nobody outside this machine"
