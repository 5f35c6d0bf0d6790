"""Five questions about batch norm, answered from the numbers of one experiment.

`decision` has the rule by which the page decides. Everything else is "not decided by this experiment", with the reason
and with what the numbers lean to. No answer knows beforehand which arm is better. An answer is a code with values;
`alexcore.words.verdict` makes its sentences.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alexcore.batchnorm.read.decision import LEVEL, SEEDS_NEEDED, can_decide, effect, levels, rank_sum_p
from alexcore.batchnorm.read.learning import Cause
from alexcore.batchnorm.read.quantities import TITLES, rounded_value
from alexcore.batchnorm.read.summary import MEASURES, ExperimentSummary
from alexcore.batchnorm.read.tolerance import DIVERGED, LEARNED, STUCK
from alexcore.nn.norms import NORMS, look_of
from alexcore.runs.events import finite_number
from alexcore.words.numbers import number
from alexcore.words.verdict import InWords, answer_in_words

PLAIN, NORMED = "none", "batch"
# Values closer than this, relative to the larger, are the same: they were rounded to 6 digits.
SAME = 1e-5
# Below this a factor is no growth and no shrinking.
CLEAR = 1.1
# A curve that gained less than this share of the images in the second half of the training is flat.
FLAT = 0.01
# What another arm gained, over the stretch in which this one would have been flat, for that to be a clear climb.
CLIMBED = 0.05


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
        state: "lower" or "higher": with BN, and decided; "overlap": the seeds do not differ enough; "tie": all are the
            same; "few": so many seeds cannot decide; "missing": an arm has no number at all; "stopped": they would
            decide, but the experiment did not reach its end.
        lean: "lower", "higher" or "equal", by the medians. "" without numbers.
        plain: Values without batch norm, by seed.
        normed: Values with batch norm.
        p: Of the rank-sum test; 1 without numbers.
    """

    state: str
    lean: str
    plain: Mapping[int, float]
    normed: Mapping[int, float]
    p: float = 1.0

    @property
    def decided(self) -> bool:
        """Whether one arm is lower than the other."""
        return self.state in ("lower", "higher")

    @property
    def seeds(self) -> int:
        """Seeds that the weaker of the two arms has."""
        return min(len(self.plain), len(self.normed))


def compare(plain: Mapping[int, float], normed: Mapping[int, float], level: float = LEVEL) -> Comparison:
    """Compare the values over the seeds of the arm without batch norm with those of the arm with it.

    Args:
        plain: Values by seed.
        normed: Values by seed.
        level: What p may be at most for the two to differ, see `decision`.
    """
    if not plain or not normed:
        return Comparison("missing", "", plain, normed)
    low, high = (statistics.median(each.values()) for each in (plain, normed))
    every = [*plain.values(), *normed.values()]
    tie = max(every) - min(every) <= SAME * max(map(abs, every))
    lean = "equal" if tie or low == high else "lower" if high < low else "higher"
    p = rank_sum_p(plain.values(), normed.values())
    if not can_decide(len(plain), len(normed)):
        state = "few"
    elif tie:
        state = "tie"
    else:
        state = lean if p <= level and lean != "equal" else "overlap"
    return Comparison(state, lean, plain, normed, p)


def verdict(summary: ExperimentSummary) -> list[Answer]:
    """Answer the five questions, each from the numbers alone, all at the error rate of one."""
    leads = [_compare(summary, measure) for measure in _leads(summary)]
    leads[3] = _ends(summary, leads[3])
    allowed = levels([each.p for each in leads])
    # Whoever may stop where the numbers please would decide more than chance allows.
    stopped = summary.steps < summary.planned
    found = [compare(each.plain, each.normed, level) for each, level in zip(leads, allowed, strict=True)]
    found = [replace(each, state="stopped") if stopped and each.state != "missing" else each for each in found]
    ask = (_amplification, _movement, _choice, _speed, _saturation)
    return [answer(summary, each) for answer, each in zip(ask, found, strict=True)]


def _leads(summary: ExperimentSummary) -> tuple[str, ...]:
    """The measure that decides each question."""
    units = "dead" if summary.activation == "relu" else "saturated"
    return "growth", "drift_output", "gain_change", "val_acc1", units


def _ends(summary: ExperimentSummary, found: Comparison) -> Comparison:
    """Where all of one arm diverged and all of the other learned there is no accuracy, and who failed is compared."""
    kept = {
        arm: {seed: float(word != DIVERGED) for seed, word in summary.outcomes.get(arm, {}).items()}
        for arm in (PLAIN, NORMED)
    }
    whole = sorted(sum(each.values()) / len(each) for each in kept.values() if each)
    stuck = any(summary.seeds_that(STUCK, arm) for arm in kept)
    enough = can_decide(*map(len, kept.values()))
    return compare(kept[PLAIN], kept[NORMED]) if whole == [0, 1] and enough and not stuck else found


def _amplification(summary: ExperimentSummary, found: Comparison) -> Answer:
    ways = [_way(summary.of("growth", arm)) for arm in (PLAIN, NORMED)]
    measures = ("growth", "growth_start", "growth_neighbour", "depth_ratio", "safe_rate")
    return _answer(
        "experiment.amplification", summary, found, measures, "inside", ways=ways, last_conv=summary.last_conv
    )


def _movement(summary: ExperimentSummary, found: Comparison) -> Answer:
    anchor = "ics" if all(summary.of("ics", arm) for arm in (PLAIN, NORMED)) else "inside"
    return _answer("experiment.movement", summary, found, ("drift_output", "drift_seen", "ics"), anchor)


def _choice(summary: ExperimentSummary, found: Comparison) -> Answer:
    changed = {
        arm: statistics.median(each.values()) for arm in (PLAIN, NORMED) if (each := summary.of("gain_change", arm))
    }
    # The factor is never below 1; near it, training has left the gains as they were.
    chose = [arm for arm, factor in changed.items() if factor >= CLEAR]
    which = "both" if len(chose) == len(changed) else chose[0] if chose else "neither"
    measures = ("gain_change", "gamma_moved", "gamma_spread")
    return _answer("experiment.choice", summary, found, measures, "inside", chose=which)


def _speed(summary: ExperimentSummary, found: Comparison) -> Answer:
    best = _compare(summary, "best_acc1")
    behind = {"higher": PLAIN, "lower": NORMED}.get(found.state, "")
    failed = behind if behind and not summary.of("val_acc1", behind) else ""
    opposite = not failed and found.decided and best.decided and found.state != best.state
    own = all(summary.at_its_best(arm) for arm in (PLAIN, NORMED))
    slower = "levelled" if behind and own and _levelled(summary, behind) else "open"
    return _answer(
        "experiment.speed",
        summary,
        found,
        ("val_acc1", "train_loss", "steps_to_target", "late_gain", "levelled", "width", "best_acc1"),
        "curves" if best.state == "missing" else "sweeps",
        decides=bool(failed) or slower == "levelled",
        steps=summary.steps,
        lr=summary.lr,
        rates={arm: summary.rate_of(arm) for arm in _known_arms(summary)},
        own_rates=own,
        target_acc1=summary.target_acc1,
        best_rates=dict(summary.best_rates),
        slower=slower,
        failed=failed,
        opposite=opposite,
    )


def _levelled(summary: ExperimentSummary, behind: str) -> bool:
    """Whether an arm that is behind has gone as far as it goes, which is more than being slower.

    With every seed its curve was flat although the rates were not switched off, and the other arm was still climbing
    where it was as good, which it would not have been if this one were nothing but slower.
    """
    flat, lead = summary.of("late_gain", behind), summary.of("levelled", behind)
    enough = min(len(flat), len(lead)) >= max(SEEDS_NEEDED, len(summary.of("val_acc1", behind)))
    return enough and summary.steady and max(flat.values()) < FLAT and min(lead.values()) >= CLIMBED


def _saturation(summary: ExperimentSummary, found: Comparison) -> Answer:
    measures = ("dead", "zero") if summary.activation == "relu" else ("saturated",)
    return _answer("experiment.saturation", summary, found, measures, "inside")


def _answer(
    code: str,
    summary: ExperimentSummary,
    found: Comparison,
    measures: Sequence[str],
    anchor: str,
    decides: bool = True,
    **more: Any,
) -> Answer:
    """An answer to which `found`, the comparison of the first of the measures, belongs.

    `decides` is whether that is all it takes.
    """
    arms = _known_arms(summary)
    bands = {
        measure: {arm: _band(values) for arm in arms if (values := summary.of(measure, arm))} for measure in measures
    }
    apart = effect(summary.of(measures[0], PLAIN), summary.of(measures[0], NORMED))
    facts: dict[str, Any] = {
        "state": found.state,
        "lean": found.lean,
        "p": rounded_value(found.p),
        "effect": rounded_value(list(apart)) if apart else None,
        "seeds": found.seeds,
        "needed": SEEDS_NEEDED,
        "measure": measures[0],
        "title": MEASURES[measures[0]].title,
        "bands": bands,
        "arms": {arm: look_of(arm).title for arm in (*arms, *summary.best_rates)},
        "outcomes": {arm: [len(summary.outcomes.get(arm, {})), len(summary.seeds_that(DIVERGED, arm))] for arm in arms},
        "stuck": {arm: _stuck(causes) for arm, causes in summary.stuck.items()},
        "measured": bool(found.plain or found.normed),
        "missing": _missing(summary, found),
        "made": [summary.steps, summary.planned],
        **more,
    }
    decided = decides and found.decided and not more.get("opposite")
    return Answer(code, facts, decided, _evidence(summary, measures), anchor)


def _stuck(causes: Mapping[int, Cause]) -> dict[str, Any]:
    """How many seeds of an arm are stuck, and the cause with the most dead units among theirs."""
    worst = max(causes.values(), key=lambda each: each.dead or 0.0)
    return {"seeds": len(causes), **rounded_value(worst._asdict())}


def _missing(summary: ExperimentSummary, found: Comparison) -> dict[str, str]:
    """Why an arm has no number: not run, diverged or stuck with every seed, not probed twice, or not measured."""
    reasons = {}
    for arm, values in ((PLAIN, found.plain), (NORMED, found.normed)):
        if not values:
            words = set(summary.outcomes.get(arm, {}).values())
            lost = "" if LEARNED in words or not words else words.pop() if len(words) == 1 else "lost"
            early = "too-early" if summary.steps < summary.planned else "no-number"
            reasons[arm] = "not-run" if arm not in summary.arms else lost or early
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
