"""The dashboard: `streamlit run app.py`. Lists the pages and shows in the sidebar which runs are active."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from alexcore.runs.store import list_runs
from ui.page import plain

PAGES = [
    st.Page("pages/overview.py", title="Overview", default=True),
    st.Page("pages/dataset.py", title="Data set", url_path="dataset"),
    st.Page("pages/train.py", title="Train", url_path="train"),
    st.Page("pages/classify.py", title="Classify", url_path="classify"),
]


def main() -> None:
    """Draw the frame, then the chosen page."""
    chosen = st.navigation(PAGES)
    st.set_page_config(page_title=f"{chosen.title} · alexcore", page_icon=str(Path(__file__).with_name("ui") / "icon.png"), layout="wide")
    with st.sidebar, st.container(key="active_runs"):
        for run in list_runs():
            if run.status.active:
                label = f"{plain(run.id)}: {run.status.state}"
                st.page_link("pages/train.py", label=label, query_params={"run": run.id})
    chosen.run()


main()
