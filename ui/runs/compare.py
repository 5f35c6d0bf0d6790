"""A comparison: curves over each other, the settings that differ, confusion matrices, the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from alexcore.errors import RunError
from alexcore.files import read_json
from alexcore.runs.comparison import AXES, MOST, differing
from alexcore.runs.run_list import Summary, summaries
from alexcore.runs.series import Series
from alexcore.runs.store import open_run
from alexcore.words.language import _
from alexcore.words.numbers import duration, size_text
from ui.parts.page import show_error, shown_errors
from ui.parts.run_charts import confusion
from ui.parts.run_rows import ReadableSeries, number, whole
from ui.parts.table_csv import csv_button, table_with_csv
from ui.parts.text import plain
from ui.runs.compared_curves import GROUP_WORDS, GROUPS, Compared, curves
from ui.runs.compared_pictures import same_pictures
from ui.runs.parallel_coordinates import parallel
from ui.runs.query_choice import url_choice
from ui.runs.selection import all_runs_link, experiment_link, labels, show_run

POLL_S = 4.0
SMOOTHINGS = ("0", "0.5", "0.8", "0.9", "0.95", "0.98")
# Of the runs that are not there, or that cannot be read.
MOST_NAMED = 8


@dataclass(frozen=True)
class _Choice:
    group: str
    axis: str
    weight: float


def comparison(ids: Sequence[str]) -> None:
    """Draw the comparison of these runs; those that are not there are named and left out."""
    asked = _found(ids)
    all_runs_link([each.id for each in asked])
    # Several networks in one: figures and curves of different arms would be taken for those of one.
    for each in asked:
        experiment_link(each, "It has no curve here, because several networks were trained in it.")
    found = [each for each in asked if not each.kind.arms]
    if len(found) < 2:
        st.info(_("A comparison needs at least two runs. Choose them in the table."))
        if not found:
            return
    shown = found[:MOST]
    if len(found) > MOST:
        st.info(
            f"{len(found)} runs are too many for one chart: curves, matrices and pictures are those of the first "
            f"{MOST}, the parallel coordinates below are of all."
        )
    st.subheader(f"{len(found)} runs beside each other" if len(found) > 1 else "One run", anchor=False)
    with st.container(horizontal=True, key="runs_compared"):
        for place, (each, label) in enumerate(zip(shown, labels(shown), strict=True)):
            if st.button(plain(label), key=f"runs_open_{place}", type="tertiary", icon=":material/arrow_forward:"):
                show_run(each.id)
                st.rerun()
    active = any(each.status.active for each in shown)
    choice = _choose()
    st.fragment(_live, run_every=POLL_S if active else None)([each.id for each in shown], choice, active)
    if len(found) > MOST:
        st.subheader(_("All of them at once"), anchor=False)
        parallel(found, "compared")
    st.subheader(_("The same pictures, by each"), anchor=False)
    with shown_errors():
        same_pictures([open_run(each.id) for each in shown], labels(shown))


def _found(ids: Sequence[str]) -> list[Summary]:
    by_id = {each.id: each for each in summaries()}
    unknown = [each[:80] for each in ids if each not in by_id]
    if unknown:
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        what = "It was" if len(unknown) == 1 else "They were"
        show_error(
            RunError(
                f"There is no run {', '.join(unknown[:MOST_NAMED])}{more}.", f"{what} deleted, or the link is damaged."
            )
        )
    broken = [f"{each}: {by_id[each].problem}" for each in ids if each in by_id and by_id[each].problem]
    for text in broken[:MOST_NAMED]:
        st.warning(plain(text))
    if len(broken) > MOST_NAMED:
        st.caption(f"{len(broken) - MOST_NAMED} more cannot be read.")
    return [by_id[each] for each in ids if each in by_id]


def _choose() -> _Choice:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = url_choice(
            "Curves",
            "curves",
            list(GROUPS),
            key="runs_curves",
            words=GROUP_WORDS.__getitem__,
            text="Validation: what counts, once an epoch. By step: what the optimizer sees, one batch at a time.",
        )
        axis = url_choice(
            "Against",
            "x",
            list(AXES),
            key="runs_x",
            words=lambda each: "wall time" if each == "time" else each,
            text="Step: updates of the weights. Epoch: passes over the pictures, which is fair between batch sizes. "
            "Wall time: seconds of work, without the nights between a stop and its resume.",
        )
        smoothing = url_choice(
            "Smoothing",
            "smooth",
            SMOOTHINGS,
            key="runs_smooth",
            words=lambda each: "off" if each == "0" else each,
            text="How much of the past each point carries: a moving average, as TensorBoard's. The values themselves "
            "stay visible behind it. It delays what happens, so look at them before you believe a bend.",
        )
    return _Choice(group, axis, float(smoothing))


def _live(ids: Sequence[str], choice: _Choice, was_active: bool) -> None:
    by_id = {each.id: each for each in summaries()}
    shown = [by_id[each] for each in ids if each in by_id]
    if len(shown) < len(ids) or any(each.status.active for each in shown) != was_active:
        st.rerun()  # the whole page once: one was deleted, or all have ended
    runs = [Compared(label, series) for label, series in zip(labels(shown), _histories(shown), strict=True)]
    _results(shown)
    view = curves(runs, choice.group, choice.axis, choice.weight)
    with st.container(key="runs_overlay"):
        for column, (name, figure) in zip(st.columns(2), view.figures.items(), strict=False):
            column.plotly_chart(figure, key=f"runs_curve_{name}", config={"displaylogo": False})
        st.caption(plain(view.sentence))
    _numbers(view.table, "curves", f"{GROUP_WORDS[choice.group]} as numbers")
    st.subheader(_("Settings that differ"), anchor=False)
    _settings(shown)
    st.subheader(_("Confusion matrices"), anchor=False)
    _matrices(runs)


def _histories(shown: Sequence[Summary]) -> list[Series]:
    """This session's reading of each run: what it has read already need not be read again."""
    held: dict[str, Series] = st.session_state.setdefault("runs_histories", {})
    for gone in held.keys() - {each.id for each in shown}:
        del held[gone]
    for each in shown:
        held.setdefault(each.id, ReadableSeries(each.path / "events.jsonl")).refresh()
    return [held[each.id] for each in shown]


def _results(shown: Sequence[Summary]) -> None:
    rows = [
        {
            "run": label,
            "state": each.status.state,
            "best val": number(each.best_val_acc1),
            "last val": number(each.val_acc1),
            "epochs": whole(each.status.epoch),
            "steps": whole(each.status.step),
            "time": duration(number(each.worked_s)),
            "images/s": number(each.images_per_s),
            "disk": size_text(each.bytes),
            "id": each.id,
        }
        for each, label in zip(shown, labels(shown), strict=True)
    ]
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        alt="Results of the compared runs",
        column_config={"best val": percent, "last val": percent},
        placeholder="",
    )


def _settings(shown: Sequence[Summary]) -> None:
    readable = [each for each in shown if each.settings]
    names = labels(readable)
    found = differing([each.settings for each in readable])
    with st.container(key="runs_differences"):
        if len(readable) < 2:
            st.caption(_("There are no two runs whose settings can be read."))
        elif not found:
            st.caption(
                _(
                    "Nothing: these runs have the same settings. What differs is the machine, the versions or the "
                    "pictures, as far as the line below says."
                )
            )
        else:
            same = len(readable[0].settings) - len(found)
            st.caption(f"{len(found)} settings differ; the other {same} are the same in all of them.")
            table = pd.DataFrame(
                [{"setting": each.title, **dict(zip(names, each.values, strict=True))} for each in found]
            )
            st.dataframe(table, hide_index=True, height="content", alt="Settings that differ")
            csv_button(table, "settings.csv", "runs_settings_csv")
        st.caption(plain(surroundings(shown)))


def surroundings(shown: Sequence[Summary]) -> str:
    """What differs beside the settings, in words: device, versions and state of the data set, from each env.json."""
    found: dict[str, set[str]] = {}
    for each in shown:
        raw = read_json(each.path / "env.json") or {}
        packages = raw.get("packages") if isinstance(raw.get("packages"), dict) else {}
        facts = {
            "device": raw.get("device"),
            "threads": raw.get("threads"),
            "git commit": raw.get("git_commit"),
            "state of the data set": raw.get("data_fingerprint"),
            **(packages or {}),
        }
        for name, value in facts.items():
            if value is not None:
                found.setdefault(name, set()).add(str(value)[:40])
    if not found:
        return "None of them has written its environment yet."
    others = [f"{name} ({', '.join(sorted(values))})" for name, values in found.items() if len(values) > 1]
    return (
        f"Beside the settings these differ: {'; '.join(others)}." if others else "Machine, versions and pictures agree."
    )


def _matrices(runs: Sequence[Compared]) -> None:
    views = [(run, confusion(run.series)) for run in runs]
    known = {tuple((run.series.start or {}).get("classes") or ()) for run in runs if run.series.start}
    if len(known) > 1:
        st.warning(_("These runs do not have the same classes in the same order: compare their matrices by name only."))
    parts = []
    columns = st.columns(2)
    for place, (run, view) in enumerate(views):
        with columns[place % 2]:
            for figure in view.figures.values():
                figure.update_layout(title=f"Confusion, validation: {run.label[:40]}").update_traces(showscale=False)
                st.plotly_chart(figure, key=f"runs_confusion_{place}", config={"displaylogo": False})
            st.caption(plain(f"{run.label}: {view.sentence}"))
        if len(view.table):
            long = view.table.melt(id_vars="truth", var_name="answer", value_name="pictures")
            long.insert(0, "run", run.label)
            parts.append(long)
    if parts:
        _numbers(pd.concat(parts, ignore_index=True), "confusion", "Confusion as numbers")


def _numbers(table: pd.DataFrame, name: str, alt: str) -> None:
    if table.empty:
        return
    with st.expander(_("The same as a table"), icon=":material/table:", key=f"runs_numbers_{name}"):
        table_with_csv(table, alt, f"{name}.csv", f"runs_csv_{name}")
