"""What the page of runs is about: all runs, one of them, or a comparison; it stands in the URL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

import streamlit as st

from alexcore.errors import RunError
from alexcore.run_names import run_folder
from alexcore.runs.comparison import ids_as_text, ids_in
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.run_list import Summary
from alexcore.words.language import _
from ui.parts.text import plain

CHOSEN = "runs_chosen"


def compared_ids() -> list[str]:
    """The ids in `?compare=`, where names may stand, too; what means no run, or several, stays as it is."""
    found = []
    for text in ids_in(st.query_params.get("compare", "")):
        folder = None
        with suppress(RunError):
            folder = run_folder(text)
        found.append(folder.name if folder else text)
    return found


def show_comparison(ids: Sequence[str]) -> None:
    """Make these runs the page's subject."""
    st.query_params.from_dict({"compare": ids_as_text(ids)})


def show_run(run_id: str) -> None:
    """Make one run the page's subject."""
    st.query_params.from_dict({"run": run_id})


def show_all(chosen: Sequence[str] = ()) -> None:
    """Go back to the table, with these runs chosen."""
    st.query_params.from_dict({})  # clear() refuses while a tab of the run's page stands in the URL
    st.session_state[CHOSEN] = list(chosen)


def labels(found: Sequence[Summary]) -> list[str]:
    """What to call each of some runs: its name; with its id, where two have the same name."""
    count = Counter(each.title for each in found)
    return [each.title if count[each.title] == 1 else f"{each.title} ({each.id})" for each in found]


def all_runs_link(chosen: Sequence[str] = ()) -> None:
    """Draw the way back to the table."""
    if st.button(_("All runs"), key="runs_back", icon=":material/arrow_back:", type="tertiary"):
        show_all(chosen)
        st.rerun()


def experiment_link(summary: Summary, here: str) -> None:
    """Where the charts of a BatchNorm experiment are, and what is `here`; nothing for any other run."""
    if summary.kind is BATCHNORM:
        st.markdown(
            f"{plain(summary.title)} is a BatchNorm experiment: "
            f"[its comparison of the arms](/batchnorm?run={quote(summary.id, safe='')}) has a page of its own. {here}"
        )
