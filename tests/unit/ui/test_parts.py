"""What pages are made of, without a page."""

from __future__ import annotations

import ast
from typing import Any

import pandas as pd
import pytest

from alexcore.config import FIELDS
from ui.parts.charts import balance
from ui.parts.explain import source_of
from ui.parts.run_charts import curves_in_words
from ui.parts.text import plain


@pytest.mark.parametrize("reference", sorted({spec.code for spec in FIELDS.values() if spec.code}))
def test_the_lines_shown_for_a_setting_are_real_code(reference: str) -> None:
    code = source_of(reference)
    assert ast.parse(code).body, "the source stands alone"
    assert reference.split(":")[1] in code


def test_a_reference_to_nothing_is_noticed() -> None:
    with pytest.raises(LookupError, match="names nothing"):
        source_of("alexcore.training.loop:no_such_name")


def test_plain_leaves_no_markup() -> None:
    text = plain("a*b_c`d`[e](f) $g$ :smile: <b>")
    assert "\\*" in text
    assert "\\_" in text
    assert "\\<b\\>" in text
    assert "\\:\u2060smile\\:" in text


def epoch(train: float, val: float) -> dict[str, Any]:
    return {"train_acc1": train, "val_acc1": val}


def test_the_sentence_under_the_curves_follows_the_numbers() -> None:
    assert "first validation point" in curves_in_words([], 5)
    assert "right 20% of the time" in curves_in_words([], 5)
    words = curves_in_words([epoch(0.5, 0.7), epoch(0.6, 0.65)], 4)
    assert "65.0% after epoch 2" in words
    assert "best was 70.0% in epoch 1" in words
    assert "by heart" not in words
    assert "by heart" in curves_in_words([epoch(0.95, 0.6)], 4)


def test_the_balance_chart_shows_the_counts_and_names_its_axes() -> None:
    figure = balance(pd.DataFrame({"train": [3, 5], "val": [1, 2]}, index=["cats", "dogs"]))
    assert [list(bar.y) for bar in figure.data] == [[3, 5], [1, 2]]
    assert list(figure.data[0].x) == ["cats", "dogs"]
    assert figure.layout.title.text
    assert figure.layout.xaxis.title.text == "class"
    assert figure.layout.yaxis.title.text == "pictures"
