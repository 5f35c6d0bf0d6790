"""Figures of a data set stay small, and say what they show."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ui.parts.charts import MAX_POINTS, aspects, sizes
from ui.parts.statistics_section import _aspects_in_words, _sizes_in_words


@pytest.fixture
def many() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"width": rng.integers(50, 4000, 100_000), "height": rng.integers(50, 4000, 100_000)})
    return table.assign(bytes=table["width"] * 100, split=np.where(np.arange(100_000) % 5, "train", "val"))


@pytest.mark.parametrize("draw", [sizes, aspects])
def test_a_scatter_of_100000_pictures_is_thin_and_labelled(many, draw):
    figure = draw(many)
    assert [trace.type for trace in figure.data] == ["scatter", "scatter"], "no Scattergl: slow without a GPU"
    assert sum(len(trace.x) for trace in figure.data) == MAX_POINTS
    assert figure.layout.title.text
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert figure.to_json() == draw(many).to_json(), "an unchanged figure keeps its zoom"
    assert len(figure.to_json()) < 100_000


def test_one_point_a_size(many):
    table = many.head(100).assign(width=227, height=227)
    assert [len(trace.x) for trace in sizes(table).data] == [1, 1]
    assert json.loads(aspects(table).to_json())["data"][0]["x"] == [1.0] * 80


def test_the_sentences_say_what_the_points_show(many):
    assert _sizes_in_words(many.head(9).assign(width=227, height=200)) == "Every picture is 227 × 200 px."
    mixed = many.head(10).assign(width=[100] * 6 + [50] * 4, height=100)
    assert _sizes_in_words(mixed).startswith("2 sizes; the most common, 100 × 100 px, has 60% of")
    assert _aspects_in_words(mixed).startswith("Aspects lie between 0.50 and 1.00")
    assert _aspects_in_words(mixed.assign(width=100)) == "Every picture is 1.00 times as wide as it is high."
    assert _aspects_in_words(mixed.assign(width=[300] + [100] * 9)).startswith("10.0% of the pictures")
