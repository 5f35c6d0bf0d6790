"""A page of thumbnails; only the pictures on it are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.data.thumbnails import thumbnail

PAGE_SIZE = 24


def gallery(index: DataIndex, rows: pd.DataFrame) -> None:
    """Draw pages of `rows` (of `index.files`), the page number in the URL."""
    if rows.empty:
        st.info("No picture matches. Choose another split or more classes.")
        return
    pages = -(-len(rows) // PAGE_SIZE)
    page = st.pagination(pages, default=min(_page_in_url(), pages), key="dataset_page")
    st.query_params["page"] = str(page)
    first = (page - 1) * PAGE_SIZE
    shown = rows.iloc[first : first + PAGE_SIZE]
    st.caption(f"Pictures {first + 1:,} to {first + len(shown):,} of {len(rows):,}")
    with st.grid("auto", min_column_width=130, key="dataset_gallery"):
        for path, split, label in zip(shown["path"], shown["split"], shown["label"], strict=True):
            name = index.classes[label]
            caption = f"{name} · {split}"
            st.image(thumbnail(index.path_of(path)), caption=caption, width="stretch", alt=f"{Path(path).name}, {name}")


def first_page() -> None:
    """Go back to page 1: the callback of every filter, because the old number means nothing in a new selection."""
    st.session_state.pop("dataset_page", None)
    st.query_params.pop("page", None)


def _page_in_url() -> int:
    text = st.query_params.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 10 else 1


def class_table(index: DataIndex) -> pd.DataFrame:
    """A row a class: index, class, count per split, share of the training split in percent."""
    counts = index.counts()
    table = pd.DataFrame({"index": range(len(index.classes)), "class": list(index.classes)})
    for split in counts.columns:
        table[split] = counts[split].to_numpy()
    table["train (%)"] = (100 * table["train"] / max(1, table["train"].sum())).round(1)
    return table


def filtered(index: DataIndex, split: str | None, classes: Sequence[str]) -> pd.DataFrame:
    """The pictures of a split (None: all) and of some classes (empty: all)."""
    rows = index.files
    if split:
        rows = rows[rows["split"] == split]
    if classes:
        rows = rows[rows["label"].isin([index.class_to_idx[name] for name in classes])]
    return rows
