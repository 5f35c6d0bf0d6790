"""Which data set and which run a page is about: first the URL, then what this session chose before."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import streamlit as st

from alexcore.data.reading import AS_IT_LIES, CHOICES, FolderChoice
from alexcore.errors import ConfigError, RunError
from alexcore.home import SYNTHETIC
from alexcore.run_names import run_folder

# What of a FolderChoice stands in the URL; whether its folders may be opened is asked when they are.
_READ = tuple(name for name in CHOICES if name != "test")


def chosen_dataset() -> str:
    """The data set's name in `data/`, or its path; from `?dataset=`, else the last one, else the built-in one."""
    name = st.query_params.get("dataset") or st.session_state.get("dataset") or SYNTHETIC
    st.session_state["dataset"] = name
    return str(name)


def choose_dataset(name: str) -> None:
    """Make this data set the chosen one, on this page and the next."""
    if name != chosen_dataset():
        for each in _READ:  # they say how the other one was read
            st.query_params.pop(each, None)
    st.session_state["dataset"] = name
    st.query_params["dataset"] = name


def chosen_reading(name: str) -> FolderChoice:
    """How the folder of a data set is to be read: by the URL if that is about it, else as this session chose before."""
    known: dict[str, FolderChoice] = st.session_state.setdefault("readings", {})
    asked = {each: st.query_params[each] for each in _READ if st.query_params.get(each)}
    if asked and name == chosen_dataset():
        with suppress(ConfigError):  # an address that somebody has typed badly
            known[name] = replace(known.get(name, AS_IT_LIES), **asked)  # type: ignore[arg-type]
    return known.get(name, AS_IT_LIES)


def choose_reading(name: str, choice: FolderChoice) -> None:
    """Read the folder of a data set in another way from now on, on all pages."""
    st.session_state.setdefault("readings", {})[name] = choice
    if name == chosen_dataset():
        for each in _READ:
            value = getattr(choice, each)
            if value == getattr(AS_IT_LIES, each):
                st.query_params.pop(each, None)
            else:
                st.query_params[each] = value


def chosen_run() -> str | None:
    """The id of the run that the page is about, from `?run=`, where its name may stand, too."""
    text = st.query_params.get("run")
    with suppress(RunError):  # several runs of that name: whoever opens it says so
        folder = run_folder(text) if text else None
        return folder.name if folder else text or None
    return text


def choose_run(run_id: str | None) -> None:
    """Put the run into the URL, or take it out."""
    if run_id is None:
        st.query_params.pop("run", None)
    else:
        st.query_params["run"] = run_id
