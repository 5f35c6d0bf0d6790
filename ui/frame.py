"""What surrounds every page: the menu, the browser's title, and the active runs in the sidebar."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from alexcore.runs.run_list import active_runs
from ui.parts.text import plain

ICON = Path(__file__).parent / "icon.png"
_FRAMED = "framed"


def draw_frame() -> Page:
    """Draw the frame and return the page that the URL names.

    The pages have no icons: Streamlit makes a page's icon the browser's favicon, and fetches it from outside.
    """
    st.session_state[_FRAMED] = True
    chosen = st.navigation(
        [
            st.Page("pages/overview.py", title="Overview", default=True),
            st.Page("pages/dataset.py", title="Data set", url_path="dataset"),
            st.Page("pages/augment.py", title="Augment", url_path="augment"),
            st.Page("pages/train.py", title="Train", url_path="train"),
            st.Page("pages/batchnorm.py", title="BatchNorm", url_path="batchnorm"),
            st.Page("pages/classify.py", title="Classify", url_path="classify"),
            st.Page("pages/network.py", title="Network", url_path="network"),
            st.Page("pages/runs.py", title="Runs", url_path="runs"),
        ]
    )
    st.set_page_config(page_title=f"{chosen.title} · alexcore", page_icon=str(ICON), layout="wide")
    with st.sidebar, st.container(key="active_runs"):
        for run in active_runs():
            # No state: the page beside it follows the run, and this would stay as it was.
            st.page_link(
                run.kind.page,
                label=f"{plain(run.title)}: active",
                icon=":material/play_circle:",
                query_params={"run": run.id},
            )
    return chosen


def require_frame() -> None:
    """Run this page once more, within the frame, if it was run without app.py.

    Until st.navigation has been called once, a server takes the folder pages/ for its menu and runs a page alone. So
    the first visitor after a restart who opens or refreshes /train would see a page without its frame. Starting the
    script again would lose a click, and drawing only the frame would give widgets other names than app.py gives them.
    """
    if not st.session_state.pop(_FRAMED, False):
        draw_frame().run()
        st.stop()
