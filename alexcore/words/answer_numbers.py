"""The numbers of an answer of the BatchNorm experiment, as its sentences show them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alexcore.words.language import _
from alexcore.words.numbers import number, percent

PLAIN, NORMED = "none", "batch"

Show = Callable[[float], str]


class Numbers(dict[str, Any]):
    """The values of an answer, and clauses about them."""

    def name(self, arm: str) -> str:
        """An arm, as sentences call it."""
        known = {PLAIN: _("without BN"), NORMED: _("with BN")}
        return known.get(arm) or _("with {norm}").format(norm=self["arms"][arm])

    def of(self, measure: str) -> Mapping[str, Sequence[float]]:
        """For each arm with numbers of a measure their median, lowest, highest and how many there are."""
        found: Mapping[str, Sequence[float]] = self["bands"].get(measure, {})
        return found

    def arms(self, measure: str, show: Show, word: str = "") -> str:
        """The bands of all arms, each behind `word`; "" if no arm has a number."""
        return ", ".join(
            f"{self.name(arm)} {word}{band_in_words(band, show)}" for arm, band in self.of(measure).items()
        )

    def clause(self, start: str, measure: str, show: Show, word: str = "") -> str:
        """A clause about one measure; "" if nobody has a number."""
        arms = self.arms(measure, show, word)
        return f"{start} {arms}" if arms else ""

    def rate(self, arm: str) -> float:
        """The rate at which an arm was trained."""
        rate: float = self["rates"].get(arm, self["lr"])
        return rate

    def effect(self, points: float) -> str:
        """The difference between the arms with its interval; "" where there is none.

        `points` is what one unit has, such as 100 for a share; 0 for what is no share.
        """
        if not self.get("effect"):
            return ""
        difference, low, high, confidence = self["effect"]
        unit = _(" points") if points else ""

        def signed(value: float) -> str:
            shown = value * (points or 1)
            return f"{'+' if shown > 0 else ''}{number(shown)}"

        told = _("Difference, with BN minus without: {difference}{unit}").format(
            difference=signed(difference), unit=unit
        )
        if low is None or high is None:
            return _("{told}; one seed has no interval.").format(told=told)
        # Rounded down: an interval must not promise more than it holds.
        sure = f"{math.floor(100 * confidence)}%"
        return _("{told} ({sure} interval {low} to {high}).").format(
            told=told, sure=sure, low=signed(low), high=signed(high)
        )


def band_in_words(band: Sequence[float], show: Show) -> str:
    """Median and ends over the seeds: "62.0% (58.0% to 70.0%)"; one number where they are one."""
    middle, low, high = map(show, band[:3])
    return middle if low == high else _("{middle} ({low} to {high})").format(middle=middle, low=low, high=high)


def cause_in_words(stuck: Mapping[str, Any]) -> str:
    """Why an arm is stuck: " at 24.8%, the share of the largest class (99.0% of the units of linear1 are dead)"."""
    share = _(" at {share}, the share of the largest class").format(share=percent(stuck["share"]))
    causes = [
        _("{dead} of the units of {layer} do nothing for any image").format(
            dead=percent(stuck["dead"]), layer=stuck["layer"]
        )
        if stuck["dead"]
        else "",
        _("the gradient's norm is {gradient}").format(gradient=number(stuck["gradient"]))
        if stuck["gradient"] is not None
        else "",
    ]
    why = _(" and ").join(filter(None, causes))
    return f"{share if stuck['share'] else ''}{f' ({why})' if why else ''}"
