"""Which data set is looked at: one in `data/`, or a folder that is typed."""

from __future__ import annotations

import streamlit as st

from alexcore.home import known_data_sets
from alexcore.words.language import _
from ui.dataset.gallery import first_page
from ui.parts.address import choose_dataset, chosen_dataset
from ui.parts.datasets import dataset_title

FLOWERS = "flower_photos"
OTHER = "a folder ..."


def dataset_source() -> str:
    """Draw the choice and return the name or path of the data set; "" while nothing has been opened yet."""
    name, known = chosen_dataset(), known_data_sets()
    # The URL decides, except while somebody has chosen to type a folder and has not opened one since.
    typing = name not in known or st.session_state.get("typing_for") == name
    st.session_state["dataset_source"] = OTHER if typing else name
    st.selectbox(
        _("Data set"),
        [*known, OTHER],
        key="dataset_source",
        format_func=dataset_title,
        on_change=_picked,
        help=_("The built-in set, other folders in data/, or any folder on this computer."),
    )
    if not typing:
        return name
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            _("Folder"),
            value="" if name in known else name,
            key="dataset_path",
            placeholder=_("/home/me/flowers"),
            help=_("One folder per class, or train/ and val/ with one folder per class in each."),
        )
        st.button(_("Open"), key="dataset_open", type="primary", on_click=_opened)
    return "" if name in known else name


def _picked() -> None:
    if st.session_state["dataset_source"] == OTHER:
        st.session_state["typing_for"] = chosen_dataset()
    else:
        st.session_state.pop("typing_for", None)
        choose_dataset(st.session_state["dataset_source"])
    first_page()


def _opened() -> None:
    st.session_state.pop("typing_for", None)
    # A blank is no known name, so an empty field gets its sentence too.
    choose_dataset(st.session_state["dataset_path"].strip() or " ")
    first_page()
