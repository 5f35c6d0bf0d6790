"""A run once more: go on, start from its settings, repeat it exactly, or type the command that does the same."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import streamlit as st

from alexcore.command_line import train_command
from alexcore.config import TrainConfig
from alexcore.files import read_json
from alexcore.home import open_path, runs_dir
from alexcore.runs import launcher
from alexcore.runs.store import Run
from alexcore.training.plan import plan_before_start
from alexcore.words.language import _
from ui.parts.datasets import run_dataset
from ui.parts.menu import page_link
from ui.parts.page import shown_errors
from ui.parts.resume_form import resume_form
from ui.parts.text import plain
from ui.runs.selection import show_run


def again_section(run: Run) -> None:
    """Draw the four ways; of a folder whose settings cannot be read there is none."""
    if run.config is None:
        st.warning(plain(f"Without readable settings a run cannot be repeated. {run.problem}"))
        return
    _continue(run, run.config)
    st.markdown(_("**Change something**"))
    page_link("train", _("Fill the form with these settings"), ":material/content_copy:", clone=run.id)
    st.caption(_("Opens Train with every field as in this run. Change one thing, start, and compare."))
    st.markdown(_("**Repeat it exactly**"))
    if st.button(_("Start the same run again"), key="runs_repeat", icon=":material/replay:"):
        _repeat(run.config)
    st.caption(f"A new run from the same config.json. {changed_since(run)}")
    st.markdown(_("**On the command line**"))
    st.code(train_command(run.config), language="bash", wrap_lines=True)
    st.caption(_("Trains the same in a terminal, also without the dashboard; what is at its default is left out."))


def _continue(run: Run, config: TrainConfig) -> None:
    st.markdown(_("**Go on**"))
    status = run.status
    if status.active:
        st.caption(f"The run is {status.state}; it goes on by itself.")
        return
    if not run.kind.resumable(run.path):
        st.caption(_("There is no last checkpoint to go on from. Repeat the run, or fill the form with its settings."))
        return
    epochs = config.epochs + (5 if status.state == "finished" else 0)
    help_text = _("A finished run needs more epochs than it had; an interrupted one goes on to its end.")
    changes = resume_form(run, epochs, "runs_more", help_text)
    if st.button(_("Continue"), key="runs_continue", icon=":material/play_arrow:"):
        with shown_errors():
            launcher.resume(run, **changes)
            st.rerun()
    st.caption(_("Goes on from the last checkpoint, in the same run and with the same optimizer state."))


def _repeat(config: TrainConfig) -> None:
    # A browser user may train only on what a browser user may open; the command line has no such limit.
    with shown_errors():
        run_dataset(config)
        if config.val:
            open_path(config.val)
        plan_before_start(config, runs_dir())
        show_run(launcher.start(config).name)
        st.rerun()


def changed_since(run: Run) -> str:
    """In one sentence: which versions are others now than when the run was trained."""
    then = (read_json(run.path / "env.json") or {}).get("packages")
    if not isinstance(then, dict) or not then:
        return "With the same versions on the same kind of machine it gives the same weights."
    changed = []
    for name, was in then.items():
        try:
            now = version(str(name))
        except PackageNotFoundError:
            now = "missing"
        if now != was:
            changed.append(f"{plain(str(name))} {plain(str(was))} is {now} now")
    if not changed:
        return "All versions are those of then: on the same kind of machine it gives the same weights."
    return f"Not quite the same any more: {', '.join(changed)}. Figures may differ in the last digits or more."
