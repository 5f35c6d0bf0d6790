"""Every benchmark in turn: `python -m benchmarks.run_all [DATA] [--tiny] [--out FILE] [--only NAME ...]`.

DATA is a folder with train/CLASS and val/CLASS (the flower photographs, say); without it the benchmarks that need
photographs are left out, and named. Each benchmark is a process of its own. Its table goes to the screen and its JSON
line, with its name and duration, to FILE (by default benchmarks.jsonl). One that fails does not end the others. The
last line is JSON: which claims hold. The exit code is 1 if a benchmark failed to run; a claim that does not hold is a
result.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Benchmark:
    """One script: the flags of its tiny size, and what it does with DATA."""

    script: str
    tiny: tuple[str, ...] = ("--tiny",)
    # "none": it draws its own pictures; "needed": it works on DATA, unless it is tiny; "optional".
    data: str = "none"

    def command(self, data: Path | None, tiny: bool) -> list[str] | None:
        """What to start; None if it needs DATA and there is none."""
        command = [sys.executable, str(ROOT / "benchmarks" / self.script)]
        if tiny:
            return [*command, *self.tiny]
        if self.data == "needed" and data is None:
            return None
        return [*command, str(data)] if self.data != "none" and data is not None else command


BENCHMARKS = {
    "dashboard": Benchmark("bench_dashboard.py", ("--tiny", "--no-browser")),
    "training": Benchmark("bench_training.py", data="needed"),
    "time_to_accuracy": Benchmark("time_to_accuracy.py", data="needed"),
    "processes": Benchmark("bench_processes.py", data="needed"),
    "loader": Benchmark("bench_loader.py", data="needed"),
    "checkpoints": Benchmark("bench_checkpoints.py", ("--pairs", "2", "--width", "0.125")),
    "doubt": Benchmark("bench_doubt.py", data="optional"),
    "gpu": Benchmark("bench_gpu.py", ("--device", "cpu", "--tiny"), data="optional"),
    "dataset": Benchmark("bench_dataset.py", ("--images", "120", "--pages", "3")),
    "augment": Benchmark("augment_draws.py", ("--repeat", "1", "--pictures", "2", "--pairs", "2")),
    "runs": Benchmark("runs_index.py", ("--runs", "20", "--visits", "2")),
    "classify": Benchmark(
        "classify.py", ("--pictures", "40", "--passes", "2", "--image-size", "64", "--width", "0.125")
    ),
}


def run_one(name: str, command: list[str], live: bool = True) -> dict[str, Any]:
    """Run a benchmark; its last line becomes `result`.

    Args:
        name: Its name.
        command: What to start.
        live: Print its table line by line as it comes, and not all at once at the end.
    """
    table = [f"== {name}: {' '.join(command[1:])}\n"]
    if live:
        print(table.pop(), end="", flush=True)
    began = time.perf_counter()
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            table.append(last)
            if live:
                print(table.pop(), end="", flush=True)
            last = line
        code = process.wait()
    row: dict[str, Any] = {"name": name, "seconds": round(time.perf_counter() - began, 1)}
    try:
        row["result"] = json.loads(last)
    except ValueError:
        code = code or 1
    if code:
        table.append(last)
        row["failed"] = f"exit code {code}"
    print("".join(table), end="", flush=True)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="a folder with train/CLASS and val/CLASS")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether they work, not how quick it is")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), help="these only")
    parser.add_argument("--at-once", type=int, default=1, help="how many; more than 1 only to see whether they work")
    parser.add_argument("--out", type=Path, default=Path("benchmarks.jsonl"), help="where the JSON lines go")
    arguments = parser.parse_args()
    if arguments.data is not None and not (arguments.data / "train").is_dir():
        parser.error(f"{arguments.data} has no folder train/: give one with train/CLASS and val/CLASS")
    rows: list[dict[str, Any]] = []
    data = None if arguments.data is None else arguments.data.resolve()
    commands = {name: BENCHMARKS[name].command(data, arguments.tiny) for name in arguments.only}
    left_out = [name for name, command in commands.items() if command is None]
    started = {name: command for name, command in commands.items() if command is not None}
    with arguments.out.open("w", encoding="utf-8") as out, ThreadPoolExecutor(arguments.at_once) as pool:
        live = repeat(arguments.at_once == 1)
        for row in pool.map(run_one, started, started.values(), live):
            rows.append(row)
            out.write(json.dumps(row) + "\n")
            out.flush()
    if left_out:
        print(f"Left out, because they need DATA: {', '.join(left_out)}")
    failed = [row["name"] for row in rows if "failed" in row]
    found = {row["name"]: row.get("result", {}).get("checks", {}) for row in rows}
    checks = {f"{name}: {claim}": holds for name, claims in found.items() for claim, holds in claims.items()}
    missed = [claim for claim, holds in checks.items() if not holds]
    print(f"{len(checks) - len(missed)} of {len(checks)} claims hold. Not: {'; '.join(missed) or 'none'}.")
    print(json.dumps({"out": str(arguments.out), "failed": failed, "left_out": left_out, "checks": checks}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
