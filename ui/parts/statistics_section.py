"""The statistics of a data set: measured by a background job, shown as numbers, charts and average pictures."""

from __future__ import annotations

from io import BytesIO

import pandas as pd
import streamlit as st
from PIL import Image

from alexcore.data.index import DataIndex
from alexcore.data.statistics import AVERAGE_SIDE, Statistics, known_statistics, statistics_file
from alexcore.words.language import _
from alexcore.words.numbers import duration
from ui.parts.charts import aspects, sizes
from ui.parts.controls import chart
from ui.parts.datasets import data_job, forget_indexes
from ui.parts.forms import fill
from ui.parts.job_progress import job_button
from ui.parts.text import plain

MAX_AVERAGES = 48
# A core decodes, resizes and counts about this many small photographs in a second.
PICTURES_PER_S = 300


@st.cache_resource(max_entries=4, show_spinner=False)
def _statistics(file: str, modified_ns: int, _index: DataIndex) -> Statistics | None:  # noqa: ARG001 - make the key
    return known_statistics(_index)


def dataset_statistics(index: DataIndex) -> Statistics | None:
    """What has been measured of this data set, or None; read from the disk once per result."""
    file = statistics_file(index)
    try:
        return _statistics(str(file), file.stat().st_mtime_ns, index)
    except OSError:
        return None


def statistics_section(index: DataIndex, statistics: Statistics | None) -> None:
    """Draw the section in whichever state it is: not measured, being measured, failed, or with its charts."""
    st.subheader(_("Statistics"), anchor=False)
    with st.container(key="dataset_statistics"):
        if statistics is None:
            measure_section(index)
        else:
            _numbers(statistics)
            _charts(index, statistics)
            _averages(index, statistics)


def measure_section(index: DataIndex) -> None:
    """Draw the button that measures, or how far the measuring is."""
    name, command = data_job("stats", index)
    expected = duration(max(1, len(index.files) / PICTURES_PER_S))
    note = (
        "Not measured yet: mean and standard deviation of the colours, sizes, and the average picture of each "
        f"class. For {len(index.files):,} small pictures that takes about {expected}."
    )
    doing = "Measuring every picture"
    # The job reads the folder anew, so what was read before is forgotten.
    job_button(name, command, _("Measure"), "dataset_measure", note, doing=doing, when_done=forget_indexes)


def _use_for_normalize() -> None:
    fill({"normalize": "data"})
    st.toast(_("Train now normalises by these numbers: see All settings, Data."))


def _numbers(found: Statistics) -> None:
    left, right = st.columns([2, 3])
    with left:
        table = pd.DataFrame({"channel": ["red", "green", "blue"], "mean": found.mean, "std": found.std})
        with st.container(key="dataset_channels"):
            st.dataframe(table.round(4), hide_index=True, alt="Mean and standard deviation of each channel")
    with right:
        st.markdown(_("**For Normalize**: subtract the mean, divide by the standard deviation."))
        st.code(found.normalize_code(), language="python", wrap_lines=True)
        if found.constant:
            st.caption(found.constant)
        st.button(_("Use for Normalize"), key="dataset_normalize", on_click=_use_for_normalize)
        left_out = f" {found.unreadable:,} unreadable pictures are left out." if found.unreadable else ""
        st.caption(
            f"Over all pixels of {found.pictures:,} training pictures, each resized to {found.image_size} × "
            f"{found.image_size} px as for evaluation, values from 0 to 1.{left_out}"
        )


def _charts(index: DataIndex, found: Statistics) -> None:
    known = found.table.assign(split=index.files["split"].to_numpy())
    known = known[known["width"] > 0]
    left, right = st.columns(2)
    with left, st.container(key="dataset_sizes"):
        chart(sizes(known))
        st.caption(_sizes_in_words(known))
    with right, st.container(key="dataset_aspects"):
        chart(aspects(known))
        st.caption(_aspects_in_words(known))


def _sizes_in_words(table: pd.DataFrame) -> str:
    common = table.value_counts(["width", "height"])
    width, height = common.index[0]
    if len(common) == 1:
        return f"Every picture is {width} × {height} px."
    share = int(common.iloc[0]) / len(table)
    return f"{len(common):,} sizes; the most common, {width} × {height} px, has {share:.0%} of the pictures."


def _aspects_in_words(table: pd.DataFrame) -> str:
    aspect = table["width"] / table["height"]
    far = float(((aspect > 2) | (aspect < 0.5)).mean())
    if far:
        return f"{far:.1%} of the pictures are over twice as long one way as the other: a square distorts them most."
    if aspect.nunique() == 1:
        return f"Every picture is {aspect.iloc[0]:.2f} times as wide as it is high."
    return f"Aspects lie between {aspect.min():.2f} and {aspect.max():.2f}: resizing to a square distorts little."


def _averages(index: DataIndex, found: Statistics) -> None:
    st.markdown(_("**Average training picture of each class**"))
    with st.grid("auto", min_column_width=110, key="dataset_averages"):
        for label, name in list(enumerate(index.classes))[:MAX_AVERAGES]:
            buffer = BytesIO()
            Image.fromarray(found.averages[label]).save(buffer, "PNG")
            caption = f"{plain(name)} · {found.averaged[label]:,}"
            st.image(buffer.getvalue(), caption=caption, width="stretch", alt=f"Average picture of {name}")
    more = len(index.classes) - MAX_AVERAGES
    st.caption(
        f"What all pictures of a class share, at {AVERAGE_SIDE} × {AVERAGE_SIDE} px: a class that differs in colour or "
        "brightness alone gives the network an easy way out." + (f" {more:,} more classes are left out." * (more > 0))
    )
