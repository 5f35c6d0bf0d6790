"""The command that starts the run of the form from a terminal: the same one that the button Start gives."""

from __future__ import annotations

import streamlit as st

from alexcore.command_line import train_command
from alexcore.config import TrainConfig
from alexcore.words.language import _


def command_section(config: TrainConfig) -> None:
    """Show the command, to be copied."""
    with st.expander(_("The same run from a terminal"), icon=":material/terminal:"), st.container(key="train_command"):
        st.code(train_command(config), language="bash", wrap_lines=True)
        together = (
            f" torchrun starts its {config.processes} processes; docs/several-machines.md says how machines share them."
            if config.processes > 1
            else ""
        )
        st.caption(
            "Only what differs from the defaults is named. The run appears here as well, because it is a folder in "
            f"runs; started like this, it ends with its terminal.{together}"
        )
