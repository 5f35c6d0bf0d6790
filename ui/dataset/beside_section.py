"""What belongs to a data set and does not lie in it: folders to validate and test on, a rule of intensities."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from alexcore.errors import DataError
from alexcore.home import open_path
from alexcore.run_intensity import INTENSITIES, LEGAL, is_intensity
from alexcore.words.language import _
from ui.dataset.gallery import first_page
from ui.parts.address import Beside, choose_beside, choose_reading, known_choices
from ui.parts.page import show_error

FAILED = "beside_failed"


def beside_section(name: str) -> None:
    """Draw the fields; they work, too, where what was chosen before cannot be opened."""
    failed = st.session_state.pop(FAILED, None)
    choice, beside = known_choices(name)
    if st.session_state.get("beside_shown") != (name, choice, beside):
        st.session_state["beside_shown"] = name, choice, beside
        values = {"val": beside.val, "test": choice.test, "intensity": beside.intensity}
        st.session_state.update({f"dataset_{each}": value for each, value in values.items()})
    title = _("Separate folders, and values beyond 8 bits")
    rules = list(dict.fromkeys([*INTENSITIES, beside.intensity]))
    with (
        st.expander(title, expanded=bool(failed), icon=":material/add_link:"),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        folder, text = _("/home/me/more"), _("One folder per class; empty uses the data set's own pictures.")
        st.text_input(_("Validation folder"), key="dataset_val", help=text, placeholder=folder)
        st.text_input(_("Test folder"), key="dataset_test", help=text, placeholder=folder)
        told = _("Which values of 16-bit and floating-point pictures become black and white: {legal}.")
        told = told.format(legal=LEGAL)
        st.selectbox(_("Values beyond 8 bits"), rules, key="dataset_intensity", accept_new_options=True, help=told)
        st.button(_("Open so"), key="dataset_beside_open", on_click=_opened, args=(name,))
    if failed:
        show_error(failed)


def _opened(name: str) -> None:
    val, test, rule = (str(st.session_state[f"dataset_{each}"] or "").strip() for each in ("val", "test", "intensity"))
    try:
        val, test = (str(open_path(each)) if each else "" for each in (val, test))
        if not is_intensity(rule):
            raise DataError(f"{rule!r} is no rule for values.", f"It must be {LEGAL}.")
    except DataError as error:
        st.session_state[FAILED] = error
        return
    choose_beside(name, Beside(val, rule))
    choose_reading(name, replace(known_choices(name)[0], test=test))
    first_page()
