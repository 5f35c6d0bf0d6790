"""The same pictures, classified by each of the compared runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from alexcore.data.content_hashes import content_hash, seen_by
from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.thumbnails import thumbnail
from alexcore.data.index import DataIndex
from alexcore.data.inspection.verify import known_hashes
from alexcore.data.shards import picture_source
from alexcore.errors import AlexError, CheckpointError, DataError
from alexcore.runs.comparison import unseen
from alexcore.runs.store import Run, require_checkpoint
from alexcore.words.language import _
from ui.parts.datasets import run_dataset
from ui.parts.lazy_torch import load_torch
from ui.parts.table_csv import same_as_table
from ui.parts.text import plain

COUNT = 6
_DRAWN = "runs_drawn"
Answers = list[tuple[str, float]]


def same_pictures(runs: Sequence[Run], labels: Sequence[str]) -> None:
    """Draw a few validation pictures of the first run's data set, and what each run takes them for.

    Raises:
        DataError: that data set cannot be opened.
    """
    first = next((run for run in runs if run.config and run.config.data), None)
    if first is None or first.config is None:
        st.caption(_("None of these runs says which data set it was trained on."))
        return
    subject = tuple(run.id for run in runs)
    of, number = st.session_state.get(_DRAWN, ((), 0))
    drawn = number if of == subject else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Classify the same pictures"),
            key="runs_pictures",
            icon=":material/image_search:",
            on_click=_draw,
            args=(subject, 0),
            disabled=drawn is not None,
        )
        st.button(
            _("Other pictures"),
            key="runs_other_pictures",
            on_click=_draw,
            args=(subject, (drawn or 0) + 1),
            disabled=drawn is None,
        )
        st.caption(_("Loads PyTorch and each network once, which takes some seconds."), width="content")
    if drawn is None:
        return
    index = run_dataset(first.config)
    val = index.select("val")
    # What one of them has learned by heart would tell nothing of the others.
    seen = {label: seen_by(run.path) for run, label in zip(runs, labels, strict=True)}
    hashes = _hashes(str(index.origin), index.files_identity, index) if any(seen.values()) else {}
    left, told = unseen([str(path) for path in val["path"]], hashes, seen)
    for sentence in told:
        st.caption(plain(sentence))
    rows = drawn_rows(index, val[val["path"].isin(left)], drawn)
    if not rows:
        st.caption(_("The data set of the first run has no validation picture that none of them was trained on."))
        return
    columns: dict[str, Answers] = {}
    for run, label in zip(runs, labels, strict=True):
        try:
            checkpoint = require_checkpoint(run)
            load_torch()
            key = (str(checkpoint), checkpoint.stat().st_mtime_ns, str(index.origin), tuple(path for path, _ in rows))
            columns[label] = _answers(*key, index)
        except (CheckpointError, DataError) as error:
            st.warning(plain(f"{label}: {error}"))
    _grid(index, rows, columns)


def _draw(subject: tuple[str, ...], number: int) -> None:
    st.session_state[_DRAWN] = (subject, number)


@st.cache_data(max_entries=8, show_spinner="Reading the pictures ...")
def _hashes(data: str, files_identity: str, _index: DataIndex) -> dict[str, bytes]:  # noqa: ARG001 - they make the key
    """What the validation pictures are by their content; a check of the data set knows it, unless it was elsewhere."""
    known = known_hashes(_index)
    paths = [str(path) for path in _index.select("val")["path"]]
    return {path: known.get(path) or content_hash(picture_source(_index, path)) for path in paths}


def drawn_rows(index: DataIndex, val: pd.DataFrame, draw: int) -> list[tuple[str, str]]:
    """Path and class of a few validation pictures, evenly spread over the classes; another draw, others."""
    if not len(val):
        return []
    count = min(COUNT, len(val))
    places = sorted({(round((number + 0.5) * len(val) / count) + draw) % len(val) for number in range(count)})
    return [(str(val["path"].iloc[at]), index.classes[int(val["label"].iloc[at])]) for at in places]


@st.cache_data(max_entries=64, show_spinner="Classifying ...")
def _answers(checkpoint: str, modified_ns: int, data: str, paths: tuple[str, ...], _index: DataIndex) -> Answers:  # noqa: ARG001 - they make the key
    from alexcore.analysis.prediction import Classifier

    # Not kept: eight networks would take gigabytes, their answers take none.
    network = Classifier(Path(checkpoint))
    images = [read_picture(picture_source(_index, path), rendering=network.rendering).image for path in paths]
    return [(best.name, best.probability) for (best,) in network.classify(images, 1)]


def _grid(index: DataIndex, rows: list[tuple[str, str]], columns: dict[str, Answers]) -> None:
    if not columns:
        st.info(_("None of these runs has a network to classify with yet."))
        return
    found: list[dict[str, Any]] = []
    with st.grid("auto", min_column_width=190, key="runs_same_pictures"):
        for number, (path, truth) in enumerate(rows):
            with st.container(border=True):
                try:
                    small = thumbnail(picture_source(index, path), rendering=index.rendering)
                    st.image(small, caption=plain(truth), width=160, alt=truth)
                except AlexError as error:
                    st.caption(plain(str(error)))
                for label, answers in columns.items():
                    name, probability = answers[number]
                    mark = ":material/check:" if name == truth else ":material/close:"
                    st.markdown(f"{mark} {plain(label)}: **{plain(name)}** {probability:.0%}")
                    answer = {"run": label, "answer": name, "probability": probability}
                    found.append({"picture": path, "truth": truth, **answer})
    table = pd.DataFrame(found)
    right = (table["answer"] == table["truth"]).groupby(table["run"], sort=False).sum()
    counted = ", ".join(f"{label} {count}" for label, count in right.items())
    agreed = (table.groupby("picture")["answer"].nunique() == 1).sum()
    st.caption(plain(f"Right answers out of {len(rows)}: {counted}. The runs agree on {agreed}."))
    same_as_table(table, "Answers of each run", "same-pictures.csv", "runs_pictures_csv", "runs_pictures_table")
