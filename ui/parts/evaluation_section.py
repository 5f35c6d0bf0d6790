"""How good a run is: its evaluation, made by a background job, and the pictures behind every figure.

`evaluation_section(run)` stands alone on any page. What is chosen in it is in the URL (`?evaluation_view=` and so on).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from alexcore.analysis.evaluation_store import StoredEvaluation, evaluation_name, evaluation_time, known_evaluation
from alexcore.data.content_hashes import SEEN
from alexcore.data.decoding.levels import kept_rendering
from alexcore.data.given import open_given
from alexcore.data.index import DataIndex
from alexcore.data.reading import FolderChoice
from alexcore.data.sources import choice_of, source_signature
from alexcore.errors import DataError
from alexcore.home import data_roots, known_data_sets, open_path
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.store import Run, require_checkpoint
from alexcore.words.findings import told
from alexcore.words.language import _
from alexcore.words.numbers import number, percent
from ui.parts.address import chosen_reading
from ui.parts.controls import chart, one_of, side_by_side
from ui.parts.datasets import open_dataset
from ui.parts.evaluation_charts import calibration_view, classes_view, confusion_view, first_cell, headline, reliability
from ui.parts.evaluation_pictures import first_page, picture_grid
from ui.parts.job_progress import job_button
from ui.parts.menu import page_link
from ui.parts.page import shown_errors
from ui.parts.run_charts import RunView
from ui.parts.table_csv import csv_button
from ui.parts.text import plain

OWN = "the run's own"
# The first is what `evaluate` takes where nobody says.
AS_GIVEN = "as given"
SPLITS = (AS_GIVEN, "val", "train", "test", "all")
# A table travels with every click.
MOST_ROWS = 1000
# Of every field: its choice stands in the URL, and another one shows other pictures.
_FIELD: dict[str, Any] = {"bind": "query-params", "on_change": first_page}
VIEWS = ("Confusion", "Classes", "Calibration", "Top losses")
INTERVAL = _("Wilson's interval: where the accuracy on endlessly many such pictures may well lie.")
BALANCED = _("Mean recall of the classes: each counts the same, however many pictures it has.")
CALIBRATION = _("Mean gap between how sure the network is and how often it is right (ECE, 10 bins).")


def evaluation_section(run: Run) -> None:
    """Draw the evaluation of a run: what it needs first, how far it is, or its figures."""
    with st.container(key="evaluation"), shown_errors():
        if run.kind is BATCHNORM:
            st.info(_("A BatchNorm experiment has no checkpoint of its own: each of its networks (its arms) has one."))
            page_link("batchnorm", _("See its networks on BatchNorm"), run=run.id)
            return
        if run.status.active:
            st.info(_("The run still goes on, and its best checkpoint may change. Evaluate it when it has ended."))
            return
        if run.checkpoint is None or run.config is None:
            st.info(plain(run.problem) or "There is no checkpoint to evaluate: the run ended before its first one.")
            return
        data, split, include_seen = _choose(run)
        own = data == OWN
        path, val = (run.config.data, run.config.val) if own else (str(open_path(data)), "")
        choice = choice_of(run.config) if own else chosen_reading(data)
        part = "" if split == AS_GIVEN else split
        name = evaluation_name(require_checkpoint(run), path, val, part, choice, include_seen=include_seen)
        found = _stored(name, evaluation_time(name))
        if found is None:
            more = ["--include-seen"] if include_seen else []
            more += ["--split", part] if part else []
            _offer(run, name, [*([] if own else ["--data", path, *choice.arguments]), *more])
            return
        _said(found.report)
        if found.report["acc1"] is None:
            _unlabelled(run, found, choice)
            return
        _figures(found.report)
        _view(run, found, own, choice)


def _choose(run: Run) -> tuple[str, str, bool]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        about = _(
            "The data set that the run was trained on, or another one with the same classes: how well does what "
            "was learned carry over?"
        )
        options = [OWN, *known_data_sets()]
        data = st.selectbox(_("Evaluate on"), options, key="evaluation_data", width=280, help=about, **_FIELD)
        about = _(
            "As given: of the run's own data set the images that it was validated on; of another one val, or test "
            "where there is no val, or everything where nothing is split. train shows what was learned by heart."
        )
        split = one_of(_("Split"), SPLITS, "evaluation_split", help=about, **_FIELD)
        about = _("Images of another data set that this run was trained on measure its memory: they are left out.")
        known = data != OWN and (run.path / SEEN).is_file()
        seen = known and st.checkbox(_("Count images it was trained on"), key="evaluation_seen", help=about, **_FIELD)
    return data, split, bool(seen)


@st.cache_resource(max_entries=4, show_spinner=False)
def _stored(name: str, written_ns: int) -> StoredEvaluation | None:
    return known_evaluation(name) if written_ns else None


def _offer(run: Run, name: str, data: list[str]) -> None:
    note = _(
        "Lets the best checkpoint answer every picture of the split, in the background: accuracy with an interval, "
        "scores of each class, the confusion matrix with its pictures, calibration. It takes about as long as the "
        "validation after an epoch; the result is kept until the checkpoint or the data set changes."
    )
    command = ["evaluate", str(run.path), *data]
    job_button(name, command, _("Evaluate"), "evaluation_start", note, doing="Evaluating", type="primary")


def _said(report: dict[str, Any]) -> None:
    """How trained the network is, and what there is to say of the images."""
    st.caption(plain(f"This is the network {report['trained']}."))
    for each in report["said"]:
        st.caption(plain(" ".join(told(each)).strip()))


def _unlabelled(run: Run, found: StoredEvaluation, choice: FolderChoice) -> None:
    """What the network takes images for whose classes nobody knows."""
    st.info(_("No accuracy is known, because these images have no classes. What they are taken for:"))
    counts = pd.DataFrame({"answer": list(found.report["answers"]), "images": list(found.report["answers"].values())})
    _numbers(run, "answers", counts)
    rows = found.answers.sort_values("probability", kind="stable")
    with shown_errors():
        index = _given(run, found.report, choice)
        picture_grid(run, index, rows, found.classes, own_data=False, correctable=False)


def _figures(report: dict[str, Any]) -> None:
    low, high = (percent(report[name], 0, "–") for name in ("acc1_low", "acc1_high"))
    balanced, f1 = (percent(report[name], missing="–") for name in ("balanced_acc1", "macro_f1"))
    shown = {
        _("Accuracy"): (percent(report["acc1"]), _("Share of pictures whose most probable class is right.")),
        _("95 % interval"): (f"{low} – {high}", INTERVAL),
        _("Balanced accuracy"): (balanced, BALANCED),
        _("Macro F1"): (f1, _("Mean F1 of the classes: precision and recall in one.")),
        _("Calibration error"): (number(report["ece"], "–"), CALIBRATION),
        _("Loss"): (f"{report['loss']:.3f}", _("Mean cross entropy in nats.")),
        _("Images"): (f"{report['labelled']:,}", _("On so many images all of these figures are.")),
    }
    left, right = st.columns([3, 2])
    with left, st.grid("auto", min_column_width=150, key="evaluation_figures"):
        for title, (value, text) in shown.items():
            st.metric(title, value, help=text)
    with right, st.container(key="evaluation_reliability"):
        chart(reliability(report, 240), "evaluation_reliability_chart", alt="How often it is right when it is so sure")
    st.caption(headline(report))


def _view(run: Run, found: StoredEvaluation, own: bool, choice: FolderChoice) -> None:
    view = one_of(_("Show"), VIEWS, "evaluation_view", label_visibility="collapsed", **_FIELD)
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
        index, whole = _pictures_of(run, report, choice, own)
        picture_grid(run, index, rows, classes, own, correctable=whole)
    if view == "Top losses":
        named = {name: rows[name].map(classes.__getitem__) for name in ("label", "predicted")}
        _numbers(run, "top-losses", rows.assign(**named).drop(columns=["top_index", "top_probability"]))


def _index(report: dict[str, Any], choice: FolderChoice) -> DataIndex:
    try:
        return open_dataset(str(report["data"]), choice)[0]
    except DataError as error:  # moved since, or outside the folders that a browser may open
        raise DataError(f"The pictures cannot be shown: {error.message}", error.hint) from error


def _pictures_of(run: Run, report: dict[str, Any], choice: FolderChoice, own: bool) -> tuple[DataIndex, bool]:
    """The data set that was evaluated, and whether it is a whole one, which can be corrected and trained on."""
    # What has a validation split of its own opens without anything being drawn or kept.
    if own or report["split"] == "val":
        try:
            return _index(report, choice), True
        except DataError:
            if own:
                raise
    return _given(run, report, choice), False


def _given(run: Run, report: dict[str, Any], choice: FolderChoice) -> DataIndex:
    """The images as they were given to the evaluation, within the folders that a browser may open."""
    path = open_path(str(report["data"]))
    index = _opened_given(str(path), tuple(report["classes"]), choice, source_signature(path))
    return replace(index, rendering=kept_rendering(run.path))


@st.cache_resource(max_entries=4, show_spinner="Reading the folders ...")
def _opened_given(path: str, classes: tuple[str, ...], choice: FolderChoice, signature: str) -> DataIndex:  # noqa: ARG001 - the signature only makes the key change
    return open_given(path, classes, choice=choice, roots=data_roots()).index


def _cell(run: Run, report: dict[str, Any], answers: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Draw the matrix and the two fields that name a cell; return the answers in it, the highest loss first."""
    first_truth, first_answer = first_cell(report)
    left, right = st.columns([3, 2], vertical_alignment="top")
    with right:
        help_text = _("The class of the folder. With the field below it opens a cell, as a click on the matrix does.")
        truth = _class_field(_("Truth"), "evaluation_truth", classes, first_truth, help_text)
        help_text = _("The class that the network found most probable.")
        answer = _class_field(_("Answer"), "evaluation_answer", classes, first_answer, help_text)
        view = confusion_view(report, truth, answer)
        st.caption(plain(view.sentence))
        _numbers(run, "confusion", view.table)
    with left, st.container(key="evaluation_confusion"):
        alt = "Confusion matrix; the table has the same numbers"
        chart(view.figures["confusion"], "evaluation_matrix", on_select=_clicked, selection_mode="points", alt=alt)
    chosen = answers[(answers["label"] == classes.index(truth)) & (answers["predicted"] == classes.index(answer))]
    st.markdown(f"**{len(chosen):,}** of {plain(truth)}, answered **{plain(answer)}**")
    return chosen.sort_values("loss", ascending=False, kind="stable")


def _class_field(label: str, key: str, classes: list[str], first: str, help_text: str) -> str:
    if st.session_state.get(key, first) not in classes:  # chosen for another run or data set
        del st.session_state[key]
    return str(st.selectbox(label, classes, index=classes.index(first), key=key, help=help_text, **_FIELD))


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
    with st.container(key=f"evaluation_{name}"):
        side_by_side(view.figures, "evaluation_chart")
    st.caption(plain(view.sentence))
    _numbers(run, name, view.table)


def _numbers(run: Run, name: str, table: pd.DataFrame) -> None:
    with st.expander(_("The same as a table"), icon=":material/table:"):
        if len(table) > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS:,} of {len(table):,} rows; the CSV has them all.")
        st.dataframe(table.head(MOST_ROWS), hide_index=True, height=240, alt=f"{name} as numbers")
        csv_button(table, f"{run.id}-{name}.csv", f"evaluation_csv_{name}")
