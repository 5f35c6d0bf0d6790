"""What is odd about a data set, and what is wrong with its pictures; each is found by a job that opens every one.

Pictures are left out without deleting any.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from alexcore.data.derive import exclude, stem_of
from alexcore.data.index import DataIndex
from alexcore.data.inspection.quality import known_findings
from alexcore.data.lists.manifest import write_manifest
from alexcore.findings.pictures import KINDS, Pictures
from alexcore.home import data_dir
from alexcore.words.language import _
from ui.dataset.gallery import first_page, gallery
from ui.parts.address import choose_dataset
from ui.parts.datasets import data_job, forget_indexes, scan_button
from ui.parts.job_progress import job_button
from ui.parts.page import shown_errors
from ui.parts.text import plain


def problems(index: DataIndex, checked: bool) -> None:
    """List the problems; offer the check if the pictures have not been decoded yet, or show how far it is."""
    with st.container(key="dataset_problems"):
        for problem in index.problems:
            text = plain(f"{problem.message} {problem.hint}")
            {"error": st.error, "warning": st.warning, "info": st.info}[problem.severity](text)
        if not checked:
            _check(index)
        elif all(problem.severity == "info" for problem in index.problems):
            st.success(f"No problems found: all {len(index.files):,} pictures can be decoded.", icon=":material/check:")


def _check(index: DataIndex) -> None:
    name, command = data_job("info", index)
    note = _("Not checked yet. A run does it before its first step and leaves out what cannot be decoded.")
    doing = "Decoding every picture once"
    # The check reads the folder anew, so what was read before is forgotten.
    job_button(name, command, _("Check every picture"), "dataset_check", note, doing=doing, when_done=forget_indexes)


def quality_section(name: str, index: DataIndex, whole: DataIndex) -> None:
    """Draw the section of the data set `name`: not scanned, being scanned, or its findings.

    `whole` still has its unreadable pictures, which are a finding, too; `index` is without them.
    """
    st.subheader(_("Quality"), anchor=False)
    with st.container(key="dataset_quality"):
        findings = known_findings(whole)
        if findings is None:
            note = _(
                "Not scanned yet: damaged files, duplicates, the same picture in two splits or classes, dark, light, "
                "blurry and other odd pictures. About 100 to 150 pictures a second on two cores; nothing is changed."
            )
            scan_button(whole, _("Scan"), "dataset_scan", note)
        elif not findings:
            st.success(
                f"Nothing was found. Looked for: {', '.join(each.title() for each in KINDS.values()).lower()}.",
                icon=":material/check:",
            )
        else:
            _list(name, index, whole, findings)


def _list(name: str, index: DataIndex, whole: DataIndex, findings: list[Pictures]) -> None:
    by_kind = {finding.kind: finding for finding in findings}
    labels = {kind: f"{finding.title()} ({len(finding.paths):,})" for kind, finding in by_kind.items()}
    kind = st.pills(
        _("Findings"),
        list(labels),
        format_func=labels.__getitem__,
        key="dataset_finding",
        bind="query-params",
        on_change=first_page,
    )
    clean = [finding.title().lower() for each, finding in KINDS.items() if each not in by_kind]
    st.caption(f"Choose a finding to see its pictures. Looked for and not found: {', '.join(clean) or 'nothing else'}.")
    if kind not in by_kind:
        return
    finding = by_kind[kind]
    (st.warning if finding.severity == "warning" else st.info)(plain(finding.sentence))
    chosen = whole.files["path"].isin(list(finding.paths)).to_numpy()
    gallery(whole, np.flatnonzero(chosen), key="dataset_finding_page", readable=index)
    if finding.fixable and finding.surplus:
        target = data_dir() / f"{stem_of(name)}-without-{finding.kind.replace('_', '-')}.csv"
        count = len(finding.surplus)
        label = _("Exclude 1 picture") if count == 1 else _("Exclude {count} pictures").format(count=f"{count:,}")
        if st.button(label, key="dataset_exclude"):
            with shown_errors():
                write_manifest(exclude(whole, finding.surplus), target)
                choose_dataset(target.name)
                st.rerun()
        st.caption(f"Writes the manifest data/{plain(target.name)} without them and opens it. No file is deleted.")
