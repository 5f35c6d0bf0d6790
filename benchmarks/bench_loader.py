"""What the loader's shortcuts save: `python benchmarks/bench_loader.py [DATA] [--pairs 5] [--images 400] [--tiny]`.

Claims, for photographs that the disk's cache holds, in one process on one core:
- reading decoded pictures from the disk is at least 1.5 times as fast as decoding the JPEGs again;
- batches that travel as bytes are ready at least 1.1 times as fast as pictures that become floats one by one.

Three loaders take turns over the same epoch: `floats` (decode, and ToTensor and Normalize for each picture), `bytes`
(decode, then the whole batch at once), and `bytes, decoded` (the same with the decoded pictures on the disk). Their
batches are compared and have to be the same to the last bit. An epoch that fills the cache is left out. Prints a table;
the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from alexcore.augment.presets import training_operations  # noqa: E402
from alexcore.data.index import DataIndex  # noqa: E402
from alexcore.data.sources import open_checked  # noqa: E402
from alexcore.training import loader as loaders  # noqa: E402
from benchmarks.machine import about_machine, ratio_in_words  # noqa: E402
from benchmarks.pictures import subset, write_pictures  # noqa: E402

LIMITS = {"bytes, decoded / bytes": 1.5, "bytes / floats": 1.1}


@contextmanager
def picture_by_picture() -> Iterator[None]:
    """Let a loader that is built meanwhile make numbers of each picture by itself."""
    whole_batch = loaders.cut_tail
    loaders.cut_tail = lambda operations: (list(operations), None)  # type: ignore[assignment]
    try:
        yield
    finally:
        loaders.cut_tail = whole_batch


def contenders(index: DataIndex, side: int, batch_size: int) -> dict[str, loaders.Loader]:
    """The three loaders, without processes of their own: what one picture costs, not how it is hidden."""
    operations = training_operations("seed", side)

    def make(decoded_mib: int) -> loaders.Loader:
        how = loaders.Reading(batch_size, shuffle=True, num_workers=0, decoded_mib=decoded_mib)
        return loaders.Loader(index, "train", operations, how)

    with picture_by_picture():
        floats = make(0)
    return {"floats": floats, "bytes": make(0), "bytes, decoded": make(4096)}


def same_batches(found: dict[str, loaders.Loader]) -> int:
    """Read an epoch with all three, and return in how many batches they differ; fills the cache."""
    different = 0
    for batches in zip(*(each.epoch(0) for each in found.values()), strict=True):
        first, *others = batches
        same = all(torch.equal(first[0], images) and torch.equal(first[1], labels) for images, labels in others)
        different += not same
    return different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="a folder with train/CLASS and val/CLASS; not with --tiny")
    parser.add_argument("--pairs", type=int, default=5, help="epochs of each")
    parser.add_argument("--images", type=int, default=400, help="training pictures to use")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it works, not how quick it is")
    arguments = parser.parse_args()
    if arguments.data is None and not arguments.tiny:
        parser.error("DATA is missing: a folder with train/CLASS and val/CLASS")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="bench-loader-") as name:
        os.environ["ALEXCORE_HOME"] = name
        side, pairs = 224, arguments.pairs
        if arguments.tiny:
            data, side, pairs = write_pictures(Path(name) / "data" / "pictures", 40), 64, 1
        else:
            data = subset(arguments.data, arguments.images, Path(name) / "data" / "pictures")
        index = open_checked(str(data))
        loader_of = contenders(index, side, 32)
        different = same_batches(loader_of)
        images = len(index.select("train"))
        rates: dict[str, list[float]] = {contender: [] for contender in loader_of}
        for epoch in range(1, pairs + 1):
            for contender, loader in loader_of.items():
                began = time.perf_counter()
                for _ in loader.epoch(epoch):
                    pass
                rates[contender].append(images / (time.perf_counter() - began))
        cache_mib = sum(path.stat().st_size for path in Path(name).rglob("*.pixels")) / 2**20
    for contender, found in rates.items():
        print(f"{contender:16} {statistics.median(found):10.1f} images/s ({min(found):.1f} to {max(found):.1f})")
    print(f"{different} batches differ; the decoded pictures take {cache_mib:.0f} MiB")
    ratios, checks = {}, {"all batches are the same": different == 0}
    for pair, least in LIMITS.items():
        first, second = pair.split(" / ")
        ratios[pair] = [a / b for a, b in zip(rates[first], rates[second], strict=True)]
        print(ratio_in_words(pair, ratios[pair], f">= {least}"))
        checks[f"{pair} >= {least}"] = statistics.median(ratios[pair]) >= least
    result = {"images": images, "images_per_s": rates, "ratios": ratios, "different_batches": different}
    print(json.dumps({"benchmark": "loader", **about_machine(), **result, "cache_mib": cache_mib, "checks": checks}))


if __name__ == "__main__":
    main()
