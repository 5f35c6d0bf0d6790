"""The dashboard: `streamlit run app.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

# Not the router itself: a server takes the folder pages/ beside the script that it runs for its menu, until that script
# has called st.navigation for the first visitor.
app = st.App(Path(__file__).parent / "ui" / "main.py")
