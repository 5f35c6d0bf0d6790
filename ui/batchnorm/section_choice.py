"""The sections of an experiment: one control, only the open one is computed, and the URL remembers it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from alexcore.batchnorm.read.record import BATCH_SWEEP, RATE_SWEEP, Experiment
from alexcore.batchnorm.views.distributions import fan_channels, fan_layers
from alexcore.batchnorm.views.sections import SECTIONS, Choice, Maker, Part, layer_of, seed_of
from alexcore.batchnorm.views.shift_by_layer import MEASURES
from alexcore.batchnorm.views.view import View
from alexcore.figures import as_drawn
from alexcore.runs.store import Run
from alexcore.words.language import _
from ui.batchnorm.downloads import take_along
from ui.batchnorm.formula_section import formula_section
from ui.batchnorm.sweep_buttons import sweep_controls
from ui.batchnorm.verdict_section import verdict_section
from ui.parts.table_csv import table_with_csv
from ui.parts.text import plain

# Plotly loses a reader's zoom whenever its data changes, so charts change less often than the progress.
CHART_EVERY_S = 5.0
# Narrower than this a chart with an axis and a legend cannot be read; of three or more, a row of three is compared.
CHART_PX, SMALL_PX = 330, 250
TITLES = {
    "verdict": "Verdict",
    **{name: section.title for name, section in SECTIONS.items()},
    "formula": "The formula",
    "take": "Take it along",
}
DIRECTIONS = {"random": "a random direction", "neighbour": "towards another picture"}


def _remember(name: str) -> Callable[[], None]:
    def remember() -> None:
        st.query_params[name] = st.session_state[f"bn_{name}"]

    return remember


def _from_url(name: str, options: list[str]) -> str:
    """The control's choice from the URL; whatever is no option is dropped."""
    wished = st.query_params.get(name)
    chosen = wished if wished in options else st.session_state.get(f"bn_{name}")
    chosen = chosen if chosen in options else options[0]
    st.session_state[f"bn_{name}"] = chosen
    return chosen


def show_section(run: Run, experiment: Experiment) -> None:
    """Draw the control and the section that is open; nothing before the experiment has begun."""
    if experiment.start is None:
        st.caption(_("Curves appear with the first steps, a few seconds after the pictures have been checked."))
        return
    _from_url("section", list(TITLES))
    name = st.segmented_control(
        _("Section"),
        list(TITLES),
        key="bn_section",
        format_func=TITLES.__getitem__,
        required=True,
        on_change=_remember("section"),
        label_visibility="collapsed",
    )
    others: dict[str, Callable[[], None]] = {
        "verdict": lambda: verdict_section(run, experiment),
        "formula": lambda: formula_section(experiment),
        "take": lambda: take_along(run, experiment),
    }
    if name in others:
        others[name]()
    elif name:
        _measured(run, experiment, name)


def _measured(run: Run, experiment: Experiment, name: str) -> None:
    section = SECTIONS[name]
    st.caption(section.about)
    part_name = next(iter(section.parts))
    if len(section.parts) > 1:
        names = list(section.parts)
        _from_url("part", names)
        st.segmented_control(
            _("Show"),
            names,
            key="bn_part",
            format_func=lambda each: section.parts[each].title,
            required=True,
            on_change=_remember("part"),
            label_visibility="collapsed",
        )
        part_name = str(st.session_state["bn_part"])
    if name == "sweeps":
        sweep_controls(run, {"rates": RATE_SWEEP, "batches": BATCH_SWEEP}[part_name])
    part = section.parts[part_name]
    choice = _choose(experiment, part)
    with st.container(key=f"bn_{name}"):
        for at, make in enumerate(part.makers):
            _show(run.id, _drawn(run, experiment, (name, part_name, at, choice), make))


def _drawn(run: Run, experiment: Experiment, key: tuple[str, str, int, Choice], make: Maker) -> View:
    """A view, computed anew when its numbers have changed, but not at every poll."""
    kept: dict[Any, tuple[int, float, View]] = st.session_state.setdefault("bn_drawn", {})
    revision = int(st.session_state.get("bn_revision", 0))
    whole = (run.id, id(experiment), run.status.active, *key)
    found = kept.get(whole)
    if found and (found[0] == revision or time.monotonic() - found[1] < CHART_EVERY_S):
        return found[2]
    view = make(experiment, key[-1])
    # Other sections, layers and runs are drawn again when somebody comes back to them.
    for old in [each for each in kept if each[:5] != whole[:5]]:
        del kept[old]
    kept[whole] = (revision, time.monotonic(), view)
    return view


def _choose(experiment: Experiment, part: Part) -> Choice:
    """Draw the pickers that matter in this part."""
    if not part.picks:
        return Choice()
    values: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom", key="bn_picks"):
        if "layer" in part.picks:
            values["layer"] = _pick("Layer", "bn_layer", fan_layers(experiment), layer_of(experiment, Choice()))
        if "channel" in part.picks:
            layer = layer_of(experiment, Choice(layer=values.get("layer") or ""))
            channels, middle = fan_channels(experiment, layer)
            values["channel"] = _pick(
                "Channel",
                f"bn_channel_{layer}",
                channels,
                middle,
                help_text="At first: that of median variance at the first probe, so that nobody picks a telling one.",
            )
        if "seed" in part.picks and len(experiment.seeds) > 1:
            values["seed"] = _pick("Seed", "bn_seed_shown", experiment.seeds, seed_of(experiment, Choice()))
        if "direction" in part.picks:
            values["direction"] = _pick("Change of the input", "bn_direction", list(DIRECTIONS), "random", DIRECTIONS)
        if "measure" in part.picks:
            titles = {name: f"{title}: {unit}" for name, (title, unit) in MEASURES.items()}
            values["measure"] = _pick("Measure", "bn_measure", list(MEASURES), "relative", titles)
        if "normed" in part.picks:
            values["normed"] = st.toggle(
                _("Behind the norm"),
                key="bn_normed",
                persist_state="session",
                help=_("Off: what the convolution gives. On: what its norm gives on, for the arms that have one."),
            )
    return Choice(**{name: value for name, value in values.items() if value is not None})


def _pick(
    label: str, key: str, options: list[Any], default: Any, titles: dict[Any, str] | None = None, help_text: str = ""
) -> Any:
    if not options:
        return None
    if st.session_state.get(key) not in options:
        st.session_state[key] = default if default in options else options[0]
    return st.selectbox(
        label,
        options,
        key=key,
        width=200,
        help=help_text or None,
        format_func=(lambda each: titles[each]) if titles else str,
    )


def _show(run_id: str, view: View) -> None:
    """Draw a view of the experiment `run_id`: what it is, the charts, the sentence, the table and its CSV."""
    st.subheader(view.title, anchor=view.name)
    st.caption(view.what)
    if view.figures:
        with st.container(key=f"bn_view_{view.name.replace('-', '_')}"):
            _charts(view)
    st.markdown(f":material/insights: {plain(view.sentence)}")
    if len(view.table):
        with st.expander(f"{view.title}: the same as a table", icon=":material/table:"):
            table_with_csv(view.table, f"{view.title} as numbers", f"{run_id}-{view.name}.csv", f"bn_csv_{view.name}")


def _charts(view: View) -> None:
    side_by_side = len(view.figures) > 1 and not view.stacked
    width = CHART_PX if len(view.figures) == 2 else SMALL_PX
    place = st.grid("auto", min_column_width=width) if side_by_side else st.container()
    for name, figure in view.figures.items():
        place.plotly_chart(
            as_drawn(figure),
            key=f"bn_chart_{view.name}_{name}",
            config={"displaylogo": False},
            alt=f"{figure.layout.title.text}. {view.sentence}",
        )
