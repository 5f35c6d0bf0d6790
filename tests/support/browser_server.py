"""A real server, and what tests do with its pages in a real browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.support.repository import REPOSITORY
from tests.support.warm_process import Started, WarmProcess

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
]


# A busy machine takes its time; nobody waits as long where nothing is wrong.
DEFAULT_MS = 90_000
# For what computes a while by itself.
PATIENCE_MS = 420_000


class Server:
    """`streamlit run app.py` on a free port of the loopback, which can be killed and started again.

    With a warm process it has torch from the beginning, and so have the workers and jobs that it starts.
    """

    def __init__(self, home: Path, roots: list[Path], warm: WarmProcess | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home, self.log, self.warm = home, home / "server.log", warm
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "ALEXCORE_HOME": str(home),
            "ALEXCORE_DATA_ROOTS": os.pathsep.join(map(str, roots)),
        }
        self.start()

    def start(self) -> None:
        arguments = ["-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        self.process: subprocess.Popen[bytes] | Started
        if self.warm:
            self.process = self.warm.start(arguments, self.log, self.environment)
        else:
            with self.log.open("ab") as log:
                options = {"cwd": REPOSITORY, "env": self.environment, "stdout": log, "stderr": log}
                self.process = subprocess.Popen([sys.executable, *arguments], start_new_session=True, **options)
        for _ in range(600):
            try:
                if urlopen(f"{self.url}/_stcore/health", timeout=1).status == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def open_browser(playwright: Playwright, executable: str, profile: Path) -> BrowserContext:
    """A browser with the patience of these tests, and one page that stays empty."""
    browser = playwright.chromium.launch_persistent_context(
        profile, executable_path=executable, args=FLAGS, viewport={"width": 1280, "height": 1100}
    )
    browser.set_default_timeout(DEFAULT_MS)
    return browser


def forget(page: Page, origin: str) -> None:
    """The next page at this address is that of a new visitor; compiled scripts are kept."""
    storage = page.context.new_cdp_session(page)
    storage.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "cookies,indexeddb,local_storage"})
    storage.detach()


def is_outside(url: str) -> bool:
    return not re.match(r"(http|ws)://127\.0\.0\.1[:/]|data:|blob:|about:|file:", url)


def shoot(page: Page, folder: Path | None, name: str) -> None:
    """See that nothing on the page has failed; where a folder is given, keep a picture in light and dark."""
    for scheme in ("light", "dark") if folder else ():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    expect(page.get_by_test_id("stException")).to_have_count(0)
