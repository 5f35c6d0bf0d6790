"""The builder: one row an operation, with its switch, its place and its parameters, and what is wrong beside it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from alexcore.augment.check import MAX_OPERATIONS, check_pipeline
from alexcore.augment.operations import OPERATIONS, Operation, filled
from alexcore.augment.parameters import PARTS, Parameter
from alexcore.augment.presets import PRESETS
from alexcore.findings.augment import PipelineProblem
from alexcore.words.language import _
from ui.augment import draft as state
from ui.parts.text import plain


def builder() -> tuple[list[Operation], list[PipelineProblem]]:
    """Draw the builder; return the operations as they stand, and everything that is wrong with them."""
    state.restore()
    st.selectbox(
        _("Start from"),
        state.preset_names(),
        key="augment_preset",
        on_change=state.use_preset,
        help=_("A preset, or a pipeline that you have kept. Choosing one replaces the operations below."),
    )
    head = st.container(horizontal=True, vertical_alignment="center")
    head.caption(PRESETS.get(st.session_state["augment_preset"], "A pipeline that you have kept."), width="stretch")
    edited: state.Slots = []
    spots = []
    current = state.slots()
    for position, (number, operation) in enumerate(current):
        with st.container(border=True, gap="xsmall", key=f"augment_operation_{position}"):
            edited.append((number, _row(number, operation, position == 0, position == len(current) - 1)))
            spots.append(st.container())
    _add_row(len(current))
    spots.append(st.container())
    operations = [each for _, each in edited]
    problems = check_pipeline(operations)
    for problem in problems:
        spots[min(problem.position, len(spots) - 1)].error(plain(problem.sentence), icon=":material/error:")
    state.store(edited)
    if not state.is_preset(operations):
        head.button(_("Undo changes"), key="augment_reset", on_click=state.use_preset, type="tertiary")
    return operations, problems


def _row(number: int, operation: Operation, first: bool, last: bool) -> Operation:
    name = operation["op"]
    spec = OPERATIONS[name]
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        on = st.toggle(f"**{name}**", value=operation.get("on", True), key=f"augment_{number}_on", width="stretch")
        for sign, way, by, disabled in (("↑", "up", -1, first), ("↓", "down", 1, last)):
            key, args = f"augment_{number}_{way}", (number, by)
            st.button(sign, key=key, on_click=state.move, args=args, type="tertiary", disabled=disabled)
        st.button("✕", key=f"augment_{number}_remove", on_click=state.remove, args=(number,), type="tertiary")
    given = filled(operation)
    with st.expander(_summary(given) or "what it does", key=f"augment_{number}_parameters", type="compact"):
        st.caption(spec.text)
        values = {each.name: _widget(f"augment_{number}", each, given.get(each.name)) for each in spec.parameters}
    return {"op": name, **values, **({} if on else {"on": False})}


def _summary(values: dict[str, Any]) -> str:
    return " · ".join(f"{name} {_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _widget(prefix: str, parameter: Parameter, value: Any) -> Any:
    key, help_text = f"{prefix}_{parameter.name}", f"{parameter.text} Legal: {parameter.legal}."
    if parameter.kind == "bool":
        return st.toggle(parameter.name, value=bool(value), key=key, help=help_text)
    if parameter.kind == "choice":
        at = parameter.choices.index(value) if value in parameter.choices else 0
        return st.selectbox(parameter.name, parameter.choices, index=at, key=key, help=help_text)
    if parameter.kind not in PARTS:
        return _number(parameter.name, parameter, value, key, help_text)
    if parameter.kind == "side":
        keep = st.toggle(
            _("keep the aspect"),
            value=not isinstance(value, list),
            key=f"{key}_aspect",
            help=_("One number for the shorter side, instead of height and width."),
        )
        if keep:
            one = value if isinstance(value, int) else value[0]
            return _number("shorter side", parameter, one, f"{key}_one", help_text)
        value = value if isinstance(value, list) else [value, value]
    with st.container(horizontal=True, gap="small"):
        return [
            _number(f"{parameter.name}: {part}", parameter, each, f"{key}_{part}", help_text)
            for part, each in zip(PARTS[parameter.kind], value, strict=True)
        ]


def _number(label: str, parameter: Parameter, value: Any, key: str, help_text: str) -> Any:
    # No bounds on the widget: the check refuses a bad value with a sentence, the browser would only clamp it.
    # An emptied field is None, and is refused likewise.
    kind: type[int | float]
    kind, step, shown = (int, 2 if parameter.odd else 1, "%d") if parameter.whole else (float, 0.05, "%.4g")
    number = None if value is None else kind(value)
    return st.number_input(label, value=number, step=step, format=shown, key=key, help=help_text, width=150)


def _add_row(count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Add an operation"), list(OPERATIONS), key="augment_add", index=list(OPERATIONS).index("ColorJitter")
        )
        st.button(_("Add"), key="augment_add_button", on_click=state.add, disabled=count >= MAX_OPERATIONS)
    st.caption(OPERATIONS[st.session_state["augment_add"]].text)
