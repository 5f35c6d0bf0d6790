"""Classes and their numbers: the table, the same as Python and as a file, and how many pictures each class has.

Also fewer classes, or two merged into one: a new mapping as a manifest, without touching a file.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from alexcore.data.class_index import class_indices_json, class_to_idx_python
from alexcore.data.derive import merge_classes, select_classes
from alexcore.data.index import DataIndex
from alexcore.data.lists.manifest import write_manifest
from alexcore.errors import DataError
from alexcore.home import data_dir
from alexcore.words.language import _
from ui.parts.address import choose_dataset
from ui.parts.charts import balance
from ui.parts.controls import chart, download
from ui.parts.page import shown_errors
from ui.parts.text import plain


def class_index(index: DataIndex) -> None:
    """Draw the table of classes beside the chart of their pictures."""
    left, right = st.columns([2, 3])
    with left:
        _numbers(index)
    with right, st.container(key="dataset_balance"):
        counts = index.counts()
        chart(balance(counts))
        st.caption(_balance_in_words(counts["train"]))


def class_table(index: DataIndex) -> pd.DataFrame:
    """A row a class: index, class, count per split, share of the training split in percent."""
    counts = index.counts()
    table = pd.DataFrame({"index": range(len(index.classes)), "class": list(index.classes)})
    for split in counts.columns:
        table[split] = counts[split].to_numpy()
    table["train (%)"] = (100 * table["train"] / max(1, table["train"].sum())).round(1)
    return table


def _numbers(index: DataIndex) -> None:
    st.markdown(_("**class_to_idx**: the network answers with a number; this table gives it a name."))
    with st.container(key="dataset_class_table"):
        st.dataframe(class_table(index), hide_index=True, alt="Classes, their numbers and counts")
    label, file = _("class_indices.json"), "class_indices.json"
    about = _('The mapping from number to name, {"0": "daisy", ...}, as a run stores it.')
    key = "dataset_class_indices"
    download(label, lambda: class_indices_json(index), file, "application/json", key, help=about)
    with st.expander(_("As Python"), icon=":material/code:"):
        st.code(class_to_idx_python(index), language="python")
        st.caption(
            _(
                "Sorted folder names of the training split get the numbers 0, 1, 2 ...; val uses the same ones. "
                "torchvision numbers them alike:"
            )
        )
        st.code('datasets.ImageFolder(f"{data}/train").class_to_idx', language="python")


def _balance_in_words(counts: pd.Series[int]) -> str:
    largest, smallest = plain(str(counts.idxmax())), plain(str(counts.idxmin()))
    ratio = counts.max() / max(1, counts.min())
    if ratio > 1:
        return f"{largest} has the most training pictures: {ratio:.1f} times as many as {smallest}, the rarest."
    return "Every class has the same number of training pictures."


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
