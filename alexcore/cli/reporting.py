"""`compare-bn-report`: the whole BatchNorm experiment as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alexcore.cli.output import Arguments, add_command, print_json
from alexcore.words.numbers import size_text


def compare_bn_report(arguments: Arguments) -> int:
    """Write every chart, sentence and table of an experiment into one HTML file that needs no network."""
    from alexcore.export.experiment_report import write_report
    from alexcore.runs.kinds import BATCHNORM
    from alexcore.runs.store import find_run

    run = find_run(arguments.run_dir, BATCHNORM)
    write_report(run.path, arguments.to)
    written = arguments.to.stat().st_size
    if arguments.json:
        print_json({"run": str(run.path), "file": str(arguments.to), "bytes": written})
    else:
        print(f"{arguments.to}, {size_text(written)}")
    return 0


def register(commands: Any) -> None:
    """Add the command of this module."""
    command = add_command(commands, "compare-bn-report", compare_bn_report)
    command.add_argument("run_dir", help="the experiment: its folder, or its name in runs/")
    command.add_argument("--to", type=Path, required=True, metavar="FILE", help="the HTML file to write")
