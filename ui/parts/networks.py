"""The networks of the page Classify: loaded lazily, kept for a few runs, with what their answers are held against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from alexcore.analysis.reference_files import Reference, read_reference, reference_folder
from alexcore.data.index import DataIndex
from alexcore.data.sources import choice_of, open_source
from alexcore.doubt.kept import REFERENCE, Doubt, read_doubt
from alexcore.errors import DataError
from alexcore.home import data_roots, open_path
from alexcore.run_names import title_of
from alexcore.runs.store import Run, require_checkpoint
from alexcore.words.language import _
from ui.parts.address import choose_run, chosen_run
from ui.parts.datasets import run_dataset
from ui.parts.lazy_torch import load_torch
from ui.parts.text import plain

if TYPE_CHECKING:  # torch costs seconds and a gigabyte; the page loads it when the first picture comes
    from alexcore.analysis.batch_prediction import AskedNetwork
    from alexcore.analysis.prediction import Classifier

# Runs that may stand beside the chosen one.
MOST_BESIDE = 2


@st.cache_resource(max_entries=1 + MOST_BESIDE, show_spinner="Loading the network ...")
def _classifier(path: str, modified_ns: int) -> Classifier:  # noqa: ARG001 - a new checkpoint makes a new key
    from alexcore.analysis.prediction import Classifier

    return Classifier(Path(path))


def classifier(checkpoint: Path) -> Classifier:
    """The network of a checkpoint, on the CPU.

    Raises:
        AlexError: torch cannot be loaded, or the checkpoint cannot be used.
    """
    load_torch()
    return _classifier(str(checkpoint), checkpoint.stat().st_mtime_ns)


def choices(runs: list[Run], key: str, otherwise: Run, which: str) -> dict[str, Run]:
    """The runs of a field by id; the field has the one of the address, else the one that was there before.

    Where nobody has chosen any it is `otherwise`, which is the `which` one.
    """
    by_id = {run.id: run for run in runs}
    wished = chosen_run()
    if wished and wished not in by_id:
        st.warning(f"There is no run {plain(wished)} with a checkpoint; the {which} one is used instead.")
    before: str | None = st.session_state.get(f"{key}_before")
    if wished is None and before in by_id:
        choose_run(before)  # nobody has said otherwise since this visit has looked at it
        wished = before
    current = wished if wished in by_id else otherwise.id
    st.session_state[f"{key}_before"] = wished
    if st.session_state.get(key) != current:
        st.session_state[key] = current
    return by_id


def run_field(by_id: dict[str, Run], key: str, help_text: str) -> str:
    """Draw the field; return the id of the run that is chosen."""
    return st.selectbox(
        _("Run"),
        list(by_id),
        key=key,
        format_func=lambda run_id: title_of(by_id[run_id].path),
        on_change=lambda: choose_run(st.session_state[key]),
        help=help_text,
    )


def choose_runs(runs: list[Run]) -> list[Run]:
    """Draw the choice of the run that answers and of others beside it; the chosen ones, the main one first."""
    newest = next((run for run in runs if run.status.state == "finished"), runs[0])
    by_id = choices(runs, "classify_run", newest, "newest finished")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        help_text = "The newest finished run, unless you choose another. Its best checkpoint is used."
        picked = run_field(by_id, "classify_run", help_text)
        beside: list[str] = st.multiselect(
            _("Compare with"),
            [each for each in by_id if each != picked],
            key="classify_compare",
            format_func=lambda run_id: title_of(by_id[run_id].path),
            max_selections=MOST_BESIDE,
            placeholder=_("no other run"),
            bind="query-params",
            persist_state="session",
            help=_("Up to two other runs answer the same pictures, side by side with the first."),
        )
    return [by_id[each] for each in (picked, *beside)]


def run_index(run: Run) -> DataIndex:
    """The data set of a run, if the dashboard may open it.

    Raises:
        DataError: it has moved, or lies outside the data roots.
    """
    if run.config is None:
        raise DataError(f"The settings of the run {run.id} cannot be read.", "Choose another run.")
    if not run.config.val:
        return run_dataset(run.config)
    if run.config.test:
        open_path(run.config.test)
    choice = choice_of(run.config)
    return open_source(open_path(run.config.data), open_path(run.config.val), choice=choice, roots=data_roots())


@st.cache_resource(max_entries=4, show_spinner=False)
def _reference(folder: str, modified_ns: int) -> Reference | None:  # noqa: ARG001 - measured again, read again
    return read_reference(Path(folder))


def reference_of(run: Run) -> Reference | None:
    """The index of its training pictures and the log of validation, if measured for this checkpoint and data set."""
    try:
        folder = reference_folder(require_checkpoint(run), *(run.config.data, run.config.val) if run.config else ("",))
        return _reference(str(folder), folder.stat().st_mtime_ns)
    except (DataError, OSError):  # not measured, or the data set has moved
        return None


def tell_notes(loaded: Classifier) -> None:
    """Draw what there is to say of the file that a network comes from."""
    for note in loaded.notes:
        st.caption(plain(note.sentence))


@st.cache_resource(max_entries=4, show_spinner=False)
def _doubt(run_dir: str, weights: str, modified_ns: int) -> Doubt | None:  # noqa: ARG001 - measured again, read again
    return read_doubt(Path(run_dir), weights)


def doubt_of(run: Run) -> Doubt | None:
    """When to doubt predictions of the run's checkpoint, if that has been measured; loads torch where it has.

    Raises:
        AlexError: torch or the checkpoint cannot be loaded.
    """
    try:
        modified_ns = (run.path / REFERENCE).stat().st_mtime_ns
    except OSError:
        return None
    return _doubt(str(run.path), classifier(require_checkpoint(run)).weights, modified_ns)


def network_of(run: Run) -> AskedNetwork:
    """A run as the network that answers.

    Raises:
        AlexError: torch or the checkpoint cannot be loaded.
    """
    loaded = classifier(require_checkpoint(run))
    from alexcore.analysis.batch_prediction import AskedNetwork

    tell_notes(loaded)
    return AskedNetwork(run.id, loaded, doubt_of(run))
