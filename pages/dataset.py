"""`/dataset`: choose a data set; see its classes and their numbers, the balance, the problems and the pictures."""

from __future__ import annotations

import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.data.reading import AmbiguousError, PicturesGoneError, UnclearListError
from alexcore.words.language import _
from ui.dataset.adding import add_data
from ui.dataset.beside_section import beside_section
from ui.dataset.class_table import class_index, derive_section
from ui.dataset.gallery import browser
from ui.dataset.list_section import choose_columns, chosen_section, moved, moved_in_part
from ui.dataset.problems import problems, quality_section
from ui.dataset.reading_section import choose_how, reading_section
from ui.dataset.source_choice import dataset_source
from ui.parts.address import address_of
from ui.parts.corrections import corrections_summary, known_corrections
from ui.parts.datasets import dataset_or_wait, read_again, whole_dataset
from ui.parts.drop_button import drop_button
from ui.parts.menu import page_link
from ui.parts.page import page
from ui.parts.statistics_section import dataset_statistics, statistics_section
from ui.parts.text import plain


def show(name: str, index: DataIndex, checked: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{plain(str(index.origin))}: {len(index.files):,} pictures, {plain(index.layout)}.")
        st.button(
            _("Read again"),
            key="dataset_reload",
            on_click=read_again,
            args=(index.origin,),
            type="tertiary",
            help=_("New and removed files are seen by themselves; a file that was overwritten in place is not."),
        )
    reading_section(name, index)
    chosen_section(name, index)
    problems(index, checked)
    drop_button(name, index, "dataset_drop")
    moved_in_part(name, index)
    class_index(index)
    statistics = dataset_statistics(index)
    st.subheader(_("Pictures"), anchor=False)
    browser(index, statistics)
    quality_section(name, index, whole_dataset(name))
    corrections_summary(index, known_corrections(index), "dataset_corrected")
    statistics_section(index, statistics)
    derive_section(index)
    page_link("train", _("Train on this data set"), ":material/arrow_forward:", **address_of(name))


with page("Data set", "See what the network will learn from, and how each class gets its number."):
    name = dataset_source()
    add_data()
    if name:
        beside_section(name)
    try:
        found = dataset_or_wait(name) if name else None
    except AmbiguousError as error:
        choose_how(name, error)
    except UnclearListError as error:
        choose_columns(name, error)
    except PicturesGoneError as error:
        moved(name, error)
    else:
        if found:
            show(name, *found)
