"""The seed of the draws: visible, in the URL, and moved by one button."""

from __future__ import annotations

import streamlit as st

from alexcore.config import FIELDS
from alexcore.words.language import _

_KEY = "augment_seed"


def choose_seed() -> int:
    """Draw the seed and "Draw again"; return the seed."""
    spec = FIELDS["seed"]
    if _KEY not in st.session_state:
        text = st.query_params.get("seed", "")
        st.session_state[_KEY] = int(text) if text.isdecimal() and len(text) < 10 else int(spec.default)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            _("Seed"),
            step=1,
            format="%d",
            key=_KEY,
            width=140,
            persist_state="session",
            help=_("The seed of a run. The same seed gives the same draws, here and in training."),
        )
        st.button(_("Draw again"), key="augment_redraw", on_click=_next, icon=":material/casino:")
    if seed is None or not (spec.minimum or 0) <= seed <= (spec.maximum or seed):
        st.error(f"Seed = {seed} is not allowed: it must be {spec.legal}; {spec.default} is used.")
        return int(spec.default)
    st.query_params["seed"] = str(seed)
    return int(seed)


def _next() -> None:
    seed = st.session_state[_KEY]
    st.session_state[_KEY] = 0 if seed is None or seed >= (FIELDS["seed"].maximum or seed) else int(seed) + 1
