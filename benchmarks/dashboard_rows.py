"""The rows of bench_dashboard.py: what is measured on the server's pages; see there for the claims."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from alexcore.config import make_config
from alexcore.home import runs_dir
from alexcore.runs import launcher
from alexcore.runs.series import Series
from alexcore.runs.store import open_run
from benchmarks.dashboard_runs import LongRun, events_of, stop, wait_for
from benchmarks.streamlit_client import PATIENCE_S, ROOT, Server, Visitor

Row = dict[str, Any]
_STEP = re.compile(r"step ([\d,]+) of")
EMPTY = 'import streamlit as st\n\nst.title("Empty")\n'


def pages_of(server: Server) -> list[str]:
    """The paths of all pages, as the menu of the running server says."""
    visitor = Visitor(server.port)
    visitor.run()
    visitor.close()
    return visitor.paths


def start_up(home: Path, data: Path, pairs: int, browser: Any = None, warm_up: bool = True) -> Row:
    """From `streamlit run` to the first page, and to that of an empty app with the same configuration, in turn.

    Args:
        home: ALEXCORE_HOME, where a first visit has been and its jobs have ended.
        data: The folder of data sets.
        pairs: How often each is started.
        browser: Playwright's, already running, to measure until the page is on its screen; None measures until the
            server has sent its last element.
        warm_up: Leave a first pair out, which brings the files into the disk's cache.
    """
    empty = home / "empty"
    (empty / ".streamlit").mkdir(parents=True, exist_ok=True)
    (empty / "empty.py").write_text(EMPTY, encoding="utf-8")
    shutil.copy(ROOT / ".streamlit" / "config.toml", empty / ".streamlit")
    found: dict[str, list[float]] = {"overview": [], "empty": []}
    for _ in range(pairs + warm_up):
        found["overview"].append(_started(home, data, "app.py", ROOT, browser))
        found["empty"].append(_started(home, data, "empty.py", empty, browser))
    ours, theirs = found["overview"][int(warm_up) :], found["empty"][int(warm_up) :]
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"overview_s": ours, "empty_s": theirs, "ratios": ratios, "ratio": statistics.median(ratios)}


def _started(home: Path, data: Path, script: str, folder: Path, browser: Any) -> float:
    began = time.perf_counter()
    server = Server(home, data, script, folder)
    try:
        if browser is None:
            visitor = Visitor(server.port)
            visitor.run()
            took = time.perf_counter() - began
            visitor.close()
            return took
        page = browser.new_page()
        page.goto(server.url, wait_until="commit")
        page.wait_for_selector("h1", timeout=PATIENCE_S * 1e3)
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE_S * 1e3)
        took = time.perf_counter() - began
        page.close()
        return took
    finally:
        server.close()


def reruns(server: Server, data: Path, run: str, repeat: int) -> dict[str, Row]:
    """Server times of whole reruns of every page, with a data set in the URL, and with a run in it as well."""
    result: dict[str, Row] = {}
    for path in pages_of(server):
        for name, query in (("", {"dataset": str(data)}), ("?run", {"dataset": str(data), "run": run})):
            visitor = Visitor(server.port, path, query)
            first = visitor.run()
            server.settle()
            times = [visitor.run() for _ in range(repeat)]
            result[f"/{path}{name}"] = {
                "first_s": first,
                "median_s": statistics.median(times),
                "p95_s": float(np.quantile(times, 0.95)),
                "max_s": max(times),
                "elements": len(visitor.elements),
                "reruns_per_minute": sum(60 / every for every in visitor.polls.values()),
            }
            visitor.close()
    return result


def polling(server: Server, run: LongRun, data: Path, polls: int) -> Row:
    """Polls of a long run that grows by one event between two of them.

    `core_ms` is what a poll asks of the disk: the run's status and the new events, in this process. `page_ms` is the
    whole poll of the page in the server, with its charts. Bytes are counted by the system, in each of them.
    """
    run.renew()
    series = Series(run.folder / "events.jsonl")
    began = time.perf_counter()
    series.refresh()
    first_ms = 1e3 * (time.perf_counter() - began)
    own = psutil.Process()
    counted, core, core_bytes, line_bytes = hasattr(own, "io_counters"), [], [], []
    for _ in range(polls):
        line_bytes.append(run.grow())
        before = _bytes_read(own)
        began = time.perf_counter()
        series.refresh()
        core.append(1e3 * (time.perf_counter() - began))
        core_bytes.append(_bytes_read(own) - before)
        began = time.perf_counter()
        open_run(run.folder.name)
        core[-1] += 1e3 * (time.perf_counter() - began)
    before = _bytes_read(own)
    asking = _bytes_read(own) - before  # to ask is to read a file of the system's
    visitor = Visitor(server.port, "train", {"dataset": str(data), "run": run.folder.name}, quick_ack=True)
    first_page = visitor.run()
    if len(visitor.polls) != 1:
        raise RuntimeError(f"/train polls in {len(visitor.polls)} fragments, not in one")
    (fragment, every_s), page, page_bytes = next(iter(visitor.polls.items())), [], []
    visitor.run(fragment)
    runs_before = visitor.runs
    for _ in range(polls):
        run.grow()
        run.renew()
        before = server.bytes_read()
        page.append(1e3 * visitor.run(fragment))
        page_bytes.append(server.bytes_read() - before)
    runs_per_poll = (visitor.runs - runs_before) / polls
    visitor.go_to("")
    visitor.run()
    overview_s = visitor.run()
    visitor.close()
    return {
        "overview_s": overview_s,
        "events": run.step + 1,
        "first_read_ms": first_ms,
        "first_page_s": first_page,
        "every_s": every_s,
        "core_ms": statistics.median(core),
        "core_p95_ms": float(np.quantile(core, 0.95)),
        "page_ms": statistics.median(page),
        "page_p95_ms": float(np.quantile(page, 0.95)),
        "event_bytes": max(line_bytes),
        "core_bytes": max(core_bytes) - asking if counted else None,
        "page_bytes": statistics.median(page_bytes) if counted else None,
        "page_bytes_max": max(page_bytes) if counted else None,
        "runs_per_poll": runs_per_poll,
        "reruns_per_minute": 60 / every_s,
    }


def _bytes_read(process: psutil.Process) -> int:
    return int(getattr(process.io_counters(), "read_chars", 0)) if hasattr(process, "io_counters") else 0


def memory(server: Server, data: Path, run: str, changes: int) -> Row:
    """Memory of the server after `changes` page changes of one tab, against that after each page was seen twice."""
    visitor, paths = Visitor(server.port), pages_of(server)
    query = {"dataset": str(data), "run": run}

    def change(number: int) -> None:
        visitor.go_to(paths[number % len(paths)], query)
        visitor.run()

    for number in range(2 * len(paths)):
        change(number)
    server.settle()
    before = server.rss_mib()
    for number in range(changes):
        change(number)
    after = server.rss_mib()
    visitor.close()
    return {"changes": changes, "before_mib": before, "after_mib": after, "grows_mib": after - before}


def start_to_step(server: Server, data: Path, repeat: int) -> Row:
    """Seconds from pressing Start to the first step on the page, which polls as often as a browser does.

    `phases` says when, after the click, the worker entered each phase; `first_step_s` when it had made its first step;
    `every_s` how often the page polls before and after that.
    """
    visible, made, phases, every_s = [], [], [], []
    for _ in range(repeat):
        visitor = Visitor(server.port, "train", {"dataset": str(data)})
        visitor.run()
        known = {each.name for each in runs_dir().iterdir()} if runs_dir().is_dir() else set()
        began, clock = time.perf_counter(), time.time()
        visitor.run(click="train_start")
        every_s = list(visitor.polls.values())
        folder = next(each for each in runs_dir().iterdir() if each.name not in known)
        watched: dict[str, float] = {}
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(folder, clock, watched, done))
        watcher.start()
        try:
            visible.append(_until_step(visitor, began))
            every_s += visitor.polls.values()
        finally:
            done.set()
            watcher.join()
            visitor.close()
        made.append(events_of(folder, "step")[0]["ts"] - clock)
        phases.append(watched)
        stop(folder)
    return {
        "visible_s": visible,
        "first_step_s": made,
        "median_s": statistics.median(visible),
        "phases": phases[-1],
        "every_s": every_s,
    }


def _until_step(visitor: Visitor, began: float) -> float:
    seen: list[float] = []

    def look(kind: str, element: Any) -> None:
        shown = _STEP.match(element.text) if kind == "progress" else None
        if shown and int(shown[1].replace(",", "")) >= 1:
            seen.append(time.perf_counter() - began)

    visitor.on_element = look
    while time.perf_counter() - began < PATIENCE_S:
        fragment, every_s = next(iter(visitor.polls.items()), ("", 1.0))
        time.sleep(every_s)
        visitor.run(fragment)
        if seen:
            return seen[0]
    raise RuntimeError(f"no step was to be seen within {PATIENCE_S:.0f} s after Start")


def _watch(folder: Path, clock: float, watched: dict[str, float], done: threading.Event) -> None:
    from alexcore.runs.status import read_status

    while not done.wait(0.02):
        phase = read_status(folder).phase
        if phase and phase not in watched:
            watched[phase] = round(time.time() - clock, 2)


def slowed_by_polling(server: Server, data: Path, pairs: int, settings: dict[str, Any]) -> Row:
    """Images per second of a run that nobody looks at, and of one whose page is open and polls, in turn.

    The first epoch warms up and is left out.
    """
    alone, watched, reruns = [], [], []
    for number in range(pairs):
        for looked_at in (False, True) if number % 2 else (True, False):
            folder = launcher.start(make_config(data=str(data), start_size=0, **settings))
            polls: list[float] = []
            viewer = threading.Thread(target=_view, args=(server.port, folder, polls))
            if looked_at:
                viewer.start()
            wait_for(folder, lambda state: state == "finished")
            if looked_at:
                viewer.join()
                reruns.append(_polls_a_minute(folder, polls))
            rates = [event["images_per_s"] for event in events_of(folder, "epoch")][1:]
            (watched if looked_at else alone).append(statistics.harmonic_mean(rates))
            print(f"{number + 1}/{pairs} {'watched' if looked_at else 'alone'}: {rates}", file=sys.stderr, flush=True)
    ratios = [1 - b / a for a, b in zip(alone, watched, strict=True)]
    return {
        "alone": alone,
        "watched": watched,
        "polls_a_minute": reruns,
        "slowed": statistics.median(ratios),
        "slowed_each": ratios,
    }


def _view(port: int, folder: Path, polls: list[float]) -> None:
    """Open a run's page and poll it until the page itself ends that; `polls` gets the time of each."""
    visitor = Visitor(port, "train", {"run": folder.name})
    visitor.run()
    while visitor.polls:
        fragment, every_s = next(iter(visitor.polls.items()))
        time.sleep(every_s)
        visitor.run(fragment)
        polls.append(time.time())
    visitor.close()


def _polls_a_minute(folder: Path, polls: list[float]) -> float:
    """How often the page polled from the first step to the end of the run.

    Raises:
        RuntimeError: it stopped before the run ended, so that most of the run was not watched.
    """
    began, ended = events_of(folder, "step")[0]["ts"], events_of(folder, "end")[0]["ts"]
    if not polls or polls[-1] < ended:
        raise RuntimeError("the page stopped polling while its run was active")
    return round(60 * sum(began <= each <= ended for each in polls) / (ended - began), 1)


def with_browser(action: Callable[[Any], Row]) -> Row | None:
    """Call `action` with a running Chromium; None where Playwright or Chromium is missing."""
    names = ("chromium", "google-chrome", "chromium-browser")
    executable = os.environ.get("ALEXCORE_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if executable is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        try:
            return action(browser)
        finally:
            browser.close()
