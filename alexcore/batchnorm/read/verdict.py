"""Five questions about batch norm, answered from the numbers of one experiment.

A question is decided where at least 3 seeds of both arms have a number and the bands from the lowest to the highest
seed do not overlap. Everything else is "not decided by this experiment", with the reason and with what the numbers lean
to. No sentence knows beforehand which arm is better.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alexcore.batchnorm.read.arm_comparison import SEEDS_NEEDED, Comparison, compare
from alexcore.batchnorm.read.quantities import rounded
from alexcore.batchnorm.read.summary import MEASURES, ExperimentSummary
from alexcore.nn.norms import NORMS, look_of
from alexcore.words.numbers import number, percent

PLAIN, NORMED = "none", "batch"
NAMES: Mapping[str, str] = {PLAIN: "without BN", NORMED: "with BN"}
# Below this a factor is no growth and no shrinking.
CLEAR = 1.1
# What a smaller and a larger factor mean for a change that goes the same way in both arms.
LESS_AND_MORE: Mapping[str, tuple[str, str]] = {
    "grows": (", too, but less", ", too, and more"),
    "shrinks": (", too, and more", ", too, but less"),
    "keeps its size": (", too, a little below it", ", too, a little above it"),
}
# A curve that gained less than this share of the pictures in the second half of the steps is flat.
FLAT = 0.01
UNDECIDED = "Not decided by this experiment"

Show = Callable[[float], str]


@dataclass(frozen=True)
class Evidence:
    """The numbers of one measure and arm behind an answer.

    Attributes:
        quantity: Which chart shows it.
        measure: A key of `summary.MEASURES`.
        title: What it is, in words.
        arm: "none", "batch" or "group".
        values: Pairs of seed and value.
    """

    quantity: str
    measure: str
    title: str
    arm: str
    values: tuple[tuple[int, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it, values as {"seed", "value"}."""
        values = [{"seed": seed, "value": rounded(value)} for seed, value in self.values]
        return {
            "quantity": self.quantity,
            "measure": self.measure,
            "title": self.title,
            "arm": self.arm,
            "values": values,
        }


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        question: In the words of the blog post.
        short: One sentence, with the median and the ends over the seeds of what decides.
        detail: What else was measured, one sentence; may be empty.
        decided: Whether the numbers decide it.
        evidence: What it was computed from.
        anchor: Section of the page that shows it: "inside", "ics", "curves", "sweeps" or "surface".
    """

    question: str
    short: str
    detail: str
    decided: bool
    evidence: tuple[Evidence, ...]
    anchor: str

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {
            "question": self.question,
            "short": self.short,
            "detail": self.detail,
            "decided": self.decided,
            "evidence": [each.as_dict() for each in self.evidence],
            "anchor": self.anchor,
        }


def verdict(summary: ExperimentSummary) -> list[Answer]:
    """Answer the five questions, each in one sentence that is computed from the numbers."""
    return [ask(summary) for ask in (_amplification, _movement, _choice, _speed, _saturation)]


def _amplification(summary: ExperimentSummary) -> Answer:
    found = _compare(summary, "growth")
    ways = {arm: _way(summary.of("growth", arm)) for arm in (PLAIN, NORMED)}
    claim = f"Without BN a small change of the input {ways[PLAIN]} on its way to {summary.last_conv}, "
    claim += f"with BN it {ways[NORMED]}"
    less, more = LESS_AND_MORE[ways[NORMED]] if ways[PLAIN] == ways[NORMED] else ("", "")
    claims = {"lower": f"{claim}{less}", "higher": f"{claim}{more}"}
    start = f"1% of noise becomes, measured by how pictures differ at {summary.last_conv},"
    facts = _clause(start, summary, "growth", _percent_of_one)
    details = [
        _clause("before training it became", summary, "growth_start", _percent_of_one),
        _clause("1% of the way to another picture becomes", summary, "growth_neighbour", _percent_of_one),
    ]
    return _answer(
        summary,
        "A small change of the input changes every later layer a lot: does it, and does BN change that?",
        found,
        claims,
        {"lower": "less growth with BN", "higher": "more growth with BN"},
        facts,
        details,
        ("growth", "growth_start", "growth_neighbour", "depth_ratio", "safe_rate"),
        "inside",
    )


def _movement(summary: ExperimentSummary) -> Answer:
    found = _compare(summary, "drift_seen")
    facts = _clause(
        "net, per step between two probes, a channel's mean moves, in deviations,",
        summary,
        "drift_seen",
        percent,
        "by ",
    )
    details = [_clause("before the norm it moves", summary, "drift_output", percent, "by ")]
    shift = _compare(summary, "ics")
    if shift.state != "missing":
        words = {
            "lower": "which BN reduces",
            "higher": "which BN increases",
            "tie": "the same in both",
            "overlap": "a difference that is not decided",
            "few": "a difference that is not decided",
        }
        change = _clause("the steps of earlier layers change a layer's gradient", summary, "ics", percent, "by ")
        details.append(f"{change}, {words[shift.state]}")
    return _answer(
        summary,
        "Gradient descent changes the weights, so the distributions move: how far, with and without BN?",
        found,
        {"lower": "With BN the values that the activations get move less", "higher": "With BN they even move more"},
        {"lower": "less movement with BN", "higher": "more movement with BN"},
        facts,
        details,
        ("drift_seen", "drift_output", "ics"),
        "inside" if shift.state == "missing" else "ics",
    )


def _choice(summary: ExperimentSummary) -> Answer:
    found = _compare(summary, "gain_change")
    facts = _clause("training changed the gain from layer to layer", summary, "gain_change", number, "by a factor of ")
    details = [
        _clause("the gammas of the norms, which start at 1, moved in the mean", summary, "gamma_moved", number, "by "),
        _clause("from the 5th to the 95th percentile a layer's gammas span", summary, "gamma_spread", number),
    ]
    changed = [
        statistics.median(values.values()) for arm in (PLAIN, NORMED) if (values := summary.of("gain_change", arm))
    ]
    # The factor is never below 1; near it, training has left the gains as they were.
    chose = [factor >= CLEAR for factor in changed]
    if all(chose):
        learned = "The network chooses by itself what to amplify, and with BN its gains change"
    elif any(chose):
        learned = f"Only {NAMES[NORMED if chose[-1] else PLAIN]} the network chose clearly; with BN its gains change"
    else:
        learned = "The network hardly changed what it amplifies; with BN its gains change"
    return _answer(
        summary,
        "Should a network not learn by itself what to amplify?",
        found,
        {"lower": f"{learned} less", "higher": f"{learned} more"},
        {"lower": "gains that change less with BN", "higher": "gains that change more with BN"},
        facts,
        details,
        ("gain_change", "gamma_moved", "gamma_spread"),
        "inside",
    )


def _speed(summary: ExperimentSummary) -> Answer:
    question = "Is learning without BN merely slower, and would slow learning end better?"
    measures = ("val_acc1", "train_loss", "steps_to_target", "late_gain", "width", "best_acc1")
    leans = {"lower": "a worse end with BN", "higher": "a better end with BN"}
    found, best = _compare(summary, "val_acc1"), _compare(summary, "best_acc1")
    behind = f"After {summary.steps} steps learning without BN is"
    claims = {"lower": f"{behind} ahead", "higher": f"{behind} behind{_not_merely_slower(summary, best)}"}
    where = f"after {summary.steps} steps at the rate {summary.lr:g}"
    ends = _clause(f"{where} the validation accuracy is", summary, "val_acc1", percent)
    facts = "; ".join(part for part in (ends, _divergence(summary)) if part)
    details = [
        _how_fast(summary),
        _how_wide(summary),
        _clause("the training loss ends at", summary, "train_loss", number),
    ]
    anchor = "curves" if best.state == "missing" else "sweeps"
    lost = {arm: len(summary.diverged(arm)) for arm in (PLAIN, NORMED)}
    kept = {arm: len(summary.outcomes.get(arm, {})) - lost[arm] for arm in (PLAIN, NORMED)}
    for failed, other in ((PLAIN, NORMED), (NORMED, PLAIN)):
        # All seeds of one arm against all of the other: that is decided without any accuracy.
        if lost[failed] >= SEEDS_NEEDED and not kept[failed] and kept[other] >= SEEDS_NEEDED and not lost[other]:
            claim = f"At the rate {summary.lr:g} learning {NAMES[failed]} is not slower, it fails"
            evidence = _evidence(summary, measures)
            return Answer(question, f"{claim}: {facts}.", _sentence(details), True, evidence, anchor)
    if found.decided and best.decided and found.state != best.state:
        short = f"{UNDECIDED}, because the same rate and each arm's best rate say opposite things: {facts}."
        return Answer(question, short, _sentence(details), False, _evidence(summary, measures), anchor)
    return _answer(summary, question, found, claims, leans, facts, details, measures, anchor)


def _not_merely_slower(summary: ExperimentSummary, best: Comparison) -> str:
    """What may be said of an arm that is behind: after so many steps a slower one is behind, too."""
    if best.state == "higher":
        return ", at each arm's own best rate, too, so it is not merely slower"
    late, learned = summary.of("late_gain", PLAIN), summary.outcomes.get(PLAIN, {}).values()
    flat = len(late) >= SEEDS_NEEDED and max(late.values()) < FLAT and set(learned) == {"learned"}
    if flat:
        most = percent(max(max(late.values()), 0.0))
        return (
            f", and its curve has flattened (in the second half it gained {most} at most), so it is not merely slower"
        )
    return "; whether it is merely slower these steps do not say"


def _how_fast(summary: ExperimentSummary) -> str:
    """Who reached the accuracy half-way to the best, and when."""
    if summary.target_acc1 is None:
        return ""
    parts = []
    for arm in _known_arms(summary):
        seeds, reached = len(summary.outcomes.get(arm, {})), summary.of("steps_to_target", arm)
        if reached:
            when = f"after {_band(reached, _whole)} steps"
            parts.append(f"{_name(arm)} {when} ({len(reached)} of {seeds} seeds)")
        elif seeds:
            parts.append(f"{_name(arm)} never")
    return f"{percent(summary.target_acc1)} are reached {', '.join(parts)}" if parts else ""


def _how_wide(summary: ExperimentSummary) -> str:
    """What the sweep over the rates adds."""
    best, wide = _arms(summary, "best_acc1", percent), _arms(summary, "width", number)
    if not best:
        return ""
    at = ", ".join(f"{_name(arm)} {rate:g}" for arm, rate in summary.best_rates.items())
    return f"the best accuracy, each at its own rate ({at}), is {best}, and good rates span, in decades, {wide}"


def _divergence(summary: ExperimentSummary) -> str:
    parts = [
        f"{len(lost)} of {len(summary.outcomes[arm])} {_name(arm)}"
        for arm in _known_arms(summary)
        if (lost := summary.diverged(arm))
    ]
    return f"diverged: {', '.join(parts)}" if parts else ""


def _saturation(summary: ExperimentSummary) -> Answer:
    measure = what = "dead" if summary.activation == "relu" else "saturated"
    found = _compare(summary, measure)
    things = "channels" if measure == "dead" else "outputs"
    facts = _clause(f"of the {things} of the convolutions are {what} at the end", summary, measure, percent)
    details = [_clause("of all outputs ReLU makes 0", summary, "zero", percent)] if measure == "dead" else []
    return _answer(
        summary,
        "Does BN keep units out of the saturated region?",
        found,
        {"lower": f"Yes, with BN fewer are {what}", "higher": f"No, with BN more are {what}"},
        {"lower": f"fewer {what} ones with BN", "higher": f"more {what} ones with BN"},
        facts,
        details,
        (measure, "zero") if measure == "dead" else (measure,),
        "inside",
    )


def _answer(
    summary: ExperimentSummary,
    question: str,
    found: Comparison,
    claims: Mapping[str, str],
    leans: Mapping[str, str],
    facts: str,
    details: Sequence[str],
    measures: Sequence[str],
    anchor: str,
) -> Answer:
    """Put the sentence together: what is decided, or why nothing is, then the numbers."""
    lean, evidence = leans.get(found.lean, "no side"), _evidence(summary, measures)
    if found.decided:
        head = claims[found.state]
    elif found.state == "overlap":
        head = f"{UNDECIDED}, because the bands over the seeds overlap (the medians lean to {lean})"
    elif found.state == "tie":
        head = f"{UNDECIDED}, because both arms have the same numbers"
    elif found.state == "few":
        seeds = f"{found.seeds} seed{'s' if found.seeds > 1 else ''}"
        head = f"{UNDECIDED}, which has numbers of {seeds} where {SEEDS_NEEDED} are needed (they lean to {lean})"
    else:
        short, detail = _missing(summary, found, measures[0]), _sentence([facts, *details])
        return Answer(question, short, detail if found.plain or found.normed else "", False, evidence, anchor)
    count = f" ({found.seeds} seeds)" if found.seeds >= SEEDS_NEEDED else ""
    return Answer(question, f"{head}: {facts}{count}.", _sentence(details), found.decided, evidence, anchor)


def _clause(start: str, summary: ExperimentSummary, measure: str, show: Show, word: str = "") -> str:
    """A clause about one measure; "" if nobody has a number."""
    arms = _arms(summary, measure, show, word)
    return f"{start} {arms}" if arms else ""


def _sentence(clauses: Sequence[str]) -> str:
    """Clauses as one sentence; "" if all are empty."""
    text = "; ".join(clause for clause in clauses if clause)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _missing(summary: ExperimentSummary, found: Comparison, measure: str) -> str:
    """Why there is nothing to compare: an arm was not run, has diverged, or was not measured."""
    reasons = []
    for arm, values in ((PLAIN, found.plain), (NORMED, found.normed)):
        if values:
            continue
        lost, seeds = summary.diverged(arm), summary.outcomes.get(arm, {})
        if arm not in summary.arms:
            reasons.append(f"the arm {NAMES[arm]} was not run")
        elif seeds and len(lost) == len(seeds):
            reasons.append(f"the arm {NAMES[arm]} diverged in {len(lost)} of {len(seeds)} seeds")
        else:
            reasons.append(f"the arm {NAMES[arm]} has no number yet")
    return f"{UNDECIDED}: of the {MEASURES[measure].title}, {' and '.join(reasons)}."


def _compare(summary: ExperimentSummary, measure: str) -> Comparison:
    return compare(summary.of(measure, PLAIN), summary.of(measure, NORMED))


def _name(arm: str) -> str:
    return NAMES.get(arm) or f"with {look_of(arm).title}"


def _known_arms(summary: ExperimentSummary) -> list[str]:
    return [arm for arm in NORMS if arm in summary.arms] + [arm for arm in summary.arms if arm not in NORMS]


def _evidence(summary: ExperimentSummary, measures: Sequence[str]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(MEASURES[measure].quantity, measure, MEASURES[measure].title, arm, tuple(sorted(values.items())))
        for measure in measures
        for arm in _known_arms(summary)
        if (values := summary.of(measure, arm))
    )


def _arms(summary: ExperimentSummary, measure: str, show: Show, word: str = "") -> str:
    """The bands of all arms, each behind `word`; "" if no arm has a number."""
    known = [(arm, values) for arm in _known_arms(summary) if (values := summary.of(measure, arm))]
    return ", ".join(f"{_name(arm)} {word}{_band(values, show)}" for arm, values in known)


def _band(values: Mapping[int, float], show: Show) -> str:
    """Median and ends over the seeds: "62.0% (58.0% to 70.0%)"; one number where they are one."""
    middle, low, high = (show(pick(values.values())) for pick in (statistics.median, min, max))
    return middle if low == high else f"{middle} ({low} to {high})"


def _way(values: Mapping[int, float]) -> str:
    factor = statistics.median(values.values()) if values else 1.0
    return "grows" if factor >= CLEAR else "shrinks" if factor <= 1 / CLEAR else "keeps its size"


def _percent_of_one(factor: float) -> str:
    return f"{number(factor)}%"


def _whole(value: float) -> str:
    return f"{value:.0f}"
