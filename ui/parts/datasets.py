"""Data sets as pages use them: opened once per change on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

from alexcore.config import TrainConfig
from alexcore.data.decoding.intensity import with_rendering
from alexcore.data.index import DataIndex
from alexcore.data.index_cache import forget_folder
from alexcore.data.inspection.verify import known_unreadable, unreadable_classes
from alexcore.data.reading import FolderChoice
from alexcore.data.sources import choice_of, open_source, source_signature
from alexcore.data.untrained import settled
from alexcore.errors import DataError
from alexcore.home import SYNTHETIC, data_roots, known_data_sets, open_path
from alexcore.words.language import _
from ui.parts.address import choose_dataset, chosen_dataset, chosen_reading
from ui.parts.job_progress import job_button
from ui.parts.synthetic_data import ensure_synthetic


# An index is never changed, so sessions may share one; copies of 100,000 rows at each rerun would be slow.
@st.cache_resource(max_entries=4, show_spinner="Reading the folders ...")
def _index(path: str, signature: str, choice: FolderChoice) -> DataIndex:  # noqa: ARG001 - the signature only makes the key change
    return with_rendering(open_source(path, choice=choice, roots=data_roots()))


@st.cache_resource(max_entries=4, show_spinner=False)
def _readable(path: str, signature: str, choice: FolderChoice, unreadable: tuple[tuple[str, str], ...]) -> DataIndex:
    return settled(_index(path, signature, choice).without(dict(unreadable)))


def forget_indexes() -> None:
    """Read folders anew at the next opening."""
    _index.clear()
    _readable.clear()


def read_again(path: Path) -> None:
    """List the files of a data set anew: the way to see one that was overwritten in place."""
    forget_folder(path)
    forget_indexes()


def open_dataset(name: str, choice: FolderChoice | None = None) -> tuple[DataIndex, bool]:
    """Open a data set by its name in `data/` or its path; the flag says whether its pictures have been checked.

    A folder is read by `choice`, or as somebody has chosen on a page.

    Raises:
        AmbiguousError: it is a folder that can be read in several ways, and nobody has said which is meant.
        DataError: it cannot be opened, or may not be.
    """
    path = open_path(name)
    choice = chosen_reading(name) if choice is None else choice
    signature = source_signature(path)
    if choice.test:
        signature += source_signature(open_path(choice.test))
    index = _index(str(path), signature, choice)
    known = known_unreadable(index)
    # Before a check, what a start would be refused for.
    unreadable = unreadable_classes(index) if known is None else known
    if not unreadable:
        return index, known is not None
    return _readable(str(path), signature, choice, tuple(unreadable.items())), known is not None


def run_dataset(config: TrainConfig) -> DataIndex:
    """The data set of a run, read as the run has read it, without its separate validation folder.

    Raises:
        DataError: as `open_dataset`.
    """
    return open_dataset(config.data, choice_of(config))[0]


def whole_dataset(name: str, choice: FolderChoice | None = None) -> DataIndex:
    """The data set with the pictures that cannot be decoded. Raises as `open_dataset`."""
    path = open_path(name)
    return _index(str(path), source_signature(path), chosen_reading(name) if choice is None else choice)


def dataset_or_wait(name: str) -> tuple[DataIndex, bool] | None:
    """Open the data set, or return None while the built-in one is still being drawn.

    Raises:
        DataError: as `open_dataset`.
    """
    if name == SYNTHETIC and not ensure_synthetic():
        return None
    try:
        return open_dataset(name)
    except DataError:
        if name == SYNTHETIC:
            st.info(_("Delete the folder to have the built-in data set drawn again."))
        raise


def how(index: DataIndex) -> list[str]:
    """What a command has to be given beside the path to read a data set in the same way."""
    return index.reading.choice.arguments if index.reading else []


def data_job(kind: str, index: DataIndex) -> tuple[str, list[str]]:
    """The name and the command of the job that does `data KIND` with a data set.

    The name changes with the folder alone: that a job leaves out pictures hides neither its end nor its error.
    """
    command = ["data", kind, str(index.origin), *how(index)]
    text = repr([*command, source_signature(index.origin)])
    return f"{kind}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:20]}", command


def scan_button(whole: DataIndex, label: str, key: str, note: str = "") -> bool:
    """Draw the button that measures every picture of a data set, or how far that is; whether it runs."""
    name, command = data_job("scan", whole)
    return job_button(name, command, label, key, note, doing="Looking at every picture", when_done=forget_indexes)


def dataset_title(name: str) -> str:
    """What a data set is called in a field that chooses one."""
    return "synthetic flowers (built in)" if name == SYNTHETIC else name


def dataset_select(key: str) -> str:
    """Draw the field that chooses among the known data sets; return the one from `?dataset=` or this session."""
    name = chosen_dataset()
    if st.session_state.get(key) != name:
        st.session_state[key] = name
    st.selectbox(
        _("Data set"),
        list(dict.fromkeys([*known_data_sets(), name])),
        key=key,
        format_func=dataset_title,
        on_change=lambda: choose_dataset(st.session_state[key]),
        help=_("Open another folder on the page Data set; it then appears here."),
    )
    return name
