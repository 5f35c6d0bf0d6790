"""The command line: `python -m alexcore ...`.

Results go to standard output, with --json as one JSON document in the last line; progress goes to standard error.
Bad input ends with exit code 2 and one sentence. torch is imported only by the commands that compute.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from alexcore import __version__
from alexcore.cli import answering, checking, comparing, data_sets, exporting, run_store, starting
from alexcore.cli.output import Command, say
from alexcore.cli.processes import quiet_unless_first
from alexcore.errors import AlexError, refused_by_system
from alexcore.names import in_terminal
from alexcore.process import TRAINING_THREADS
from alexcore.run_intensity import joined


class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read `--intensity window LOW HIGH` as one flag with one value."""
        return super().parse_known_args(joined(list(sys.argv[1:] if args is None else args)), namespace)

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong; argparse itself would first print the thirty flags of `train`."""
        self.exit(2, f"error: {in_terminal(message.rstrip('.'))}. See `{self.prog} --help`.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(
        "python -m alexcore",
        description="Learn image classification with AlexNet.",
        epilog="The dashboard is started in a clone of the repository: streamlit run app.py",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (data_sets, starting, checking, comparing, answering, run_store, exporting):
        module.register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for name, value in TRAINING_THREADS.items():
        os.environ.setdefault(name, value)  # read when a command imports torch
    parser = build_parser()
    with quiet_unless_first():
        parsed = parser.parse_args(arguments)
    try:
        command: Command = parsed.command
        code = command(parsed)
        sys.stdout.flush()  # here, so that a reader that has gone is met here
        return code
    except AlexError as error:
        with quiet_unless_first():
            say(f"error: {' '.join(str(error).split())}", aside=True)
        return 2
    except KeyboardInterrupt:
        say("error: Interrupted.", aside=True)
        return 130
    except BrokenPipeError:  # `| head` has read enough
        # What is still to be flushed when the interpreter ends goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13  # as a program that SIGPIPE has ended
    except OSError as error:
        refused = refused_by_system(error)
        if refused is None:
            raise
        say(f"error: {refused}", aside=True)
        return 2
