"""The command line: `python -m alexcore ...`.

Results go to standard output, with --json as one JSON document in the last line; progress goes to standard error.
Bad input ends with exit code 2 and one sentence. torch is imported only by the commands that compute.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from alexcore import __version__
from alexcore.config import FIELDS, PRESETS, make_config
from alexcore.errors import AlexError, DataError
from alexcore.fields import FieldSpec
from alexcore.jobs import JobProgress

Arguments = argparse.Namespace
Command = Callable[[Arguments], int]


class _Bar:
    """A tqdm bar for a sequence of phases, each with its own total."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int, fields: dict[str, Any] | None = None) -> None:
        from tqdm import tqdm

        if phase != self._phase:
            self.close()
            self._phase = phase
            # In a log file a bar that moves ten times a second is only noise.
            every_s = 0.1 if sys.stderr.isatty() else 10.0
            self._bar = tqdm(desc=phase, file=sys.stderr, dynamic_ncols=True, leave=False, mininterval=every_s)
        self._bar.total = total or None
        if fields and fields.get("images_per_s"):
            self._bar.set_postfix_str(
                f"epoch {fields['epoch'] + 1}, step {fields['step']}/{fields['total_steps']}, "
                f"{fields['images_per_s']:.0f} images/s",
                refresh=False,
            )
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            self._phase = ""


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


def data_sample(arguments: Arguments) -> int:
    """Write the built-in synthetic flowers."""
    from alexcore.data.synthetic import write_flowers

    bar, job = _Bar(), JobProgress()

    def on_progress(done: int, total: int) -> None:
        bar("drawing flowers", done, total)
        job.on_progress(done, total)

    try:
        directory = write_flowers(
            arguments.dir, images_per_class=arguments.images_per_class, size=arguments.size, seed=arguments.seed,
            on_progress=on_progress,
        )  # fmt: skip
    except AlexError as error:
        job.finish(error)
        raise
    finally:
        bar.close()
    job.finish()
    if arguments.json:
        _print_json({"data": str(directory)})
    else:
        print(f"Wrote synthetic flowers to {directory}.")
    return 0


def data_info(arguments: Arguments) -> int:
    """Show classes, counts and problems of a data set, after decoding each picture once."""
    from alexcore.data.sources import open_checked

    bar, job = _Bar(), JobProgress()

    def on_progress(done: int, total: int) -> None:
        bar("checking pictures", done, total)
        job.on_progress(done, total)

    try:
        index = open_checked(arguments.path, arguments.val, on_progress)
    except AlexError as error:
        job.finish(error)
        raise
    finally:
        bar.close()
    job.finish()
    counts = index.counts()
    if arguments.json:
        _print_json(
            {
                "data": str(index.root), "layout": index.layout, "class_to_idx": index.class_to_idx,
                "counts": {split: counts[split].to_dict() for split in index.splits},
                "images": len(index.files), "fingerprint": index.fingerprint(),
                "problems": [{"severity": p.severity, "message": p.message, "hint": p.hint} for p in index.problems],
            }
        )  # fmt: skip
        return 0
    print(f"{index.root}: {len(index.files):,} pictures, {index.layout}")
    counts.insert(0, "index", range(len(counts)))
    print(counts.to_string())
    for problem in index.problems:
        print(f"{problem.severity}: {problem.message} {problem.hint}".rstrip())
    return 0


def devices(arguments: Arguments) -> int:
    """Show on which device runs will compute."""
    from alexcore.files import write_json
    from alexcore.home import cache_dir
    from alexcore.pair import require_torch

    job = JobProgress()
    try:
        require_torch()
    except AlexError as error:
        job.finish(error)
        raise
    import torch

    from alexcore.training.device import choose_device, choose_precision, describe_device

    device = choose_device()
    found = {
        "device": str(device), "description": describe_device(device), "torch": torch.__version__,
        "precision": str(choose_precision("auto", device)).removeprefix("torch."),
    }  # fmt: skip
    # The dashboard reads this note instead of loading torch itself.
    cache_dir().mkdir(parents=True, exist_ok=True)
    write_json(cache_dir() / "devices.json", found)
    job.finish()
    if arguments.json:
        _print_json(found)
    else:
        print(f"{found['description']}, {found['precision']}, torch {found['torch']}")
    return 0


def train(arguments: Arguments) -> int:
    """Train in the foreground; Ctrl-C saves and stops."""
    from alexcore.data.sources import open_source
    from alexcore.runs.store import create_run

    values = {name: value for name, value in vars(arguments).items() if name in FIELDS and value is not None}
    config = make_config(arguments.preset, **_absolute(values))
    if not config.data:
        raise DataError("No data set is given.", "Add --data PATH, or make one with `data sample DIR`.")
    open_source(config.data, config.val).require_trainable()  # a wrong path shall not leave a failed run behind
    return _execute(create_run(config, arguments.run), arguments.json)


def _absolute(values: dict[str, Any]) -> dict[str, Any]:
    """Make paths absolute: config.json must mean the same from any folder."""
    return {
        name: str(Path(value).expanduser().resolve()) if name in ("data", "val") and value else value
        for name, value in values.items()
    }


def resume(arguments: Arguments) -> int:
    """Continue a run in the foreground."""
    from alexcore.runs.launcher import prepare_resume
    from alexcore.runs.store import find_run

    run = find_run(arguments.run_dir)
    prepare_resume(run, arguments.epochs)
    return _execute(run.path, arguments.json)


def _execute(run_dir: Path, as_json: bool) -> int:
    from alexcore.runs.store import read_run, summary
    from alexcore.runs.worker import execute

    bar = _Bar()
    print(f"Run {run_dir}", file=sys.stderr)
    try:
        execute(run_dir, bar)
    finally:
        bar.close()
    result = summary(read_run(run_dir))
    if as_json:
        _print_json(result)
    else:
        accuracy = result["best_val_acc1"]
        measured = f"best validation accuracy {accuracy:.3f}" if accuracy is not None else "not validated"
        print(f"{result['status']}: {result['epochs']} epochs, {result['steps']} steps, {measured}")
        print(f"Classify a picture with: python -m alexcore predict {run_dir} PICTURE")
    return 0


def evaluate(arguments: Arguments) -> int:
    """Measure a run on the validation split of its own or another data set."""
    from alexcore.analysis.evaluation import evaluate_run
    from alexcore.runs.store import find_run, require_checkpoint

    bar = _Bar()
    try:
        checkpoint = require_checkpoint(find_run(arguments.run_dir))
        result, classes = evaluate_run(checkpoint, arguments.data, bar)
    finally:
        bar.close()
    recall = dict(zip(classes, result.recall, strict=True))
    if arguments.json:
        _print_json(
            {
                "run": arguments.run_dir, "images": result.images, "loss": result.loss, "acc1": result.acc1,
                "recall": recall, "confusion": result.confusion,
            }
        )  # fmt: skip
        return 0
    print(f"validation accuracy {result.acc1:.4f}, loss {result.loss:.4f} over {result.images:,} pictures")
    for name, value in recall.items():
        print(f"  {name}: recall {'no pictures' if value is None else format(value, '.3f')}")
    return 0


def predict(arguments: Arguments) -> int:
    """Classify pictures with a run; a picture that cannot be read has its error in place of an answer."""
    from alexcore.analysis.prediction import Classifier
    from alexcore.data.images import read_picture
    from alexcore.runs.store import find_run, require_checkpoint

    run = find_run(arguments.run_dir)
    classifier = Classifier(require_checkpoint(run))
    predictions: list[dict[str, Any]] = []
    for file in arguments.images:
        try:
            (answers,) = classifier.classify([read_picture(Path(file)).image], arguments.top_k)
            top = [{"class": a.name, "index": a.index, "probability": a.probability} for a in answers]
            predictions.append({"file": file, "top": top})
        except DataError as error:
            predictions.append({"file": file, "error": str(error)})
    failed = all("error" in each for each in predictions)
    if arguments.json:
        _print_json({"run": str(run.path), "predictions": predictions})
    elif arguments.csv:
        _print_csv(predictions)
    else:
        for each in predictions:
            answers_text = ", ".join(f"{top['class']} {top['probability']:.1%}" for top in each.get("top", ()))
            print(f"{each['file']}: {answers_text or each['error']}")
    return 2 if failed else 0


def _print_csv(predictions: list[dict[str, Any]]) -> None:
    import csv

    writer = csv.writer(sys.stdout)
    writer.writerow(["file", "rank", "class", "index", "probability", "error"])
    for each in predictions:
        if "error" in each:
            writer.writerow([each["file"], "", "", "", "", each["error"]])
        for rank, top in enumerate(each.get("top", ()), start=1):
            writer.writerow([each["file"], rank, top["class"], top["index"], f"{top['probability']:.6f}", ""])


def runs(arguments: Arguments) -> int:
    """List, show or delete runs."""
    from alexcore.runs.store import delete_run, find_run, list_runs, open_run, summary

    if arguments.action == "delete":
        delete_run(open_run(arguments.id))
        if arguments.json:
            _print_json({"deleted": arguments.id})
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
        _print_json({"runs": found})
    elif not found:
        print("There are no runs yet. Start one with `train --data PATH`.")
    for row in [] if arguments.json else found:
        accuracy = row["best_val_acc1"]
        shown_accuracy = "-" if accuracy is None else f"{accuracy:.3f}"
        print(f"{Path(row['run']).name}  {row['status']:9}  epochs {row['epochs']:>3}  best val acc1 {shown_accuracy}")
    return 0


def _number(kind: type) -> Callable[[str], Any]:
    """A converter whose failure argparse reports with the text that was typed."""

    def convert(text: str) -> Any:
        return kind(text)

    convert.__name__ = "whole number" if kind is int else "number"
    return convert


def _add_field(parser: argparse.ArgumentParser, spec: FieldSpec) -> None:
    flag = "--" + spec.name.replace("_", "-")
    text = f"{spec.text} ({spec.legal}; default {spec.default!r})".replace("%", "%%")
    if spec.kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        return
    # Ranges and choices are checked by TrainConfig, so that every way in gives the same sentence.
    kind = spec.kind if spec.kind is str else _number(spec.kind)
    parser.add_argument(flag, type=kind, default=None, help=text, metavar=spec.name.upper())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong; argparse itself would first print the thirty flags of `train`."""
        self.exit(2, f"error: {message.rstrip('.')}. See `{self.prog} --help`.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser("python -m alexcore", description="Learn image classification with AlexNet.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(group: Any, name: str, run: Command) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = group.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.add_argument("--json", action="store_true", help="print one JSON document as the last line")
        command.set_defaults(command=run)
        return command

    data = commands.add_parser("data", help="Make and inspect data sets.").add_subparsers(required=True, metavar="WHAT")
    sample = add(data, "sample", data_sample)
    sample.add_argument("dir", type=Path, help="a folder that does not exist yet")
    sample.add_argument("--images-per-class", type=int, default=150)
    sample.add_argument("--size", type=int, default=256, help="side of a picture, in pixels")
    sample.add_argument("--seed", type=int, default=0)
    info = add(data, "info", data_info)
    info.add_argument("path")
    info.add_argument("--val", default="", help="a separate validation folder")

    add(commands, "devices", devices)
    training = add(commands, "train", train)
    training.add_argument("--preset", default="default", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    training.add_argument("--run", type=Path, help="the run's folder (default: a new one in runs/)")
    for spec in FIELDS.values():
        _add_field(training, spec)
    resuming = add(commands, "resume", resume)
    resuming.add_argument("run_dir")
    resuming.add_argument("--epochs", type=int, help="a larger number of epochs")
    evaluating = add(commands, "evaluate", evaluate)
    evaluating.add_argument("run_dir")
    evaluating.add_argument("--data", default="", help="another data set with the same classes")
    predicting = add(commands, "predict", predict)
    predicting.add_argument("run_dir")
    predicting.add_argument("images", nargs="+", metavar="IMAGE")
    predicting.add_argument("--top-k", type=_at_least_one, default=5)
    predicting.add_argument("--csv", action="store_true", help="print a table, a line a class")
    listing = add(commands, "runs", runs)
    listing.add_argument("action", nargs="?", choices=["list", "show", "delete"], default="list")
    listing.add_argument("id", nargs="?", help="for show and delete")
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    if getattr(parsed, "action", "list") in ("show", "delete") and not parsed.id:
        parser.error(f"`runs {parsed.action}` needs the ID of a run; `runs list` shows them.")
    try:
        command: Command = parsed.command
        return command(parsed)
    except AlexError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: Interrupted.", file=sys.stderr)
        return 130
