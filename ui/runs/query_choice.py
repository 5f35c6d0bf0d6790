"""A choice that stands in the URL, so that a link or a refresh brings it back. What a URL says is not trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st


def url_choice(
    label: str, parameter: str, options: Sequence[str], *, key: str, text: str, words: Callable[[str], str] = str
) -> str:
    """Draw a row of choices whose value is a query parameter; the first counts where the URL names none of them."""
    if st.session_state.get(key) not in options:
        wished = st.query_params.get(parameter)
        st.session_state[key] = wished if wished in options else options[0]
    chosen = str(st.segmented_control(label, options, key=key, required=True, format_func=words, help=text, wrap=True))
    if st.query_params.get(parameter) != chosen:
        st.query_params[parameter] = chosen
    return chosen
