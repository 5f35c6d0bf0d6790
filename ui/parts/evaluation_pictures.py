"""The pictures behind a figure: each with its answer, its explanation, its near duplicates, a menu to correct it."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from alexcore.data.correcting import Corrections
from alexcore.data.decoding.thumbnails import thumbnail
from alexcore.data.given import NO_CLASS
from alexcore.data.index import DataIndex
from alexcore.data.inspection.quality_groups import near_pictures
from alexcore.data.shards import is_sharded, picture_source
from alexcore.data.sources import choice_of
from alexcore.errors import DataError
from alexcore.home import data_roots
from alexcore.runs.store import Run
from alexcore.words.language import _
from ui.parts.corrections import correction_menu, corrections_summary, known_corrections
from ui.parts.datasets import run_dataset, scan_button, whole_dataset
from ui.parts.menu import page_link
from ui.parts.page import shown_errors
from ui.parts.text import plain

PAGE_SIZE = 12
NEAR = "evaluation_near_path"


def picture_grid(
    run: Run, index: DataIndex, rows: pd.DataFrame, classes: list[str], own_data: bool, *, correctable: bool
) -> None:
    """Draw a page of answers, in the order of `rows`, those of the evaluation's table.

    Only in the run's own data set (`own_data`) an explanation can be asked for by name.
    """
    if rows.empty:
        st.caption(_("No picture is here."))
        return
    # Corrections make a data set to train on; what was merely given to be measured is none.
    known = known_corrections(index) if correctable else None
    pages = -(-len(rows) // PAGE_SIZE)
    if int(st.session_state.get("evaluation_page", 1)) > pages:  # of another run, which had more
        del st.session_state["evaluation_page"]
    page = st.pagination(pages, key="evaluation_page") if pages > 1 else 1
    shown = rows.iloc[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    st.caption(f"Pictures {(page - 1) * PAGE_SIZE + 1:,} to {(page - 1) * PAGE_SIZE + len(shown):,} of {len(rows):,}.")
    _near(run, index)
    with st.grid("auto", min_column_width=150, key="evaluation_pictures"):
        for number, row in zip(shown.index, shown.to_dict("records"), strict=True):
            with st.container(gap="xsmall"):
                path = str(row["path"])
                _card(run, index, path, int(number), _words(row, classes), known, own_data)
    if known is not None:
        corrections_summary(index, known, "evaluation_corrected")


def first_page() -> None:
    """Go back to page 1, and close what was opened: the callback of whatever chooses other pictures."""
    for name in ("evaluation_page", NEAR):
        st.session_state.pop(name, None)


def _words(row: dict[Hashable, Any], classes: list[str]) -> str:
    predicted = classes[row["predicted"]]
    if row["label"] == NO_CLASS:
        return f"taken for {predicted} ({row['probability']:.0%})"
    label = classes[row["label"]]
    answered = "recognised" if label == predicted else f"taken for {predicted}"
    return f"{label}, {answered} ({row['probability']:.0%})"


def _card(
    run: Run, index: DataIndex, path: str, number: int, words: str, known: Corrections | None, own_data: bool
) -> None:
    file = path.replace("!", "/").rsplit("/", 1)[-1]
    try:
        st.image(thumbnail(_source(index, path), rendering=index.rendering), width="stretch", alt=f"{file}: {words}")
    except DataError as error:
        st.caption(plain(str(error)))
    st.caption(plain(f"{words}. {file}"))
    if own_data:
        page_link("classify", _("Explain"), ":material/search:", run=run.id, picture=path)
    st.button(
        _("Near duplicates"),
        key=f"evaluation_near_{number}",
        type="tertiary",
        icon=":material/content_copy:",
        on_click=lambda: st.session_state.update({NEAR: (run.id, path)}),
    )
    if known is not None:
        correction_menu(index, known, path, f"evaluation_correct_{number}")


def _source(index: DataIndex, path: str) -> Path | bytes:
    """The picture of a row; of a separate validation folder, only within the folders that a browser may open."""
    if is_sharded(index) or index.has(path):
        return picture_source(index, path)
    place = index.path_of(path).resolve()
    if not any(place.is_relative_to(root) for root in data_roots()):
        raise DataError(f"{path} lies outside the folders that may be opened.", "Set ALEXCORE_DATA_ROOTS.")
    return place


# Near duplicates ------------------------------------------------------------------------------------------------


def _near(run: Run, index: DataIndex) -> None:
    run_id, path = st.session_state.get(NEAR, ("", ""))
    if run_id != run.id or run.config is None:
        return
    with st.container(border=True, key="evaluation_near"), shown_errors():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Near duplicates of {plain(path)} in training**", width="stretch")
            st.button(_("Close"), key="evaluation_near_close", on_click=lambda: st.session_state.pop(NEAR, None))
        training = run_dataset(run.config)
        found = near_pictures(training, _source(index, path))
        if found is None:
            if not scan_button(
                whole_dataset(run.config.data, choice_of(run.config)), _("Scan the pictures"), "evaluation_scan"
            ):
                st.caption(
                    _(
                        "Copies are found by the quality scan, which has not looked at this data set yet. It measures "
                        "every picture once, about 100 to 150 a second on two cores; nothing is changed."
                    )
                )
            return
        same = found[found["same"]]
        st.caption(_near_in_words(found, training, len(same)))
        with st.grid("auto", min_column_width=130):
            for row in (same if len(same) else found.head(3)).to_dict("records"):
                name = training.classes[int(row["label"])]
                words = f"{name}: {row['phash_bits']} of 64 and {row['dhash_bits']} of 128 bits differ"
                small = thumbnail(picture_source(training, str(row["path"])), rendering=training.rendering)
                st.image(small, caption=plain(words), width="stretch", alt=words)


def _near_in_words(found: pd.DataFrame, training: DataIndex, same: int) -> str:
    if found.empty:
        return "The training split has no picture to compare with."
    if not same:
        return (
            "No training picture is a near duplicate (phash differs in at most 8 of 64 bits and dhash in at most 24 of "
            "128). The likest are shown."
        )
    names = sorted({training.classes[int(label)] for label in found.loc[found["same"], "label"]})
    return (
        f"{same} training picture{'s' if same > 1 else ''} of {plain(', '.join(names))} look the same. Under another "
        "class the label of one of them is wrong; under the same class this picture tests memory."
    )
