"""What is said of the five questions of the BatchNorm experiment: sentences made of the values of an answer.

An answer's values: `state`, `lean` and `p` of the comparison, how many `seeds` it has, its `effect` with an interval;
`bands`, for each measure and arm the median, the lowest and the highest value and their number; `arms`, their titles in
order; `outcomes`, for each arm its seeds and how many of them diverged; `stuck`, for each arm that is how many are and
why; `made`, the steps and how many were asked for; and what belongs to one question alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from alexcore.words.answer_numbers import NORMED, PLAIN, Numbers, Show, band_in_words, cause_in_words
from alexcore.words.language import _
from alexcore.words.numbers import number, percent

UNDECIDED = _("Not decided by this experiment")


def rule_in_words(answers: Sequence[Mapping[str, Any]]) -> str:
    """The rule by which these answers were decided, which version 0.1 had another one for."""
    needed = next((values["needed"] for each in answers if isinstance(values := each.get("values"), Mapping)), None)
    if needed is None:
        return _(
            "Version 0.1 wrote these answers: it decided from 3 seeds on, where the seeds of the arms did not overlap, "
            "which chance alone achieves in every tenth question."
        )
    return _(
        "Decided: of experiments whose arms do not differ at most 5% say anything, all five questions together (exact "
        "rank-sum test over the seeds, Holm's correction). {few} seeds cannot decide; {needed} can."
    ).format(few=needed - 2, needed=needed)


class InWords(NamedTuple):
    """An answer in words: the question, a sentence that answers it, how large the difference is, what else was seen."""

    question: str
    short: str
    effect: str
    detail: str


class _Said(NamedTuple):
    """What belongs to one question; `points` is what one unit of its deciding measure has, 0 where it is no share."""

    question: str
    claims: Mapping[str, str]
    hints: Mapping[str, str]
    facts: str
    details: Sequence[str]
    show: Show
    points: float = 0.0


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


def _sentences(said: _Said, values: Numbers) -> InWords:
    """Put the sentences together: what is decided, or why nothing is, then the numbers."""
    seeds, needed, state = values["seeds"], values["needed"], values["state"]
    facts = said.facts
    counted = _("1 seed") if seeds == 1 else _("{seeds} seeds").format(seeds=seeds)
    hint = _hint(said, values, counted)
    if values.get("failed"):
        claim = _("At the rate {lr:g} learning {arm} is not slower, it fails")
        head = claim.format(lr=values.rate(values["failed"]), arm=values.name(values["failed"]))
    elif values.get("opposite"):
        head = _("{undecided}, because the same rate and each arm's best rate say opposite things")
    elif state == "stopped":
        head = _(
            "{undecided}: it was stopped after {done:,} of {all:,} steps, and {left:,} are missing. So far: {hint}"
        )
    elif state == "few":
        head = _("{undecided}: {counted} cannot decide; {needed} can. {hint}")
    elif state == "tie":
        head = _("{undecided}, because both arms have the same numbers")
    elif state == "overlap":
        head = _("{undecided}: chance alone parts seeds as far as these in {chance} of experiments. {hint}")
    elif state in said.claims:
        head, facts = said.claims[state], f"{facts} ({counted})"
    else:
        detail = _joined([said.facts, *said.details]) if values["measured"] else ""
        return InWords(said.question, _missing(values), "", detail)
    done, planned = values["made"]
    head = head.format(
        undecided=UNDECIDED,
        counted=counted,
        needed=needed,
        hint=hint,
        chance=percent(values["p"], 0),
        done=done,
        all=planned,
        left=planned - done,
    )
    return InWords(said.question, f"{head}: {facts}.", values.effect(said.points), _joined(said.details))


def _hint(said: _Said, values: Numbers, counted: str) -> str:
    """What the medians lean to: "BatchNorm looks better (87.0% against 67.0%), 1 seed"."""
    bands = values.of(values["measure"])
    if PLAIN not in bands or NORMED not in bands:
        return _("There is nothing to compare yet")
    hint = said.hints.get(values["lean"], _("Both look alike"))
    ends = _("{normed} against {plain}").format(normed=said.show(bands[NORMED][0]), plain=said.show(bands[PLAIN][0]))
    return f"{hint} ({ends}), {counted}"


def _joined(clauses: Sequence[str]) -> str:
    """Clauses as one sentence; "" if all are empty."""
    text = "; ".join(clause for clause in clauses if clause)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _missing(values: Numbers) -> str:
    """Why there is nothing to compare: an arm was not run, has diverged, or was not measured."""
    told = {
        "not-run": _("the arm {arm} was not run"),
        "diverged": _("the arm {arm} diverged in {lost} of {seeds} seeds"),
        "stuck": _("the arm {arm} is stuck in all seeds{cause}"),
        "lost": _("the arm {arm} diverged or is stuck in all seeds"),
        "no-number": _("the arm {arm} has no number yet"),
        "too-early": _(
            "the arm {arm} has no number yet: the experiment was stopped after {done:,} of {all:,} steps, before a "
            "second probe, which looks into the trained network"
        ),
    }
    done, planned = values["made"]
    reasons = []
    for arm, why in values["missing"].items():
        seeds, lost = values["outcomes"].get(arm, (0, 0))
        cause = cause_in_words(values["stuck"][arm]) if why == "stuck" else ""
        facts = {"lost": lost, "seeds": seeds, "cause": cause, "done": done, "all": planned}
        reasons.append(told[why].format(arm=values.name(arm), **facts))
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
        {
            "lower": _("BatchNorm looks less sensitive to a small change"),
            "higher": _("BatchNorm looks more sensitive to a small change"),
        },
        values.clause(start, "growth", _percent_of_one),
        [
            values.clause(_("before training it became"), "growth_start", _percent_of_one),
            values.clause(_("1% of the way to another picture becomes"), "growth_neighbour", _percent_of_one),
        ],
        _percent_of_one,
        1.0,
    )


def _movement(values: Numbers) -> _Said:
    by = _("by ")
    start = _("net, per step between two probes, the mean of a channel of a convolution's own output, before any norm,")
    start = _("{start} moves, in standard deviations,").format(start=start)
    behind = _("behind the norm, which takes the mean out by its construction, it moves")
    shift = _("the steps of earlier layers change a layer's gradient")
    details = [values.clause(behind, "drift_seen", percent, by), values.clause(shift, "ics", percent, by)]
    claims = {
        "lower": _("With BN what the convolutions compute moves less"),
        "higher": _("With BN what the convolutions compute moves more"),
    }
    return _Said(
        _("Gradient descent changes the weights, so the distributions move: how far, with and without BN?"),
        claims,
        {"lower": _("BatchNorm seems to let them move less"), "higher": _("BatchNorm seems to let them move more")},
        values.clause(start, values["measure"], percent, by),
        details,
        percent,
        100.0,
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
        {
            "lower": _("BatchNorm seems to change the gains less"),
            "higher": _("BatchNorm seems to change the gains more"),
        },
        values.clause(_("training changed the gain from layer to layer"), "gain_change", number, _("by a factor of ")),
        [
            values.clause(moved, "gamma_moved", number, _("by ")),
            values.clause(_("from the 5th to the 95th percentile a layer's gammas span"), "gamma_spread", number),
        ],
        number,
    )


def _speed(values: Numbers) -> _Said:
    ends = values.clause(_where(values), "val_acc1", percent)
    return _Said(
        _("Is learning without BN merely slower, and would slow learning end better?"),
        {state: _behind(values, arm) for state, arm in (("lower", NORMED), ("higher", PLAIN))},
        {"lower": _("BatchNorm looks worse"), "higher": _("BatchNorm looks better")},
        "; ".join(part for part in (ends, _divergence(values), _stuck(values)) if part),
        [_how_fast(values), _how_wide(values), values.clause(_("the training loss ends at"), "train_loss", number)],
        percent,
        100.0,
    )


def _where(values: Numbers) -> str:
    """Where accuracies were taken: after how many steps, and at which rates."""
    rates = {arm: values.rate(arm) for arm in values["outcomes"]}
    if len(set(rates.values())) > 1:
        each = ", ".join(f"{values.name(arm)} {rate:g}" for arm, rate in rates.items())
        told = _("after {steps} steps, each at its own rate ({each}), the validation accuracy is")
        return told.format(steps=values["steps"], each=each)
    told = _("after {steps} steps at the rate {lr:g} the validation accuracy is")
    return told.format(steps=values["steps"], lr=next(iter(rates.values()), values["lr"]))


def _behind(values: Numbers, arm: str) -> str:
    """What may be said of an arm that is behind: a slower one is behind after so many steps, too."""
    told = {
        "levelled": _(
            "After {steps} steps at its own best rate learning {arm} is behind, and has levelled off where the other "
            "arm was still climbing, so it is not merely slower"
        ),
        "open": _("Learning {arm} is behind after {steps} steps at {rate}; whether only slower is not decided"),
    }
    rate = _("its own best rate") if values["own_rates"] else _("this rate")
    return told[values["slower"]].format(steps=values["steps"], arm=values.name(arm), rate=rate)


def _divergence(values: Numbers) -> str:
    told = _("{lost} of {seeds} {arm}")
    parts = [
        told.format(lost=lost, seeds=seeds, arm=values.name(arm))
        for arm, (seeds, lost) in values["outcomes"].items()
        if lost
    ]
    return _("diverged: {arms}").format(arms=", ".join(parts)) if parts else ""


def _stuck(values: Numbers) -> str:
    """Which arms are stuck, and why; they are in no comparison."""
    told = _("{stuck} of {seeds} {arm}{cause}")
    parts = [
        told.format(
            stuck=why["seeds"],
            seeds=values["outcomes"].get(arm, (0,))[0],
            arm=values.name(arm),
            cause=cause_in_words(why),
        )
        for arm, why in values["stuck"].items()
    ]
    return _("stuck, and compared with nothing: {arms}").format(arms=", ".join(parts)) if parts else ""


def _how_fast(values: Numbers) -> str:
    """Who reached the accuracy half-way to the best, and when."""
    parts = []
    for arm, (seeds, _lost) in values["outcomes"].items():
        reached = values.of("steps_to_target").get(arm)
        if reached:
            told = _("{arm} after {when} steps ({count} of {seeds} seeds)")
            when = band_in_words(reached, "{:.0f}".format)
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
            {
                "lower": _("BatchNorm seems to have fewer dead units"),
                "higher": _("BatchNorm seems to have more dead units"),
            },
            values.clause(_("of the channels of the convolutions are dead at the end"), "dead", percent),
            [values.clause(_("of all outputs ReLU makes 0"), "zero", percent)],
            percent,
            100.0,
        )
    return _Said(
        question,
        {"lower": _("Yes, with BN fewer are saturated"), "higher": _("No, with BN more are saturated")},
        {
            "lower": _("BatchNorm seems to have fewer saturated units"),
            "higher": _("BatchNorm seems to have more saturated units"),
        },
        values.clause(_("of the outputs of the convolutions are saturated at the end"), "saturated", percent),
        [],
        percent,
        100.0,
    )


_QUESTIONS: Mapping[str, Callable[[Numbers], _Said]] = {
    "experiment.amplification": _amplification,
    "experiment.movement": _movement,
    "experiment.choice": _choice,
    "experiment.speed": _speed,
    "experiment.saturation": _saturation,
}
