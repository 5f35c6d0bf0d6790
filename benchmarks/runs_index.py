"""What a thousand runs cost: `python benchmarks/runs_index.py [--runs 1000] [--visits 20]`.

Claim: the page of runs opens in less than 1 s of server time with 1,000 runs, also the first time, when nothing is
remembered of them. (What a new server takes to load its modules is measured apart, with an empty store.)

Writes run folders as workers leave them (10 epochs, 200 logged steps, a confusion matrix of 5 classes; checkpoints are
empty files), then measures the index alone and the page through a real server, which is spoken to as a browser would.
Prints a table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from bench_dataset import Server, seconds

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alexcore.config import make_config  # noqa: E402
from alexcore.files import write_json  # noqa: E402
from alexcore.home import cache_dir, runs_dir  # noqa: E402
from alexcore.runs.events import EventWriter  # noqa: E402
from alexcore.runs.run_list import forget, summaries  # noqa: E402
from alexcore.runs.store import create_run, list_runs  # noqa: E402

LIMIT_S = 1.0
EPOCHS, STEPS, CLASSES = 10, 200, ("daisy", "dandelion", "roses", "sunflowers", "tulips")


def write_run(number: int) -> Path:
    """A finished run with settings of its own."""
    config = make_config(
        data=f"/pictures/{number % 3}", seed=number, lr=(number % 7 + 1) * 1e-4, norm=("none", "batch")[number % 2]
    )
    folder = create_run(config, runs_dir() / f"20261128-{number:06d}-abcd")
    writer = EventWriter(folder / "events.jsonl")
    writer.write("start", classes=list(CLASSES), total_steps=STEPS, steps_per_epoch=STEPS // EPOCHS)
    confusion = [[number % 50] * len(CLASSES)] * len(CLASSES)
    for step in range(1, STEPS + 1):
        writer.write("step", epoch=step // 20, step=step, loss=1 / step, acc1=0.5, lr=1e-3, grad_norm=1.0, wait_s=0.1)
        if step % (STEPS // EPOCHS) == 0:
            writer.write(
                "epoch",
                epoch=step // 20 - 1,
                step=step,
                train_loss=1.0,
                val_loss=1.1,
                train_acc1=0.5,
                val_acc1=(number % 97 + step / STEPS) / 100,
                recall=[0.5] * len(CLASSES),
                confusion=confusion,
                images_per_s=100.0,
                seconds=1.0,
            )
    writer.write("end", state="finished", seconds=12.0)
    writer.close()
    for name in ("best.pt", "last.pt"):
        (folder / "checkpoints" / name).touch()
    write_json(folder / "env.json", {"packages": {"torch": version("torch")}})
    values = {"state": "finished", "epoch": EPOCHS, "step": STEPS, "total_steps": STEPS, "heartbeat": time.time()}
    write_json(folder / "status.json", values)
    return folder


class Visitor:
    """One browser tab on /runs, which speaks Streamlit's protocol."""

    def __init__(self, port: int) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: TID251 - the dashboard is what is measured
        from websockets.sync.client import connect

        self._message = BackMsg
        self._opened = ExitStack()
        self._tab = self._opened.enter_context(
            connect(
                f"ws://127.0.0.1:{port}/_stcore/stream",
                subprotocols=["streamlit"],
                max_size=None,
                origin=f"http://127.0.0.1:{port}",
            )
        )
        self.fragment = ""
        self.bytes = 0

    def run(self, fragment: str = "", table: bool = True) -> float:
        """Ask for one run of the page, or of its polling fragment; return its seconds."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: TID251

        message = self._message()
        message.rerun_script.page_name, message.rerun_script.fragment_id = "runs", fragment
        started, self.bytes, tables = time.perf_counter(), 0, 0
        self._tab.send(message.SerializeToString())
        while True:
            answer, data = ForwardMsg(), self._tab.recv(timeout=120)
            self.bytes += len(data)
            answer.ParseFromString(data)  # type: ignore[arg-type]
            kind = answer.WhichOneof("type")
            if kind == "script_finished":
                if table and not tables:
                    raise RuntimeError("the page shows no table")
                return time.perf_counter() - started
            # A message as large as one of before is sent as a reference to it.
            tables += kind == "ref_hash"
            if kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                element = answer.delta.new_element.WhichOneof("type")
                if element == "exception":
                    raise RuntimeError(f"the page raised {answer.delta.new_element.exception.message}")
                if element == "dataframe":
                    tables += 1
                    self.fragment = answer.delta.fragment_id or self.fragment

    def close(self) -> None:
        """Close the tab."""
        self._opened.close()


def first_visit(home: Path, table: bool = True) -> tuple[Server, float]:
    """A new server, and how long its first visitor waits."""
    server = Server(home, home)
    visitor = Visitor(server.port)
    try:
        return server, visitor.run(table=table)
    except BaseException:
        server.close()
        raise
    finally:
        visitor.close()


def measure_index() -> dict[str, float]:
    """The index alone, in this process."""
    result = {"cold_s": seconds(summaries), "unchanged_s": seconds(summaries, 10)}

    def from_disk() -> None:
        forget()
        summaries()

    result["from_disk_s"] = seconds(from_disk, 5)
    changed = sorted(runs_dir().glob("2*"))[0]

    def one_changed() -> None:
        write_json(changed / "about.json", {"name": str(time.perf_counter_ns())})
        summaries()

    result["one_changed_s"] = seconds(one_changed, 5)
    result["read_all_s"] = seconds(list_runs)
    return result


def cpu_s(server: Server) -> float:
    """CPU seconds of a server so far; other programs on the cores count less than by the clock on the wall."""
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


def measure_page(home: Path, visits: int) -> dict[str, float]:
    """The page: with nothing remembered, as the first page of a new server, and for a visitor who stays."""
    # An empty store first: what a server takes to load its modules is no matter of runs.
    (cache_dir() / "runs-index.json").unlink(missing_ok=True)
    aside = runs_dir().rename(home / "aside")
    server, modules = first_visit(home, table=False)
    visitor = Visitor(server.port)
    aside.rename(runs_dir())
    try:
        before = cpu_s(server)
        cold = visitor.run()
        cold_cpu = cpu_s(server) - before
    finally:
        visitor.close()
        server.close()
    server, warm = first_visit(home)
    visitor = Visitor(server.port)
    try:
        before = cpu_s(server)
        opened = [visitor.run() for _ in range(visits)]
        cpu = (cpu_s(server) - before) / visits
        sent = visitor.bytes
        polled = [visitor.run(visitor.fragment) for _ in range(visits)]
    finally:
        visitor.close()
        server.close()
    return {
        "empty_new_server_s": modules,
        "cold_page_s": cold,
        "cold_page_cpu_s": cold_cpu,
        "full_new_server_s": warm,
        "page_cpu_s": cpu,
        "page_s": statistics.median(opened),
        "page_max_s": max(opened),
        "poll_s": statistics.median(polled),
        "page_kb": sent / 1000,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--visits", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alexcore-bench-") as folder:
        home = Path(folder)
        os.environ["ALEXCORE_HOME"] = folder
        write: Callable[[int], Any] = write_run
        for number in range(arguments.runs):
            write(number)
        result = {"runs": arguments.runs, **measure_index(), **measure_page(home, arguments.visits)}
    for name, value in result.items():
        print(f"{name:>28} {value:>10,.4f}")
    checks = {
        "cold_page_below_1_s": result["cold_page_s"] < LIMIT_S,
        "page_below_1_s": result["page_max_s"] < LIMIT_S,
    }
    about = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": round(psutil.getloadavg()[0], 1),
        **{name: version(name) for name in ("streamlit", "pandas", "pydantic")},
    }
    print(f"Load at the end: {about['load']} on {about['cpus']} cores.")
    print(json.dumps({"result": result, "checks": checks, "about": about}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
