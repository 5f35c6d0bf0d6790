"""What is said of the five questions of the BatchNorm experiment: sentences made of the values of an answer.

An answer's values: `state` and `lean` of the comparison and how many `seeds` it has; `bands`, for each measure and arm
the median, the lowest and the highest value and their number; `arms`, their titles in order; `outcomes`, for each arm
its seeds and how many of them diverged; and what belongs to one question alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from alexcore.words.language import _
from alexcore.words.numbers import number, percent

UNDECIDED = _("Not decided by this experiment")
PLAIN, NORMED = "none", "batch"

Show = Callable[[float], str]


class InWords(NamedTuple):
    """An answer in words: the question, one sentence that answers it, and one about what else was measured."""

    question: str
    short: str
    detail: str


class _Said(NamedTuple):
    question: str
    claims: Mapping[str, str]
    leans: Mapping[str, str]
    facts: str
    details: Sequence[str]


def answer_in_words(answer: Mapping[str, Any]) -> InWords:
    """The words for an answer, as verdict.json keeps it.

    Version 0.1 has kept sentences alone, and a newer version may ask what is not known here: then those that stand
    beside the values are all there is.
    """
    try:
        values = Numbers(answer["values"])
        return _sentences(_QUESTIONS[answer["code"]](values), values)
    except (LookupError, TypeError, ValueError, AttributeError):
        return InWords(*(str(answer.get(name) or "") for name in InWords._fields))


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
        return ", ".join(f"{self.name(arm)} {word}{_band(band, show)}" for arm, band in self.of(measure).items())

    def clause(self, start: str, measure: str, show: Show, word: str = "") -> str:
        """A clause about one measure; "" if nobody has a number."""
        arms = self.arms(measure, show, word)
        return f"{start} {arms}" if arms else ""


def _band(band: Sequence[float], show: Show) -> str:
    """Median and ends over the seeds: "62.0% (58.0% to 70.0%)"; one number where they are one."""
    middle, low, high = map(show, band[:3])
    return middle if low == high else _("{middle} ({low} to {high})").format(middle=middle, low=low, high=high)


def _sentences(said: _Said, values: Numbers) -> InWords:
    """Put the sentences together: what is decided, or why nothing is, then the numbers."""
    open_because = {
        "opposite": _("{undecided}, because the same rate and each arm's best rate say opposite things"),
        "overlap": _("{undecided}, because the bands over the seeds overlap (the medians lean to {lean})"),
        "tie": _("{undecided}, because both arms have the same numbers"),
        "few": _("{undecided}, which has numbers of {seeds} {noun} where {needed} are needed (they lean to {lean})"),
    }
    seeds, state = values["seeds"], "opposite" if values.get("opposite") else values["state"]
    if values.get("failed"):
        claim = _("At the rate {lr:g} learning {arm} is not slower, it fails")
        head = claim.format(lr=values["lr"], arm=values.name(values["failed"]))
    elif state in open_because:
        lean, noun = said.leans.get(values["lean"], _("no side")), _("seeds") if seeds > 1 else _("seed")
        needed = values["needed"]
        head = open_because[state].format(undecided=UNDECIDED, lean=lean, seeds=seeds, noun=noun, needed=needed)
    elif state in said.claims:
        head = said.claims[state]
    else:
        detail = _joined([said.facts, *said.details]) if values["measured"] else ""
        return InWords(said.question, _missing(values), detail)
    counted = seeds >= values["needed"] and not values.get("failed") and not values.get("opposite")
    count = _(" ({seeds} seeds)").format(seeds=seeds) if counted else ""
    return InWords(said.question, f"{head}: {said.facts}{count}.", _joined(said.details))


def _joined(clauses: Sequence[str]) -> str:
    """Clauses as one sentence; "" if all are empty."""
    text = "; ".join(clause for clause in clauses if clause)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _missing(values: Numbers) -> str:
    """Why there is nothing to compare: an arm was not run, has diverged, or was not measured."""
    told = {
        "not-run": _("the arm {arm} was not run"),
        "diverged": _("the arm {arm} diverged in {lost} of {seeds} seeds"),
        "no-number": _("the arm {arm} has no number yet"),
    }
    reasons = []
    for arm, why in values["missing"].items():
        seeds, lost = values["outcomes"].get(arm, (0, 0))
        reasons.append(told[why].format(arm=values.name(arm), lost=lost, seeds=seeds))
    said = _("{undecided}: of the {measure}, {reasons}.")
    return said.format(undecided=UNDECIDED, measure=values["title"], reasons=_(" and ").join(reasons))


def _percent_of_one(factor: float) -> str:
    return f"{number(factor)}%"


def _amplification(values: Numbers) -> _Said:
    ways = {"grows": _("grows"), "shrinks": _("shrinks"), "keeps": _("keeps its size")}
    plain, normed = values["ways"]
    claim = _("Without BN a small change of the input {plain} on its way to {layer}, with BN it {normed}")
    claim = claim.format(plain=ways[plain], layer=values["last_conv"], normed=ways[normed])
    # What a smaller and a larger factor mean for a change that goes the same way in both arms.
    less_and_more = {
        "grows": (_(", too, but less"), _(", too, and more")),
        "shrinks": (_(", too, and more"), _(", too, but less")),
        "keeps": (_(", too, a little below it"), _(", too, a little above it")),
    }
    less, more = less_and_more[normed] if plain == normed else ("", "")
    start = _("1% of noise becomes, measured by how pictures differ at {layer},").format(layer=values["last_conv"])
    return _Said(
        _("A small change of the input changes every later layer a lot: does it, and does BN change that?"),
        {"lower": f"{claim}{less}", "higher": f"{claim}{more}"},
        {"lower": _("less growth with BN"), "higher": _("more growth with BN")},
        values.clause(start, "growth", _percent_of_one),
        [
            values.clause(_("before training it became"), "growth_start", _percent_of_one),
            values.clause(_("1% of the way to another picture becomes"), "growth_neighbour", _percent_of_one),
        ],
    )


def _movement(values: Numbers) -> _Said:
    by = _("by ")
    details = [values.clause(_("before the norm it moves"), "drift_output", percent, by)]
    open_still = _("a difference that is not decided")
    shift = {
        "lower": _("which BN reduces"),
        "higher": _("which BN increases"),
        "tie": _("the same in both"),
        "overlap": open_still,
        "few": open_still,
    }
    if values["shift"] != "missing":
        change = values.clause(_("the steps of earlier layers change a layer's gradient"), "ics", percent, by)
        details.append(f"{change}, {shift[values['shift']]}")
    start = _("net, per step between two probes, a channel's mean moves, in deviations,")
    return _Said(
        _("Gradient descent changes the weights, so the distributions move: how far, with and without BN?"),
        {
            "lower": _("With BN the values that the activations get move less"),
            "higher": _("With BN they even move more"),
        },
        {"lower": _("less movement with BN"), "higher": _("more movement with BN")},
        values.clause(start, "drift_seen", percent, by),
        details,
    )


def _choice(values: Numbers) -> _Said:
    learned = {
        "both": _("The network chooses by itself what to amplify, and with BN its gains change {more_or_less}"),
        "one": _("Only {arm} the network chose clearly; with BN its gains change {more_or_less}"),
        "neither": _("The network hardly changed what it amplifies; with BN its gains change {more_or_less}"),
    }
    chose = values["chose"]
    arm = "" if chose in learned else values.name(chose)
    claim = learned.get(chose, learned["one"])
    moved = _("the gammas of the norms, which start at 1, moved in the mean")
    return _Said(
        _("Should a network not learn by itself what to amplify?"),
        {
            "lower": claim.format(arm=arm, more_or_less=_("less")),
            "higher": claim.format(arm=arm, more_or_less=_("more")),
        },
        {"lower": _("gains that change less with BN"), "higher": _("gains that change more with BN")},
        values.clause(_("training changed the gain from layer to layer"), "gain_change", number, _("by a factor of ")),
        [
            values.clause(moved, "gamma_moved", number, _("by ")),
            values.clause(_("from the 5th to the 95th percentile a layer's gammas span"), "gamma_spread", number),
        ],
    )


def _speed(values: Numbers) -> _Said:
    steps, lr = values["steps"], values["lr"]
    not_merely = {
        "best-rates": _(", at each arm's own best rate, too, so it is not merely slower"),
        "flat": _(
            ", and its curve has flattened (in the second half it gained {most} at most), so it is not merely slower"
        ).format(most=percent(values["late_gain"])),
        "open": _("; whether it is merely slower these steps do not say"),
    }
    where = _("after {steps} steps at the rate {lr:g} the validation accuracy is").format(steps=steps, lr=lr)
    ends = values.clause(where, "val_acc1", percent)
    behind = _("After {steps} steps learning without BN is behind{slower}")
    return _Said(
        _("Is learning without BN merely slower, and would slow learning end better?"),
        {
            "lower": _("After {steps} steps learning without BN is ahead").format(steps=steps),
            "higher": behind.format(steps=steps, slower=not_merely[values["slower"]]),
        },
        {"lower": _("a worse end with BN"), "higher": _("a better end with BN")},
        "; ".join(part for part in (ends, _divergence(values)) if part),
        [_how_fast(values), _how_wide(values), values.clause(_("the training loss ends at"), "train_loss", number)],
    )


def _divergence(values: Numbers) -> str:
    told = _("{lost} of {seeds} {arm}")
    parts = [
        told.format(lost=lost, seeds=seeds, arm=values.name(arm))
        for arm, (seeds, lost) in values["outcomes"].items()
        if lost
    ]
    return _("diverged: {arms}").format(arms=", ".join(parts)) if parts else ""


def _how_fast(values: Numbers) -> str:
    """Who reached the accuracy half-way to the best, and when."""
    parts = []
    for arm, (seeds, _lost) in values["outcomes"].items():
        reached = values.of("steps_to_target").get(arm)
        if reached:
            told = _("{arm} after {when} steps ({count} of {seeds} seeds)")
            when = _band(reached, "{:.0f}".format)
            parts.append(told.format(arm=values.name(arm), when=when, count=reached[3], seeds=seeds))
        elif seeds:
            parts.append(_("{arm} never").format(arm=values.name(arm)))
    if values["target_acc1"] is None or not parts:
        return ""
    return _("{share} are reached {parts}").format(share=percent(values["target_acc1"]), parts=", ".join(parts))


def _how_wide(values: Numbers) -> str:
    """What the sweep over the rates adds."""
    best, wide = values.arms("best_acc1", percent), values.arms("width", number)
    at = ", ".join(f"{values.name(arm)} {rate:g}" for arm, rate in values["best_rates"].items())
    told = _("the best accuracy, each at its own rate ({at}), is {best}, and good rates span, in decades, {wide}")
    return told.format(at=at, best=best, wide=wide) if best else ""


def _saturation(values: Numbers) -> _Said:
    question = _("Does BN keep units out of the saturated region?")
    if values["measure"] == "dead":
        return _Said(
            question,
            {"lower": _("Yes, with BN fewer are dead"), "higher": _("No, with BN more are dead")},
            {"lower": _("fewer dead ones with BN"), "higher": _("more dead ones with BN")},
            values.clause(_("of the channels of the convolutions are dead at the end"), "dead", percent),
            [values.clause(_("of all outputs ReLU makes 0"), "zero", percent)],
        )
    return _Said(
        question,
        {"lower": _("Yes, with BN fewer are saturated"), "higher": _("No, with BN more are saturated")},
        {"lower": _("fewer saturated ones with BN"), "higher": _("more saturated ones with BN")},
        values.clause(_("of the outputs of the convolutions are saturated at the end"), "saturated", percent),
        [],
    )


_QUESTIONS: Mapping[str, Callable[[Numbers], _Said]] = {
    "experiment.amplification": _amplification,
    "experiment.movement": _movement,
    "experiment.choice": _choice,
    "experiment.speed": _speed,
    "experiment.saturation": _saturation,
}
