"""What draws of pictures cost: `python benchmarks/augment_draws.py`.

Claims: a grid of 32 draws of a 500 x 375 JPEG takes less than 0.5 s of server time on 2 cores, from the file to the
JPEGs that are sent; and that a draw depends on (seed, epoch, index) alone costs less than 3 % of the loader's time.

The grid is measured twice: by the core's own functions, and by the function that draws it on the page. The seeding is
measured against the same draws without it, picture by picture in turn, and by itself (CPU time of the process).
Prints tables; the last line is JSON.
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
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

# As where processes of this project start: threads that wait do not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import psutil
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alexcore.augment.pipeline import draw, sample_seed  # noqa: E402
from alexcore.augment.presets import PRESETS, training_operations  # noqa: E402
from alexcore.augment.preview import encoded, to_picture  # noqa: E402
from alexcore.augment.trace import Tracer  # noqa: E402
from alexcore.data.decoding.images import read_picture  # noqa: E402
from alexcore.training.loader import PictureDataset, as_sample  # noqa: E402
from ui.augment.draws import grid_html  # noqa: E402, TID251
from ui.parts.picture_choice import ShownPicture  # noqa: E402, TID251 - the page's own grid is what is measured

DRAWS, SIDE, WIDTH, HEIGHT, SEED = 32, 224, 500, 375, 1
GRID_LIMIT_S, SEEDING_LIMIT = 0.5, 0.03


def jpeg(seed: int) -> bytes:
    """A photograph's stand-in: coarse shapes, fine grain, 500 x 375 px, about 100 kB."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    shapes = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), dtype=np.float32)
    grainy = (shapes + rng.normal(0, 12, shapes.shape)).clip(0, 255).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(grainy).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def grid_by_core(content: bytes, preset: str, seed: int) -> int:
    """Decode once, draw, describe and encode 32 times; returns the bytes to be sent."""
    operations = training_operations(preset, SIDE)
    image, tracer, size = read_picture(content).image, Tracer(operations), 0
    for epoch in range(DRAWS):
        steps = tracer.draw(image, sample_seed(seed, epoch, 0))
        words = ", ".join(each.in_words for each in steps)
        size += len(words.encode()) + len(encoded(to_picture(steps[-1].result, operations), 176))
    return size


def grid_by_page(content: bytes, preset: str, seed: int) -> int:
    """Decode once and let the page's function make the HTML; returns its length."""
    shown = ShownPicture("daisy", read_picture(content).image, 0, "picture")
    return len(grid_html(training_operations(preset, SIDE), [shown], seed, DRAWS))


def grid_times(action: Callable[[bytes, str, int], int], preset: str, repeat: int) -> tuple[float, float]:
    """Median and worst seconds of a grid, each time of another seed."""
    content, times = jpeg(0), []
    action(content, preset, 0)  # warm-up
    for seed in range(1, repeat + 1):
        started = time.perf_counter()
        action(content, preset, seed)
        times.append(time.perf_counter() - started)
    return statistics.median(times), max(times)


def cpu_s(action: Callable[[], Any]) -> float:
    """CPU seconds of this process; other programs on the cores count less than by the clock on the wall."""
    started = time.process_time()
    action()
    return time.process_time() - started


def with_and_without(dataset: PictureDataset, index: int, epoch: int, seeded_first: bool) -> tuple[float, float]:
    """CPU seconds of one picture, with and without the seeding; both times the same draw, so the same work."""

    def unseeded() -> float:
        torch.default_generator.manual_seed(sample_seed(SEED, epoch, index))
        transform = dataset.transforms[0][1]
        return cpu_s(lambda: as_sample(transform(read_picture(dataset.paths[index]).image)))

    first = 0.0 if seeded_first else unseeded()
    seeded = cpu_s(lambda: dataset[(epoch, index)])
    return seeded, unseeded() if seeded_first else first


def seeding(folder: Path, preset: str, pictures: int, pairs: int) -> dict[str, float]:
    """The loader's time for a picture, and what the seeding adds to it: the medians over all pictures."""
    operations = training_operations(preset, SIDE)
    paths = [folder / f"{number}.jpg" for number in range(pictures)]
    for number, path in enumerate(paths):
        path.write_bytes(jpeg(number))
    dataset, nothing = PictureDataset(paths, [0] * pictures, operations, SEED), {}
    alone = [
        cpu_s(lambda: [draw(lambda _: nothing, nothing, sample_seed(SEED, 0, index)) for index in range(5000)]) / 5000
        for _ in range(pairs)
    ]
    totals, shares = [], []
    for epoch in range(pairs + 1):
        # Whoever is first changes from picture to picture.
        both = [with_and_without(dataset, index, epoch, (index + epoch) % 2 == 0) for index in range(pictures)]
        totals.append(statistics.median(each for each, _ in both))
        shares.append(statistics.median(a - b for a, b in both) / totals[-1])
    del totals[0], shares[0]  # warm-up
    total = statistics.median(totals)
    return {
        "picture_ms": total * 1e3,
        "alone_us": statistics.median(alone) * 1e6,
        "share_alone": statistics.median(alone) / total,
        "share_of_pairs": statistics.median(shares),
        "share_low": min(shares),
        "share_high": max(shares),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20, help="grids of each preset")
    parser.add_argument("--pictures", type=int, default=150, help="pictures in each pass")
    parser.add_argument("--pairs", type=int, default=11, help="passes with and without the seeding")
    arguments = parser.parse_args()

    grids: dict[str, dict[str, float]] = {}
    print(f"{f'grid of {DRAWS} draws (s)':>24}  core median   core worst  page median   page worst")
    for preset in PRESETS:
        core, page = (grid_times(action, preset, arguments.repeat) for action in (grid_by_core, grid_by_page))
        grids[preset] = dict(zip(("core_s", "core_max_s", "page_s", "page_max_s"), (*core, *page), strict=True))
        print(f"{preset:>24}  " + "  ".join(f"{value:>11.3f}" for value in grids[preset].values()))

    # As in a loader process.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    shares = {}
    for preset in ("none", "seed", "strong"):
        with tempfile.TemporaryDirectory(prefix="alexcore-bench-") as folder:
            shares[preset] = seeding(Path(folder), preset, arguments.pictures, arguments.pairs)
    print("  ".join([f"{'seeding':>24}", *(f"{name:>14}" for name in shares["seed"])]))
    for preset, figures in shares.items():
        print("  ".join([f"{preset:>24}", *(f"{value:>14.4f}" for value in figures.values())]))

    checks = {
        "every_grid_below_0.5_s": max(max(each.values()) for each in grids.values()) < GRID_LIMIT_S,
        "median_grid_below_0.5_s": max(each["page_s"] for each in grids.values()) < GRID_LIMIT_S,
        "seeding_alone_below_3_percent": max(each["share_alone"] for each in shares.values()) < SEEDING_LIMIT,
        "seeding_by_pairs_below_3_percent": max(each["share_of_pairs"] for each in shares.values()) < SEEDING_LIMIT,
    }
    about = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "torch_threads": threads,
        "load": round(psutil.getloadavg()[0], 1),
        **{name: version(name) for name in ("torch", "torchvision", "pillow", "numpy")},
    }
    print(f"Load at the end: {about['load']} on {about['cpus']} cores.")
    print(json.dumps({"grids": grids, "seeding": shares, "checks": checks, "about": about}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
