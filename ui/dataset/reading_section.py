"""How a folder was read, and what else it might mean: one click reads it the other way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from alexcore.data.decoding.thumbnails import thumbnail
from alexcore.data.index import DataIndex
from alexcore.data.reading import AS_IT_LIES, AmbiguousError, FolderReading
from alexcore.home import open_path
from alexcore.words.language import _
from ui.dataset.gallery import first_page
from ui.parts.address import choose_reading
from ui.parts.text import plain

PREVIEW_PX = 48


def choose_how(name: str, error: AmbiguousError) -> None:
    """Say that a folder cannot be read without a word from its owner, and draw each way with a button."""
    with st.container(key="dataset_layout"):
        st.warning(plain(error.message), icon=":material/alt_route:")
        _ways(name, error.readings)


def reading_section(name: str, index: DataIndex) -> None:
    """Draw the expander that says how the folder was read; nothing of a list or shards, which say so themselves."""
    reading = index.reading
    if reading is None or reading.layout == "auto":
        return
    with st.container(key="dataset_layout"), st.expander(_("How this folder was read"), icon=":material/account_tree:"):
        inside = "" if reading.root == "." else f" in {reading.root}/"
        st.markdown(plain(f"Read as {reading.words}{inside}."))
        if reading.splits:
            folders = [(f"{folder}/", split, _images(reading, split)) for split, folder in reading.splits.items()]
            _table(folders, ["folder", "split", "pictures"])
        if reading.left_out:
            _table([(each.path, each.images) for each in reading.left_out], ["left out", "pictures"])
        if reading.choice != AS_IT_LIES:
            st.caption(plain(f"Chosen with {reading.choice.flags}."))
        _ways(name, reading.alternatives)


def _table(rows: Sequence[tuple[str | int, ...]], columns: list[str]) -> None:
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, alt=f"By {columns[0]}")


def _images(reading: FolderReading, split: str) -> int:
    return sum(reading.counts.get(split, {}).values())


def _ways(name: str, readings: Sequence[FolderReading]) -> None:
    """Draw each reading in words, with some pictures of each class, and the button that opens it."""
    for number, reading in enumerate(readings):
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(f"It could be {reading.words}."), width="stretch")
                st.button(
                    _("Read it this way"),
                    key=f"dataset_layout_{number}",
                    type="secondary" if number else "primary",
                    on_click=_chosen,
                    args=(name, reading),
                    help=plain(f"On the command line: {reading.choice.flags or 'without a flag'}."),
                )
            if reading.preview:
                _preview(open_path(name), reading)


def _chosen(name: str, reading: FolderReading) -> None:
    choose_reading(name, reading.choice)
    first_page()


def _preview(root: Path, reading: FolderReading) -> None:
    """Draw a row of small pictures for each class."""
    for name, paths in (reading.preview or {}).items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(plain(f"{name} ({reading.classes.get(name, 0):,})"), width=90)
            for path in paths:
                st.image(thumbnail(root / path, 2 * PREVIEW_PX), width=PREVIEW_PX, alt=f"{path}, {name}")
