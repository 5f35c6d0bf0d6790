"""What surrounds every page: the menu, the browser's title, and the active runs in the sidebar."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from alexcore.runs.run_list import active_runs
from alexcore.words.language import _
from ui.parts.menu import PAGES, page_file, page_link
from ui.parts.text import plain

ICON = Path(__file__).parent / "icon.png"

# The pages have no icons: Streamlit makes a page's icon the browser's favicon, and fetches it from outside.
home, *others = PAGES.items()
chosen = st.navigation(
    [
        st.Page(page_file(home[0]), title=home[1], default=True),
        *(st.Page(page_file(name), title=title, url_path=name) for name, title in others),
    ]
)
st.set_page_config(page_title=f"{chosen.title} · alexcore", page_icon=str(ICON), layout="wide")
with st.sidebar, st.container(key="active_runs"):
    for run in active_runs():
        # No state: the page beside it follows the run, and this would stay as it was.
        label = _("{run}: active").format(run=plain(run.title))
        page_link(run.kind.page, label, ":material/play_circle:", run=run.id)
chosen.run()
