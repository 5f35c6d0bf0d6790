"""Numbers as a table to read, and as a CSV to compute with."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import streamlit as st

# A table is sent again with each poll and each click.
MOST_CELLS = 20_000


def number_table(
    table: pd.DataFrame,
    file: str,
    *,
    key: str,
    alt: str,
    title: str = "The same as a table",
    height: int | Literal["auto"] = 240,
    box: str | None = None,
) -> None:
    """Draw a box that opens, with the table and its CSV.

    Args:
        table: What a chart shows.
        file: What the CSV is called, without its ending.
        key: Of the download.
        alt: What the table is, for who cannot see it.
        title: Of the box.
        height: Of the table, in px.
        box: Key of the box.
    """
    with st.expander(title, icon=":material/table:", key=box):
        open_table(table, file, key=key, alt=alt, height=height)


def open_table(table: pd.DataFrame, file: str, *, key: str, alt: str, height: int | Literal["auto"] = 240) -> None:
    """Draw the table and its CSV, as much of it as is good to send."""
    rows = max(1, MOST_CELLS // max(1, len(table.columns)))
    if len(table) > rows:
        st.caption(f"The first {rows:,} of {len(table):,} rows; the CSV has them all.")
    st.dataframe(table.head(rows), hide_index=True, height=height, alt=alt)
    csv_button(table, file, key)


def csv_button(table: pd.DataFrame, file: str, key: str) -> None:
    """Draw the button alone."""
    st.download_button(
        "Download as CSV",
        lambda: table.to_csv(index=False).encode(),
        f"{file}.csv",
        "text/csv",
        key=key,
        on_click="ignore",
        icon=":material/download:",
    )
