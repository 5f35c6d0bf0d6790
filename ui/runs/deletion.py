"""Deleting runs: into the trash, with undo; the trash itself; and what old runs could do without."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import streamlit as st

from alexcore.errors import RunError
from alexcore.jobs import read_job
from alexcore.runs.kinds import TRAINING
from alexcore.runs.run_list import Summary
from alexcore.runs.status import ENDED
from alexcore.runs.store import open_run
from alexcore.runs.trash import Trashed, empty_trash, keep_only_best, list_trash, restore_run, trash_run
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.job_progress import job_button
from ui.parts.page import show_error
from ui.parts.text import plain

_OUTCOME = "runs_outcome_of_deletion"
_CHANGED = "runs_changed"
OLD_DAYS = 30
FREE_JOB = "runs-free"
T = TypeVar("T")
R = TypeVar("R")


class Outcome(NamedTuple):
    """What the last deletion, its undo, or freeing the disk did."""

    moved: Sequence[Trashed] = ()
    problems: Sequence[RunError] = ()
    told: str = ""


def _each(things: Sequence[T], do: Callable[[T], R]) -> tuple[list[R], list[RunError]]:
    """What came of doing something to each of some things, and what kept others from it."""
    done, problems = [], []
    for each in things:
        try:
            done.append(do(each))
        except RunError as error:
            problems.append(error)
    return done, problems


def delete(ids: Sequence[str]) -> None:
    """Move runs to the trash; what came of it is shown by `outcome`."""
    moved, problems = _each(ids, lambda run_id: trash_run(open_run(run_id)))
    st.session_state[_OUTCOME], st.session_state[_CHANGED] = Outcome(moved, problems), True


def just_changed() -> bool:
    """Whether runs were deleted or brought back since the last call: what stands beside the table is old then."""
    return bool(st.session_state.pop(_CHANGED, False))


def outcome() -> None:
    """Say what the last deletion did, and offer to undo it, until the page is left."""
    moved, problems, told = st.session_state.get(_OUTCOME, Outcome())
    for error in problems:
        show_error(error)
    if told:
        st.success(plain(told), icon=":material/check:")
    if not moved:
        return
    what = plain(moved[0].id) if len(moved) == 1 else f"{len(moved)} runs"
    held = size_text(sum(each.bytes for each in moved))
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="runs_outcome"):
        st.markdown(f"Moved {what} to the trash; emptying it frees {held} of disk.", width="content")
        st.button(_("Undo"), key="runs_undo", on_click=_restore, args=(moved,), icon=":material/undo:")


def _restore(trashed: Sequence[Trashed]) -> None:
    def back(each: Trashed) -> str:
        name = restore_run(each).name
        return f"{each.id} is back{'' if name == each.id else f', as {name}: its id was taken meanwhile'}."

    told, problems = _each(trashed, back)
    st.session_state[_OUTCOME], st.session_state[_CHANGED] = Outcome((), problems, " ".join(told)), True


def _empty() -> None:
    try:
        st.session_state[_OUTCOME] = Outcome()
        st.toast(f"{size_text(empty_trash())} of disk are free again.")
    except RunError as error:
        st.session_state[_OUTCOME] = Outcome(problems=[error])


def disk_section(found: Sequence[Summary]) -> None:
    """Draw what runs and trash hold, the way back out of the trash, and the checkpoints that old runs do not need."""
    trashed = list_trash()
    held, waiting = sum(each.bytes for each in found), sum(each.bytes for each in trashed)
    title = _("Disk use: runs hold {held}, the trash {waiting}")
    words = title.format(held=size_text(held), waiting=size_text(waiting))
    with st.expander(words, icon=":material/hard_drive:", key="runs_disk"):
        _finished(found)
        _trash(trashed, waiting)
        _old(found)


def _finished(found: Sequence[Summary]) -> None:
    spare = sum(each.spare_bytes for each in found)
    if not spare and read_job(FREE_JOB).state != "running":
        return
    st.markdown(_("**Finished runs**"))
    st.caption(
        _(
            "The best checkpoint of a run of before holds what only a resume would need. Without it the run still "
            "classifies, and goes on from its last checkpoint. Its evaluation has to be made again."
        )
    )
    label = _("Free {size}").format(size=size_text(spare))
    job_button(FREE_JOB, ["runs", "free"], label, "runs_free", doing=_("Freeing"), unit="runs", when_done=_freed)


def _freed() -> None:
    st.session_state[_OUTCOME], st.session_state[_CHANGED] = Outcome(told=" ".join(read_job(FREE_JOB).notes)), True


def _trash(trashed: list[Trashed], waiting: int) -> None:
    st.markdown(_("**Trash**"))
    if not trashed:
        st.caption(_("The trash is empty. What you delete waits here until you empty it."))
        return
    for each in trashed[:50]:
        with st.container(horizontal=True, vertical_alignment="center"):
            when = f"{each.deleted:%Y-%m-%d %H:%M}" if each.deleted else "some time ago"
            st.markdown(f"{plain(each.id)}: {size_text(each.bytes)}, deleted {when}", width="content")
            st.button(_("Restore"), key=f"runs_restore_{each.place}", on_click=_restore, args=([each],))
    if len(trashed) > 50:
        st.caption(f"{len(trashed) - 50} older ones are not shown; `python -m alexcore runs trash` lists all.")
    with st.popover(_("Empty the trash"), icon=":material/delete_forever:"):
        st.markdown(f"This deletes {len(trashed)} runs for good and frees {size_text(waiting)}. There is no undo.")
        st.button(_("Delete them for good"), key="runs_empty_trash", on_click=_empty, type="primary")


def _old(found: Sequence[Summary]) -> None:
    st.markdown(_("**Old runs**"))
    st.caption(
        _(
            "A run keeps its last checkpoint so that it can be resumed, and its best one, which classifies. An old run "
            "can do without the first. It is deleted at once, not into the trash."
        )
    )
    days = st.number_input(
        _("Older than (days)"),
        value=OLD_DAYS,
        min_value=0,
        key="runs_old_days",
        width=180,
        help=_("Counted from the last change of a run. 0 takes all runs that have ended."),
    )
    old = prunable(found, float(days))
    if not old:
        st.caption(f"No run older than {days} days has a last checkpoint beside its best one.")
        return
    freed = size_text(sum(each.last_bytes or 0 for each in old))
    count = "1 run" if len(old) == 1 else f"{len(old)} runs"
    with st.popover(_("Keep only best in {count}").format(count=count), icon=":material/compress:"):
        st.markdown(f"This deletes the last checkpoint of {count}, frees {freed}, and none of them can be resumed.")
        ids = [each.id for each in old]
        st.button(_("Keep only best"), key="runs_prune", on_click=prune, args=(ids,), type="primary")


def prunable(found: Sequence[Summary], days: float) -> list[Summary]:
    """The runs that have ended, did not change for so many days, and have a last checkpoint beside the best one."""
    before = time.time() - days * 86_400
    return [
        each
        for each in found
        if each.kind is TRAINING
        and each.status.state in ENDED
        and each.best_bytes
        and each.last_bytes
        and each.changed <= before
    ]


def prune(ids: Sequence[str]) -> None:
    """Keep only the best checkpoint of these runs."""
    freed, problems = _each(ids, lambda run_id: keep_only_best(open_run(run_id)))
    st.session_state[_OUTCOME] = st.session_state.get(_OUTCOME, Outcome())._replace(problems=problems)
    st.toast(f"{size_text(sum(freed))} of disk are free again.")
