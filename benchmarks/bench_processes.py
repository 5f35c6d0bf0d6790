"""Two processes against one: `python benchmarks/bench_processes.py DATA [--pairs 5] [--images 1600] [--tiny]`.

Claim, on 2 cores: `torchrun` with 2 processes of one thread each trains at least 0.9 times as many images per second as
1 process with 2 threads. Both see the same batches: 2 times 16 pictures, or 32.

They take turns. The first epoch warms up and is left out, validation is not counted, pictures do not grow. Prints a
table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.machine import about_machine, ratio_in_words  # noqa: E402
from benchmarks.pictures import subset, write_pictures  # noqa: E402

LEAST = 0.9
BATCH = 32


def rate(data: Path, home: Path, processes: int, threads: int, flags: list[str]) -> tuple[float, int]:
    """Images per second of the epochs after the first, and the optimizer steps of the whole run."""
    folder = Path(tempfile.mkdtemp(dir=home)) / "run"
    start = [sys.executable, "-m", "alexcore"]
    if processes > 1:
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        start += ["-m", "alexcore"]
    train = ["train", "--data", str(data), "--run-dir", str(folder), "--batch-size", str(BATCH // processes)]
    environment = {
        **os.environ,
        "ALEXCORE_HOME": str(home),
        "OMP_NUM_THREADS": str(max(1, threads // processes)),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    command = [*start, *train, "--start-size", "0", "--device", "cpu", *flags]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    epochs = [event for event in events if event["type"] == "epoch"]
    return statistics.harmonic_mean(event["images_per_s"] for event in epochs[1:]), int(epochs[-1]["step"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="a folder with train/CLASS and val/CLASS; not with --tiny")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--images", type=int, default=1600, help="training pictures to use")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it works, not how quick it is")
    arguments = parser.parse_args()
    if arguments.data is None and not arguments.tiny:
        parser.error("DATA is missing: a folder with train/CLASS and val/CLASS")
    with tempfile.TemporaryDirectory(prefix="bench-processes-") as name:
        home, flags, epochs = Path(name) / "home", [], arguments.epochs
        home.mkdir()
        if arguments.tiny:
            data, pairs, epochs = write_pictures(Path(name) / "data", 80), 1, 2
            flags = ["--image-size", "64", "--width", "0.25", "--num-workers", "0"]
        else:
            data, pairs = subset(arguments.data, arguments.images, Path(name) / "data"), arguments.pairs
        flags += ["--epochs", str(epochs), "--checkpoint-every-epochs", "1000"]
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        found: dict[str, list[float]] = {"2 processes": [], "1 process": []}
        steps: dict[str, int] = {}
        for number in range(pairs):
            for contender, processes in (("2 processes", 2), ("1 process", 1)):
                images_per_s, steps[contender] = rate(data, home, processes, threads, flags)
                found[contender].append(images_per_s)
                print(f"{number + 1}/{pairs} {contender}: {images_per_s:.0f} images/s", file=sys.stderr, flush=True)
    for contender, rates in found.items():
        low_high = f"{min(rates):.1f} to {max(rates):.1f}"
        print(f"{contender:12} {statistics.median(rates):10.1f} images/s ({low_high}), {steps[contender]} steps")
    ratios = [a / b for a, b in zip(found["2 processes"], found["1 process"], strict=True)]
    print(ratio_in_words("2 processes / 1 process", ratios, f">= {LEAST}"))
    checks = {f"2 processes / 1 process >= {LEAST}": statistics.median(ratios) >= LEAST}
    result = {"images_per_s": found, "ratios": ratios, "steps": steps, "threads": threads, "checks": checks}
    print(json.dumps({"benchmark": "processes", **about_machine(), **result}))


if __name__ == "__main__":
    main()
