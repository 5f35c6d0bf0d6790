"""The dashboard: `streamlit run app.py`."""

from __future__ import annotations

from ui.frame import draw_frame

draw_frame().run()
