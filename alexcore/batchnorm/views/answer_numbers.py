"""The numbers behind an answer, as rows that a person can read."""

from __future__ import annotations

import statistics
from typing import Any

from alexcore.batchnorm.read.quantities import TITLES
from alexcore.batchnorm.read.record import is_number
from alexcore.batchnorm.views.view import arm_title
from alexcore.words.numbers import number


def evidence_rows(answer: dict[str, Any]) -> list[dict[str, str]]:
    """The evidence as rows: what was measured, of which arm, its median and its range over the seeds."""
    rows = []
    evidence = answer.get("evidence")
    for each in evidence if isinstance(evidence, list) else []:
        if not isinstance(each, dict):
            continue
        values = [_value(value) for value in each.get("values") or []]
        known = [value for value in values if value is not None]
        if not known:
            continue
        quantity = str(each.get("quantity", ""))
        rows.append(
            {
                "quantity": f"{quantity} {TITLES.get(quantity, quantity)}",
                "measure": str(each.get("title") or each.get("measure", "")),
                "arm": arm_title(str(each.get("arm", ""))),
                "median": number(statistics.median(known)),
                "lowest": number(min(known)),
                "highest": number(max(known)),
                "seeds": str(len(known)),
            }
        )
    return rows


def _value(value: Any) -> float | None:
    found = value.get("value") if isinstance(value, dict) else value
    return float(found) if found is not None and is_number(found) else None
