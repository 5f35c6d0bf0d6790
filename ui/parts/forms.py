"""The form of a run, drawn from the fields of TrainConfig: one widget a field, one sentence a bad value."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import streamlit as st

from alexcore.augment.pipeline_files import load_pipeline, saved_pipelines
from alexcore.config import FIELDS, GROUPS, PRESETS, TrainConfig, absolute, make_config
from alexcore.data.reading import AS_IT_LIES, CHOICES, FolderChoice
from alexcore.fields import FieldSpec
from alexcore.words.language import _
from ui.parts.controls import one_of
from ui.parts.explain import source_of

# What the page chooses in another way, or cannot offer in a browser.
ELSEWHERE = ("data", "val", *CHOICES)
# Of the settings that stand above all others.
_ORDER = ("epochs", "batch_size", "lr", "norm", "seed")


def _key(name: str) -> str:
    return f"train_{name}"


def fill(values: dict[str, Any]) -> None:
    """Put values into the widgets; to be called before they are drawn, or in a callback."""
    for name, value in values.items():
        if name in FIELDS and name not in ELSEWHERE:
            st.session_state[_key(name)] = value


def take_intensity(name: str, rule: str) -> None:
    """Begin with the rule of intensities that was chosen for a data set; what is changed then stays changed."""
    if st.session_state.get("intensity_taken") != (name, rule):
        fill({"intensity": rule})
        st.session_state["intensity_taken"] = name, rule


def widget(spec: FieldSpec, key: str = "") -> Any:
    """Draw the widget of one field and return its value; without a `key` it is that of the page Train."""
    help_text = f"{spec.text}\n\nLegal: {spec.legal}."
    common: dict[str, Any] = {
        "key": key or _key(spec.name),
        "help": help_text,
        "persist_state": "session",
        "bind": "query-params",
    }
    if spec.name == "augment":
        return _augmentation(spec, common)
    if spec.choices:
        common["accept_new_options"] = bool(spec.otherwise)
        return st.selectbox(spec.title, spec.choices, index=spec.choices.index(spec.default), **common)
    if spec.kind is bool:
        return st.toggle(spec.title, value=bool(spec.default), **common)
    if spec.kind is str:
        return st.text_input(spec.title, value=str(spec.default), **common)
    # No bounds on the widget: TrainConfig refuses a bad value with a sentence, the browser would only clamp it.
    if spec.kind is int:
        return st.number_input(spec.title, value=int(spec.default), step=1, format="%d", **common)
    step = 10.0 ** math.floor(math.log10(spec.default or 0.1))
    return st.number_input(spec.title, value=float(spec.default), step=step, format="%g", **common)


def _augmentation(spec: FieldSpec, common: dict[str, Any]) -> Any:
    """A preset, or a pipeline that was kept on the page Augment: what counts is what the file holds now."""
    saved = saved_pipelines()
    options = [*spec.choices, *(name for name in saved if name not in spec.choices)]
    if st.session_state.get(common["key"]) not in options:  # a file that was deleted
        st.session_state[common["key"]] = spec.default
    chosen = st.selectbox(spec.title, options, **common)
    return load_pipeline(saved[chosen]) if chosen not in spec.choices else chosen


def config_form(data: str, val: str = "", choice: FolderChoice = AS_IT_LIES) -> TrainConfig:
    """Draw the form for a data set's folder, and a separate validation folder or "", and return what it says.

    `choice` is how the folder is read.

    Raises:
        ConfigError: one or more values are out of range.
    """
    preset = one_of(
        _("Preset"),
        list(PRESETS),
        "train_preset",
        default="default",
        on_change=lambda: fill(make_config(st.session_state["train_preset"]).model_dump()),
        help=_("A set of values for all settings below; change any of them afterwards."),
        persist_state="session",
        bind="query-params",
    )
    st.caption(PRESETS[preset][0])
    specs = [spec for spec in FIELDS.values() if spec.name not in ELSEWHERE]
    with st.grid("auto", min_column_width=150, key="train_essential"):
        essential = sorted((spec for spec in specs if spec.essential), key=lambda spec: _ORDER.index(spec.name))
        values = {spec.name: widget(spec) for spec in essential}
    with st.expander(_("All settings"), icon=":material/tune:"):
        for tab, group in zip(st.tabs(list(GROUPS)), GROUPS, strict=True):
            with tab, st.grid("auto", min_column_width=190):
                for spec in specs:
                    if spec.group == group and not spec.essential:
                        values[spec.name] = widget(spec)
    given = {name: value for name, value in values.items() if value is not None}
    return make_config(**absolute({"data": data, "val": val, **asdict(choice), **given}))


def explanations() -> None:
    """Explain one setting: what it does, its legal values, and the lines of PyTorch that do it."""
    with st.expander(_("What a setting does, and the lines that run"), icon=":material/code:"):
        specs = [spec for spec in FIELDS.values() if spec.code]
        titles = {spec.name: f"{spec.group}: {spec.title}" for spec in specs}
        name = st.selectbox(_("Setting"), list(titles), format_func=titles.__getitem__, key="train_explain")
        spec = FIELDS[name]
        st.markdown(f"**{spec.title}** (`{spec.name}`): {spec.text} Legal: {spec.legal}.")
        st.code(source_of(spec.code), language="python")
        st.caption(f"From {spec.code.replace(':', ', ')}: this is the code that runs, not a copy of it.")
