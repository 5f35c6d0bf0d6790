"""Claims: one picture is answered in less than 0.3 s of server time, and 500 at 80 % or more of a bare forward loop.

    python benchmarks/classify.py [--pictures 500] [--passes 5] [--image-size 224] [--width 1.0] [--data FOLDER]

The network is a fresh one: what its weights are changes no time. Without --data the pictures are drawn: JPEGs of
500 x 375 px. Three loops run in turn, pass by pass, in one process, so that a busy machine is busy for all of them:

    bare       the network's forward pass over batches that lie ready as tensors: nothing is read, nothing transformed
    in turn    read a batch, transform it, forward, the next one: what a plain script does
    page       what the page does: `BatchPrediction` in slices of 0.8 s, from bytes in memory as of an upload

Two lines follow it through Streamlit's own runtime (AppTest): a rerun with one new picture, and with all of them.
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
from io import BytesIO
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil
import torch
from PIL import Image

SLICE_S, BATCH = 0.8, 32
APP = Path(__file__).resolve().parents[1] / "ui" / "main.py"


def drawn(count: int) -> list[bytes]:
    """JPEGs as a camera's small size: smooth shapes with some noise, about 60 kB each."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        rough = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((500, 375))
        pixels = np.asarray(rough).astype(np.int16) + rng.integers(-12, 13, (375, 500, 3))
        buffer = BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
        found.append(buffer.getvalue())
    return found


def write_run(home: Path, image_size: int, width: float) -> Path:
    """A run folder with a checkpoint of fresh weights."""
    from alexcore.augment.presets import evaluation_operations
    from alexcore.config import make_config
    from alexcore.files import write_json
    from alexcore.runs.store import create_run
    from alexcore.training.checkpoint import build_model, save_checkpoint

    config = make_config(image_size=image_size, width=width, device="cpu")
    run = create_run(config, home / "runs" / "bench")
    state = {
        "model": build_model(config, 5).state_dict(),
        "config": config.model_dump(),
        "class_to_idx": {f"class {number}": number for number in range(5)},
        "evaluation_operations": evaluation_operations(config.augment, image_size),
    }
    save_checkpoint(run / "checkpoints" / "best.pt", state)
    write_json(run / "status.json", {"state": "finished"})
    return run


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def memory_mib() -> float:
    return psutil.Process().memory_info().rss / 2**20


def measure(run: Path, pictures: list[bytes], passes: int) -> dict[str, object]:
    from alexcore.analysis.batch_prediction import AskedNetwork, BatchPrediction
    from alexcore.analysis.prediction import Classifier
    from alexcore.data.archives.incoming import from_bytes
    from alexcore.data.decoding.images import read_picture

    classifier = Classifier(run / "checkpoints" / "best.pt")
    uploads = [
        from_bytes(f"{number}.jpg", lambda data=data: data, len(data), 10**8) for number, data in enumerate(pictures)
    ]
    ready = torch.stack([classifier.transform(read_picture(data).image) for data in pictures[: 4 * BATCH]])

    def bare() -> None:
        for start in range(0, len(pictures), BATCH):
            size = min(BATCH, len(pictures) - start)
            at = start % max(1, len(ready) - BATCH + 1)
            classifier.look(ready[at : at + size])

    def in_turn() -> None:
        for start in range(0, len(pictures), BATCH):
            part = pictures[start : start + BATCH]
            classifier.look(torch.stack([classifier.transform(read_picture(data).image) for data in part]))

    def page() -> None:
        batch = BatchPrediction([AskedNetwork("bench", classifier)], uploads)
        while not batch.advance(SLICE_S):
            pass

    ways = {"bare": bare, "in_turn": in_turn, "page": page}
    for work in ways.values():  # once to warm up
        work()
    # The first pass makes the heap as large as it gets; after it, memory must stay.
    before = memory_mib()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(passes):
        # In turn forwards and backwards, so that none of them always comes after the same one.
        for name in list(ways)[:: 1 if number % 2 == 0 else -1]:
            times[name].append(timed(ways[name]))
    grown = memory_mib() - before
    rates = {name: [len(pictures) / each for each in values] for name, values in times.items()}
    ratios = {
        name: [mine / theirs for mine, theirs in zip(rates["page"], rates[name], strict=True)]
        for name in ("bare", "in_turn")
    }
    single = []
    for each in uploads[:20]:
        batch = BatchPrediction([AskedNetwork("bench", classifier)], [each])
        single.append(timed(batch.advance))
    return {
        "pictures": len(pictures),
        "passes": passes,
        "rate": {name: statistics.median(values) for name, values in rates.items()},
        "page_of_bare": statistics.median(ratios["bare"]),
        "page_of_bare_passes": ratios["bare"],
        "page_of_in_turn": statistics.median(ratios["in_turn"]),
        "single_s": {"median": statistics.median(single), "slowest": max(single)},
        "memory_grown_mib": grown,
    }


def through_streamlit(pictures: list[bytes]) -> dict[str, float]:
    """Server time of whole reruns of the page, without the browser."""
    from streamlit.testing.v1 import AppTest  # noqa: TID251 - it drives the page, as the dashboard would

    at = AppTest.from_file(str(APP), default_timeout=600)
    at.run()
    at.switch_page("../pages/classify.py").run()

    def give(number: int, part: list[bytes]) -> float:
        files = [(f"{number}-{place}.jpg", data, "image/jpeg") for place, data in enumerate(part)]
        at.file_uploader(key="classify_upload").set_value(files)
        start = time.perf_counter()
        at.run()
        while any("a second, about" in str(bar.proto.text) for bar in at.get("progress")):
            at.run()
        assert not at.exception, at.exception
        return time.perf_counter() - start

    give(0, pictures[:1])  # loads torch and the network
    single = [give(number, [pictures[number % len(pictures)]]) for number in range(1, 11)]
    return {"single_median_s": statistics.median(single), "single_slowest_s": max(single), "all_s": give(99, pictures)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--data", type=Path, help="a folder of pictures to take in place of drawn ones")
    arguments = parser.parse_args()
    # The overview asks for the device in a process of its own, which may write while the folder goes away.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["ALEXCORE_HOME"] = folder
        run = write_run(Path(folder), arguments.image_size, arguments.width)
        if arguments.data:
            files = sorted(path for path in arguments.data.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
            pictures = [path.read_bytes() for path in files[: arguments.pictures]]
        else:
            pictures = drawn(arguments.pictures)
        result = measure(run, pictures, arguments.passes)
        result["streamlit"] = through_streamlit(pictures)
    result["checks"] = {
        "one_picture_below_0.3_s": result["streamlit"]["single_median_s"] < 0.3,
        "page_at_least_80_percent_of_bare": result["page_of_bare"] >= 0.8,
    }
    print(
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
    )
    for name, rate in result["rate"].items():
        print(f"{name:8} {rate:8.1f} pictures/s")
    print(f"page / bare: {result['page_of_bare']:.2f} ({', '.join(f'{x:.2f}' for x in result['page_of_bare_passes'])})")
    print(f"page / in turn: {result['page_of_in_turn']:.2f}")
    print(f"memory grew by {result['memory_grown_mib']:.0f} MiB over {arguments.passes} passes")
    print(
        f"one picture: {result['single_s']['median']:.3f} s; whole rerun {result['streamlit']['single_median_s']:.3f} s"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
