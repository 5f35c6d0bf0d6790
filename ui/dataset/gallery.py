"""Pages of thumbnails with filters and an order, and one picture large; only what is shown is read."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import streamlit as st

from alexcore.data.browse import ORDERS, Positions, select_rows
from alexcore.data.decoding.images import read_header
from alexcore.data.decoding.thumbnails import jpeg, small_copy, thumbnail
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.data.statistics import Statistics
from alexcore.errors import DataError
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.controls import one_of
from ui.parts.corrections import corrected, correction_choice, correction_menu, known_corrections, was_corrected
from ui.parts.page import show_error
from ui.parts.text import plain

PAGE_SIZES = (24, 48, 96)
# As wide as the dialog on most screens; a photograph of 20 million pixels need not travel whole.
LARGE_PX = 1024
ENLARGED_PX = 480


def first_page() -> None:
    """Go back to page 1: the callback of every filter, because the old number means nothing in a new selection."""
    st.session_state.pop("dataset_page", None)
    st.session_state.pop("dataset_finding_page", None)
    st.query_params.pop("page", None)


# What all filters have: they stand in the URL, and begin on page 1.
_FILTER: dict[str, Any] = {"on_change": first_page, "bind": "query-params"}


# A fragment: turning a page neither reads the folder's problems nor draws a chart again.
@st.fragment
def browser(index: DataIndex, statistics: Statistics | None) -> None:
    """Draw the filters and the gallery that they leave."""
    gallery(index, _filters(index, statistics), statistics)


def _filters(index: DataIndex, statistics: Statistics | None) -> Positions:
    orders = [each for each in ORDERS if statistics is not None or each != "brightness"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            _("Split"), list(index.splits), key="dataset_split", help=_("None chosen: all."), **_FILTER
        )
        classes = st.multiselect(
            _("Classes"), list(index.classes), key="dataset_classes", placeholder=_("all classes"), **_FILTER
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.text_input(
            _("File name contains"), key="dataset_file", max_chars=200, placeholder=_("any name"), width=220, **_FILTER
        )
        order = st.selectbox(
            _("Sort by"),
            orders,
            key="dataset_sort",
            width=160,
            help=_(
                "class: by split, class and folder. name and size: of the file. brightness: from dark to light, once "
                "the statistics are measured."
            ),
            **_FILTER,
        )
        one_of(_("Pictures a page"), PAGE_SIZES, "dataset_page_size", **_FILTER)
        descending = st.toggle(_("Last first"), key="dataset_descending", **_FILTER)
    brightness = None if statistics is None else statistics.table["brightness"].to_numpy("float32")
    return select_rows(index, split, classes, (part or "").strip(), order, descending, brightness)


def gallery(
    index: DataIndex,
    rows: Positions,
    statistics: Statistics | None = None,
    key: str = "dataset_page",
    readable: DataIndex | None = None,
) -> None:
    """Draw a page of the pictures in these rows of `index.files`; of the main gallery the page number is in the URL.

    If `index` has pictures that cannot be decoded, `readable` is the data set without them, in which labels are
    corrected; there each picture has its menu for that, and here it is found behind the name.
    """
    if not len(rows):
        st.info(_("No picture matches. Choose another split, more classes or another part of the file name."))
        return
    page_size = int(st.session_state.get("dataset_page_size") or PAGE_SIZES[0])
    pages = -(-len(rows) // page_size)
    in_url = key == "dataset_page"
    page = st.pagination(pages, default=min(_page_in_url(), pages) if in_url else 1, key=key)
    if in_url:
        st.query_params["page"] = str(page)
    first = (page - 1) * page_size
    shown = rows[first : first + page_size]
    st.caption(
        f"Pictures {first + 1:,} to {first + len(shown):,} of {len(rows):,}. A click on its name shows a picture large."
    )
    chosen, button = None, key.replace("page", "picture")
    known = known_corrections(readable or index)
    with st.grid("auto", min_column_width=130, key=key.replace("page", "gallery")):
        files = index.files.iloc[shown]
        for row, path, split, label in zip(shown, files["path"], files["split"], files["label"], strict=True):
            name, file = index.classes[label], str(index.names.iloc[row])
            with st.container(gap=None):
                small = thumbnail(picture_source(index, path), rendering=index.rendering)
                made = f" ({corrected(known, path)})" if path in known else ""
                words = f"{name}{made} · {split}"
                st.image(small, caption=plain(words), width="stretch", alt=f"{file}, {name}{made}")
                if st.button(plain(_short(file)), key=f"{button}_{row}", type="tertiary", width="stretch"):
                    chosen = int(row)
                if readable:
                    correction_menu(readable, known, path, f"{button}_correct_{row}")
    if chosen is not None:
        _show_picture(index, chosen, statistics, readable or index)


def _page_in_url() -> int:
    text = st.query_params.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 10 else 1


def _short(name: str, limit: int = 20) -> str:
    """Cut out the middle of a long name: both ends tell files apart."""
    return name if len(name) <= limit else f"{name[: limit // 2 - 1]}…{name[-limit // 2 :]}"


def _show_picture(index: DataIndex, row: int, statistics: Statistics | None, readable: DataIndex) -> None:
    was_corrected()  # of a dialog before this one
    st.dialog(plain(str(index.names.iloc[row])), width="large")(_body)(index, row, statistics, readable)


def _body(index: DataIndex, row: int, statistics: Statistics | None, readable: DataIndex) -> None:
    if was_corrected():  # closes the dialog, and tells it on the whole page
        st.rerun()
    picture = index.files.iloc[row]
    row_path, split, label = str(picture["path"]), str(picture["split"]), int(picture["label"])
    path, source, name = index.path_of(row_path), picture_source(index, row_path), index.classes[label]
    number = int((index.files["split"].iloc[:row] == split).sum())
    exif: dict[str, str] = {}
    facts = {
        "Class": f"{name}, index {label}",
        "Split": f"{split}, picture {number} of {int((index.files['split'] == split).sum()):,} (counted from 0)",
    }
    left, right = st.columns([3, 2])
    with left:
        try:
            image = small_copy(source, LARGE_PX, index.rendering)
            # A small picture is enlarged until details can be seen, not until it fills the screen.
            width: Literal["content"] | int = "content" if image.width >= ENLARGED_PX else ENLARGED_PX
            st.image(jpeg(image, quality=90), width=width, alt=f"{path.name}, {name}")
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
        correction_choice(readable, known_corrections(readable), row_path, "dataset_correct")
        st.code(str(path), language=None, wrap_lines=True)
        st.markdown(_("**EXIF**"))
        if exif:
            _list(exif)
        else:
            st.caption(_("None: the file names neither camera nor date, and no rotation to apply."))


def _list(facts: dict[str, str]) -> None:
    st.markdown("\n".join(f"- **{plain(name)}**: {plain(text)}" for name, text in facts.items()))
