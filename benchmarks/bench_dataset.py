"""How the data set page copes with many pictures: `python benchmarks/bench_dataset.py [--images 100000]`.

Writes small JPEGs into a temporary folder, indexes them, and browses them through a real server as a browser would (the
same messages over a websocket, no browser), at a hundredth, a tenth and the whole of the number asked for. Prints a
table; the last line is JSON.

A server time is what passes between asking for a page and its last element: script, encoding and loopback together.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alexcore.data import index_cache, layout, tree  # noqa: E402
from alexcore.data.browse import select_rows  # noqa: E402
from alexcore.data.decoding.thumbnails import thumbnail  # noqa: E402
from alexcore.data.index import DataIndex  # noqa: E402
from alexcore.data.inspection.verify import known_unreadable  # noqa: E402
from alexcore.data.sources import open_source  # noqa: E402
from alexcore.data.statistics import known_statistics  # noqa: E402
from benchmarks.pictures import write_pictures  # noqa: E402
from benchmarks.streamlit_client import Server, Visitor  # noqa: E402

PAGE = 24


def seconds(action: Callable[[], Any], repeat: int = 1) -> float:
    """The median time of an action."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def walked(folder: str) -> list[os.DirEntry[str]]:
    """The plainest walk: one os.scandir a folder, each entry asked for its kind, and each file kept."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                found += walked(entry.path)
            else:
                found.append(entry)
    return found


def reading(root: Path) -> dict[str, float]:
    """How long it takes to find out how a folder is meant, beside the plainest walk through it; the best of several.

    The two take turns, so that both meet the same machine.
    """
    plain, read = [], []
    for _ in range(7):
        plain.append(seconds(lambda: walked(str(root))))
        read.append(seconds(lambda: layout.read(tree.walk(root))))
    return {"scandir_s": min(plain), "reading_s": min(read), "reading_of_scandir": min(read) / min(plain)}


def later_opening(root: Path) -> DataIndex:
    """What a new process does: nothing is in memory, the record is on the disk."""
    index_cache._known_folders.clear()
    index_cache.folder_signature(root)
    index = open_source(root)
    known_unreadable(index)
    index.counts()
    return index


def page_in_process(index: DataIndex, rng: random.Random) -> None:
    """What a gallery page asks of the core: the most expensive selection, and a page of thumbnails."""
    index_cache.folder_signature(index.root)
    known_unreadable(index)
    known_statistics(index)
    rows = select_rows(index, "train", index.classes[:5], "1", "name", True)
    first = rng.randrange(max(1, len(rows) - PAGE))
    for path in index.files["path"].iloc[rows[first : first + PAGE]]:
        thumbnail(index.path_of(path))


class Gallery(Visitor):
    """A tab on /dataset that turns the gallery's pages."""

    def __init__(self, port: int, data: Path) -> None:
        super().__init__(port, "dataset", {"dataset": str(data)})
        self.pagination = self.fragment = ""
        self.pages = 0

    @property
    def images(self) -> int:
        """Pictures that the last run has drawn."""
        return sum(len(each.imgs) for each in self.of_kind("imgs"))

    def run(self, fragment: str = "", click: str = "") -> float:
        """As `Visitor.run`; notes where to turn pages."""
        passed = super().run(fragment, click)
        for kind, element, drawn_by in self.elements:
            if kind == "pagination":
                self.pagination, self.pages, self.fragment = element.id, element.num_pages, drawn_by
        return passed

    def turn_to(self, page: int) -> float:
        """Click on the number of a page."""
        self.values[self.pagination] = page
        passed = self.run(self.fragment)
        if not self.images:
            raise RuntimeError(f"page {page} of {self.pages} shows no picture")
        return passed


def browse(server: Server, data: Path, pages: int) -> dict[str, float]:
    """Open the page once, then turn to pages at random; slow are those whose thumbnails have to be made."""
    visitor, rng = Gallery(server.port, data), random.Random(0)
    try:
        first = visitor.run()
        if not visitor.images:
            raise RuntimeError("the page shows no picture")
        turned = [visitor.turn_to(rng.randint(1, visitor.pages)) for _ in range(pages)]
        seen = [visitor.turn_to(visitor.values[visitor.pagination]) for _ in range(min(20, pages))]
        whole = [visitor.run() for _ in range(min(20, pages))]
        return {
            "first_visit_s": first,
            "page_s": statistics.median(turned),
            "page_p95_s": float(np.quantile(turned, 0.95)),
            "page_max_s": max(turned),
            "seen_page_s": statistics.median(seen),
            "whole_rerun_s": statistics.median(whole),
        }
    finally:
        visitor.close()


def measure_size(work: Path, server: Server, images: int, pages: int) -> dict[str, float]:
    """All figures for one number of pictures."""
    data = write_pictures(work / "data" / f"pictures-{images}", images)
    # An index is not remembered while a folder's time is as young as the clock's tick.
    time.sleep(index_cache.TICK_NS / 1e9 + 0.1)
    result: dict[str, float] = {"images": images, "first_index_s": seconds(lambda: open_source(data))}
    result |= reading(data)
    result["later_open_s"] = seconds(lambda: later_opening(data), 5)
    index, rng = later_opening(data), random.Random(1)
    page_in_process(index, rng)
    result["core_page_s"] = seconds(lambda: page_in_process(index, rng), 20)
    before = server.rss_mib()
    result |= browse(server, data, pages)
    result["server_grows_mib"] = server.rss_mib() - before
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000, help="the largest number of pictures")
    parser.add_argument("--pages", type=int, default=200, help="gallery pages to turn to at each number")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alexcore-bench-") as folder:
        work = Path(folder)
        os.environ["ALEXCORE_HOME"] = str(work)
        server = Server(work, work)
        try:
            visitor = Gallery(server.port, write_pictures(work / "data" / "warm-up", 100))
            visitor.run()
            visitor.close()
            idle = server.rss_mib()
            sizes = sorted({max(100, arguments.images // part) for part in (100, 10, 1)})
            results = [measure_size(work, server, images, arguments.pages) for images in sizes]
            grown = server.rss_mib() - idle
        finally:
            server.close()
    names = list(results[0])
    print("  ".join(f"{name:>16}" for name in names))
    for result in results:
        print(
            "  ".join(f"{value:>16,.0f}" if name == "images" else f"{value:>16.4f}" for name, value in result.items())
        )
    largest = results[-1]
    checks = {
        "first_index_below_10_s": largest["first_index_s"] < 10,
        "reading_below_1.3_scandir": largest["reading_of_scandir"] <= 1.3,
        "later_open_below_0.5_s": largest["later_open_s"] < 0.5,
        "page_p95_below_0.3_s": max(each["page_p95_s"] for each in results) < 0.3,
        "every_page_below_0.3_s": max(each["page_max_s"] for each in results) < 0.3,
        "memory_below_300_mib": grown < 300,
    }
    about = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": round(psutil.getloadavg()[0], 1),
        **{name: version(name) for name in ("streamlit", "pandas", "numpy", "pillow")},
    }
    print(f"The server grew by {grown:.0f} MiB in all. Load at the end: {about['load']} on {about['cpus']} cores.")
    print(json.dumps({"sizes": results, "server_grows_mib": grown, "checks": checks, "about": about}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
