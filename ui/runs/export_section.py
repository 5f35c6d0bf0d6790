"""Take a run along: choose a format, have it made in the background, download it; with what to do with it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import streamlit as st

from alexcore.errors import CheckpointError
from alexcore.export.formats import FORMATS, TENSORBOARD, Use
from alexcore.export.source import unfinished_words
from alexcore.files import read_json
from alexcore.home import cache_dir
from alexcore.jobs import start_job
from alexcore.nn.blueprints import one_network
from alexcore.runs.store import Run, require_checkpoint
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.controls import download
from ui.parts.job_progress import watch_job
from ui.parts.page import show_error
from ui.parts.text import plain

_ABOUT = "about.json"
# Made again in seconds, so the cache of them need not grow: the ones that were made longest ago go.
MOST_KEPT = 12


def export_section(run: Run) -> None:
    """Draw the formats of a run; whatever is made lies in the cache until it is downloaded."""
    with st.container(key="runs_export"):
        st.subheader(_("Take it along"), anchor=False)
        try:
            checkpoint = require_checkpoint(run)
        except CheckpointError as error:
            show_error(error)
            return
        if run.config is None:
            st.warning(plain(f"A run whose settings cannot be read cannot be exported. {run.problem}"))
            return
        unfinished = unfinished_words(run.status.state, run.status.epoch, run.config, checkpoint)
        if unfinished:
            st.info(plain(unfinished), icon=":material/info:")
        name = st.selectbox(
            _("Format"),
            list(FORMATS),
            format_func=lambda each: FORMATS[each].title,
            key="runs_export_format",
            width=320,
        )
        st.caption(FORMATS[name].text)
        _make_or_download(run, checkpoint, name, _graph_flags() if FORMATS[name].graph else [])
        network = one_network(run.config.variant).class_name
        for use in FORMATS[name].uses:
            _use(use, f"{run.id}{FORMATS[name].suffix}", network)
        st.caption(TENSORBOARD)


def _graph_flags() -> list[str]:
    with st.container(horizontal=True):
        normalize = st.toggle(_("Normalisation inside"), True, key="runs_export_normalize")
        softmax = st.toggle(_("Softmax inside"), True, key="runs_export_softmax")
    takes = "RGB values from 0 to 1" if normalize else "values that are normalised already (minus mean, divided by std)"
    gives = "probabilities" if softmax else "logits, before the softmax"
    st.caption(f"The graph then takes {takes} and gives {gives}. Resizing to the input size stays outside.")
    return [f"--{'' if normalize else 'no-'}normalize", f"--{'' if softmax else 'no-'}softmax"]


def job_and_target(run_path: str, name: str, flags: list[str]) -> tuple[str, Path]:
    """The job that makes an export, and the file that it makes: one for each run, format and setting."""
    digest = hashlib.sha256("\0".join([run_path, name, *flags]).encode(errors="replace")).hexdigest()[:20]
    return f"export-{digest}", cache_dir() / "exports" / digest / f"export{FORMATS[name].suffix}"


def _make_or_download(run: Run, checkpoint: Path, name: str, flags: list[str]) -> None:
    form = FORMATS[name]
    job, target = job_and_target(str(run.path), name, flags)
    made, outdated = _look(run, checkpoint, target)
    if watch_job(job, f"Making: {form.title}", "B"):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if made:
            label = _("Download {suffix} ({size})").format(suffix=form.suffix, size=size_text(made))
            file = f"{run.id}{form.suffix}"
            download(label, target.read_bytes, file, form.mime, "runs_export_download", type="primary")
        if st.button(_("Make it again") if made else _("Make it"), key="runs_export_make"):
            _make_room(target)
            about = str(target.with_name(_ABOUT))
            command = ["export", str(run.path), "--to", str(target), "--format", name, "--force", "--about", about]
            start_job(job, [*command, *flags])
            st.rerun()
        if outdated:
            st.caption(_("This file is older than the run's latest checkpoint: make it again."))
        elif not made:
            st.caption(_("Made in the background, in seconds; a bundle reads every picture once."))
    if made:
        _about(read_json(target.with_name(_ABOUT)) or {})


def _about(told: dict[str, Any]) -> None:
    """What the job said about the file that it made."""
    lines = [f"SHA-256 {told['sha256']}"] if told.get("sha256") else []
    if isinstance(told.get("difference"), float):
        lines.insert(0, f"Compared with the network: the answers differ by at most {told['difference']:.1g}.")
    if lines:
        st.caption(plain(" ".join(lines)))
    for note in told.get("notes") or []:
        st.warning(plain(str(note)), icon=":material/info:")


def _look(run: Run, checkpoint: Path, target: Path) -> tuple[int, bool]:
    """Bytes of an export that was made before (0 if there is none), and whether the run has gone on since."""
    try:
        made = target.stat()
        sources = [checkpoint.stat(), (run.path / "config.json").stat()]
    except OSError:
        return 0, False
    return made.st_size, max(each.st_mtime for each in sources) > made.st_mtime


def _make_room(target: Path) -> None:
    """Make the folder of an export, and drop the oldest ones of others."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files = [file for file in target.parent.parent.glob("*/export.*") if file != target]
    for file in sorted(files, key=lambda each: each.stat().st_mtime, reverse=True)[MOST_KEPT - 1 :]:
        file.unlink(missing_ok=True)


def _use(use: Use, file: str, network: str) -> None:
    with st.expander(use.title, icon=":material/code:" if use.code else ":material/help:"):
        if use.code:
            st.code(use.code(file, network), language=use.language)
        if use.text:
            (st.caption if use.code else st.markdown)(use.text)
