"""What a run and the BatchNorm experiment do alike around their steps: tell, obey, keep time, save and restore.

A session is one process's stretch of work, from a start or a resume to an end or a stop.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from alexcore import __version__
from alexcore.data.class_index import require_same_mapping
from alexcore.data.content_hashes import SEEN, remember_seen, seen_is_damaged
from alexcore.data.index import DataIndex
from alexcore.data.sources import reading_of
from alexcore.errors import CheckpointError, DamagedCheckpointError
from alexcore.files import previous_of, read_json, write_json
from alexcore.findings.finding import Finding, few
from alexcore.findings.run import DataChanged
from alexcore.findings.saved import CheckpointDamaged, FileEdited, SeenDamaged
from alexcore.integrity import CLASSES, CONFIG, changed_since, write_checked
from alexcore.training.checkpoint import RESUME_PARTS, load_checkpoint, renamed, save_checkpoint
from alexcore.training.device import describe_device
from alexcore.training.distributed import ALONE, Group
from alexcore.training.run_data import Reporter

# More points than this no chart shows, and a run of a million steps would fill the disk with lines.
LOGGED_STEPS = 2000
PAUSE_POLL_S = 0.2
BEST = "best.pt"

Clock = Callable[[], float]
Agree = Callable[[str], str]


class WorkClock:
    """Seconds that were worked: it stands still in a pause, and goes on at a resume from where it stood at the stop."""

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        self._clock, self._zero = clock, clock()
        self._still: float | None = None

    def __call__(self) -> float:
        """Seconds of work so far."""
        return (self._clock() if self._still is None else self._still) - self._zero

    def add(self, seconds: float) -> None:
        """Count what was worked before this process."""
        self._zero -= seconds

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Time that passes in here is not counted."""
        self._still = self._clock()
        try:
            yield
        finally:
            self._zero += self._clock() - self._still
            self._still = None


class Session:
    """Whom a stretch of work tells, what it obeys, its clock and its checkpoints; `save_s` is what the last one took.

    Only the first rank touches `run_dir`. Everything that measures a time asks `clock`, seconds of work.
    """

    def __init__(
        self, run_dir: Path, reporter: Reporter, clock: Clock = time.perf_counter, group: Group = ALONE
    ) -> None:
        self.run_dir, self.reporter, self.group = run_dir, reporter, group
        self.clock = WorkClock(clock)
        self.save_s, self._saved = 0.0, 0.0
        self._damaged: set[str] = set()

    def tell(self, finding: Finding) -> None:
        """Put a finding into the run's history: a warning, or a note; every one goes through here."""
        self.reporter.event(finding.event, **finding.as_event())

    def tell_outcome(self, finding: Finding) -> None:
        """Say by which rule the work is finished."""
        self.reporter.event("outcome", **finding.as_event())

    def obey(self, agree: Agree = lambda word: word) -> bool:
        """Wait out a pause; False if the work shall stop. `agree` makes of this process's request that of all ranks."""
        word = agree(self.reporter.request())
        if word == "pause":
            with self.clock.standing_still():
                self.reporter.paused(True)
                while agree(self.reporter.request()) == "pause":
                    time.sleep(PAUSE_POLL_S)
                self.reporter.paused(False)
            word = agree(self.reporter.request())
        return word != "stop"

    def announce(self, index: DataIndex, device: torch.device, start: dict[str, Any], resume: dict[str, Any]) -> None:
        """Write what belongs to the data, and begin the history: resume, start, and what is odd about the data.

        That is class_indices.json, env.json, and seen.npz: which pictures it trains on, however few steps it makes.

        `start` and `resume` are the fields of these events; the latter is empty if this is the beginning.
        """
        if not self.group.first:
            return
        if seen_is_damaged(self.run_dir):
            self.tell(SeenDamaged(SEEN))
        if CLASSES in changed_since(self.run_dir):
            self.tell(FileEdited(CLASSES, anew=True))
        write_checked(self.run_dir / CLASSES, index.class_indices)
        write_json(self.run_dir / "env.json", _environment(index, device))
        remember_seen(self.run_dir, index.select("train")["path"], index.hashes)
        if resume:
            self.reporter.event("resume", **resume)
        self.reporter.event("start", **start)
        for problem in index.problems:
            self.tell(problem)

    def save_is_due(self, every_minutes: float) -> bool:
        """Whether the last checkpoint is so many minutes of work old; 0 is never."""
        return bool(every_minutes) and self.clock() - self._saved >= 60 * every_minutes

    def want_save(self) -> None:
        """Have a checkpoint due at once, if there are any within the work."""
        self._saved = -float("inf")

    def save(self, name: str, state: dict[str, Any], index: DataIndex, epoch: int, step: int) -> None:
        """Write a checkpoint, with what says which data it belongs to.

        Raises:
            CheckpointError: the disk is full or cannot be written.
        """
        began = self.clock()
        about = {"class_to_idx": index.class_to_idx, "fingerprint": index.fingerprint()}
        about["rendering"] = index.rendering.as_dict()
        about["splits"] = {split: index.split_fingerprint(split) for split in ("train", "val")}
        path = self.run_dir / "checkpoints" / name
        # What is damaged takes no good one's place.
        former = None if name == BEST or name in self._damaged else previous_of(path)
        save_checkpoint(path, {**state, **about}, former)
        self._damaged.discard(name)
        self._saved = self.clock()
        self.save_s = self._saved - began
        self.reporter.event("checkpoint", name=name, epoch=epoch, step=step)

    def read(self, name: str, device: torch.device | str, required: Sequence[str] = RESUME_PARTS) -> dict[str, Any]:
        """Read the checkpoint `name` in the first rank, and share it; where it is damaged, the one before, and say so.

        `required` is what a checkpoint of this kind holds.

        Raises:
            CheckpointError: there is none that could be read.
        """
        # On the way to the other ranks it is in main memory, because their devices have other names.
        device = device if self.group.ranks == 1 else "cpu"
        return self.group.share(self._read(name, device, required) if self.group.first else {})

    def _read(self, name: str, device: torch.device | str, required: Sequence[str]) -> dict[str, Any]:
        path = self.run_dir / "checkpoints" / name
        refused: CheckpointError | None = None
        # Within its first epoch a run has no other checkpoint than that of the best, which holds as much until the end.
        for each in (path, previous_of(path), path.with_name(BEST)):
            if refused and not each.is_file():
                continue
            try:
                saved = load_checkpoint(each, device, required)
            except CheckpointError as error:
                if path.is_file() and not isinstance(error, DamagedCheckpointError) and refused is None:
                    raise
                refused = refused or error
                continue
            for finding in renamed(saved, each):
                self.tell(finding)
            if refused:
                self._damaged.add(name)
                step, missing = int(saved["position"]["step"]), not path.is_file()
                self.tell(CheckpointDamaged(name, each.name, step, refused.message, missing))
            return saved
        assert refused is not None
        raise refused

    def go_on(self, saved: dict[str, Any], index: DataIndex, what: str = "run") -> None:
        """Compare a checkpoint with the data set, and set the clock to what had been worked by then.

        `what` is what goes on, in a word.

        Raises:
            CheckpointError: it has other classes than the data set.
        """
        numbers = saved["class_to_idx"]
        require_same_mapping(sorted(numbers, key=lambda each: int(numbers[each])), index.classes)
        if what != "run" and saved["fingerprint"] != index.fingerprint():
            self.tell(DataChanged(experiment=True))
        if self.group.first and CONFIG in changed_since(self.run_dir):
            had, has = saved["config"], read_json(self.run_dir / CONFIG) or {}
            changes = [f"{key} = {has[key]!r}, not {had[key]!r}" for key in has if key in had and has[key] != had[key]]
            self.tell(FileEdited(CONFIG, few(changes), differs=bool(changes)))
        seconds = saved["position"]["seconds"]
        self.clock.add(seconds)
        self._saved += seconds


def _environment(index: DataIndex, device: torch.device) -> dict[str, Any]:
    """What env.json holds: versions, hardware, git commit and the fingerprint of the data set."""
    packages = ("torch", "torchvision", "numpy", "pillow", "pandas")
    return {
        "alexcore": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "device": describe_device(device),
        "threads": torch.get_num_threads(),
        "git_commit": _git_commit(),
        "data": str(index.origin),
        "data_fingerprint": index.fingerprint(),
        "rendering": index.rendering.as_dict(),
        "reading": reading_of(index).as_json(preview=False),
        "command": sys.argv,
    }


def _git_commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # no git on this machine, or a slow disk
        return None
    return done.stdout.strip() or None
