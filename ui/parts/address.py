"""Which data set and which run a page is about: first the URL, then what this session chose before."""

from __future__ import annotations

import streamlit as st

from alexcore.home import SYNTHETIC


def chosen_dataset() -> str:
    """The data set's name in `data/`, or its path; from `?dataset=`, else the last one, else the built-in one."""
    name = st.query_params.get("dataset") or st.session_state.get("dataset") or SYNTHETIC
    st.session_state["dataset"] = name
    return str(name)


def choose_dataset(name: str) -> None:
    """Make this data set the chosen one, on this page and the next."""
    st.session_state["dataset"] = name
    st.query_params["dataset"] = name


def chosen_run() -> str | None:
    """The id of the run that the page is about, from `?run=`."""
    return st.query_params.get("run") or None


def choose_run(run_id: str | None) -> None:
    """Put the run into the URL, or take it out."""
    if run_id is None:
        st.query_params.pop("run", None)
    else:
        st.query_params["run"] = run_id
