"""The answers to a batch of pictures as JSON and as a table: one form for the command line and the dashboard."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

import pandas as pd

from alexcore.analysis.batch_prediction import AskedNetwork, Reply
from alexcore.analysis.prediction import best_of
from alexcore.doubt.confidence import entropy_bits
from alexcore.doubt.kept import Verdict, verdict_of
from alexcore.names import in_cell


def as_json(networks: Sequence[AskedNetwork], replies: Sequence[Reply], top_k: int) -> dict[str, Any]:
    """The answers as one document.

    Returns:
        `{"run", "trained_epochs", "predictions": [{"file", "top": [{"class", "index", "probability"}, ...], "novelty":
        {"verdict", "score", "unsure"}} or {"file", "error"}, ...]}` for the first network; of several, `runs` holds
        that for each.
    """
    runs = [
        {
            "run": network.name,
            "trained_epochs": network.classifier.trained.epochs,
            "predictions": [_one(network, number, reply, top_k) for reply in replies],
        }
        for number, network in enumerate(networks)
    ]
    return runs[0] if len(runs) == 1 else {**runs[0], "runs": runs}


def said_of(network: AskedNetwork, number: int, reply: Reply) -> Verdict:
    """What is said of a picture's answer beside it; `number` is the network's place."""
    return verdict_of(network.doubt, float(reply.probabilities[number].max()), reply.novelty[number])


def _one(network: AskedNetwork, number: int, reply: Reply, top_k: int) -> dict[str, Any]:
    if reply.error:
        return {"file": reply.name, "error": f"{reply.error} {reply.hint}".strip()}
    top = best_of(reply.probabilities[number], network.classifier.classes, top_k)
    said = said_of(network, number, reply)
    return {
        "file": reply.name,
        "top": [{"class": each.name, "index": each.index, "probability": each.probability} for each in top],
        "novelty": {"verdict": said.novelty, "score": said.score, "unsure": said.unsure},
    }


def csv_text(networks: Sequence[AskedNetwork], replies: Sequence[Reply], top_k: int) -> str:
    """The answers as CSV, a line a class.

    Its columns are file, rank, class, index, probability, error, novelty, novelty_score (above 0 is flagged; empty
    where it was not measured), unsure and, for several, run.
    """
    several = len(networks) > 1
    head = ["file", "rank", "class", "index", "probability", "error", "novelty", "novelty_score", "unsure"]
    rows: list[list[Any]] = [[*head, *(["run"] if several else [])]]
    for number, network in enumerate(networks):
        run = [network.name] if several else []
        for reply in replies:
            one = _one(network, number, reply, top_k)
            if "error" in one:
                rows.append([one["file"], "", "", "", "", one["error"], "", "", "", *run])
            for rank, top in enumerate(one.get("top", ()), start=1):
                cells = [one["file"], rank, top["class"], top["index"], f"{top['probability']:.6f}", ""]
                said = one["novelty"]
                score = "" if said["score"] is None else f"{said['score']:.4f}"
                rows.append([*cells, said["verdict"], score, "true" if said["unsure"] else "false", *run])
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(in_cell, row) for row in rows)
    return text.getvalue()


def as_table(networks: Sequence[AskedNetwork], replies: Sequence[Reply]) -> pd.DataFrame:
    """A row a picture, to be sorted: what each network takes it for and how surely; columns are named for people.

    With several networks the columns of each end in its number, "answer 1", and `agree` says whether all answer alike.
    """
    rows = []
    for reply in replies:
        row: dict[str, Any] = {"picture": reply.name}
        for number, network in enumerate(networks):
            of = f" {number + 1}" if len(networks) > 1 else ""
            if reply.error:
                row |= {f"answer{of}": None, f"probability{of}": None, f"entropy (bits){of}": None}
                row |= {f"novelty{of}": None, f"novelty score{of}": None, f"unsure{of}": None}
                continue
            probabilities = reply.probabilities[number]
            best = best_of(probabilities, network.classifier.classes, 1)[0]
            row[f"answer{of}"] = best.name
            row[f"probability{of}"] = best.probability
            row[f"entropy (bits){of}"] = entropy_bits(probabilities)
            said = said_of(network, number, reply)
            row |= {f"novelty{of}": said.novelty, f"novelty score{of}": said.score}
            row[f"unsure{of}"] = said.unsure if network.doubt else None
        if len(networks) > 1:
            names = {row[f"answer {number + 1}"] for number in range(len(networks))}
            row["agree"] = None if reply.error else len(names) == 1
        if any(each.label is not None for each in replies):
            row["truth"] = None if reply.label is None else networks[0].classifier.classes[reply.label]
        row["changed on the way"] = "not readable" if reply.error else ", ".join(reply.notes)
        row["size (px)"] = "" if reply.error else f"{reply.size[0]} × {reply.size[1]}"
        rows.append(row)
    return pd.DataFrame(rows)
