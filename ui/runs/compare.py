"""A comparison: curves over each other, the settings that differ, confusion matrices, the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from alexcore.errors import RunError
from alexcore.files import read_json
from alexcore.runs.comparison import AXES, MOST, differing
from alexcore.runs.run_list import Summary, summaries
from alexcore.runs.store import open_run
from alexcore.words.language import _
from alexcore.words.numbers import duration, size_text
from ui.parts.controls import chart, side_by_side
from ui.parts.page import show_error, shown_errors
from ui.parts.run_charts import confusion
from ui.parts.run_rows import histories, number, whole
from ui.parts.table_csv import csv_button, same_as_table
from ui.parts.text import plain
from ui.runs.compared_curves import GROUPS, Compared, curves
from ui.runs.compared_pictures import same_pictures
from ui.runs.parallel_coordinates import parallel
from ui.runs.selection import all_runs_link, experiment_link, labels, show_run

POLL_S = 4.0
SMOOTHINGS = ("0", "0.5", "0.8", "0.9", "0.95", "0.98")
# Of the runs that are not there, or that cannot be read.
MOST_NAMED = 8


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
    look = _choose()
    st.fragment(_live, run_every=POLL_S if active else None)([each.id for each in shown], active, *look)
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
        named = ", ".join(unknown[:MOST_NAMED])
        show_error(RunError(f"There is no run {named}{more}.", f"{what} deleted, or the link is damaged."))
    broken = [f"{each}: {by_id[each].problem}" for each in ids if each in by_id and by_id[each].problem]
    for text in broken[:MOST_NAMED]:
        st.warning(plain(text))
    if len(broken) > MOST_NAMED:
        st.caption(f"{len(broken) - MOST_NAMED} more cannot be read.")
    return [by_id[each] for each in ids if each in by_id]


def _choose() -> tuple[str, str, float]:
    """Draw what decides how curves look: their group, their axis, the weight of smoothing."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = _("Validation: what counts, once an epoch. By step: what the optimizer sees, one batch at a time.")
        group = _url_choice(
            _("Curves"), "curves", list(GROUPS), text, {name: each.title for name, each in GROUPS.items()}
        )
        text = _(
            "Step: updates of the weights. Epoch: passes over the pictures, which is fair between batch sizes. "
            "Wall time: seconds of work, without the nights between a stop and its resume."
        )
        axis = _url_choice(_("Against"), "x", list(AXES), text, {"time": "wall time"})
        text = _(
            "How much of the past each point carries: a moving average, as TensorBoard's. The values themselves "
            "stay visible behind it. It delays what happens, so look at them before you believe a bend."
        )
        smoothing = _url_choice(_("Smoothing"), "smooth", SMOOTHINGS, text, {"0": "off"})
    return group, axis, float(smoothing)


def _url_choice(label: str, parameter: str, options: Sequence[str], text: str, words: Mapping[str, str]) -> str:
    """Draw a row of choices whose value is a query parameter; the first counts where the URL names none of them."""
    key = f"runs_{parameter}"
    if st.session_state.get(key) not in options:
        wished = st.query_params.get(parameter)
        st.session_state[key] = wished if wished in options else options[0]
    more: dict[str, Any] = {"format_func": lambda each: words.get(each, each), "help": text, "wrap": True}
    chosen = str(st.segmented_control(label, options, key=key, required=True, **more))
    if st.query_params.get(parameter) != chosen:
        st.query_params[parameter] = chosen
    return chosen


def _live(ids: Sequence[str], was_active: bool, group: str, axis: str, weight: float) -> None:
    by_id = {each.id: each for each in summaries()}
    shown = [by_id[each] for each in ids if each in by_id]
    if len(shown) < len(ids) or any(each.status.active for each in shown) != was_active:
        st.rerun()  # the whole page once: one was deleted, or all have ended
    series = histories([each.path for each in shown])
    runs = [Compared(label, each) for label, each in zip(labels(shown), series, strict=True)]
    _results(shown)
    view = curves(runs, group, axis, weight)
    with st.container(key="runs_overlay"):
        side_by_side(view.figures, "runs_curve")
        st.caption(plain(view.sentence))
    _numbers(view.table, "curves", f"{GROUPS[group].title} as numbers")
    st.subheader(_("Settings that differ"), anchor=False)
    _settings(shown)
    st.subheader(_("Confusion matrices"), anchor=False)
    _matrices(runs)


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
        placeholder="-",
    )


def _settings(shown: Sequence[Summary]) -> None:
    readable = [each for each in shown if each.settings]
    names = labels(readable)
    found = differing([each.settings for each in readable])
    with st.container(key="runs_differences"):
        if len(readable) < 2:
            st.caption(_("There are no two runs whose settings can be read."))
        elif not found:
            nothing = _(
                "Nothing: these runs have the same settings. What differs is the machine, the versions or the "
                "pictures, as far as the line below says."
            )
            st.caption(nothing)
        else:
            same = len(readable[0].settings) - len(found)
            st.caption(f"{len(found)} settings differ; the other {same} are the same in all of them.")
            rows = [{"setting": each.title, **dict(zip(names, each.values, strict=True))} for each in found]
            table = pd.DataFrame(rows)
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
    others = "; ".join(f"{name} ({', '.join(sorted(values))})" for name, values in found.items() if len(values) > 1)
    return f"Beside the settings these differ: {others}." if others else "Machine, versions and pictures agree."


def _matrices(runs: Sequence[Compared]) -> None:
    known = {tuple((run.series.start or {}).get("classes") or ()) for run in runs if run.series.start}
    if len(known) > 1:
        st.warning(_("These runs do not have the same classes in the same order: compare their matrices by name only."))
    parts = []
    columns = st.columns(2)
    for place, run in enumerate(runs):
        view = confusion(run.series)
        with columns[place % 2]:
            for figure in view.figures.values():
                figure.update_layout(title=f"Confusion, validation: {run.label[:40]}").update_traces(showscale=False)
                chart(figure, f"runs_confusion_{place}")
            st.caption(plain(f"{run.label}: {view.sentence}"))
        if len(view.table):
            long = view.table.melt(id_vars="truth", var_name="answer", value_name="pictures")
            long.insert(0, "run", run.label)
            parts.append(long)
    if parts:
        _numbers(pd.concat(parts, ignore_index=True), "confusion", "Confusion as numbers")


def _numbers(table: pd.DataFrame, name: str, alt: str) -> None:
    if not table.empty:
        same_as_table(table, alt, f"{name}.csv", f"runs_csv_{name}", f"runs_numbers_{name}")
