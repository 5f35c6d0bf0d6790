"""The numbers behind a chart: as a table to read, and as a CSV file to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from alexcore.words.language import _

# More cells than this slow the browser down.
MOST_CELLS = 20_000


def csv_button(table: pd.DataFrame, file: str, key: str) -> None:
    """Offer a table for download; its text is made when somebody clicks."""
    st.download_button(
        _("Download as CSV"),
        lambda: table.to_csv(index=False).encode(),
        file,
        "text/csv",
        key=key,
        on_click="ignore",
        icon=":material/download:",
    )


def table_with_csv(table: pd.DataFrame, alt: str, file: str, key: str) -> None:
    """Show a table, unless it is too large for that, above the button that downloads it."""
    if table.size <= MOST_CELLS:
        st.dataframe(table, hide_index=True, height=240, alt=alt)
    else:
        st.caption(f"{table.size:,} cells are too many to show; the CSV has them all.")
    csv_button(table, file, key)
