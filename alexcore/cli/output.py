"""What commands share: how they are added, how they show progress, how they print."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alexcore.errors import AlexError
from alexcore.jobs import JobProgress
from alexcore.names import in_json, in_terminal
from alexcore.runs.events import finite
from alexcore.words.phases import phase_in_words

Arguments = argparse.Namespace
# Of an argument that names a run.
RUN_HELP = "the run: its folder, its id in runs/, or its name"
Command = Callable[[Arguments], int]


class Bar:
    """A tqdm bar for a sequence of phases, each with its own total."""

    def __init__(self, unit: str = "it") -> None:
        self._bar: Any = None
        self._unit = unit
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int, fields: dict[str, Any] | None = None) -> None:
        """Show how far a phase is; `fields` may hold what a run's status holds."""
        from tqdm import tqdm

        if phase != self._phase:
            self.close()
            self._phase = phase
            # In a log file a bar that moves ten times a second is only noise.
            every_s = 0.1 if sys.stderr.isatty() else 10.0
            self._bar = tqdm(
                desc=in_terminal(phase_in_words(phase, (fields or {}).get("phase_values"))),
                file=sys.stderr,
                dynamic_ncols=True,
                leave=False,
                mininterval=every_s,
                unit=self._unit,
                unit_scale=self._unit == "B",
            )
        self._bar.total = total or None
        if fields and fields.get("images_per_s"):
            self._bar.set_postfix_str(
                f"epoch {fields['epoch'] + 1}, step {fields['step']}/{fields['total_steps']}, "
                f"{fields['images_per_s']:.0f} images/s",
                refresh=False,
            )
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            self._phase = ""


def say(*lines: str, aside: bool = False) -> None:
    """Print lines for a person; `aside` is what is not the answer itself, and goes to standard error."""
    for line in lines:
        print(in_terminal(line), file=sys.stderr if aside else sys.stdout)


def print_json(value: Any) -> None:
    """Print one JSON document as one line; numbers that are not finite become null, because JSON has none."""
    print(in_json(json.dumps(finite(value), ensure_ascii=False, allow_nan=False)))


def answer(as_json: bool, document: Any, *lines: str) -> int:
    """Print what a command has come to, as one JSON document or as lines for a person; returns the exit code, 0."""
    if as_json:
        print_json(document)
    else:
        say(*lines)
    return 0


def add_command(group: Any, name: str, run: Command) -> argparse.ArgumentParser:
    """Add a command that every command's --json goes with; its help is the docstring of `run`."""
    command: argparse.ArgumentParser = group.add_parser(name, help=run.__doc__, description=run.__doc__)
    command.add_argument("--json", action="store_true", help="print one JSON document as the last line")
    command.set_defaults(command=run)
    return command


def add_upload_flags(command: argparse.ArgumentParser) -> None:
    """Give a command that reads one file the flags with which a page has it read an upload."""
    command.add_argument("--remove", action="store_true", help="delete the file afterwards")
    command.add_argument(
        "--uploaded-as", default="", metavar="NAME", help="call it NAME, and hold it to the limits of an upload"
    )


@contextmanager
def reported(phase: str, unit: str = "it", notes: Sequence[str] = ()) -> Iterator[Callable[[int, int], None]]:
    """Show progress as a bar and, in a background job, in the job's file; say there how it ended.

    `notes` may be a list that the block appends sentences to, for whoever watches the job.
    """
    bar, job = Bar(unit), JobProgress()

    def on_progress(done: int, total: int) -> None:
        bar(phase, done, total)
        job.on_progress(done, total)

    try:
        yield on_progress
    except AlexError as error:
        job.finish(error)
        raise
    finally:
        bar.close()
    job.finish(notes=notes)
