"""`/runs`: all runs in a table, one of them (`?run=`), or several beside each other (`?compare=a,b,c&x=step`)."""

from __future__ import annotations

import streamlit as st

from alexcore.runs.run_list import summaries
from alexcore.words.language import _
from ui.parts.address import chosen_run
from ui.parts.clone import forget_clone
from ui.parts.menu import page_link
from ui.parts.page import page
from ui.runs.compare import comparison
from ui.runs.deletion import disk_section, outcome
from ui.runs.import_section import import_section
from ui.runs.one_run import one_run
from ui.runs.parallel_coordinates import parallel
from ui.runs.runs_table import filters, table
from ui.runs.selection import compared_ids


def all_runs() -> None:
    found = summaries()
    if not found:
        outcome()
        st.info(_("There are no runs yet. Train a network: it takes about two minutes, and its run appears here."))
        page_link("train", _("Go to Train"), ":material/arrow_forward:")
        import_section()
        disk_section(found)
        return
    wished = filters(found)
    table(wished)
    if len(found) > 1 and st.toggle(
        _("Show all of these as parallel coordinates"),
        key="runs_show_parallel",
        help=_("A line a run across the settings that differ, ending at its accuracy. Filter first to see less."),
    ):
        parallel(wished.of(found), "all")
    import_section()
    disk_section(found)


with page("Runs", "Find your runs, put them beside each other, and see what made the difference."):
    forget_clone()  # whoever comes back here may clone the same run once more
    run_id, compared = chosen_run(), compared_ids()
    if compared:
        comparison(compared)
    elif run_id:
        one_run(run_id)
    else:
        all_runs()
