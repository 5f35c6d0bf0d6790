"""The table of all runs: filters, rows that follow the runs, and what can be done with the chosen ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from alexcore.runs.comparison import MOST, in_words
from alexcore.runs.run_list import Summary, matching, summaries
from alexcore.words.language import _
from alexcore.words.numbers import size_text
from ui.parts.run_rows import moment, number, share
from ui.parts.text import plain
from ui.runs.deletion import delete, just_changed, outcome
from ui.runs.selection import CHOSEN, labels, show_comparison, show_run

ACTIVE_S, IDLE_S = 2.0, 15.0
_TURN = "runs_turn"
MOST_BROKEN = 3
SEVERAL = "several"


@dataclass(frozen=True)
class Filters:
    """What the fields above the table ask for; empty ones ask for nothing."""

    text: str = ""
    states: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    norms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def of(self, found: Sequence[Summary]) -> list[Summary]:
        """The runs that they leave."""

        def fits(each: Summary) -> bool:
            asked = (
                (self.states, each.status.state),
                (self.data, each.data),
                (self.variants, each.settings.get("variant")),
                (self.norms, norm_of(each)),
            )
            return all(not wished or has in wished for wished, has in asked) and set(self.tags) <= set(each.tags)

        return [each for each in matching(found, self.text) if fits(each)]


def filters(found: Sequence[Summary]) -> Filters:
    """Draw the fields that narrow the table down; they stand in the URL."""

    def several(label: str, name: str, values: Sequence[str], text: str) -> tuple[str, ...]:
        more: dict[str, Any] = {"placeholder": _("all"), "bind": "query-params", "help": text}
        return tuple(st.multiselect(label, sorted({*values} - {""}), key=f"runs_{name}", **more))

    text = st.text_input(
        _("Search"),
        key="runs_search",
        bind="query-params",
        max_chars=200,
        placeholder=_("roses lr=0.01"),
        help=_("Each word has to occur somewhere: in the name, id, tags, note, state or a setting such as norm=batch."),
    )
    variants = [str(each.settings.get("variant") or "") for each in found]
    text_of_norm = _("The normalisation; several: an experiment.")
    with st.grid("auto", min_column_width=160):
        return Filters(
            (text or "").strip(),
            several(_("State"), "state", [each.status.state for each in found], _("None chosen: all states.")),
            several(_("Data set"), "data", [each.data for each in found], _("None chosen: all data sets.")),
            several(_("Variant"), "variant", variants, _("Which AlexNet; none chosen: all.")),
            several(_("Norm"), "norm", [norm_of(each) for each in found], text_of_norm),
            several(_("Tags"), "tags", [tag for each in found for tag in each.tags], _("Runs that have all of these.")),
        )


def norm_of(each: Summary) -> str:
    """The normalisation of a run. The arms of an experiment differ in it, and its settings hold only one of them."""
    return SEVERAL if each.kind.arms else str(each.settings.get("norm") or "")


def rows_of(found: Sequence[Summary]) -> pd.DataFrame:
    """A row a run. Accuracies are 0 to 1; times are the server's."""
    rows = []
    for each, label in zip(found, labels(found), strict=True):
        status, settings = each.status, each.settings
        other = ", ".join(f"{name}={in_words(value)[:60]}" for name, value in each.other_settings.items())
        rows.append(
            {
                "state": status.state,
                "run": label,
                "best val": number(each.best_val_acc1),
                "last val": number(each.val_acc1),
                "arms": each.in_words if each.kind.arms else "",
                "progress": share(status.step, status.total_steps),
                "data set": each.data,
                "variant": settings.get("variant"),
                "norm": norm_of(each),
                "epochs": settings.get("epochs"),
                "batch": settings.get("batch_size"),
                "lr": settings.get("lr"),
                "px": settings.get("image_size"),
                "seed": settings.get("seed"),
                "time (s)": number(each.worked_s),
                "images/s": number(status.images_per_s if status.state == "running" else each.images_per_s),
                "disk": each.bytes,
                "started": moment(each.started),
                "tags": list(each.tags),
                "other settings": other,
                "note": each.note,
                "kind": each.kind.title if each.kind.arms else "",
                "problem": each.problem,
                "id": each.id,
            }
        )
    table = pd.DataFrame(rows)
    return table if any(each.kind.arms for each in found) else table.drop(columns="arms", errors="ignore")


def _columns() -> dict[str, Any]:
    number, words = st.column_config.NumberColumn, st.column_config.TextColumn
    arms = "Of an experiment: the validation accuracy of each of its networks, in the order of its arms."
    return {
        "run": words(pinned=True, width=190, help="Its name, or its id where it has none."),
        "best val": number(format="percent", help="The best validation accuracy of its epochs."),
        "last val": number(format="percent", help="Validation accuracy of the last epoch."),
        "arms": words(help=arms),
        "progress": st.column_config.ProgressColumn(format="percent", help="Optimizer steps made of all."),
        "lr": number(format="%.2g", help="The learning rate."),
        "px": number(format="plain", help="Side of the pictures that the network sees."),
        "seed": number(format="plain"),
        "time (s)": number(format="%.0f", help="Working time; nights between stop and resume not counted."),
        "images/s": number(format="%.0f", help="Training pictures a second, in the last epoch or now."),
        "disk": number(format="bytes", help="All files of its folder."),
        "started": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        "tags": st.column_config.ListColumn(),
        "other settings": words(help="What differs from the defaults, too."),
        "problem": words(help="Why a folder cannot be read as a run."),
    }


def table(wished: Filters) -> None:
    """Draw the table; it follows the runs while there are active ones, and now and then looks for new folders."""
    active = any(each.status.active for each in summaries())
    st.fragment(_table, run_every=ACTIVE_S if active else IDLE_S)(wished, active)


def _table(wished: Filters, was_active: bool) -> None:
    found = summaries()
    active = sum(each.status.active for each in found)
    if bool(active) != was_active or just_changed():
        st.rerun()  # the whole page once: another pace, or another trash and other filters
    outcome()
    shown = wished.of(found)
    going = f", {active} of them active" if active else ""
    st.caption(
        f"{len(shown):,} of {len(found):,} runs{going}. A click on a column's head sorts; a tick at the left chooses."
    )
    with st.container(key="runs_table"):
        if shown:
            _grid(shown)
        else:
            st.info(_("No run matches. Take a word or a filter away."))
    _broken(shown)
    _actions(found, shown)


def _grid(shown: list[Summary]) -> None:
    ids = tuple(each.id for each in shown)
    chosen = set(st.session_state.get(CHOSEN, ()))
    # A selection is a list of positions. With another order of rows, or another choice in the field below, they would
    # mean other runs: then it is another table, which begins with the right rows ticked.
    order = hashlib.sha256("\0".join(ids).encode(errors="replace")).hexdigest()[:12]
    key = f"runs_rows_{order}_{st.session_state.get(_TURN, 0)}"
    ticked = [position for position, each in enumerate(ids) if each in chosen]
    st.dataframe(
        rows_of(shown),
        key=key,
        hide_index=True,
        on_select=lambda: _ticked(key, ids),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": ticked}},
        column_config=_columns(),
        placeholder="-",
        height=min(38 + 35 * len(shown), 460),
        alt="All runs: state, accuracy, settings, time and disk use",
    )


def _broken(shown: list[Summary]) -> None:
    broken = [each for each in shown if each.problem]
    for each in broken[:MOST_BROKEN]:
        st.warning(plain(f"{each.id} cannot be read as a run: {each.problem}"), icon=":material/broken_image:")
    if len(broken) > MOST_BROKEN:
        st.caption(f"{len(broken) - MOST_BROKEN} more cannot be read; the column problem, at the far right, says why.")


def _ticked(key: str, ids: tuple[str, ...]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    ticked = [ids[row] for row in rows if row < len(ids)]
    # In the order of the ticks; what a filter hides stays chosen.
    kept = [each for each in st.session_state.get(CHOSEN, ()) if each not in ids or each in ticked]
    st.session_state[CHOSEN] = list(dict.fromkeys([*kept, *ticked]))


def _actions(found: list[Summary], shown: list[Summary]) -> None:
    by_id = {each.id: each for each in found}
    chosen = [each for each in st.session_state.get(CHOSEN, ()) if each in by_id]  # others may delete runs, too
    st.session_state[CHOSEN] = chosen
    options = list(dict.fromkeys([*(each.id for each in shown), *chosen]))
    titles = dict(zip(by_id, labels(found), strict=True))
    st.multiselect(
        _("Chosen runs"),
        options,
        key=CHOSEN,
        format_func=lambda each: titles.get(each, each),
        on_change=lambda: st.session_state.update({_TURN: st.session_state.get(_TURN, 0) + 1}),
        placeholder=_("tick rows above, or type a name here"),
        help=f"Two or more can be compared: curves of up to {MOST}, all of them as parallel coordinates.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        # No link: one to the page that is open already would change the page and not the address.
        if st.button(_("Open"), key="runs_open", disabled=len(chosen) != 1, icon=":material/arrow_forward:"):
            show_run(chosen[0])
            st.rerun()
        if st.button(_("Compare"), key="runs_compare", type="primary", disabled=len(chosen) < 2):
            show_comparison(chosen)
            st.rerun()
        st.button(_("Delete"), key="runs_delete", disabled=not chosen, on_click=delete, args=(chosen,))
        held = size_text(sum(by_id[each].bytes for each in chosen))
        st.caption(
            f"{len(chosen)} chosen, {held} on disk. Delete moves to the trash, which can be undone."
            if chosen
            else "Choose one run to open it, two or more to compare them.",
            width="content",
        )
