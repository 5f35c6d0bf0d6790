"""The charts of a run, one view at a time, each with its numbers; and the pictures that it gets most wrong."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from alexcore.data.decoding.thumbnails import thumbnail
from alexcore.data.shards import picture_source
from alexcore.errors import DataError
from alexcore.runs.series import Series
from alexcore.runs.store import Run
from alexcore.words.language import _
from ui.parts.controls import one_of, side_by_side
from ui.parts.datasets import run_dataset
from ui.parts.run_charts import BY_EPOCH, VIEWS, RunView
from ui.parts.table_csv import table_with_csv
from ui.parts.text import plain

# Plotly loses a reader's zoom whenever its data changes, so the curves change less often than the numbers.
CHART_EVERY_S = 4.0
WORST = "Most wrong"


def run_views(run: Run, series: Series) -> None:
    """Draw the view that was chosen; nothing before the first step."""
    if not series.steps:
        return
    names = [*VIEWS, WORST]
    name = one_of(_("Show"), names, "train_view", persist_state="session", label_visibility="collapsed")
    if name == WORST:
        _worst(run, series)
        return
    view = _drawn(run, series, name)
    with st.container(key="train_curves"):
        side_by_side(view.figures, "train_curve")
        st.caption(plain(view.sentence))
    if len(view.table):
        _numbers(run, name, view.table)


def _drawn(run: Run, series: Series, name: str) -> RunView:
    drawn = st.session_state.get("curves")
    key = (run.id, name, len(series.epochs), len(series.resumes), run.status.active)
    if drawn is None or drawn[0] != key or (name not in BY_EPOCH and time.monotonic() - drawn[1] > CHART_EVERY_S):
        drawn = (key, time.monotonic(), VIEWS[name](series))
        st.session_state["curves"] = drawn
    view: RunView = drawn[2]
    return view


def _numbers(run: Run, name: str, table: pd.DataFrame) -> None:
    # A table takes as long to encode as all charts of the page, and with each poll again: only for somebody who looks.
    below = st.expander(_("The same as a table"), icon=":material/table:", key="train_table", on_change="rerun")
    if below.open:
        file = f"{run.id}-{name.lower().replace(' ', '-')}.csv"
        with below:
            table_with_csv(table, f"{name} as numbers", file, "train_view_csv")


def _worst(run: Run, series: Series) -> None:
    epoch = next((row for row in reversed(series.epochs) if row.get("worst") is not None), None)
    if epoch is None:
        st.caption(
            _("The pictures that the network gets most wrong appear when an epoch ends. Shards do not show them.")
        )
        return
    classes = [str(each) for each in (series.start or {}).get("classes") or ()]
    rows = [row for row in epoch["worst"] if max(row["label"], row["predicted"]) < len(classes)]
    if not rows:
        st.caption(f"No mistake to show in epoch {epoch['epoch'] + 1}.")
        return
    named = [{**row, "label": classes[row["label"]], "predicted": classes[row["predicted"]]} for row in rows]
    first = named[0]
    st.caption(
        f"Validation pictures with the highest loss in epoch {epoch['epoch'] + 1}, worst first: the first, of "
        f"{plain(first['label'])}, is taken for {plain(first['predicted'])} with {first['probability']:.0%}. A wrong "
        "label shows here, too."
    )
    try:
        index = run_dataset(run.config) if run.config else None
    except DataError as error:  # moved since, or outside the folders that a browser may open
        index = None
        st.caption(plain(f"The pictures cannot be shown: {error}"))
    if index is not None:
        with st.grid("auto", min_column_width=130, key="train_worst"):
            for row in named:
                caption = f"{row['label']}, taken for {row['predicted']} ({row['probability']:.0%})"
                small = thumbnail(picture_source(index, row["path"]), rendering=index.rendering)
                st.image(small, caption=plain(caption), width="stretch", alt=caption)
    _numbers(run, WORST, pd.DataFrame(named))
