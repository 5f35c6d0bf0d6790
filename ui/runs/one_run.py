"""One run: what the live view shows, and below it all that its folder says. A section is one line in SECTIONS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from alexcore.config import FIELDS
from alexcore.errors import RunError
from alexcore.files import read_json
from alexcore.runs.about import MOST_NAME, MOST_NOTE, MOST_TAGS, change_about, read_about
from alexcore.runs.comparison import in_words
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.run_list import Summary, summary_of
from alexcore.runs.store import Run, open_run
from alexcore.runs.trash import keep_only_best
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.controls import download
from ui.parts.evaluation_section import evaluation_section
from ui.parts.lazy_torch import load_torch
from ui.parts.page import shown_errors
from ui.parts.run_header import log_tail
from ui.parts.run_live import watch
from ui.parts.text import plain
from ui.runs.again import again_section
from ui.runs.deletion import delete
from ui.runs.export_section import export_section
from ui.runs.selection import all_runs_link, experiment_link, show_all

LOG_BYTES = 30_000


def one_run(run_id: str) -> None:
    """Draw everything about one run.

    Raises:
        RunError: there is none of this id.
    """
    all_runs_link([run_id])
    run = open_run(run_id)
    summary = summary_of(run.id)
    _head(run, summary)
    experiment_link(summary, "Here are its settings, log and disk use.")
    with st.container(border=True):
        watch(run.id)
    # Only the open one is computed.
    tabs = st.tabs(list(SECTIONS), key="runs_section", on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, SECTIONS.values(), strict=True):
        if tab.open:
            with tab, shown_errors():
                draw(run)


def _head(run: Run, summary: Summary) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(summary.title), anchor=False, width="content")
        for tag in summary.tags:
            st.badge(plain(tag), color="gray")
        if st.button(_("Delete"), key="runs_delete", icon=":material/delete:", disabled=run.status.active):
            delete([run.id])
            show_all()
            st.rerun()
        what = "Stop it before you delete it." if run.status.active else "Moves it to the trash; can be undone."
        st.caption(f"{size_text(summary.bytes)} on disk. {what}", width="content")
    if summary.note:
        st.markdown(plain(summary.note))


def settings_section(run: Run) -> None:
    """Every setting, what it was and what it would be by default."""
    for each in run.edited:
        st.info(plain(each.sentence))
    if run.config is None:
        st.warning(plain(run.problem))
    undescribed = run.kind is BATCHNORM and read_json(run.path / BATCHNORM.file) is None
    if run.config is None or run.edited or undescribed:
        _repair_button(run)
    if run.config is None:
        return
    values = run.config.model_dump(mode="json")
    rows = [
        {
            "group": spec.group,
            "setting": spec.title,
            "name": spec.name,
            "value": in_words(values[spec.name]),
            "default": in_words(spec.default),
            "changed": values[spec.name] != spec.default,
        }
        for spec in FIELDS.values()
    ]
    table = pd.DataFrame(rows)
    changed = [f"{row['setting']} {row['value'][:60]}" for row in rows if row["changed"] and row["name"] != "data"]
    st.caption(plain(f"Differs from the defaults in: {', '.join(changed) or 'nothing'}."))
    help_text = _("Leave out the settings that have their default value.")
    only = st.toggle(_("Only what was changed"), key="runs_only_changed", help=help_text)
    st.dataframe(table[table["changed"]] if only else table, hide_index=True, height=380, alt="Settings of the run")


def _repair_button(run: Run) -> None:
    """Offer the settings back from a checkpoint, if there is one."""
    if not any((run.path / "checkpoints").glob("*.pt")):
        return
    if st.button(_("Take them from the checkpoint"), key="runs_repair", icon=":material/healing:"):
        with shown_errors():
            load_torch()
            from alexcore.runs.repair import repair

            st.toast(f"{', '.join(repair(run))}: written again, as the checkpoint has them.")
            st.rerun()


def environment_section(run: Run) -> None:
    """With which versions, on which machine and on which state of the data set it was trained."""
    found = read_json(run.path / "env.json")
    if not found:
        st.info(_("This run has no env.json: its worker writes one when training begins."))
        return
    rows = []
    for name, value in found.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, each in parts:
            text = " ".join(map(str, each)) if isinstance(each, list) else str(each)
            rows.append({"what": f"{name} {part}".strip().replace("_", " "), "value": text})
    text = _("Written by the worker at its last start. The fingerprint stands for the names and sizes of all pictures.")
    st.caption(text)
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="Environment of the run")


def log_section(run: Run) -> None:
    """The end of worker.log, and all of it to download."""
    file = run.path / "worker.log"
    content = log_tail(file, LOG_BYTES)
    if not content:
        st.info(_("Nothing was logged. A worker writes here only what it has to say beside its figures: errors."))
        return
    st.code(content, language=None, height=360)
    download(_("Download worker.log"), file.read_bytes, f"{run.id}.log", "text/plain", "runs_log", icon=None)


def disk_section(run: Run) -> None:
    """The files of the run with their sizes, and the checkpoint that it could do without."""
    rows: list[dict[str, Any]] = []
    for path in sorted(run.path.rglob("*")):
        try:
            if path.is_file() and not path.name.startswith("."):
                name, stat = path.relative_to(run.path).as_posix(), path.stat()
                changed = datetime.fromtimestamp(stat.st_mtime)
                rows.append({"file": name, "size": stat.st_size, "changed": changed, "holds": HOLDS.get(path.name, "")})
        except OSError:  # replaced or deleted since it was listed
            continue
    total = sum(row["size"] for row in rows)
    kept = sum(row["size"] for row in rows if row["file"].startswith("checkpoints/"))
    share = f", {kept / total:.0%} of it in checkpoints" if total else ""
    st.caption(f"{len(rows)} files, {size_text(total)}{share}. The folder is {plain(str(run.path))}.")
    columns = {
        "size": st.column_config.NumberColumn("size", format="bytes"),
        "changed": st.column_config.DatetimeColumn("changed", format="YYYY-MM-DD HH:mm:ss"),
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, height="content", alt="Files of the run")
    best, last = run.path / "checkpoints" / "best.pt", run.path / "checkpoints" / "last.pt"
    if best.is_file() and last.is_file() and not run.status.active:
        freed = size_text(last.stat().st_size)
        with st.popover(_("Keep only best"), icon=":material/compress:"):
            st.markdown(f"Deletes last.pt for good and frees {freed}. The run still classifies; it cannot be resumed.")
            st.button(_("Delete last.pt"), key="runs_prune", type="primary", on_click=_prune, args=(run,))


HOLDS = {
    "config.json": "the settings: this file alone repeats the run",
    "status.json": "state and position",
    "events.jsonl": "the history, a line an event",
    "checksums.json": "hashes of config.json and class_indices.json, as the run wrote them",
    "class_indices.json": "which number is which class",
    "env.json": "versions, machine, fingerprint of the data",
    "seen.npz": "which images it was trained on, as hashes of their files",
    "best.pt": "the weights of the best epoch: what classifies",
    "last.pt": "weights and optimizer at the end: what a resume needs",
    "resume.json": "a resume that has not begun yet, or why it could not",
    "last.previous.pt": "the one before, in case that last.pt is damaged; deleted when the run finishes",
    "worker.log": "what the worker said",
    "about.json": "name, tags and note",
    "experiment.json": "settings of a BatchNorm experiment",
}


def _prune(run: Run) -> None:
    try:
        st.toast(f"{size_text(keep_only_best(run))} of disk are free again.")
    except RunError as error:
        st.toast(plain(str(error)))


def about_section(run: Run) -> None:
    """Another name, tags and a note. The id stays, because URLs and other runs name it."""
    about = read_about(run.path)
    st.caption(plain(f"For lists and for you: the run's id stays {run.id}. Kept in about.json in the run's folder."))
    with st.form("runs_about", border=False):
        name = st.text_input(_("Name"), about.name, max_chars=MOST_NAME, placeholder=run.id)
        tags = st.text_input(
            _("Tags"),
            ", ".join(about.tags),
            placeholder=_("baseline, homework 3"),
            help=f"Words by which the table can be filtered, separated by commas; at most {MOST_TAGS}.",
        )
        empty = _("What was tried, what came of it")
        note = st.text_area(_("Note"), about.note, max_chars=MOST_NOTE, placeholder=empty)
        if st.form_submit_button(_("Save"), key="runs_save_about"):
            with shown_errors():
                change_about(run.path, name=name, tags=tuple(tags.split(",")), note=note)
                st.rerun()


SECTIONS: dict[str, Callable[[Run], None]] = {
    "Settings": settings_section,
    "Evaluation": evaluation_section,
    "Take it along": export_section,
    "Again": again_section,
    "Files and disk": disk_section,
    "Environment": environment_section,
    "Log": log_section,
    "Name and note": about_section,
}
