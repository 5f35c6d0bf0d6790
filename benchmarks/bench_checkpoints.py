"""What it costs to believe no checkpoint unread: `python benchmarks/bench_checkpoints.py [--pairs 15] [--width 1.0]`.

Claims, of a default run's checkpoint: keeping the one before takes less than 5 % of a save (write, flush, rename), and
comparing each part with its CRC less than a tenth of a load (read, build the network, put the weights in).

Both ways take turns; the first pair warms up and is left out. Processor time decides the load, which does not wait
for the disk, and wall time the save, which does. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from alexcore.augment.presets import evaluation_operations  # noqa: E402
from alexcore.config import make_config  # noqa: E402
from alexcore.files import previous_of, replacing  # noqa: E402
from alexcore.training.checkpoint import (  # noqa: E402
    build_model,
    load_checkpoint,
    require_state,
    restore_model,
    save_checkpoint,
)
from alexcore.training.optim import build_optimizer  # noqa: E402
from benchmarks.machine import about_machine, ratio_in_words  # noqa: E402

MOST_OF_A_SAVE, MOST_OF_A_LOAD = 0.05, 0.10
Work = Callable[[], object]


def contenders(folder: Path, width: float) -> dict[str, tuple[Work, Work]]:
    """Name -> the work with and without what the claim is about, both on files of their own."""
    config = make_config(width=width)
    model = build_model(config, 5)
    optimizer = build_optimizer(model, config)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "config": config.model_dump(),
        "class_to_idx": {str(number): number for number in range(5)},
        "evaluation_operations": evaluation_operations(config.augment, config.image_size),
    }
    kept, plain = folder / "kept.pt", folder / "plain.pt"

    def save_plain() -> None:
        with replacing(plain, durable=True) as temporary:
            torch.save({"version": 1, **state}, temporary)

    def load_plain() -> None:
        restore_model(require_state(torch.load(plain, weights_only=True), plain), plain)

    return {
        "save": (lambda: save_checkpoint(kept, state, previous_of(kept)), save_plain),
        "load": (lambda: restore_model(load_checkpoint(kept), kept), load_plain),
    }


def seconds(work: Work) -> tuple[float, float]:
    """Wall and processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--width", type=float, default=1.0)
    arguments = parser.parse_args()
    result: dict[str, dict[str, object]] = {}
    checks: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="bench-checkpoints-") as name:
        for what, (ours, plain) in contenders(Path(name), arguments.width).items():
            pairs = []
            for number in range(arguments.pairs + 1):
                # Whoever is second finds warmer caches, so they take turns in that, too.
                first, second = seconds(ours if number % 2 else plain), seconds(plain if number % 2 else ours)
                pairs.append((first, second) if number % 2 else (second, first))
            kind, most = (0, MOST_OF_A_SAVE) if what == "save" else (1, MOST_OF_A_LOAD)
            more = [ours[kind] / plain[kind] - 1 for ours, plain in pairs[1:]]
            walls, processors = (
                [statistics.median(each[way][time] for each in pairs[1:]) for way in (0, 1)] for time in (0, 1)
            )
            print(f"{what}: {walls[0]:.3f} s, without {walls[1]:.3f} s; of the processor {processors}")
            print(ratio_in_words(f"  longer by (share of a {what})", more, f"< {most}"))
            checks[f"{what}_longer_by_less_than_{most}"] = statistics.median(more) < most
            result[what] = {"wall_s": walls, "processor_s": processors, "longer": more}
        size = max(path.stat().st_size for path in Path(name).glob("*.pt"))
    print(
        json.dumps({"benchmark": "checkpoints", **about_machine(), "bytes": size, "result": result, "checks": checks})
    )


if __name__ == "__main__":
    main()
