"""How quick the dashboard is: `python benchmarks/bench_dashboard.py [--images 4000] [--events 100000] [--tiny]`.

Claims, on 2 cores:
- `streamlit run app.py` until the overview is on the screen takes at most 1.5 times as long as an empty Streamlit app
  with the same configuration;
- a rerun of any page takes at most 0.3 s of server time (95th percentile) with a data set of 4,000 pictures;
- a poll of a run with 100,000 events reads what is new and takes at most 10 ms after the first one;
- 200 page changes make the server grow by at most 50 MiB;
- the first step is visible at most 4 s after Start was pressed;
- an open page that polls slows a training run by at most 3 %.

The server is a real one, and its visitor speaks Streamlit's protocol (see streamlit_client.py); only the first claim is
measured in Chromium, where Playwright and a Chromium are found. Which pages there are the server's menu says. What is
compared takes turns (A, B, A, B ...). `--rows` measures some of the claims only. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# As where processes of this project start: threads that wait do not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alexcore.data import index_cache  # noqa: E402
from alexcore.data.sources import open_checked  # noqa: E402
from benchmarks import dashboard_rows as rows  # noqa: E402
from benchmarks.dashboard_runs import LongRun  # noqa: E402
from benchmarks.machine import about_machine, ratio_in_words  # noqa: E402
from benchmarks.pictures import write_pictures  # noqa: E402
from benchmarks.streamlit_client import Server, Visitor  # noqa: E402

ROWS = ("start_up", "reruns", "poll", "memory", "first_step", "slowed")
LIMITS = {"start_up": 1.5, "reruns_s": 0.3, "poll_ms": 10.0, "memory_mib": 50.0, "first_step_s": 4.0, "slowed": 0.03}
# What --tiny sets: everything is done, nothing is done often.
TINY = {"images": 60, "events": 2000, "changes": 6, "repeat": 2, "pairs": 1, "polls": 4, "starts": 1, "epochs": 2}
TINY_RUN = {"image_size": 64, "width": 0.25, "num_workers": 0, "batch_size": 8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4000, help="pictures of the data set")
    parser.add_argument("--events", type=int, default=100_000, help="events of the long run")
    parser.add_argument("--repeat", type=int, default=40, help="reruns of each page")
    parser.add_argument("--polls", type=int, default=40, help="polls of the long run")
    parser.add_argument("--changes", type=int, default=200, help="page changes for the memory")
    parser.add_argument("--starts", type=int, default=5, help="how often Start is pressed")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of everything that is compared")
    parser.add_argument(
        "--epochs", type=int, default=3, help="epochs of the runs that may be slowed; the first warms up"
    )
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS, help="measure only these")
    parser.add_argument("--no-browser", action="store_true", help="measure the start without Chromium")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it works, not how quick it is")
    arguments = parser.parse_args()
    if arguments.tiny:
        vars(arguments).update(TINY)
    with tempfile.TemporaryDirectory(prefix="bench-dashboard-") as name:
        home = Path(name)
        os.environ |= {"ALEXCORE_HOME": name, "ALEXCORE_DATA_ROOTS": name}
        result = measure(home, write_pictures(home / "data" / "pictures", arguments.images), arguments)
    summary = report(result)
    print(json.dumps({"benchmark": "dashboard", **about_machine(), **result, "checks": summary}))


def measure(home: Path, data: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the rows that were asked for, one after another."""
    wanted, result = arguments.rows, {}
    # An index is not remembered while a folder's time is as young as the clock's tick; the pictures are checked once.
    time.sleep(index_cache.TICK_NS / 1e9 + 0.1)
    open_checked(str(data))
    run = LongRun(data, "ended-run", min(arguments.events, loop_steps()))
    run.renew("stopped")
    server = Server(home, home)
    try:
        first = Visitor(server.port)  # starts the jobs of a first visit, which would disturb what is measured
        first.run()
        server.settle()
        first.close()
        if "reruns" in wanted:
            _say("reruns")
            result["reruns"] = rows.reruns(server, data, run.folder.name, arguments.repeat)
        if "memory" in wanted:
            _say("memory")
            result["memory"] = rows.memory(server, data, run.folder.name, arguments.changes)
        if "poll" in wanted:
            _say("poll")
            long = LongRun(data, "long-run", arguments.events)
            result["poll"] = rows.polling(server, long, data, arguments.polls)
            shutil.rmtree(long.folder)  # no run of this program becomes as long, and the other rows are not about it
        if "first_step" in wanted:
            _say("first_step")
            result["first_step"] = rows.start_to_step(server, data, arguments.starts)
        if "slowed" in wanted:
            _say("slowed")
            settings = {"epochs": arguments.epochs, **(TINY_RUN if arguments.tiny else {})}
            result["slowed"] = rows.slowed_by_polling(server, data, arguments.pairs, settings)
    finally:
        server.close()
    if "start_up" in wanted:
        _say("start_up")
        pairs, warm_up = arguments.pairs, not arguments.tiny
        result["start_up"] = rows.start_up(home, home, pairs, warm_up=warm_up)
        if not arguments.no_browser:
            seen = rows.with_browser(lambda browser: rows.start_up(home, home, pairs, browser, warm_up))
            if seen:
                result["start_up_on_screen"] = seen
    return result


def loop_steps() -> int:
    """Steps that a run of this program writes down at most: its log is as long as logs become."""
    from alexcore.training.session import LOGGED_STEPS

    return LOGGED_STEPS


def _say(row: str) -> None:
    print(f"measuring: {row}", file=sys.stderr, flush=True)


def report(result: dict[str, Any]) -> dict[str, bool]:
    """Print what was measured; returns for each claim whether it holds here and now."""
    checks: dict[str, bool] = {}
    for name, words in (("start_up", "until its last element"), ("start_up_on_screen", "on the screen")):
        if name in result:
            row = result[name]
            print(ratio_in_words(f"overview / empty app, {words}", row["ratios"], f"<= {LIMITS['start_up']}"))
            checks[f"{name} <= {LIMITS['start_up']}"] = row["ratio"] <= LIMITS["start_up"]
    if "reruns" in result:
        print(f"{'page':24} {'first (s)':>10} {'median (s)':>10} {'p95 (s)':>10} {'max (s)':>10} {'reruns/min':>10}")
        for page, row in result["reruns"].items():
            figures = [row[each] for each in ("first_s", "median_s", "p95_s", "max_s")]
            print(f"{page:24} " + " ".join(f"{each:10.3f}" for each in figures) + f" {row['reruns_per_minute']:10.0f}")
        worst = max(row["p95_s"] for row in result["reruns"].values())
        checks[f"every page's p95 <= {LIMITS['reruns_s']} s"] = worst <= LIMITS["reruns_s"]
    if "poll" in result:
        row = result["poll"]
        print(
            f"poll of {row['events']:,} events: {row['core_ms']:.2f} ms (p95 {row['core_p95_ms']:.2f}, first read "
            f"{row['first_read_ms']:.0f} ms), {row['core_bytes']} bytes of events for {row['event_bytes']} new ones; "
            f"the page's poll {row['page_ms']:.1f} ms (p95 {row['page_p95_ms']:.1f}), {row['page_bytes']} bytes read; "
            f"{row['reruns_per_minute']:.0f} polls a minute; the overview beside that run {row['overview_s']:.2f} s"
        )
        checks[f"poll <= {LIMITS['poll_ms']} ms"] = row["core_ms"] <= LIMITS["poll_ms"]
        checks[f"page's poll <= {LIMITS['poll_ms']} ms"] = row["page_ms"] <= LIMITS["poll_ms"]
    if "memory" in result:
        row = result["memory"]
        print(f"memory: {row['before_mib']:.0f} MiB, {row['grows_mib']:+.1f} MiB after {row['changes']} page changes")
        checks[f"memory grows <= {LIMITS['memory_mib']} MiB"] = row["grows_mib"] <= LIMITS["memory_mib"]
    if "first_step" in result:
        row = result["first_step"]
        shown = ", ".join(f"{each:.2f}" for each in row["visible_s"])
        print(f"Start to the first visible step: {row['median_s']:.2f} s ({shown}); the last one: {row['phases']}")
        checks[f"first step <= {LIMITS['first_step_s']} s"] = row["median_s"] <= LIMITS["first_step_s"]
    if "slowed" in result:
        row = result["slowed"]
        each = ", ".join(f"{value:.1%}" for value in row["slowed_each"])
        print(f"training slowed by a polling page: {row['slowed']:.1%} ({each}), {row['polls_a_minute']} polls/min")
        checks[f"slowed <= {LIMITS['slowed']:.0%}"] = row["slowed"] <= LIMITS["slowed"]
    return checks


if __name__ == "__main__":
    main()
