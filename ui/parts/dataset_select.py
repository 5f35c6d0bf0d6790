"""One field that chooses among the known data sets, for the pages that need one and do not open it."""

from __future__ import annotations

import streamlit as st

from alexcore.home import SYNTHETIC, known_data_sets
from alexcore.words.language import _
from ui.parts.address import choose_dataset, chosen_dataset


def dataset_select(key: str) -> str:
    """Draw the field; return the chosen data set, from `?dataset=` or this session."""
    name = chosen_dataset()
    options = known_data_sets()
    if name not in options:
        options.append(name)
    titles = {SYNTHETIC: "synthetic flowers (built in)"}
    if st.session_state.get(key) != name:
        st.session_state[key] = name
    st.selectbox(
        _("Data set"),
        options,
        key=key,
        format_func=lambda each: titles.get(each, each),
        on_change=lambda: choose_dataset(st.session_state[key]),
        help=_("Open another folder on the page Data set; it then appears here."),
    )
    return name
