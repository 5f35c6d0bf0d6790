"""The built-in data set: five classes of synthetic flowers, drawn and not downloaded.

    write_flowers(Path("data/flowers"))  ->  data/flowers/{train,val}/CLASS/CLASS_0007.jpg, dataset.json

Every picture follows from (seed, class, index) alone: the same pixels come out of one worker or of ten, and
out of a set of 10 or of 10,000 images.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

from alexcore.data.flowers.flower_scene import CLASSES, draw_flower, require_within
from alexcore.data.storage import Progress, folder_at_once, require_new, silent
from alexcore.errors import DataError

GENERATOR_VERSION = 1  # raise it whenever the same seed gives other pixels
VAL_EVERY = 5
SMALLEST_SHARED_JOB = 60  # below so many images, starting workers costs more than it saves
# The worker is started by this text and not by multiprocessing: "spawn" runs the caller's main module
# again, and under a dashboard that is the dashboard itself.
WORKER_CODE = "from alexcore.data.flowers.synthetic import run_worker; run_worker()"


def _draw_share(directory: Path, job: dict[str, Any], first: int = 0, step: int = 1) -> Generator[None]:
    """Draw every `step`-th picture of the set from number `first` on, yielding after each."""
    images_per_class = job["images_per_class"]
    look = {name: job[name] for name in ("size", "seed", "difficulty")}
    for number in range(first, images_per_class * len(CLASSES), step):
        class_name, index = CLASSES[number // images_per_class], number % images_per_class
        last_of_few = images_per_class < VAL_EVERY and index == images_per_class - 1
        split = "val" if index % VAL_EVERY == VAL_EVERY - 1 or last_of_few else "train"
        image = draw_flower(class_name, index=index, **look)
        image.save(directory / split / class_name / f"{class_name}_{index:04d}.jpg", quality=88)
        yield


def run_worker() -> None:
    """Draw the share that standard input describes as JSON, with one line of output a picture."""
    share = json.load(sys.stdin)
    for _ in _draw_share(Path(share["directory"]), share["job"], share["first"], share["step"]):
        print(".", flush=True)


def _draw_in_workers(directory: Path, job: dict[str, Any], count: int) -> Generator[None]:
    """Draw the set in `count` processes, yielding once a picture."""
    messages: queue.SimpleQueue[tuple[subprocess.Popen[str], str | None]] = queue.SimpleQueue()

    def relay(process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            messages.put((process, line.strip()))
        messages.put((process, None))

    package_root = str(Path(__file__).resolve().parents[3])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    env, pipe, join = os.environ | {"PYTHONPATH": search_path}, subprocess.PIPE, subprocess.STDOUT
    with contextlib.ExitStack() as stack:
        for first in range(count):
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", WORKER_CODE], stdin=pipe, stdout=pipe, stderr=join, env=env, text=True
            )
            stack.enter_context(process)
            reader = threading.Thread(target=relay, args=(process,), daemon=True)
            reader.start()
            # Undone in reverse: end the process, let its reader see the end of the pipe, close the pipe.
            stack.callback(reader.join)
            stack.callback(process.kill)
            assert process.stdin is not None
            share = {"directory": str(directory), "job": job, "first": first, "step": count}
            with contextlib.suppress(BrokenPipeError), process.stdin:  # it died already: its output says why
                process.stdin.write(json.dumps(share))
        running, complaint = count, ""
        while running:
            process, message = messages.get()
            if message == ".":
                yield
            elif message is not None:
                complaint = message  # of a traceback, the last line says what went wrong
            elif process.wait() == 0:
                running -= 1
            else:
                raise DataError(f"A worker could not draw its pictures: {complaint}", "Try again with one worker.")


def write_flowers(
    directory: Path,
    *,
    images_per_class: int = 150,
    size: int = 256,
    seed: int = 0,
    difficulty: float = 0.5,
    workers: int | None = None,
    on_progress: Progress = silent,
) -> Path:
    """Write the data set as directory/{train,val}/CLASS/CLASS_0007.jpg beside a dataset.json.

    Everything is drawn into a sibling directory that is renamed when complete, so that a half set never
    stands under the final name. Every fifth index goes to val.

    Args:
        directory: Must be absent or empty.
        images_per_class: In train and val together, 2..20000.
        size: Edge of the pictures, px, 32..1024.
        seed: 0 or more; the same seed gives the same pixels, with any number of workers.
        difficulty: 0..1, as in `draw_flower`.
        workers: Processes; None takes one a core, at most 8, and draws a small set in this process.
        on_progress: Called in this thread with (images done, images in all), the first never decreasing.

    Raises:
        ConfigError: An argument is out of range.
        DataError: `directory` holds something, or a picture could not be drawn or written.
    """
    job = dict(images_per_class=images_per_class, size=size, seed=seed, difficulty=difficulty)
    require_within(**job, workers=1 if workers is None else workers)
    directory = Path(directory)
    require_new(directory)
    total = images_per_class * len(CLASSES)
    shares = workers or (1 if total < SMALLEST_SHARED_JOB else min(os.cpu_count() or 1, 8))
    about = {"name": "synthetic flowers", "generator_version": GENERATOR_VERSION, "classes": list(CLASSES), **job}
    try:
        with folder_at_once(directory) as partial:
            for split, class_name in itertools.product(("train", "val"), CLASSES):
                (partial / split / class_name).mkdir(parents=True)
            drawing = _draw_in_workers(partial, job, shares) if shares > 1 else _draw_share(partial, job)
            # Closed at once when on_progress raises: no worker may draw into a folder that is being removed.
            with contextlib.closing(drawing):
                for done, _ in enumerate(drawing, start=1):
                    on_progress(done, total)
            (partial / "dataset.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{directory} cannot be written: {error}.", "Check the free space and the rights.") from error
    return directory
