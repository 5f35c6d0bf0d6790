"""`python -m alexcore.runs.worker RUN_DIR`: the process that does a run's work, and alone writes its status.

What the work is, the kind of the run says. Of several processes that `torchrun` has started the first does so
(`execute`), and the others `follow` it.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

from alexcore.config import TrainConfig, load_config
from alexcore.errors import AlexError, ProcessLostError, RunError
from alexcore.files import remove_leftovers
from alexcore.runs import group as groups
from alexcore.runs.disk import slim_down
from alexcore.runs.failing import explain, let_go, log_failure
from alexcore.runs.kinds import kind_of
from alexcore.runs.launcher import the_only_worker
from alexcore.runs.reporter import OnProgress, RunReporter
from alexcore.runs.resumption import asked_to_resume, end_resume
from alexcore.runs.status import StatusWriter
from alexcore.system import keep_freed_memory, lower_priority
from alexcore.training.resuming import changed_config

# Low enough that the pages stay quick on two cores, not so low that other programs starve the run.
NICENESS = 5


def execute(run_dir: Path, on_progress: OnProgress | None = None) -> str:
    """Wait for the device, do the work of the run's kind in this process, and write how it ended: finished or stopped.

    `run_dir` is from `create_run`, or prepared for resuming; `on_progress` is told of progress beside status.json.

    Raises:
        AlexError: the run failed, as status.json says too; or another worker is at it, and nothing was touched.
    """
    if not run_dir.is_dir():  # the lock would make it
        raise RunError(f"There is no run {run_dir.name}.", "It may have been deleted.")
    with the_only_worker(run_dir):
        remove_leftovers(run_dir)
        status = StatusWriter(run_dir, **groups.agent())
        state, failure = "failed", None
        config: TrainConfig | None = None
        try:
            config = load_config(run_dir / "config.json")
            status.update(force=True, phase="loading-pytorch")
            state = _work(config, run_dir, status, on_progress)
        except AlexError as error:
            failure = error
        except Exception as error:  # noqa: BLE001
            # The boundary of the process: whatever happened must reach status.json, the traceback goes to the log.
            failure = explain(error, config)
        let_go(failure)
        if failure is not None and _starts_again(failure):
            status.close(status.state, phase="starting-again")
            raise failure
        if failure is not None and run_dir.is_dir():
            log_failure(failure, run_dir / "worker.log")
        if status.waits:  # a resume that has not begun: the run is what it was
            status.put_back()
            with contextlib.suppress(OSError):  # a deleted folder, a full disk
                end_resume(run_dir, failure)
        else:
            status.close(state, phase="", eta_s=None, error=failure.as_dict() if failure else None)
        if failure is not None:
            raise failure
        return state


def _starts_again(failure: AlexError) -> bool:
    """Whether torchrun is about to start all processes once more, because one of them has died."""
    return isinstance(failure, ProcessLostError) and groups.restarts_left()


def _work(config: TrainConfig, run_dir: Path, status: StatusWriter, on_progress: OnProgress | None) -> str:
    keep_freed_memory()
    reporter = RunReporter(run_dir, status, on_progress)
    kind = kind_of(run_dir)
    # What grows stands in the kind's own file, which its work reads.
    changes = {name: value for name, value in (asked_to_resume(run_dir) or {}).items() if name not in kind.grows}
    if changes:
        config = reporter.config = changed_config(config, changes)
    previous = {number: signal.signal(number, reporter.stop_on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    state = "stopped"
    try:
        # Only now: loading PyTorch takes seconds, in which a signal would have ended the process without a word.
        work = kind.work()
        state = work(config, run_dir, reporter)
        if state == "finished":
            for finding in slim_down(run_dir):
                reporter.event(finding.event, **finding.as_event())
        return state
    except BaseException as error:
        state = "restarting" if isinstance(error, AlexError) and _starts_again(error) else "failed"
        raise
    finally:
        if state != "restarting" and reporter.begun:
            # Of what has failed the reason is told, not that its end finds no room either.
            with contextlib.suppress(OSError) if state == "failed" else contextlib.nullcontext():
                reporter.event("end", state=state, seconds=reporter.seconds)
        reporter.close()
        for number, handler in previous.items():
            signal.signal(number, handler)


def main(arguments: list[str]) -> int:
    """Run one worker; the exit code is 2 if the run failed."""
    lower_priority(NICENESS)
    try:
        if groups.rank():
            from alexcore.runs.training_worker import follow

            follow()
        else:
            execute(Path(arguments[0]))
    except AlexError as error:
        # The first process speaks for all; torchrun's own log names the one that died.
        if not groups.rank():
            print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
