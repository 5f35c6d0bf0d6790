"""A Streamlit server, and a visitor who speaks its protocol over a websocket: what benchmarks use in a browser's place.

A server time is what passes between asking for a run and its last element: script, encoding and loopback together.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 120.0


class Server:
    """`streamlit run SCRIPT` on a free port of the loopback, with a home of its own.

    Args:
        home: ALEXCORE_HOME; the server's log lies there.
        data: The folder from which it may open data sets.
        script: What it runs.
        folder: Where it runs: Streamlit reads `.streamlit/config.toml` there.
    """

    def __init__(self, home: Path, data: Path, script: str = "app.py", folder: Path = ROOT) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(self.port)],
            cwd=folder,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
            env={**os.environ, "ALEXCORE_HOME": str(home), "ALEXCORE_DATA_ROOTS": str(data)},
        )
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.close()
                raise RuntimeError(f"the server did not start; its log is {self.log.name}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/_stcore/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def rss_mib(self) -> float:
        """Memory that the process holds."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def bytes_read(self) -> int:
        """Bytes that the process has read from files so far; sockets do not count. 0 where the system cannot tell."""
        counters = getattr(psutil.Process(self.process.pid), "io_counters", None)
        return int(getattr(counters(), "read_chars", 0)) if counters else 0

    def settle(self) -> None:
        """Wait until the background jobs that a first visit starts have ended."""
        deadline = time.monotonic() + PATIENCE_S
        while psutil.Process(self.process.pid).children() and time.monotonic() < deadline:
            time.sleep(0.1)

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Visitor:
    """One browser tab.

    Args:
        port: The server's.
        page: The page's path, without a slash; "" is the first page.
        query: The query of the URL.
        quick_ack: Acknowledge each packet at once. `streamlit run` leaves TCP_NODELAY off, so that it waits for
            acknowledgements which the system otherwise delays by 40 ms.

    Attributes:
        elements: What the last run has drawn: kind, message and the fragment that it belongs to.
        polls: Fragments that the browser has to run again and again, and every how many seconds.
        paths: The paths of all pages in the menu.
        runs: Runs of scripts and fragments so far, as the server counts them.
        on_element: Called with kind and message of each element as it arrives, which is when a browser shows it.
    """

    def __init__(self, port: int, page: str = "", query: dict[str, str] | None = None, quick_ack: bool = False) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: TID251 - the dashboard is what is measured
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: TID251
        from websockets.sync.client import connect

        self._asks, self._answers, self._quick_ack = BackMsg, ForwardMsg, quick_ack
        self._tab = ExitStack()
        self._socket = self._tab.enter_context(
            connect(
                f"ws://127.0.0.1:{port}/_stcore/stream",
                subprotocols=["streamlit"],
                max_size=None,
                origin=f"http://127.0.0.1:{port}",
            )
        )
        self.values: dict[str, int] = {}
        self.elements: list[tuple[str, Any, str]] = []
        self.polls: dict[str, float] = {}
        self.paths: list[str] = []
        self.runs = 0
        self.on_element: Callable[[str, Any], None] | None = None
        self.go_to(page, query)

    def go_to(self, page: str, query: dict[str, str] | None = None) -> None:
        """Choose the page of the next run."""
        self.page, self.query = page, urlencode(query or {})
        self.values, self.polls, self._script = {}, {}, ""

    def run(self, fragment: str = "", click: str = "") -> float:
        """Ask for one run of the page or of one of its fragments; return its seconds.

        Args:
            fragment: The id of a fragment; "" for the page.
            click: The key of a button of the last run that is pressed.

        Raises:
            RuntimeError: the page raised an exception, or there is no such button.
        """
        message = self._asks()
        script = message.rerun_script
        script.query_string, script.page_name, script.fragment_id = self.query, self.page, fragment
        # By this a server knows the page again, when a fragment asks for the whole of it.
        script.page_script_hash = self._script
        script.is_auto_rerun = bool(fragment) and fragment in self.polls
        for name, value in self.values.items():
            state = script.widget_states.widgets.add()
            state.id, state.int_value = name, value
        if click:
            state = script.widget_states.widgets.add()
            state.id, state.trigger_value = self.widget(click), True
        if not fragment:
            self.polls = {}
        self.elements = []
        started = time.perf_counter()
        self._socket.send(message.SerializeToString())
        while True:
            self._acknowledge()
            answer = self._answers()
            answer.ParseFromString(self._socket.recv(timeout=PATIENCE_S))
            if self._finished(answer):
                return time.perf_counter() - started

    def _acknowledge(self) -> None:
        if self._quick_ack and hasattr(socket, "TCP_QUICKACK"):
            with contextlib.suppress(OSError):
                self._socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _finished(self, answer: Any) -> bool:
        kind = answer.WhichOneof("type")
        if kind == "delta":
            self._look_at(answer.delta)
        elif kind == "auto_rerun":
            self.polls[answer.auto_rerun.fragment_id] = answer.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            self.polls.pop(answer.stop_auto_rerun.fragment_id, None)
        elif kind == "page_info_changed":
            self.query = answer.page_info_changed.query_string
        elif kind == "navigation":
            self._script = answer.navigation.page_script_hash
            self.paths = [each.url_pathname for each in answer.navigation.app_pages if not each.external_url]
        elif kind == "script_finished":
            self.runs += 1
            if answer.script_finished != answer.FINISHED_EARLY_FOR_RERUN:
                return True
            # The script has asked for another run of the whole page, which the server begins by itself.
            self.elements, self.polls = [], {}
        return False

    def _look_at(self, delta: Any) -> None:
        if delta.WhichOneof("type") != "new_element":  # a block, or what is shown only while a script runs
            return
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RuntimeError(f"the page {self.page or 'overview'} raised {element.exception.message}")
        if kind:
            self.elements.append((kind, getattr(element, kind), delta.fragment_id))
            if self.on_element:
                self.on_element(kind, getattr(element, kind))

    def of_kind(self, kind: str) -> list[Any]:
        """The elements of one kind that the last run has drawn, e.g. "imgs" or "progress"."""
        return [element for each, element, _ in self.elements if each == kind]

    def widget(self, key: str) -> str:
        """The id of the widget with this key in the last run.

        Raises:
            RuntimeError: there is none.
        """
        found = [each.id for _, each, _ in self.elements if getattr(each, "id", "").endswith(f"-{key}")]
        if not found:
            raise RuntimeError(f"the page {self.page or 'overview'} has no widget {key!r}")
        return str(found[0])

    def close(self) -> None:
        """Close the tab."""
        self._tab.close()
