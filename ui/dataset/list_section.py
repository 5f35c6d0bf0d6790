"""A list that cannot be opened as it is: which columns are meant, and where its pictures are now."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.data.reading import AS_IT_LIES, Header, PicturesGoneError, UnclearListError
from alexcore.errors import DataError
from alexcore.findings.data_lists import FolderGone
from alexcore.home import open_path
from alexcore.words.language import _
from ui.dataset.gallery import first_page
from ui.parts.address import choose_reading, chosen_reading
from ui.parts.controls import one_of
from ui.parts.page import show_error
from ui.parts.text import plain

FAILED = "dataset_root_failed"
# What a first line can be, and what is chosen by it.
_FIRST_LINE: dict[Header, str] = {"yes": "the names of the columns", "no": "a picture like the others"}


def choose_columns(name: str, error: UnclearListError) -> None:
    """Show the first lines of a list, and ask which columns hold the pictures and their classes."""
    if not error.is_open:
        show_error(error)
        return
    key = f"dataset_list_{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:6]}"
    with st.container(key="dataset_layout"):
        st.warning(plain(error.message), icon=":material/alt_route:")
        width = max(map(len, error.rows))
        shown = pd.DataFrame(error.rows, columns=[str(number + 1) for number in range(width)])
        shown.index = pd.RangeIndex(1, len(shown) + 1)
        st.dataframe(shown, alt="The first lines of the list")
        header: Header = "auto"
        if name.lower().endswith((".csv", ".tsv")):
            likely = "no" if error.choice.header == "no" else "yes"
            header = one_of(
                _("The first line is"), list(_FIRST_LINE), f"{key}_header", default=likely, format_func=_FIRST_LINE.get
            )
        given = [part for part in error.choice.columns.split(",") if part.isdigit() and 0 < int(part) <= width]
        first = error.rows[0]
        told = {str(n + 1): f"{n + 1}: {first[n][:40] if n < len(first) else ''}" for n in range(width)}
        chosen = []
        with st.container(horizontal=True, vertical_alignment="bottom"):
            for number, (what, label) in enumerate(
                (("image", _("Pictures")), ("class", _("Their classes")), ("split", _("Their splits, if any")))
            ):
                likely_one = list(told).index(given[number]) if number < len(given) else None
                chosen.append(
                    st.selectbox(
                        label,
                        list(told),
                        index=likely_one,
                        key=f"{key}_{what}",
                        format_func=told.__getitem__,
                        placeholder=_("none") if what == "split" else _("choose a column"),
                        width=220,
                    )
                )
        columns = ",".join(each for each in chosen if each)
        st.button(
            _("Read it this way"),
            key="dataset_list_read",
            type="primary",
            disabled=None in chosen[:2],
            on_click=_read,
            args=(name, header, columns),
            help=plain(f"On the command line: --header {header} --columns {columns}."),
        )


def _read(name: str, header: Header, columns: str) -> None:
    choose_reading(name, replace(chosen_reading(name), header=header, columns=columns))
    first_page()


def chosen_section(name: str, index: DataIndex) -> None:
    """Say what was chosen for a list, with a way to choose again; nothing where nobody had to."""
    if index.source and index.reading and index.reading.choice.flags:
        with st.container(horizontal=True, vertical_alignment="center", key="dataset_layout"):
            st.caption(plain(f"Read with {index.reading.choice.flags}."), width="content")
            st.button(_("Choose again"), key="dataset_list_again", type="tertiary", on_click=_as_it_lies, args=(name,))


def _as_it_lies(name: str) -> None:
    choose_reading(name, AS_IT_LIES)
    first_page()


def moved(name: str, error: PicturesGoneError) -> None:
    """Say which pictures are not there, and ask for the folder where they are now."""
    show_error(error)
    _root_field(name)


def moved_in_part(name: str, index: DataIndex) -> None:
    """Ask for a folder that is gone while other pictures of a list are there."""
    if any(isinstance(problem, FolderGone) for problem in index.problems):
        _root_field(name)


def _root_field(name: str) -> None:
    failed = st.session_state.pop(FAILED, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            _("Folder where the pictures are now"),
            value=chosen_reading(name).root,
            key="dataset_root",
            max_chars=1000,
            placeholder=_("/home/me/flowers"),
            help=_("It takes the place of the folder that the list names; the list itself stays as it is."),
            width=520,
        )
        st.button(_("Look there"), key="dataset_root_open", type="primary", on_click=_look_there, args=(name,))
    if failed:
        show_error(failed)


def _look_there(name: str) -> None:
    text = str(st.session_state["dataset_root"]).strip()
    try:
        root = str(_folder(text)) if text else ""
    except DataError as error:
        st.session_state[FAILED] = error
        return
    choose_reading(name, replace(chosen_reading(name), root=root))
    first_page()


def _folder(text: str) -> Path:
    found = open_path(text)
    if not found.is_dir():
        raise DataError(f"{found} is a file.", "Type the path of the folder that holds the pictures.")
    return found
