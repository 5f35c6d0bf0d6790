"""One click leaves out the classes that have nothing to train on, where they forbid a run."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.data.untrained import can_drop
from alexcore.words.language import _
from ui.parts.address import choose_reading


def drop_button(name: str, index: DataIndex, key: str) -> None:
    """Draw the button, if there is such a class, and others to do without it."""
    if index.choice.untrained == "refuse" and can_drop(index):
        st.button(
            _("Leave these classes out"),
            key=key,
            icon=":material/playlist_remove:",
            on_click=choose_reading,
            args=(name, replace(index.choice, untrained="drop")),
            help=_("On the command line: --untrained drop. No file is moved or deleted."),
        )
