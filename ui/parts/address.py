"""Which data set and which run a page is about: first the URL, then what this session chose before."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import streamlit as st

from alexcore.data.reading import AS_IT_LIES, CHOICES, FolderChoice
from alexcore.errors import ConfigError, RunError
from alexcore.home import SYNTHETIC, open_path
from alexcore.run_intensity import is_intensity
from alexcore.run_names import run_folder


@dataclass(frozen=True)
class Beside:
    """What is chosen for a data set beside how it is read: a folder to validate on, and a rule of intensities."""

    val: str = ""
    intensity: str = "auto"


# What stands in the URL of how a data set is read, and beside that.
_READ = CHOICES
_BESIDE = tuple(asdict(Beside()))


def chosen_dataset() -> str:
    """The data set's name in `data/`, or its path; from `?dataset=`, else the last one, else the built-in one."""
    name = st.query_params.get("dataset") or st.session_state.get("dataset") or SYNTHETIC
    st.session_state["dataset"] = name
    return str(name)


def choose_dataset(name: str) -> None:
    """Make this data set the chosen one, on this page and the next."""
    if name != chosen_dataset():
        for each in (*_READ, *_BESIDE):  # they say how the other one was read
            st.query_params.pop(each, None)
    st.session_state["dataset"] = name
    st.query_params["dataset"] = name


def chosen_reading(name: str) -> FolderChoice:
    """How the folder of a data set is to be read: by the URL if that is about it, else as this session chose before.

    Raises:
        DataError: the test folder of the URL may not be opened.
    """
    choice, _beside = known_choices(name)
    if choice.test:  # jobs get it, too, and open whatever they are given
        open_path(choice.test)
    return choice


def known_choices(name: str) -> tuple[FolderChoice, Beside]:
    """What is chosen for a data set, whether or not its folders may be opened."""
    readings: dict[str, FolderChoice] = st.session_state.setdefault("readings", {})
    with suppress(ConfigError):  # an address that somebody has typed badly
        readings[name] = replace(readings.get(name, AS_IT_LIES), **_asked(name, _READ))
    besides: dict[str, Beside] = st.session_state.setdefault("beside", {})
    beside = replace(besides.get(name, Beside()), **_asked(name, _BESIDE))
    besides[name] = beside if is_intensity(beside.intensity) else replace(beside, intensity=Beside().intensity)
    return readings.get(name, AS_IT_LIES), besides[name]


def _asked(name: str, words: tuple[str, ...]) -> dict[str, Any]:
    """What the URL says, if it is about this data set."""
    return {each: st.query_params[each] for each in words if st.query_params.get(each) and name == chosen_dataset()}


def choose_reading(name: str, choice: FolderChoice) -> None:
    """Read the folder of a data set in another way from now on, on all pages."""
    st.session_state.setdefault("readings", {})[name] = choice
    _put(name, asdict(choice), asdict(AS_IT_LIES))


def chosen_beside(name: str) -> Beside:
    """What is chosen for a data set beside how it is read; likewise.

    Raises:
        DataError: the validation folder of the URL may not be opened.
    """
    beside = known_choices(name)[1]
    if beside.val:
        open_path(beside.val)
    return beside


def choose_beside(name: str, beside: Beside) -> None:
    """Validate on another folder, or scale values by another rule, from now on, on all pages."""
    st.session_state.setdefault("beside", {})[name] = beside
    _put(name, asdict(beside), asdict(Beside()))


def address_of(name: str) -> dict[str, str]:
    """The words of a URL that open a data set as it is open here."""
    choice, beside = known_choices(name)
    chosen = asdict(choice) | asdict(beside)
    plain = asdict(AS_IT_LIES) | asdict(Beside())
    return {"dataset": name, **{each: value for each, value in chosen.items() if value != plain[each]}}


def _put(name: str, values: dict[str, str], plain: dict[str, str]) -> None:
    """Put what is not plain into the URL, if that is about this data set."""
    if name == chosen_dataset():
        for each, value in values.items():
            if value == plain[each]:
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
