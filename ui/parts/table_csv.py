"""The numbers behind a chart: as a table to read, and as a CSV file to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from alexcore.spreadsheet import csv_of
from alexcore.words.language import _
from ui.parts.controls import download

# More cells than this slow the browser down.
MOST_CELLS = 20_000


def csv_button(table: pd.DataFrame, file: str, key: str) -> None:
    """Offer a table for download; its text is made when somebody clicks."""
    download(_("Download as CSV"), lambda: csv_of(table).encode(), file, "text/csv", key)


def table_with_csv(table: pd.DataFrame, alt: str, file: str, key: str) -> None:
    """Show a table, unless it is too large for that, above the button that downloads it."""
    if table.size <= MOST_CELLS:
        st.dataframe(table, hide_index=True, height=240, alt=alt)
    else:
        st.caption(f"{table.size:,} cells are too many to show; the CSV has them all.")
    csv_button(table, file, key)


def same_as_table(table: pd.DataFrame, alt: str, file: str, key: str, place: str) -> None:
    """Offer the numbers of a chart below it; `key` is that of the button, `place` that of the expander."""
    with st.expander(_("The same as a table"), icon=":material/table:", key=place):
        table_with_csv(table, alt, file, key)
