"""Fewer classes, or two merged into one: a new mapping as a manifest, without touching a file."""

from __future__ import annotations

import streamlit as st

from alexcore.data.derive import merge_classes, select_classes
from alexcore.data.index import DataIndex
from alexcore.data.manifest import write_manifest
from alexcore.errors import DataError
from alexcore.home import data_dir
from alexcore.words.language import _
from ui.parts.address import choose_dataset
from ui.parts.page import shown_errors


def derive_section(index: DataIndex) -> None:
    """Draw the expander; the new data set is opened at once."""
    with st.expander(_("Choose or merge classes"), icon=":material/call_merge:"):
        st.write(_("Makes a new data set with its own class_to_idx, as a list of the same files. Nothing is copied."))
        keep = st.multiselect(_("Keep"), list(index.classes), key="dataset_keep", placeholder=_("all classes"))
        left, right = st.columns([3, 2])
        merged = left.multiselect(_("Merge"), list(index.classes), key="dataset_merge", placeholder=_("no classes"))
        new = right.text_input(_("into a class called"), key="dataset_merge_name", max_chars=80)
        name = st.text_input(_("Name of the new data set"), key="dataset_derived_name", max_chars=80)
        if st.button(_("Write"), key="dataset_derive", disabled=not (keep or merged)):
            with shown_errors():
                choose_dataset(_write(index, keep, merged, new.strip(), name.strip()))
                st.rerun()


def _write(index: DataIndex, keep: list[str], merged: list[str], new: str, name: str) -> str:
    if not name or name != name.strip(".") or "/" in name or "\\" in name or "\0" in name:
        raise DataError(f"{name!r} is no name for a data set.", "Type a word or two without a slash.")
    target = data_dir() / f"{name.removesuffix('.csv')}.csv"
    if target.exists():
        raise DataError(f"There is a data set {target.name} already.", "Choose another name.")
    if keep:
        index = select_classes(index, [each for each in index.classes if each in {*keep, *merged}])
    if merged:
        if len(merged) < 2 or not new:
            raise DataError(f"Merging needs two classes and a new name, not {merged} and {new!r}.", "Choose both.")
        index = merge_classes(index, {new: merged})
    write_manifest(index, target)
    return target.name
