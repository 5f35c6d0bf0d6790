"""One picture of a data set, large, with what is known about it."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

import numpy as np
import streamlit as st

from alexcore.data.images import read_header
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.data.statistics import Statistics
from alexcore.data.thumbnails import small_copy
from alexcore.errors import DataError
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.page import show_error
from ui.parts.text import plain

# As wide as the dialog on most screens; a photograph of 20 million pixels need not travel whole.
LARGE_PX = 1024
ENLARGED_PX = 480


def show_picture(index: DataIndex, row: int, statistics: Statistics | None) -> None:
    """Open a dialog on the picture in this row of `index.files`."""
    name = plain(str(index.names.iloc[row]))
    st.dialog(name, width="large")(_body)(index, row, statistics)


def _body(index: DataIndex, row: int, statistics: Statistics | None) -> None:
    path = index.path_of(str(index.files["path"].iloc[row]))
    source = picture_source(index, str(index.files["path"].iloc[row]))
    split, label = str(index.files["split"].iloc[row]), int(index.files["label"].iloc[row])
    name = index.classes[label]
    number = int(np.count_nonzero((index.files["split"].iloc[:row] == split).to_numpy()))
    exif: dict[str, str] = {}
    facts = {
        "Class": f"{name}, index {label}",
        "Split": f"{split}, picture {number} of {int((index.files['split'] == split).sum()):,} (counted from 0)",
    }
    left, right = st.columns([3, 2])
    with left:
        try:
            image = small_copy(source, LARGE_PX)
            buffer = BytesIO()
            image.save(buffer, "JPEG", quality=90)
            # A small picture is enlarged until details can be seen, not until it fills the screen.
            width: Literal["content"] | int = "content" if image.width >= ENLARGED_PX else ENLARGED_PX
            st.image(buffer.getvalue(), width=width, alt=f"{path.name}, {name}")
        except DataError as error:
            show_error(error)
    try:
        header = read_header(source)
        exif = header.exif
        taken = len(source) if isinstance(source, bytes) else source.stat().st_size
        facts["Size"] = f"{header.width} × {header.height} px, {size_text(taken)}, {header.kind}"
    except (DataError, OSError):
        facts["Size"] = f"{size_text(int(index.files['bytes'].iloc[row]))} when the folder was read"
    brightness = None if statistics is None else float(statistics.table["brightness"].iloc[row])
    if brightness is not None and not np.isnan(brightness):
        facts["Brightness"] = f"{brightness:.2f} (0 is black, 1 is white)"
    with right:
        _list(facts)
        st.code(str(path), language=None, wrap_lines=True)
        st.markdown(_("**EXIF**"))
        if exif:
            _list(exif)
        else:
            st.caption(_("None: the file names neither camera nor date, and no rotation to apply."))


def _list(facts: dict[str, str]) -> None:
    st.markdown("\n".join(f"- **{plain(name)}**: {plain(text)}" for name, text in facts.items()))
