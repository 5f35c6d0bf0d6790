"""What a resume may change about the length of a run, and what it will then do: said before the click."""

from __future__ import annotations

from typing import Any

import streamlit as st

from alexcore.errors import AlexError
from alexcore.runs import launcher
from alexcore.runs.store import Run
from alexcore.training.resuming import changed_config
from alexcore.words.language import _
from ui.parts.controls import whole_number
from ui.parts.text import plain


def resume_form(run: Run, epochs: int, key: str, help_text: str) -> dict[str, Any]:
    """Draw the fields and the sentence of a run with readable settings; returns what a resume is to be asked for.

    `epochs` is what the first field holds at first, and `key` the beginning of the keys.
    """
    assert run.config is not None
    changes: dict[str, Any] = {
        "epochs": whole_number(_("Epochs in all"), epochs, f"{key}_epochs", help_text, width=160)
    }
    if run.config.early_stopping:
        text = _("Ends the run when the validation accuracy has not risen for so many epochs; 0 is off.")
        label = _("Early stopping (epochs)")
        changes["early_stopping"] = whole_number(label, run.config.early_stopping, f"{key}_patience", text, width=190)
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        st.caption(plain(launcher.planned(run, changed_config(run.config, given)).message))
    except AlexError as error:  # the button will say it, too
        st.caption(plain(str(error)))
    return given
