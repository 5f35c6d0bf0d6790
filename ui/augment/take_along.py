"""Take a pipeline along: as Python, as JSON, into a run."""

from __future__ import annotations

import streamlit as st

from alexcore.augment.check import output_side
from alexcore.augment.code import python_code
from alexcore.augment.operations import Operation, active
from alexcore.augment.pipeline_files import parse_pipeline, pipeline_json, save_pipeline
from alexcore.augment.presets import PRESETS, evaluation_operations
from alexcore.errors import ConfigError
from alexcore.words.language import _
from ui.augment import draft as state
from ui.parts.forms import fill
from ui.parts.menu import page_file
from ui.parts.page import show_error
from ui.parts.text import plain


def use_for_training(operations: list[Operation], legal: bool) -> None:
    """Draw the page's primary action: hand the pipeline to the form of a run."""
    preset = st.session_state["augment_preset"]
    # A preset fits any size, so it stays a preset where nothing else was changed.
    unchanged = preset in PRESETS and state.is_preset(operations)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        own = "my-augmentation" if preset in PRESETS else preset
        name = preset if unchanged else st.text_input(_("Keep it as"), value=own, key="augment_name", width=220)
        if st.button(_("Use for training"), key="augment_use", type="primary", disabled=not legal):
            try:
                if not unchanged:
                    save_pipeline(name or "", active(operations))
            except ConfigError as error:
                show_error(error)
                return
            fill({"augment": name, "image_size": output_side(operations)})
            st.switch_page(page_file("train"), query_params={"dataset": st.session_state["dataset"]})


def take_along(operations: list[Operation], classes: int) -> None:
    """Draw the pipeline as Python and as JSON, and a field that takes JSON."""
    side = output_side(operations)
    evaluation = evaluation_operations(active(operations), side)
    st.subheader(_("Take it along"), anchor=False)
    with st.container(key="augment_code"):
        st.markdown(_("**Python**, for a training script of your own"))
        st.code(python_code(operations, evaluation, classes), language="python")
        st.caption(
            _("torchvision.transforms.v2: the same classes and parameters that a run builds, in the same order.")
        )
    with st.container(key="augment_json"):
        text = pipeline_json(active(operations))
        st.markdown(_("**JSON**, for `python -m alexcore train --augment pipeline.json`"))
        st.code(text, language="json", wrap_lines=True)
        st.download_button(
            _("Download pipeline.json"), text, "pipeline.json", "application/json", key="augment_download"
        )
    with st.expander(_("Load a pipeline from JSON"), key="augment_load"):
        st.text_area(_("JSON"), key="augment_json_text", placeholder=_('[{"op": "ToTensor"}, ...]'), height=160)
        st.button(_("Load"), key="augment_json_load", on_click=_load)
        problem = st.session_state.pop("augment_json_problem", None)
        if problem:
            st.error(plain(problem), icon=":material/error:")


def _load() -> None:
    try:
        state.set_operations(parse_pipeline(st.session_state["augment_json_text"] or ""))
    except ConfigError as error:
        st.session_state["augment_json_problem"] = str(error)
