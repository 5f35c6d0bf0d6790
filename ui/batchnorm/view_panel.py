"""One view of an experiment on the page: what it is, the charts side by side, the sentence, the table and its CSV."""

from __future__ import annotations

import streamlit as st

from alexcore.batchnorm.views.view import View
from ui.parts.table_csv import table_with_csv
from ui.parts.text import plain

# Narrower than this a chart with an axis and a legend cannot be read; of three or more, a row of three is compared.
CHART_PX, SMALL_PX = 330, 250


def show_view(run_id: str, view: View) -> None:
    """Draw a view of the experiment `run_id`."""
    st.subheader(view.title, anchor=view.name)
    st.caption(view.what)
    if view.figures:
        with st.container(key=f"bn_view_{view.name.replace('-', '_')}"):
            _charts(view)
    st.markdown(f":material/insights: {plain(view.sentence)}")
    if len(view.table):
        _numbers(run_id, view)


def _charts(view: View) -> None:
    side_by_side = len(view.figures) > 1 and not view.stacked
    width = CHART_PX if len(view.figures) == 2 else SMALL_PX
    place = st.grid("auto", min_column_width=width) if side_by_side else st.container()
    for name, figure in view.figures.items():
        place.plotly_chart(
            figure,
            key=f"bn_chart_{view.name}_{name}",
            config={"displaylogo": False},
            alt=f"{figure.layout.title.text}. {view.sentence}",
        )


def _numbers(run_id: str, view: View) -> None:
    with st.expander(f"{view.title}: the same as a table", icon=":material/table:"):
        table_with_csv(view.table, f"{view.title} as numbers", f"{run_id}-{view.name}.csv", f"bn_csv_{view.name}")
