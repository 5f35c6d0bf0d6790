"""The pages: what the menu lists, and where a link leads."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

# File in pages/ and path of the URL (the first page is also the home) -> title.
PAGES = {
    "overview": "Overview",
    "dataset": "Data set",
    "augment": "Augment",
    "train": "Train",
    "batchnorm": "BatchNorm",
    "classify": "Classify",
    "network": "Network",
    "runs": "Runs",
}
_FOLDER = Path(__file__).resolve().parents[2] / "pages"


def page_file(name: str) -> str:
    """The script of a page, as `st.switch_page` and the router want it."""
    assert name in PAGES, name
    return str(_FOLDER / f"{name}.py")


def page_link(name: str, label: str, icon: str | None = None, **query: str) -> None:
    """Draw a link to a page, with what its URL is to say."""
    st.page_link(page_file(name), label=label, icon=icon, query_params=query or None)
