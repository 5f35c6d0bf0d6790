"""Images per second of a whole training epoch: `python benchmarks/bench_training.py DATA [--pairs 5] [--tiny]`.

Claims, on 2 cores with bfloat16 instructions, 224 px, batch 32:
- the default preset trains at least 2.5 times as many images per second as the blog's recipe (`reference/seed.py`);
- at a fixed size it reaches at least 0.90 of `limit`: the same step on one batch that is there already.

Each contender is a process of its own; they take turns (A, B, C, A, B, C ...), because machines are shared and noisy.
Its first epoch warms up and is left out, but for `default, growing`, whose epochs differ in size and which is therefore
measured over a whole run. Validation is not counted. Prints a table; the last line is JSON.
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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.machine import about_machine, ratio_in_words  # noqa: E402
from benchmarks.pictures import subset, write_pictures  # noqa: E402

LIMITS = {
    "default, growing / seed": 2.5,
    "default, fixed size / limit": 0.90,
    "default, growing / fastai": 2.0,
    "default, growing / lightning": 2.0,
    "default, growing / fastai, bf16": 1.0,
    "default, growing / lightning, bf16": 1.0,
}
# Small enough that a pair takes a minute or two, large enough that an epoch has some dozens of steps.
DEFAULT_IMAGES = 1600
# What --tiny adds to a run of this project, so that it takes a second or two.
TINY_FLAGS = ("--image-size", "64", "--width", "0.25", "--num-workers", "0")
TINY = "BENCH_TRAINING_TINY"


def _tiny() -> bool:
    # In the environment, because the contenders are processes of their own.
    return bool(os.environ.get(TINY))


def _run(command: list[str], home: Path) -> str:
    environment = {
        **os.environ,
        "ALEXCORE_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def seed(data: Path, _home: Path) -> float:
    """The blog's recipe: images per second of its second epoch."""
    script = str(ROOT / "benchmarks" / "reference" / "seed.py")
    out = _run([sys.executable, script, str(data), "--epochs", "2", "--no-validation"], _home)
    return float(json.loads(out.splitlines()[-1])["epochs"][1]["images_per_s"])


def _alexcore(data: Path, home: Path, epochs: int, *flags: str) -> list[float]:
    """Images per second of each epoch of a run of this project."""
    folder = Path(tempfile.mkdtemp(dir=home)) / "run"
    flags = ("--epochs", str(epochs), "--checkpoint-every-epochs", "1000", *flags, *(TINY_FLAGS if _tiny() else ()))
    _run([sys.executable, "-m", "alexcore", "train", "--data", str(data), "--run", str(folder), *flags], home)
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [float(event["images_per_s"]) for event in events if event["type"] == "epoch"]


def fixed(data: Path, home: Path) -> float:
    """The default preset at a fixed size: images per second of its second epoch."""
    return _alexcore(data, home, 2, "--start-size", "0")[1]


def growing(data: Path, home: Path) -> float:
    """The default preset as it is: images per second over a whole run of 10 epochs."""
    return statistics.harmonic_mean(_alexcore(data, home, 2 if _tiny() else 10))


def limit(_data: Path, home: Path) -> float:
    """The same step on one resident batch: no loading at all."""
    return float(_run([sys.executable, str(Path(__file__).resolve()), "--one", "limit"], home).splitlines()[-1])


def resident_rate(steps: int = 30) -> float:
    """Images per second of the default step on one batch in memory, in this process."""
    from alexcore.process import TRAINING_THREADS
    from alexcore.system import keep_freed_memory

    os.environ.update(TRAINING_THREADS)  # before torch is imported
    keep_freed_memory()
    import torch

    from alexcore.config import make_config
    from alexcore.training.checkpoint import build_model
    from alexcore.training.device import choose_device, choose_precision
    from alexcore.training.objective import Objective
    from alexcore.training.optim import build_optimizer
    from alexcore.training.step import train_step

    config = make_config(data="none")
    device = choose_device(config.device)
    model = build_model(config, 5).to(device, memory_format=torch.channels_last)
    optimizer, objective = build_optimizer(model, config), Objective()
    images = torch.randn(config.batch_size, 3, config.image_size, config.image_size)
    batch = (images.to(memory_format=torch.channels_last), torch.arange(config.batch_size) % 5)
    precision = choose_precision(config.precision, device)
    began = 0.0
    for step in range(5 + steps):
        if step == 5:
            began = time.perf_counter()
        train_step(model, optimizer, objective, [batch], device, precision)
    return steps * config.batch_size / (time.perf_counter() - began)


def matrix_rate() -> float:
    """Billions of multiply-adds per second of one float32 matrix product, for scale."""
    import torch

    size, repeat = 1024, 20
    left, right = torch.randn(size, size), torch.randn(size, size)
    left @ right
    began = time.perf_counter()
    for _ in range(repeat):
        left @ right
    return repeat * size**3 / (time.perf_counter() - began) / 1e9


def _reference(script: str, data: Path, home: Path, *flags: str) -> float:
    path = str(ROOT / "benchmarks" / "reference" / script)
    return float(json.loads(_run([sys.executable, path, str(data), *flags], home).splitlines()[-1])["images_per_s"])


# Their defaults, and what they offer as the best precision; fastai's asks for a CUDA device and changes nothing here.
OTHERS: dict[str, Callable[[Path, Path], float]] = {
    "fastai": lambda data, home: _reference("fastai_reference.py", data, home),
    "fastai, bf16": lambda data, home: _reference("fastai_reference.py", data, home, "--bf16"),
    "lightning": lambda data, home: _reference("lightning_reference.py", data, home),
    "lightning, bf16": lambda data, home: _reference("lightning_reference.py", data, home, "--bf16"),
}
CONTENDERS: dict[str, Callable[[Path, Path], float]] = {
    "seed": seed,
    "default, fixed size": fixed,
    "default, growing": growing,
    "limit": limit,
}


def measure(
    contenders: dict[str, Callable[[Path, Path], float]], data: Path, pairs: int, home: Path
) -> dict[str, list[float]]:
    """Let the contenders take turns, `pairs` times."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(pairs):
        for name, contender in contenders.items():
            found[name].append(contender(data, home))
            print(f"{number + 1}/{pairs} {name}: {found[name][-1]:.0f} images/s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--images", type=int, default=DEFAULT_IMAGES, help="training pictures to use")
    parser.add_argument("--others", action="store_true", help="fastai and Lightning, too (requirements-bench.txt)")
    parser.add_argument("--only", nargs="+", choices=[*CONTENDERS, *OTHERS], help="let only these take turns")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it works, not how quick it is")
    arguments = parser.parse_args()
    if arguments.one:
        print(resident_rate(2 if _tiny() else 30))
        return
    if arguments.data is None and not arguments.tiny:
        parser.error("DATA is missing: a folder with train/CLASS and val/CLASS")
    with tempfile.TemporaryDirectory(prefix="bench-training-") as name:
        if arguments.tiny:
            os.environ[TINY] = "1"
            arguments.pairs = 1
            data = write_pictures(Path(name) / "data", 50)
        else:
            data = subset(arguments.data, arguments.images, Path(name) / "data")
        (Path(name) / "home").mkdir()
        contenders = {**CONTENDERS, **(OTHERS if arguments.others else {})}
        if arguments.only:
            contenders = {name: {**CONTENDERS, **OTHERS}[name] for name in arguments.only}
        found = measure(contenders, data, arguments.pairs, Path(name) / "home")
    result: dict[str, Any] = {"benchmark": "training", **about_machine(), "gmac_per_s": round(matrix_rate(), 1)}
    print(f"{'contender':24} {'images/s, median':>18} {'lowest to highest':>20}")
    for contender, rates in found.items():
        print(f"{contender:24} {statistics.median(rates):18.1f} {min(rates):10.1f} to {max(rates):.1f}")
    result["images_per_s"] = {contender: [round(rate, 1) for rate in rates] for contender, rates in found.items()}
    result["ratios"], result["checks"] = {}, {}
    for pair, least in LIMITS.items():
        first, second = pair.split(" / ")
        if first not in found or second not in found:
            continue
        ratios = [a / b for a, b in zip(found[first], found[second], strict=True)]
        result["ratios"][pair] = [round(ratio, 3) for ratio in ratios]
        result["checks"][f"{pair} >= {least}"] = statistics.median(ratios) >= least
        print(ratio_in_words(pair, ratios, f">= {least}"))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
