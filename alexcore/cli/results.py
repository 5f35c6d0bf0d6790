"""`evaluate` and `predict`: the commands that use what was trained."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from alexcore.cli.output import Arguments, Bar, add_command, print_json
from alexcore.errors import DataError


def evaluate(arguments: Arguments) -> int:
    """Measure a run on the validation split of its own or another data set."""
    from alexcore.analysis.evaluation import evaluate_run
    from alexcore.runs.store import find_run, require_checkpoint

    bar = Bar()
    try:
        checkpoint = require_checkpoint(find_run(arguments.run_dir))
        result, classes = evaluate_run(checkpoint, arguments.data, bar)
    finally:
        bar.close()
    recall = dict(zip(classes, result.recall, strict=True))
    if arguments.json:
        print_json(
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
        print_json({"run": str(run.path), "predictions": predictions})
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


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def register(commands: Any) -> None:
    """Add the commands of this module."""
    evaluating = add_command(commands, "evaluate", evaluate)
    evaluating.add_argument("run_dir")
    evaluating.add_argument("--data", default="", help="another data set with the same classes")
    predicting = add_command(commands, "predict", predict)
    predicting.add_argument("run_dir")
    predicting.add_argument("images", nargs="+", metavar="IMAGE")
    predicting.add_argument("--top-k", type=_at_least_one, default=5)
    predicting.add_argument("--csv", action="store_true", help="print a table, a line a class")
