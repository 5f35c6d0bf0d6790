"""Classes and their numbers: the table, the same as Python and as a file, and how many pictures each class has."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from alexcore.data.class_index import class_indices_json, class_to_idx_python
from alexcore.data.index import DataIndex
from alexcore.words.language import _
from ui.parts.charts import balance
from ui.parts.controls import chart, download
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
