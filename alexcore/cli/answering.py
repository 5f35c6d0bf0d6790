"""`evaluate`, `predict` and `reference`: how good a network is, what it answers, and what that is held against."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alexcore.cli.flags import add_choice_flags, chosen
from alexcore.cli.output import RUN_HELP, Arguments, Bar, add_command, answer, print_json, reported, say
from alexcore.errors import DataError

if TYPE_CHECKING:
    from alexcore.analysis.batch_prediction import AskedNetwork


def evaluate(arguments: Arguments) -> int:
    """Measure a run on its validation split, or on all that --data hands over, class by class, picture by picture."""
    from alexcore.analysis.evaluation_store import evaluation_name, remember_evaluation
    from alexcore.analysis.run_evaluation import answer_pictures, report_of
    from alexcore.data.reading import AS_IT_LIES
    from alexcore.data.sources import choice_of
    from alexcore.runs.store import find_run, require_checkpoint

    with closing(Bar()) as bar, reported("evaluating") as evaluated:

        def on_progress(phase: str, done: int, total: int) -> None:
            if phase == "evaluating":
                bar.close()
                evaluated(done, total)
            else:  # the pictures are checked first, which would fill the job's bar twice
                bar(phase, done, total)

        run = find_run(arguments.run_dir)
        checkpoint = require_checkpoint(run)
        data, val, choice = arguments.data, "", chosen(arguments)
        if not data and replace(choice, root="") != AS_IT_LIES:
            raise DataError(
                f"{choice.flags} says how another data set is read; the run's own is read as it was trained on.",
                "Add --data PATH.",
            )
        if not data and run.config:
            own = choice_of(run.config)
            data, val, choice = run.config.data, run.config.val, replace(own, root=choice.root or own.root)
        seen = {"include_seen": arguments.include_seen}
        name = evaluation_name(checkpoint, data, val, arguments.split, choice, **seen) if data else ""
        answers = answer_pictures(checkpoint, data, val, arguments.split, on_progress, choice, **seen)
        report = report_of(answers)
        if name:
            # Before the job says that it has finished: a page looks for the result as soon as it does.
            remember_evaluation(name, report, answers.table)
    return answer(arguments.json, {"run": arguments.run_dir, **report}, *_in_lines(report))


def _in_lines(report: dict[str, Any]) -> list[str]:
    """What a person reads of an evaluation."""
    from alexcore.analysis.evaluation_store import about_seen
    from alexcore.words.findings import told

    split = {"val": "validation ", "train": "training ", "all": ""}.get(report["split"], f"{report['split']} ")
    if report["acc1"] is None:
        lines = [f"{report['images']:,} pictures are answered; no accuracy is known."]
    else:
        lines = [
            f"{split}accuracy {report['acc1']:.4f}, loss {report['loss']:.4f} over {report['labelled']:,} pictures "
            f"(95 % interval {report['acc1_low'] or 0:.4f} to {report['acc1_high'] or 0:.4f})",
            f"balanced accuracy {_number(report['balanced_acc1'])}, macro F1 {_number(report['macro_f1'])}, "
            f"calibration error {_number(report['ece'])}",
        ]
    lines.append(f"This is the network {report['trained']}.")
    lines += [" ".join(told(each)).strip() for each in report["said"]]
    lines += [about] if (about := about_seen(report)) else []
    if report["acc1"] is None:
        return [*lines, *(f"  {name}: {count:,} answers" for name, count in report["answers"].items())]
    for row in report["per_class"]:
        recall = _share(row, "recall", row["images"], "no pictures")
        precision = _share(row, "precision", row["answers"], "-")
        lines.append(f"  {row['class']}: recall {recall}, precision {precision}, F1 {_number(row['f1'])}")
    return lines


def _share(row: dict[str, Any], name: str, count: int, missing: str) -> str:
    """A share with its interval and what it is a share of."""
    if row[name] is None:
        return missing
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f}, n = {count:,})"


def _number(value: float | None, missing: str = "-") -> str:
    return missing if value is None else f"{value:.3f}"


def predict(arguments: Arguments) -> int:
    """Classify pictures, folders and zip files of them; what cannot be read has its error in place of an answer."""
    from alexcore.analysis.answers import as_json, csv_text, said_of
    from alexcore.analysis.batch_prediction import BatchPrediction, asked_network
    from alexcore.analysis.prediction import best_of
    from alexcore.data.archives.incoming import named_pictures
    from alexcore.doubt.kept import UNLIKE
    from alexcore.runs.store import find_run, require_checkpoint

    runs = [find_run(each) for each in (arguments.run_dir, *arguments.also)]
    networks = [asked_network(str(run.path), run.path, require_checkpoint(run)) for run in runs]
    for note in (note for network in networks for note in network.classifier.notes):
        say(note.sentence, aside=True)
    found = named_pictures(arguments.images)
    batch = BatchPrediction(networks, found.pictures, tta=arguments.tta)
    with closing(Bar("pictures")) as bar:
        while not batch.advance(0.2):
            bar("predicting", batch.done, batch.total)
    replies, top_k, flagged = batch.replies, arguments.top_k, [0] * len(networks)
    if arguments.json:
        print_json(as_json(networks, replies, top_k))
    elif arguments.csv:
        say(*csv_text(networks, replies, top_k).splitlines())
    else:
        for each in replies:
            if each.error:
                say(f"{each.name}: {each.error} {each.hint}".rstrip())
            for number, (network, probabilities) in enumerate(zip(networks, each.probabilities, strict=False)):
                top = best_of(probabilities, network.classifier.classes, top_k)
                of = f"{network.name}: " if len(networks) > 1 else ""
                answers = ", ".join(f"{one.name} {one.probability:.1%}" for one in top)
                said = said_of(network, number, each)
                say(f"{each.name}: {of}{answers} [{said.novelty}{', unsure' if said.unsure else ''}]")
                flagged[number] += said.novelty == UNLIKE
        say(*found.passed_over)
    for number, network in enumerate(() if arguments.json else networks):
        of = f"of {network.name} " if len(networks) > 1 else ""
        # Beside the answers, which are a line each.
        say(f"This is the network {of}{network.classifier.trained.in_words}.", aside=True)
        for sentence in _about_doubt(network, flagged[number]):
            say(sentence, aside=True)
    return 2 if all(each.error for each in replies) else 0


def _about_doubt(network: AskedNetwork, flagged: int) -> list[str]:
    """What the words in brackets behind a prediction mean, where somebody has to do something about it."""
    if network.doubt is None:
        again = f"`python -m alexcore reference {network.name}`"
        return [f"not measured: nothing says which images are unlike its training images. Run {again} once."]
    if network.doubt.novelty is None:
        return [network.doubt.false_alarms]
    meaning = "unlike: of another kind than its training images; do not trust what it predicts."
    return [meaning, network.doubt.false_alarms] if flagged else []


def reference(arguments: Arguments) -> int:
    """Measure when to doubt a run's predictions, once, and index the training images to find the nearest of."""
    from alexcore.analysis.doubt_measuring import measure_run
    from alexcore.analysis.reference import build_reference
    from alexcore.analysis.reference_files import read_reference
    from alexcore.runs.store import find_run, require_checkpoint

    run = find_run(arguments.run_dir)
    with reported("reference", "images") as on_progress:
        doubt = measure_run(run, on_progress)
        folder = build_reference(require_checkpoint(run), on_progress)
    found = read_reference(folder)
    assert found is not None
    lines = [
        f"{doubt.images:,} validation images, {doubt.right:,} predicted right; "
        f"{found.indexed:,} training images indexed.",
        doubt.threshold.in_words if doubt.threshold else "No threshold parts right from wrong predictions.",
        doubt.false_alarms,
    ]
    told = {"run": arguments.run_dir, "folder": str(folder), "indexed": found.indexed, **doubt.about()}
    return answer(arguments.json, told, *lines)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def register(commands: Any) -> None:
    """Add the commands of this module."""
    evaluating = add_command(commands, "evaluate", evaluate)
    evaluating.add_argument("run_dir", help=RUN_HELP)
    evaluating.add_argument("--data", default="", help="another data set with the same classes")
    add_choice_flags(evaluating)
    evaluating.add_argument(
        "--split",
        choices=["train", "val", "test", "all"],
        default="",
        help="which part of it (default: val; of other data test where there is no val, all where nothing is split)",
    )
    evaluating.add_argument(
        "--include-seen", action="store_true", help="let images count that the run was trained on, too"
    )
    predicting = add_command(commands, "predict", predict)
    predicting.add_argument("run_dir", help=RUN_HELP)
    predicting.add_argument("images", nargs="+", metavar="IMAGE")
    predicting.add_argument("--top-k", type=_at_least_one, default=5)
    predicting.add_argument("--csv", action="store_true", help="print a table, a line a class")
    predicting.add_argument("--also", action="append", default=[], metavar="RUN_DIR", help="another run to ask, too")
    predicting.add_argument("--tta", action="store_true", help="average over a picture, its mirror image, and both cut")
    add_command(commands, "reference", reference).add_argument("run_dir", help=RUN_HELP)
