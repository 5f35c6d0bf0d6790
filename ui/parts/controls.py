"""What pages draw alike: a whole number, a choice of which one always counts, charts, a file to take along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import plotly.graph_objects as go
import streamlit as st

from alexcore.figures import as_drawn

T = TypeVar("T")


def whole_number(label: str, value: int, key: str, help_text: str, **more: Any) -> int | None:
    """Draw a field without bounds: who reads it refuses a bad number with a sentence, the browser would clamp it."""
    found: int | None = st.number_input(label, value=value, step=1, format="%d", key=key, help=help_text, **more)
    return found


def one_of(label: str, options: Sequence[T], key: str, **more: Any) -> T:
    """Draw a row of choices; at first the first counts, unless `more` has another `default`."""
    chosen: T = st.segmented_control(label, options, key=key, required=True, **{"default": options[0], **more})
    return chosen


def download(label: str, content: Callable[[], str | bytes], file: str, mime: str, key: str, **more: Any) -> None:
    """Draw a button that hands a file over and leaves the page as it is; a function is called when somebody clicks."""
    more = {"icon": ":material/download:", **more}
    st.download_button(label, content, file, mime, key=key, on_click="ignore", **more)


def chart(figure: go.Figure, key: str | None = None, **more: Any) -> None:
    """Draw a figure as wide as its place."""
    st.plotly_chart(as_drawn(figure), key=key, config={"displaylogo": False}, **more)


def side_by_side(figures: Mapping[str, go.Figure], key: str) -> None:
    """Draw one figure, or two beside each other; the key of each ends with its name."""
    columns = st.columns(2) if len(figures) > 1 else [st.container()]
    for column, (name, figure) in zip(columns, figures.items(), strict=False):
        with column:
            chart(figure, f"{key}_{name}")
