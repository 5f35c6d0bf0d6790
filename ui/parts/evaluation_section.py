"""How good a run is: its evaluation, made by a background job, and the pictures behind every figure.

`evaluation_section(run)` stands alone on any page. What is chosen in it is in the URL (`?evaluation_view=` and so on).
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from alexcore.analysis.evaluation_store import StoredEvaluation, evaluation_name, evaluation_time, known_evaluation
from alexcore.data.index import DataIndex
from alexcore.errors import DataError
from alexcore.home import known_data_sets, open_path
from alexcore.jobs import read_job, start_job
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.store import Run, require_checkpoint
from alexcore.words.language import _
from alexcore.words.numbers import number, percent
from ui.parts.datasets import open_dataset
from ui.parts.evaluation_charts import calibration_view, classes_view, confusion_view, first_cell, headline
from ui.parts.evaluation_pictures import first_page, picture_grid
from ui.parts.job_progress import watch_job
from ui.parts.menu import page_file
from ui.parts.page import shown_errors
from ui.parts.run_charts import RunView
from ui.parts.table_csv import csv_button
from ui.parts.text import plain

OWN = "the run's own"
SPLITS = ("val", "train", "test")
# A table travels with every click.
MOST_ROWS = 1000
VIEWS = ("Confusion", "Classes", "Calibration", "Top losses")


def evaluation_section(run: Run) -> None:
    """Draw the evaluation of a run: what it needs first, how far it is, or its figures."""
    with st.container(key="evaluation"), shown_errors():
        if run.kind is BATCHNORM:
            st.info(_("A BatchNorm experiment has no checkpoint of its own: each of its networks (its arms) has one."))
            st.page_link(page_file("batchnorm"), label=_("See its networks on BatchNorm"), query_params={"run": run.id})
            return
        if run.status.active:
            st.info(_("The run still goes on, and its best checkpoint may change. Evaluate it when it has ended."))
            return
        if run.checkpoint is None or run.config is None:
            st.info(plain(run.problem) or "There is no checkpoint to evaluate: the run ended before its first one.")
            return
        data, split = _choose()
        own = data == OWN
        path, val = (run.config.data, run.config.val) if own else (str(open_path(data)), "")
        name = evaluation_name(require_checkpoint(run), path, val, split)
        found = _stored(name, evaluation_time(name))
        if found is None:
            _offer(run, name, [] if own else ["--data", path], split)
            return
        _figures(found.report)
        _view(run, found, own)


def _choose() -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        data = st.selectbox(
            _("Evaluate on"),
            [OWN, *known_data_sets()],
            key="evaluation_data",
            bind="query-params",
            width=280,
            on_change=first_page,
            help=_(
                "The data set that the run was trained on, or another one with the same classes: how well does what "
                "was learned carry over?"
            ),
        )
        split = st.segmented_control(
            _("Split"),
            SPLITS,
            key="evaluation_split",
            default="val",
            required=True,
            bind="query-params",
            on_change=first_page,
            help=_(
                "val was not trained on. train shows what was learned by heart. test exists if the data set has one."
            ),
        )
    return data, split


@st.cache_resource(max_entries=4, show_spinner=False)
def _stored(name: str, written_ns: int) -> StoredEvaluation | None:
    return known_evaluation(name) if written_ns else None


def _offer(run: Run, name: str, data: list[str], split: str) -> None:
    if watch_job(name, "Evaluating", "pictures", lambda: None):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Evaluate"), key="evaluation_start", type="primary") and read_job(name).state != "running":
            start_job(name, ["evaluate", str(run.path), *data, "--split", split])
            st.rerun()
        st.caption(
            _(
                "Lets the best checkpoint answer every picture of the split, in the background: accuracy with an "
                "interval, scores of each class, the confusion matrix with its pictures, calibration. It takes about "
                "as long as the validation after an epoch; the result is kept until the checkpoint or the data set "
                "changes."
            )
        )


def _figures(report: dict[str, Any]) -> None:
    shown = (
        ("Accuracy", percent(report["acc1"]), "Share of pictures whose most probable class is right."),
        (
            "95 % interval",
            f"{percent(report['acc1_low'], 0, '–')} – {percent(report['acc1_high'], 0, '–')}",
            "Wilson's interval: where the accuracy on endlessly many such pictures may well lie.",
        ),
        (
            "Balanced accuracy",
            percent(report["balanced_acc1"], missing="–"),
            "Mean recall of the classes: each counts the same, however many pictures it has.",
        ),
        ("Macro F1", percent(report["macro_f1"], missing="–"), "Mean F1 of the classes: precision and recall in one."),
        (
            "Calibration error",
            number(report["ece"], "–"),
            "Mean gap between how sure the network is and how often it is right (ECE, 10 bins).",
        ),
        ("Loss", f"{report['loss']:.3f}", "Mean cross entropy in nats."),
    )
    with st.grid("auto", min_column_width=150, key="evaluation_figures"):
        for title, value, text in shown:
            st.metric(title, value, help=text)
    st.caption(headline(report))


def _view(run: Run, found: StoredEvaluation, own: bool) -> None:
    view = st.segmented_control(
        _("Show"),
        VIEWS,
        key="evaluation_view",
        default=VIEWS[0],
        required=True,
        bind="query-params",
        label_visibility="collapsed",
        on_change=first_page,
    )
    report, answers, classes = found.report, found.answers, found.classes
    if view == "Classes":
        _drawn(run, "classes", classes_view(report))
        return
    if view == "Calibration":
        _drawn(run, "calibration", calibration_view(report))
        return
    if view == "Confusion":
        rows = _cell(run, report, answers, classes)
    else:
        wrong = answers[answers["label"] != answers["predicted"]]
        rows = wrong.sort_values("loss", ascending=False, kind="stable")
        st.caption(
            f"The {len(rows):,} wrong answers, the highest loss first: where the network was surest of something else. "
            "Wrong labels gather here, too."
        )
    with shown_errors():
        picture_grid(run, _index(report), rows, classes, own)
    if view == "Top losses":
        named = rows.assign(
            label=rows["label"].map(classes.__getitem__), predicted=rows["predicted"].map(classes.__getitem__)
        )
        _numbers(run, "top-losses", named.drop(columns=["top_index", "top_probability"]))


def _index(report: dict[str, Any]) -> DataIndex:
    try:
        return open_dataset(str(report["data"]))[0]
    except DataError as error:  # moved since, or outside the folders that a browser may open
        raise DataError(f"The pictures cannot be shown: {error.message}", error.hint) from error


def _cell(run: Run, report: dict[str, Any], answers: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Draw the matrix and the two fields that name a cell; return the answers in it, the highest loss first."""
    first_truth, first_answer = first_cell(report)
    for name in ("evaluation_truth", "evaluation_answer"):
        if st.session_state.get(name, classes[0]) not in classes:  # chosen for another run or data set
            del st.session_state[name]
    left, right = st.columns([3, 2], vertical_alignment="top")
    with right:
        truth = st.selectbox(
            _("Truth"),
            classes,
            index=classes.index(first_truth),
            key="evaluation_truth",
            on_change=first_page,
            bind="query-params",
            help=_("The class of the folder. With the field below it opens a cell, as a click on the matrix does."),
        )
        answer = st.selectbox(
            _("Answer"),
            classes,
            index=classes.index(first_answer),
            key="evaluation_answer",
            on_change=first_page,
            bind="query-params",
            help=_("The class that the network found most probable."),
        )
        view = confusion_view(report, truth, answer)
        st.caption(plain(view.sentence))
        _numbers(run, "confusion", view.table)
    with left, st.container(key="evaluation_confusion"):
        st.plotly_chart(
            view.figures["confusion"],
            key="evaluation_matrix",
            on_select=_clicked,
            selection_mode="points",
            config={"displaylogo": False},
            alt="Confusion matrix; the table has the same numbers",
        )
    chosen = answers[(answers["label"] == classes.index(truth)) & (answers["predicted"] == classes.index(answer))]
    st.markdown(f"**{len(chosen):,}** of {plain(truth)}, answered **{plain(answer)}**")
    return chosen.sort_values("loss", ascending=False, kind="stable")


def _clicked() -> None:
    """Open the cell that was clicked; a callback."""
    points = st.session_state["evaluation_matrix"]["selection"]["points"]
    if points and points[0].get("customdata"):
        # Streamlit hands a list on as a dict of its places.
        cell = points[0]["customdata"]
        truth, answer = list(cell.values()) if isinstance(cell, dict) else cell
        st.session_state["evaluation_truth"], st.session_state["evaluation_answer"] = truth, answer
        first_page()


def _drawn(run: Run, name: str, view: RunView) -> None:
    columns = st.columns(2) if len(view.figures) > 1 else [st.container()]
    with st.container(key=f"evaluation_{name}"):
        for column, (part, figure) in zip(columns, view.figures.items(), strict=False):
            column.plotly_chart(figure, key=f"evaluation_chart_{part}", config={"displaylogo": False})
    st.caption(plain(view.sentence))
    _numbers(run, name, view.table)


def _numbers(run: Run, name: str, table: pd.DataFrame) -> None:
    with st.expander(_("The same as a table"), icon=":material/table:"):
        if len(table) > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS:,} of {len(table):,} rows; the CSV has them all.")
        st.dataframe(table.head(MOST_ROWS), hide_index=True, height=240, alt=f"{name} as numbers")
        csv_button(table, f"{run.id}-{name}.csv", f"evaluation_csv_{name}")
