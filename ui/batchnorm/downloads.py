"""Take an experiment along: the report, the tables, and the command that repeats it."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import streamlit as st

from alexcore.batchnorm.comparable import experiment_command
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.settings import arm_key, load_bn_config
from alexcore.errors import ConfigError
from alexcore.export.experiment_report import report
from alexcore.runs.store import Run
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.text import plain

TABLES = {
    "summary.csv": "a row an arm and seed: how it ended",
    "curves.csv": "every measured step and validation",
    "probes.csv": "every probe, number by number: arm, seed, step, quantity, layer, channel, value",
    "sweeps.csv": "a row a run of a sweep: arm, seed, rate or batch, and how it ended",
    "verdict.json": "the five answers with their evidence",
}


def take_along(run: Run, experiment: Experiment) -> None:
    """Draw the downloads."""
    with st.container(border=True, key="bn_report"):
        st.markdown(
            _("**The whole comparison as one HTML file**: every chart, sentence and table; it needs no network.")
        )
        st.download_button(
            _("Download the report"),
            lambda: _report(run.path),
            f"{run.id}.html",
            "text/html",
            key="bn_report_html",
            on_click="ignore",
            icon=":material/description:",
            type="primary",
        )
        st.caption(
            _("It is made when you click, which takes a few seconds, and has 5 to 10 MB: the charts stay interactive.")
        )
    with st.container(border=True, key="bn_tables"):
        st.markdown(_("**The numbers**"))
        there = [name for name in TABLES if (run.path / name).is_file()]
        for name in there:
            _file(run.path / name, TABLES[name])
        if not there:
            st.caption(_("The tables are written when the experiment ends. Every chart has its own CSV until then."))
    _networks(run, experiment)
    _command(run)


def _report(path: Path) -> bytes:
    """Made from the disk, and not from the session's reading, which a poll may change meanwhile."""
    return report(path).encode()


def _file(path: Path, what: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = "application/json" if path.suffix == ".json" else "text/csv"
        st.download_button(
            plain(path.name),
            path.read_bytes,
            path.name,
            kind,
            key=f"bn_file_{path.stem}",
            on_click="ignore",
            icon=":material/download:",
        )
        st.caption(f"{size_text(path.stat().st_size)}: {what}", width="content")


def _networks(run: Run, experiment: Experiment) -> None:
    folders = [run.path / "arms" / arm_key(norm, seed) for norm, seed in experiment.arms]
    there = [folder for folder in folders if (folder / "checkpoints" / "last.pt").is_file()]
    if not there:
        return
    with st.container(border=True, key="bn_networks"):
        st.markdown(_("**The networks**: each arm is a run folder of its own, BatchNorm's after recalibration."))
        st.code(
            "\n".join(f"python -m alexcore predict {quote(str(folder))} picture.jpg" for folder in there),
            language="bash",
            wrap_lines=True,
        )


def _command(run: Run) -> None:
    try:
        bn = load_bn_config(run.path)
    except ConfigError as error:
        st.caption(plain(str(error)))
        return
    if run.config is None:
        return
    with st.container(border=True, key="bn_command"):
        st.markdown(_("**The same experiment from the command line**"))
        st.code(experiment_command(run.config, bn), language="bash", wrap_lines=True)
