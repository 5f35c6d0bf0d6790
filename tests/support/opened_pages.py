"""Pages opened through the router without a browser, and what stands on them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.support.repository import REPOSITORY
from ui.parts.menu import PAGES as MENU

ROUTER = REPOSITORY / "ui" / "main.py"
# The menu, in its order.
PAGES = tuple(f"pages/{name}.py" for name in MENU)


# Which page has which address, as the router has once told: a page is then opened without the first one before it.
_REGISTERED: dict[str, Any] = {}


def open_page(page: str = "pages/overview.py", /, **query: str) -> AppTest:
    if not _REGISTERED:
        _REGISTERED.update(AppTest.from_file(ROUTER, default_timeout=300).run()._registered_pages)
    at = AppTest.from_file(ROUTER, default_timeout=300)
    if page != PAGES[0]:
        at._registered_pages = dict(_REGISTERED)
        at.switch_page(f"../{page}")
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def text_of(at: AppTest) -> str:
    """Everything on the page that is text."""
    kinds = (at.error, at.warning, at.info, at.success, at.caption, at.markdown, at.title, at.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def errors_of(at: AppTest) -> str:
    assert not at.exception, at.exception[0].stack_trace
    return "\n".join(str(element.value) for element in at.error).replace("\\", "")


def picture(mode: str = "RGB", kind: str = "JPEG") -> bytes:
    buffer = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(buffer, kind)
    return buffer.getvalue()
