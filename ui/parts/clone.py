"""`/train?clone=ID`: the form filled with all settings of another run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st

from alexcore.augment.operations import Operation
from alexcore.augment.pipeline_files import load_pipeline, save_pipeline, saved_pipelines
from alexcore.data.index import DataIndex
from alexcore.data.sources import choice_of
from alexcore.errors import ConfigError, DataError, RunError
from alexcore.home import data_dir, open_path, runs_dir
from alexcore.runs.kinds import BATCHNORM, kind_of
from alexcore.runs.store import open_run
from alexcore.words.language import _
from ui.parts.address import Beside, choose_beside, choose_dataset, choose_reading, chosen_reading
from ui.parts.datasets import open_dataset
from ui.parts.forms import fill
from ui.parts.page import show_error
from ui.parts.text import plain

_DONE = "cloned"


def forget_clone() -> None:
    """The next visit with `?clone=` fills the form again, also with the same run."""
    st.session_state.pop(_DONE, None)


def clone_from_url() -> None:
    """Fill the form once with the settings of the run in `?clone=`; to be called before anything of it is drawn."""
    run_id = st.query_params.get("clone")
    if not run_id:
        return
    with suppress(RunError):  # the opening below says what is wrong
        run_id = open_run(run_id).id
    if st.session_state.get(_DONE) != run_id:
        try:
            run = open_run(run_id)
            if run.config is None:
                raise RunError(f"The settings of the run {run.id} cannot be read. {run.problem}")
            values = run.config.model_dump()
            if isinstance(run.config.augment, list):
                values["augment"] = _pipeline_name(run.config.augment, run.id)
            fill(values)
        except (RunError, ConfigError) as error:
            show_error(error)
            return
        data = Path(run.config.data)
        # What pages call a data set: its name, if it lies in `data/`.
        name = data.name if data.parent == data_dir() else run.config.data
        choose_dataset(name)
        choose_reading(name, choice_of(run.config))
        choose_beside(name, Beside(_openable(run.config.val), run.config.intensity))
        st.session_state[_DONE] = run_id
    words = f"All settings below are those of the run {plain(run_id)}. Change what you like, then press Start."
    if kind_of(runs_dir() / run_id) is BATCHNORM:  # its name was found to be one when the form was filled
        words += (
            " That run is a BatchNorm experiment: Start would train one network with these settings, not all of its "
            "networks. To compare them again, open it on BatchNorm."
        )
    st.info(words)


def _openable(val: str) -> str:
    """The validation folder of a cloned run; "" for none, and for one that may not be opened, which is said."""
    try:
        return str(open_path(val)) if val else ""
    except DataError as error:
        show_error(error)
        return ""


def end_clone() -> None:
    """Take the run out of the URL: its settings have been used."""
    st.query_params.pop("clone", None)


def _pipeline_name(operations: list[Operation], run_id: str) -> str:
    """The form knows pipelines by name: one that is kept already, or a new one named after the run."""
    for name, file in saved_pipelines().items():
        try:
            if load_pipeline(file) == operations:
                return name
        except ConfigError:  # a file that somebody has edited badly
            continue
    fit = "".join(each if each.isascii() and (each.isalnum() or each in " _.-") else "-" for each in run_id)
    name = f"from {fit}"[:60].strip()
    save_pipeline(name, operations)
    return name


def validation(name: str, index: DataIndex) -> tuple[str, DataIndex]:
    """The separate folder on which a run is to be validated, if one is chosen, or "", and the index to go with it.

    Raises:
        DataError: the data set cannot be opened without it.
    """
    if not index.val:
        return "", index
    label = _("Validate on {folder}").format(folder=plain(index.val))
    text = _("Chosen on the page Data set, or by the cloned run. Switched off, the data set's own validation counts.")
    if st.toggle(label, True, "train_use_val", text):
        return index.val, index
    return "", open_dataset(name, chosen_reading(name))[0]
