"""The language of this process: English, as the code has it, unless a catalogue of another one is chosen.

    ALEXCORE_LANGUAGE=de streamlit run app.py

takes `alexcore/words/locale/de/LC_MESSAGES/alexcore.mo`, a catalogue of gettext; what it lacks stays English. A text
in the code is `_("...")`; `alexcore.words.extract` lists them all, with the templates of findings.
"""

from __future__ import annotations

import gettext
import os
from pathlib import Path

LANGUAGE = "ALEXCORE_LANGUAGE"
LOCALE = Path(__file__).parent / "locale"


def _catalogue() -> gettext.NullTranslations:
    chosen = os.environ.get(LANGUAGE, "")
    return gettext.translation("alexcore", LOCALE, languages=[chosen] if chosen else [], fallback=True)


_chosen = _catalogue()


def _(text: str) -> str:
    """The text in the language of this process."""
    return _chosen.gettext(text) if text else ""


def plural_form(count: int) -> int:
    """Which form of a word goes with a number, as the catalogue counts them; in English 0 for one and 1 for many."""
    forms = getattr(_chosen, "plural", None)
    return int(forms(count)) if forms else int(count != 1)
