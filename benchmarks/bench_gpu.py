"""Images per second on a GPU: `python benchmarks/bench_gpu.py [DATA] [--pairs 5] [--batch-size 512] [--tiny]`.

Claims, on one CUDA GPU, bfloat16, 224 px:
- with all pictures on the card and augmented there (`resident`), training runs at no less than 0.90 of `limit`: the
  same step on one batch that is ready;
- compiled with CUDA graphs (`torch.compile`, mode "reduce-overhead") the same holds against the compiled limit.

With DATA a whole run of the command line, whose pictures are decoded and augmented on the processor's cores, is
measured beside them (`run`); without it the pictures are noise. The contenders take turns; a first epoch warms up and
is left out. Without a CUDA device it says so and ends; `--device cpu --tiny` shows that it works. Prints a table; the
last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from PIL import ImageOps  # noqa: E402

from alexcore.config import make_config  # noqa: E402
from alexcore.data.decoding.images import read_picture  # noqa: E402
from alexcore.data.sources import open_checked  # noqa: E402
from alexcore.training.checkpoint import build_model  # noqa: E402
from alexcore.training.device import choose_device, choose_precision, describe_device  # noqa: E402
from alexcore.training.objective import Objective  # noqa: E402
from alexcore.training.optim import build_optimizer  # noqa: E402
from alexcore.training.step import train_step  # noqa: E402
from benchmarks.card_pictures import augmented, batches, uniforms  # noqa: E402
from benchmarks.machine import about_machine, ratio_in_words  # noqa: E402

LEAST, CLASSES = 0.90, 5
Step = Callable[[torch.Tensor, torch.Tensor], None]


def resident_pictures(data: Path | None, images: int, stored: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Training pictures, (N, 3, stored, stored) uint8 on the device, and their labels, (N,) int64 in main memory."""
    if data is None:
        noise = torch.randint(0, 256, (images, 3, stored, stored), dtype=torch.uint8, device=device)
        return noise, torch.arange(images) % CLASSES
    index = open_checked(str(data))
    rows = index.select("train").iloc[:: max(1, index.counts()["train"].sum() // images)]
    pictures = torch.empty((len(rows), stored, stored, 3), dtype=torch.uint8)
    for place, path in enumerate(rows["path"]):
        square = ImageOps.fit(read_picture(index.path_of(path)).image, (stored, stored))
        pictures[place] = torch.frombuffer(bytearray(square.tobytes()), dtype=torch.uint8).view(stored, stored, 3)
    return pictures.permute(0, 3, 1, 2).to(device), torch.tensor(rows["label"].tolist())


def make_step(device: torch.device, classes: int, compile_it: bool, settings: dict[str, Any]) -> Step:
    """The project's own step with a fresh network, in the best precision of the device."""
    config = make_config(data="none", **settings)
    model = build_model(config, classes).to(device, memory_format=torch.channels_last).train()
    optimizer, objective = build_optimizer(model, config), Objective()
    precision = choose_precision("auto", device)
    trained: Any = torch.compile(model, mode="reduce-overhead") if compile_it else model

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        train_step(trained, optimizer, objective, [(images, labels)], device, precision)

    return step


def timed(device: torch.device, action: Callable[[], int]) -> float:
    """Images per second of an action that says how many it trained on."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    wait()
    began = time.perf_counter()
    images = action()
    wait()
    return images / (time.perf_counter() - began)


def run_rate(data: Path, home: Path, device: str, batch_size: int) -> float:
    """Images per second of the second epoch of a run of the command line."""
    folder = Path(tempfile.mkdtemp(dir=home)) / "run"
    flags = ["--epochs", "2", "--start-size", "0", "--device", device, "--batch-size", str(batch_size)]
    command = [sys.executable, "-m", "alexcore", "train", "--data", str(data), "--run", str(folder), *flags]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "ALEXCORE_HOME": str(home)}, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return float([event for event in events if event["type"] == "epoch"][1]["images_per_s"])


def measure(arguments: argparse.Namespace, device: torch.device, home: Path) -> tuple[dict[str, list[float]], int]:
    """Images per second of each contender and pair, and the optimizer steps of a resident epoch."""
    size, side = arguments.batch_size, arguments.side
    pictures, labels = resident_pictures(arguments.data, arguments.images, side * 8 // 7, device)
    classes, steps = int(labels.max()) + 1, len(pictures) // size
    if not steps:
        raise SystemExit(f"{len(pictures)} pictures are less than a batch of {size}: lower --batch-size.")
    numbers = torch.arange(size, device=device)
    ready = augmented(pictures[:size], uniforms(0, 0, numbers), side)
    contenders: dict[str, Callable[[int], float]] = {}
    for name in ("", "compiled ") if arguments.compile else ("",):
        settings = {"image_size": side, **({"width": 0.25} if arguments.tiny else {})}
        step = make_step(device, classes, bool(name), settings)

        def limit(_epoch: int, step: Step = step) -> float:
            def action() -> int:
                for _ in range(steps):
                    step(ready, labels[:size])
                return steps * size

            return timed(device, action)

        def resident(epoch: int, step: Step = step) -> float:
            def action() -> int:
                for images, own in batches(pictures, labels, batch_size=size, side=side, seed=0, epoch=epoch):
                    step(images, own)
                return steps * size

            return timed(device, action)

        contenders |= {f"{name}limit": limit, f"{name}resident": resident}
    for contender in contenders.values():
        contender(0)
    if arguments.data is not None:
        contenders["run"] = lambda _epoch: run_rate(arguments.data, home, str(device), size)
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for pair in range(arguments.pairs):
        for name, contender in contenders.items():
            found[name].append(contender(pair + 1))
    return found, steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="a folder with train/CLASS and val/CLASS; else noise")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--images", type=int, default=8192, help="pictures on the card")
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="leave torch.compile out")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it works, not how quick it is")
    arguments = parser.parse_args()
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        reason = "There is no CUDA device on this machine, so nothing was measured."
        print(f"{reason} --device cpu --tiny shows that the benchmark works.")
        print(json.dumps({"benchmark": "gpu", **about_machine(), "skipped": reason, "checks": {}}))
        return
    if arguments.tiny:
        vars(arguments).update(pairs=1, images=24, batch_size=8, side=64, compile=False)
    device = choose_device(arguments.device)
    with tempfile.TemporaryDirectory(prefix="bench-gpu-") as name:
        found, steps = measure(arguments, device, Path(name))
    for contender, rates in found.items():
        print(f"{contender:20} {statistics.median(rates):12.0f} images/s ({min(rates):.0f} to {max(rates):.0f})")
    ratios: dict[str, list[float]] = {}
    for name in found:
        against = "compiled limit" if name.startswith("compiled") else "limit"
        if name != against:
            ratios[f"{name} / {against}"] = [a / b for a, b in zip(found[name], found[against], strict=True)]
    checks = {}
    for pair, each in ratios.items():
        claimed = pair.endswith("limit") and "resident" in pair
        print(ratio_in_words(pair, each, f">= {LEAST}" if claimed else "no figure in particular"))
        if claimed:
            checks[f"{pair} >= {LEAST}"] = statistics.median(each) >= LEAST
    result = {"device": describe_device(device), "images_per_s": found, "ratios": ratios, "steps": steps}
    print(json.dumps({"benchmark": "gpu", **about_machine(), **result, "checks": checks}))


if __name__ == "__main__":
    main()
