"""The same network, data and batch in fastai: `python benchmarks/reference/fastai_reference.py DATA [--bf16]`.

fastai as its documentation begins: `ImageDataLoaders.from_folder`, RandomResizedCrop and flip, its own Adam, its number
of loader processes. `--bf16` takes its mixed precision instead. Needs requirements-bench.txt. Prints images per second
of the second epoch as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import fastai.callback.fp16  # noqa: F401 - gives Learner its to_bf16
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.vision.augment import FlipItem, RandomResizedCrop
from fastai.vision.data import ImageDataLoaders

sys.path.insert(0, str(Path(__file__).resolve().parent))

from seed import AlexNet


class EpochTimes(Callback):
    """Notes how long each pass over the training pictures takes."""

    def before_fit(self) -> None:
        """Begin with an empty list."""
        self.seconds: list[float] = []

    def before_train(self) -> None:
        """The pass begins."""
        self.began = time.perf_counter()

    def after_train(self) -> None:
        """The pass has ended."""
        self.seconds.append(time.perf_counter() - self.began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args()
    loaders = ImageDataLoaders.from_folder(
        arguments.data, train="train", valid="val", bs=32, item_tfms=[RandomResizedCrop(224), FlipItem()], device="cpu"
    )
    learner = Learner(loaders, AlexNet(len(loaders.vocab)), loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    if arguments.bf16:
        learner.to_bf16()
    times = EpochTimes()
    with learner.removed_cbs(learner.cbs.filter(lambda each: isinstance(each, ProgressCallback))), learner.no_logging():
        learner.fit(2, lr=2e-4, cbs=[times])
    # fastai drops the last batch of an epoch if it is not full.
    print(json.dumps({"images_per_s": len(loaders.train) * 32 / times.seconds[1]}))


if __name__ == "__main__":
    main()
