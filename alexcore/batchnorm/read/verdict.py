"""Five questions about batch norm, answered from the numbers of one experiment.

A question is decided where at least 3 seeds of both arms have a number and the bands from the lowest to the highest
seed do not overlap. Everything else is "not decided by this experiment", with the reason and with what the numbers lean
to. No answer knows beforehand which arm is better. An answer is a code with values; `alexcore.words.verdict` makes its
sentences.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alexcore.batchnorm.read.quantities import TITLES, rounded_value
from alexcore.batchnorm.read.summary import MEASURES, ExperimentSummary
from alexcore.nn.norms import NORMS, look_of
from alexcore.runs.events import finite_number
from alexcore.words.numbers import number
from alexcore.words.verdict import InWords, answer_in_words

PLAIN, NORMED = "none", "batch"
SEEDS_NEEDED = 3
# Values closer than this, relative to the larger, are the same: they were rounded to 6 digits.
SAME = 1e-5
# Below this a factor is no growth and no shrinking.
CLEAR = 1.1
# A curve that gained less than this share of the pictures in the second half of the steps is flat.
FLAT = 0.01


@dataclass(frozen=True)
class Answer:
    """One answer, to the question `code`, and what it was computed from.

    `values` make its sentences, see `alexcore.words.verdict`; `decided` is whether the numbers decide it; `evidence`
    has the numbers of each measure and arm, with the quantity whose chart shows them; `anchor` is the section of the
    page that shows it: "inside", "ics", "curves", "sweeps" or "surface".
    """

    code: str
    values: dict[str, Any]
    decided: bool
    evidence: list[dict[str, Any]]
    anchor: str

    @property
    def words(self) -> InWords:
        """The question and the two sentences."""
        return answer_in_words({"code": self.code, "values": self.values})

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it, with the sentences for whoever reads the file."""
        return {
            "code": self.code,
            "values": self.values,
            **self.words._asdict(),
            "decided": self.decided,
            "evidence": self.evidence,
            "anchor": self.anchor,
        }


@dataclass(frozen=True)
class Comparison:
    """What one measure says about the arms with and without batch norm.

    Attributes:
        state: "lower" or "higher": all seeds with BN are below or above all without; "overlap": some are not; "tie":
            all are the same; "few": fewer than 3 seeds; "missing": an arm has no number at all.
        lean: "lower", "higher" or "equal", by the medians; what "few" and "overlap" lean to. "" without numbers.
        plain: Values without batch norm, by seed.
        normed: Values with batch norm.
    """

    state: str
    lean: str
    plain: Mapping[int, float]
    normed: Mapping[int, float]

    @property
    def decided(self) -> bool:
        """Whether one arm is wholly below the other."""
        return self.state in ("lower", "higher")

    @property
    def seeds(self) -> int:
        """Seeds that the weaker of the two arms has."""
        return min(len(self.plain), len(self.normed))


def compare(plain: Mapping[int, float], normed: Mapping[int, float]) -> Comparison:
    """Compare the values over the seeds of the arm without batch norm with those of the arm with it."""
    if not plain or not normed:
        return Comparison("missing", "", plain, normed)
    low, high = (statistics.median(each.values()) for each in (plain, normed))
    every = [*plain.values(), *normed.values()]
    tie = max(every) - min(every) <= SAME * max(map(abs, every))
    lean = "equal" if tie or low == high else "lower" if high < low else "higher"
    if min(len(plain), len(normed)) < SEEDS_NEEDED:
        return Comparison("few", lean, plain, normed)
    if tie:
        return Comparison("tie", lean, plain, normed)
    apart = max(normed.values()) < min(plain.values()) or min(normed.values()) > max(plain.values())
    return Comparison(lean if apart else "overlap", lean, plain, normed)


def verdict(summary: ExperimentSummary) -> list[Answer]:
    """Answer the five questions, each from the numbers alone."""
    return [ask(summary) for ask in (_amplification, _movement, _choice, _speed, _saturation)]


def _amplification(summary: ExperimentSummary) -> Answer:
    ways = [_way(summary.of("growth", arm)) for arm in (PLAIN, NORMED)]
    measures = ("growth", "growth_start", "growth_neighbour", "depth_ratio", "safe_rate")
    return _answer("experiment.amplification", summary, measures, "inside", ways=ways, last_conv=summary.last_conv)


def _movement(summary: ExperimentSummary) -> Answer:
    shift = _compare(summary, "ics").state
    anchor = "inside" if shift == "missing" else "ics"
    return _answer("experiment.movement", summary, ("drift_seen", "drift_output", "ics"), anchor, shift=shift)


def _choice(summary: ExperimentSummary) -> Answer:
    changed = {
        arm: statistics.median(each.values()) for arm in (PLAIN, NORMED) if (each := summary.of("gain_change", arm))
    }
    # The factor is never below 1; near it, training has left the gains as they were.
    chose = [arm for arm, factor in changed.items() if factor >= CLEAR]
    which = "both" if len(chose) == len(changed) else chose[0] if chose else "neither"
    return _answer("experiment.choice", summary, ("gain_change", "gamma_moved", "gamma_spread"), "inside", chose=which)


def _speed(summary: ExperimentSummary) -> Answer:
    found, best = _compare(summary, "val_acc1"), _compare(summary, "best_acc1")
    late = summary.of("late_gain", PLAIN)
    return _answer(
        "experiment.speed",
        summary,
        ("val_acc1", "train_loss", "steps_to_target", "late_gain", "width", "best_acc1"),
        "curves" if best.state == "missing" else "sweeps",
        steps=summary.steps,
        lr=summary.lr,
        target_acc1=summary.target_acc1,
        best_rates=dict(summary.best_rates),
        slower=_slower(summary, best),
        late_gain=max(0.0, *late.values()) if late else 0.0,
        failed=_failed(summary),
        opposite=found.decided and best.decided and found.state != best.state,
    )


def _failed(summary: ExperimentSummary) -> str:
    """The arm of which all seeds diverged where all of the other learned: that is decided without any accuracy."""
    lost = {arm: len(summary.diverged(arm)) for arm in (PLAIN, NORMED)}
    kept = {arm: len(summary.outcomes.get(arm, {})) - lost[arm] for arm in (PLAIN, NORMED)}
    for failed, other in ((PLAIN, NORMED), (NORMED, PLAIN)):
        if lost[failed] >= SEEDS_NEEDED and not kept[failed] and kept[other] >= SEEDS_NEEDED and not lost[other]:
            return failed
    return ""


def _slower(summary: ExperimentSummary, best: Comparison) -> str:
    """What may be said of an arm that is behind: after so many steps a slower one is behind, too."""
    if best.state == "higher":
        return "best-rates"
    late, learned = summary.of("late_gain", PLAIN), summary.outcomes.get(PLAIN, {}).values()
    flat = len(late) >= SEEDS_NEEDED and max(late.values()) < FLAT and set(learned) == {"learned"}
    return "flat" if flat else "open"


def _saturation(summary: ExperimentSummary) -> Answer:
    measures = ("dead", "zero") if summary.activation == "relu" else ("saturated",)
    return _answer("experiment.saturation", summary, measures, "inside")


def _answer(code: str, summary: ExperimentSummary, measures: Sequence[str], anchor: str, **more: Any) -> Answer:
    """An answer that the first of the measures decides."""
    found, arms = _compare(summary, measures[0]), _known_arms(summary)
    bands = {
        measure: {arm: _band(values) for arm in arms if (values := summary.of(measure, arm))} for measure in measures
    }
    facts: dict[str, Any] = {
        "state": found.state,
        "lean": found.lean,
        "seeds": found.seeds,
        "needed": SEEDS_NEEDED,
        "measure": measures[0],
        "title": MEASURES[measures[0]].title,
        "bands": bands,
        "arms": {arm: look_of(arm).title for arm in (*arms, *summary.best_rates)},
        "outcomes": {arm: [len(summary.outcomes.get(arm, {})), len(summary.diverged(arm))] for arm in arms},
        "measured": bool(found.plain or found.normed),
        "missing": _missing(summary, found),
        **more,
    }
    decided = bool(more.get("failed")) or (found.decided and not more.get("opposite"))
    return Answer(code, facts, decided, _evidence(summary, measures), anchor)


def _missing(summary: ExperimentSummary, found: Comparison) -> dict[str, str]:
    """Why an arm has no number: it was not run, has diverged with every seed, or was not measured."""
    reasons = {}
    for arm, values in ((PLAIN, found.plain), (NORMED, found.normed)):
        if not values:
            lost, seeds = summary.diverged(arm), summary.outcomes.get(arm, {})
            diverged = bool(seeds) and len(lost) == len(seeds)
            reasons[arm] = "not-run" if arm not in summary.arms else "diverged" if diverged else "no-number"
    return reasons


def _compare(summary: ExperimentSummary, measure: str) -> Comparison:
    return compare(summary.of(measure, PLAIN), summary.of(measure, NORMED))


def _known_arms(summary: ExperimentSummary) -> list[str]:
    return [arm for arm in NORMS if arm in summary.arms] + [arm for arm in summary.arms if arm not in NORMS]


def _evidence(summary: ExperimentSummary, measures: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "quantity": MEASURES[measure].quantity,
            "measure": measure,
            "title": MEASURES[measure].title,
            "arm": arm,
            "values": [{"seed": seed, "value": rounded_value(value)} for seed, value in sorted(values.items())],
        }
        for measure in measures
        for arm in _known_arms(summary)
        if (values := summary.of(measure, arm))
    ]


def _band(values: Mapping[int, float]) -> list[float]:
    """The median, the ends over the seeds, and how many there are."""
    found = values.values()
    return [statistics.median(found), min(found), max(found), len(found)]


def _way(values: Mapping[int, float]) -> str:
    factor = statistics.median(values.values()) if values else 1.0
    return "grows" if factor >= CLEAR else "shrinks" if factor <= 1 / CLEAR else "keeps"


def evidence_rows(answer: dict[str, Any]) -> list[dict[str, str]]:
    """The evidence of an answer for a reader: what was measured, of which arm, its median and range over the seeds."""
    rows = []
    evidence = answer.get("evidence")
    for each in evidence if isinstance(evidence, list) else []:
        if not isinstance(each, dict):
            continue
        values = [finite_number(one.get("value") if isinstance(one, dict) else one) for one in each.get("values") or []]
        known = [value for value in values if value is not None]
        if known:
            quantity = str(each.get("quantity", ""))
            rows.append(
                {
                    "quantity": f"{quantity} {TITLES.get(quantity, quantity)}",
                    "measure": str(each.get("title") or each.get("measure", "")),
                    "arm": look_of(str(each.get("arm", ""))).title,
                    "median": number(statistics.median(known)),
                    "lowest": number(min(known)),
                    "highest": number(max(known)),
                    "seeds": str(len(known)),
                }
            )
    return rows
