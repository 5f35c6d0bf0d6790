"""The first steps of a run in a folder that is thrown away: how long a step takes, and whether it repeats.

It is `fit` itself that runs, with its loader, precision and optimizer, and is asked to stop after a few steps. So what
is measured is what a run does, and nothing here has to follow when the loop changes.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch

from alexcore.config import TrainConfig
from alexcore.home import cache_dir
from alexcore.system import peak_bytes
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.device import describe_device
from alexcore.training.distributed import ALONE, Group
from alexcore.training.loop import fit
from alexcore.training.run_data import Silent

WARM_UP, MEASURED = 1, 3
REPEATED = 5
Progress = Callable[[int, int], None]


class _Watch(Silent):
    """A reporter that asks the loop to stop after some steps and notes when each of them ended."""

    def __init__(self, steps: int, on_progress: Progress) -> None:
        super().__init__()
        self.steps, self.on_progress = steps, on_progress
        self.step_s: list[float] = []
        self.loader_bytes = 0
        self.plan: dict[str, Any] = {}
        self._step, self._since = 0, time.perf_counter()

    def event(self, kind: str, **fields: Any) -> None:
        if kind == "start":
            self.plan = fields

    def progress(self, phase: str, done: int, total: int, **fields: Any) -> None:
        now = time.perf_counter()
        if phase == "training" and fields.get("step", 0) > self._step:
            self._step = fields["step"]
            self.step_s.append(now - self._since)
            self.loader_bytes = max(self.loader_bytes, _children_bytes())
            self.on_progress(min(self._step, self.steps), self.steps)
            now = time.perf_counter()
        elif phase not in ("training", "validating"):
            self.on_progress(done, total)
        self._since = now

    def request(self) -> str:
        return "stop" if self._step >= self.steps else ""


def _children_bytes() -> int:
    """Memory of the loader's processes beyond what they share with this one."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            total += child.memory_full_info().uss
        except psutil.Error:  # it has just ended
            continue
    return total


def _rehearse(config: TrainConfig, folder: Path, steps: int, on_progress: Progress, group: Group) -> _Watch:
    """Run at least `steps` optimizer steps; the checkpoint `last.pt` of the end is left in `folder`."""
    # A small data set may have one step an epoch, and a run may be shorter than its rehearsal. Pictures that grow would
    # show the smallest step.
    length = {"epochs": max(config.epochs, steps), "max_steps": 0, "early_stopping": 0, "time_budget_s": 0.0}
    (folder / "checkpoints").mkdir(parents=True)
    watch = _Watch(steps, on_progress)
    fit(config.model_copy(update={**length, "start_size": 0}), folder, watch, group=group)
    return watch


def measure_steps(config: TrainConfig, on_progress: Progress | None = None, group: Group = ALONE) -> dict[str, Any]:
    """Take 3 real steps of a run after 1 to warm up, and measure time, memory and the size of a checkpoint.

    `on_progress` is called with (done, total): pictures while they are checked, then steps. Each rank of `group` calls
    this.

    Returns:
        `step_s` (mean), `steps_s` (each), `images_per_s`, `memory_bytes` (all processes at their peak, the loader's
        included), `gpu_bytes` (None without CUDA), `checkpoint_bytes`, `device`.

    Raises:
        AlexError: whatever would end the run as well.
    """
    device = group.device(config.device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with _folder() as name:
        watch = _rehearse(config, Path(name) / "run", WARM_UP + MEASURED, on_progress or _ignore, group)
        file = Path(name) / "run" / "checkpoints" / "last.pt"
        checkpoint = file.stat().st_size if group.first else 0
    measured = watch.step_s[WARM_UP : WARM_UP + MEASURED]
    step_s = sum(measured) / len(measured)
    images = min(config.effective_batch, int(watch.plan.get("train_images", 0)))
    (memory,) = group.sum(peak_bytes() + watch.loader_bytes)
    return {
        "step_s": step_s,
        "steps_s": measured,
        "images_per_s": images / step_s,
        "memory_bytes": int(memory),
        "gpu_bytes": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        "checkpoint_bytes": checkpoint,
        "device": describe_device(device),
    }


def repeat(config: TrainConfig, on_progress: Progress | None = None, group: Group = ALONE) -> dict[str, Any]:
    """Run the first steps of a run twice and compare the weights, bit by bit.

    Arguments as in `measure_steps`; the first rank's answer counts.

    Returns:
        `steps`, `hashes` (SHA-256 of the weights, one a run), `same`, `largest_difference` and `sentence`.

    Raises:
        AlexError: whatever would end the run as well.
    """
    report = on_progress or _ignore

    def rehearse(folder: Path, before: int) -> dict[str, torch.Tensor]:
        _rehearse(config, folder, REPEATED, lambda done, _total: report(before + done, 2 * REPEATED), group)
        if not group.first:
            return {"": torch.zeros(1)}
        state: dict[str, torch.Tensor] = load_checkpoint(folder / "checkpoints" / "last.pt")["model"]
        return state

    with _folder() as name:
        first, second = rehearse(Path(name) / "first", 0), rehearse(Path(name) / "second", REPEATED)
    hashes = [weights_hash(state) for state in (first, second)]
    largest = max(float((first[key].double() - second[key].double()).abs().max()) for key in first)
    same = hashes[0] == hashes[1]
    if same:
        said = f"ended with the same weights, bit by bit (SHA-256 {hashes[0][:12]} ...)."
    else:
        said = f"differ by up to {largest:.1e} in a weight."
        if not config.deterministic:
            said += " Switch on deterministic to allow only algorithms that give the same bits."
    return {
        "steps": REPEATED,
        "hashes": hashes,
        "same": same,
        "largest_difference": largest,
        "sentence": f"Two runs of {REPEATED} steps with seed {config.seed} {said}",
    }


def weights_hash(state: dict[str, torch.Tensor]) -> str:
    """SHA-256 over the names and bytes of a state dict."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _folder() -> tempfile.TemporaryDirectory[str]:
    cache_dir().mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="rehearsal-", dir=cache_dir())


def _ignore(_done: int, _total: int) -> None:
    pass
