"""`predict` and `runs`: the commands that look at what was trained."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from alexcore.cli.output import Arguments, add_command, print_json
from alexcore.cli.predicting import add_predict_flags, predict_pictures


def predict(arguments: Arguments) -> int:
    """Classify pictures, folders and zip files of them; what cannot be read has its error in place of an answer."""
    return predict_pictures(arguments)


def runs(arguments: Arguments) -> int:
    """List, show or delete runs."""
    from alexcore.runs.store import delete_run, find_run, list_runs, open_run, summary

    if arguments.action == "delete":
        delete_run(open_run(arguments.id))
        if arguments.json:
            print_json({"deleted": arguments.id})
        else:
            print(f"Deleted the run {arguments.id}.")
        return 0
    if arguments.action == "show":
        run = find_run(arguments.id)
        config = run.config.model_dump() if run.config else None
        shown = {**summary(run), "error": run.status.error or None, "problem": run.problem or None, "config": config}
        print(json.dumps(shown, indent=None if arguments.json else 1, ensure_ascii=False))
        return 0
    found = [summary(run) for run in list_runs()]
    if arguments.json:
        print_json({"runs": found})
    elif not found:
        print("There are no runs yet. Start one with `train --data PATH`.")
    for row in [] if arguments.json else found:
        accuracy = row["best_val_acc1"]
        shown_accuracy = "-" if accuracy is None else f"{accuracy:.3f}"
        print(f"{Path(row['run']).name}  {row['status']:9}  epochs {row['epochs']:>3}  best val acc1 {shown_accuracy}")
    return 0


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def register(commands: Any) -> None:
    """Add the commands of this module."""
    predicting = add_command(commands, "predict", predict)
    predicting.add_argument("run_dir")
    predicting.add_argument("images", nargs="+", metavar="IMAGE")
    predicting.add_argument("--top-k", type=_at_least_one, default=5)
    predicting.add_argument("--csv", action="store_true", help="print a table, a line a class")
    add_predict_flags(predicting)
    listing = add_command(commands, "runs", runs)
    listing.add_argument("action", nargs="?", choices=["list", "show", "delete"], default="list")
    listing.add_argument("id", nargs="?", help="for show and delete")
