"""What the worker of a training run does; of several processes that `torchrun` has started the others `follow` it."""

from __future__ import annotations

import contextlib
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alexcore.config import TrainConfig, make_config
from alexcore.errors import AlexError
from alexcore.integrity import write_checked
from alexcore.runs import group as groups
from alexcore.runs.failing import explain
from alexcore.runs.kinds import TRAINING
from alexcore.runs.queue import turn
from alexcore.runs.reporter import RunReporter
from alexcore.system import keep_freed_memory
from alexcore.training.resuming import changed_config

if TYPE_CHECKING:
    from alexcore.training.distributed import Group


def train(config: TrainConfig, run_dir: Path, reporter: RunReporter) -> str:
    """Train one network, alone or as the first of several processes; returns "finished" or "stopped".

    Raises:
        AlexError: the run failed, here or in another process.
    """
    from alexcore.training.distributed import StoppedBeforeStartError, joined
    from alexcore.training.loop import fit

    if groups.in_group():
        reporter.progress("waiting-for-processes", 0, 0)
    with (
        contextlib.suppress(StoppedBeforeStartError),
        joined(lambda: reporter.request() != "stop") as group,
        _failing_together(group, config),
    ):
        resume = TRAINING.resumable(run_dir)
        if group.ranks != config.processes:
            config = reporter.config = changed_config(config, {"processes": group.ranks})
            if reporter.begun:
                write_checked(run_dir / "config.json", config.model_dump())
        if groups.in_group() and not resume and reporter.has_history:
            reporter.event("resume", epoch=0, step=0)  # started again before its first checkpoint
        group.share((config.model_dump(), resume))

        def wait(ahead: list[str]) -> bool:
            group.share("wait")  # the others would take a long silence for a lost process
            return reporter.wait(ahead)

        with contextlib.ExitStack() as turns:
            if all(turns.enter_context(turn(name, run_dir.name, wait)) for name in _devices(config, group)):
                group.share("go")
                reporter.paused(False)
                state = fit(config, run_dir, reporter, resume=resume, group=group)
                if state == "finished" and group.first:
                    TRAINING.finish(config, run_dir, reporter)
                return state
            group.share("stop")
    return "stopped"


def _devices(config: TrainConfig, group: Group) -> list[str]:
    """The devices whose turn has to come, in an order that is the same for all runs, so that none waits for ever."""
    device = group.device(config.device)
    if group.ranks > 1 and device.type == "cuda":
        return [f"cuda:{number}" for number in range(group.local_ranks)]
    return [str(device)]


def follow() -> None:
    """Train in a process that is not the first of its run: it writes nothing, and does what the first one says.

    Raises:
        AlexError: the run failed, here or in another process.
    """
    from alexcore.training.distributed import StoppedBeforeStartError, joined
    from alexcore.training.loop import fit
    from alexcore.training.run_data import Silent

    keep_freed_memory()
    reporter = Silent()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, reporter.stop_on_signal)
    with contextlib.suppress(StoppedBeforeStartError), joined(lambda: reporter.request() != "stop") as group:
        values: dict[str, Any] = {}
        with _failing_together(group, None):
            values, resume = group.share((values, False))
        config = make_config(**values)
        with _failing_together(group, config):
            while (word := group.share("")) == "wait":
                pass
            if word == "go":
                fit(config, Path(), reporter, resume=resume, group=group)


@contextlib.contextmanager
def _failing_together(group: Group, config: TrainConfig | None) -> Iterator[None]:
    """Let every process of a run end with the sentence of the one that failed first."""
    try:
        yield
    except Exception as error:
        known = group.told_by_another(error)
        if known is not None:
            raise known from error
        told = error if isinstance(error, AlexError) else explain(error, config)
        group.say_failed(told)
        if not group.first:
            traceback.print_exception(error)  # the first one tells only the sentence
        if told is error:
            raise
        raise told from error
