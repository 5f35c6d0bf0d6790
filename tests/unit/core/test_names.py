"""A name is text wherever it is put: in Markdown, in a figure, in a spreadsheet, on a terminal."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pandas as pd
import plotly.graph_objects as go
import pytest
from markdown_it import MarkdownIt
from markupsafe import Markup

from alexcore.export.rendering import _seen
from alexcore.figures import as_drawn, new_figure
from alexcore.names import JOINER, in_cell, in_figure, in_json, in_markdown, in_terminal, visible
from alexcore.spreadsheet import csv_of
from tests.support.hostile_names import HOSTILE

# Of the lines that CommonMark has beside those in the list.
LINES = (
    "1. one",
    "1) one",
    "+ plus",
    "# head",
    "> said",
    "    code",
    "---",
    "===",
    "***",
    "~~~",
    "```",
    "|a|b|",
    "a -- b",
)


def read(text: str) -> str:
    """What a reader of Markdown sees; markup would be another token than text in a paragraph."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").parse(text)
    assert [each.type for each in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    inside = tokens[1].children or []
    assert {each.type for each in inside} <= {"text", "text_special", "hardbreak"}, text
    return "".join("\n" if each.type == "hardbreak" else each.content for each in inside).replace(JOINER, "")


@pytest.mark.parametrize("name", [*HOSTILE, *LINES])
def test_in_markdown_a_name_reads_as_it_is(name: str) -> None:
    lines = [visible(line).strip() for line in name.split("\n")]
    assert read(in_markdown(name)) == "\n".join(lines)
    assert read(f"said of {in_markdown(name)}") == "said of " + "\n".join(lines)


@pytest.mark.parametrize("sign", ["->", "<-", "<->", "--", ">=", "<=", "~="])
def test_in_markdown_nothing_becomes_an_arrow(sign: str) -> None:
    assert sign not in in_markdown(f"a {sign} b").replace("\\", "").split()
    assert JOINER not in in_markdown(f"a{sign}b")


@pytest.mark.parametrize("name", HOSTILE)
def test_on_a_terminal_nothing_acts(name: str) -> None:
    shown = in_terminal(name)
    assert not set(shown) & set("\x1b\x07\x9b\n\r\u202e")
    document = in_json(json.dumps({name: [name]}, ensure_ascii=False, indent=1))
    assert json.loads(document) == {name: [name]}
    assert not set(document) & set("\x1b\x07\x9b\u202e")


def test_half_a_character_can_be_printed() -> None:
    assert in_terminal("a\udcff").encode() == b"a\\udcff"
    assert json.loads(in_json(json.dumps("a\udcff", ensure_ascii=False)).encode()) == "a\udcff"


def test_words_of_other_scripts_stay_as_they_are() -> None:
    for name in (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f52c",
        "\u05d0\u200f!",
        "na\u0308chste",
    ):
        assert visible(name) == name


@pytest.mark.parametrize("name", [*HOSTILE, "\t=1", "\r=1", "\uff1d1"])
def test_in_a_spreadsheet_no_name_is_a_formula(name: str) -> None:
    table = pd.DataFrame({name: [name, "plain"], "number": [-1.5, 2]})
    (head, number), (cell, value), _plain = csv.reader(StringIO(csv_of(table)))
    assert head == cell == in_cell(name)
    assert cell[0] not in "=+-@\t\r\n\uff1d"
    assert (number, value) == ("number", "-1.5")
    assert cell.removeprefix("'") == visible(name)


def test_a_number_stays_one_in_a_spreadsheet() -> None:
    assert [in_cell(each) for each in ("-0.25", "+1e-3", "7", -1.5, None)] == ["-0.25", "+1e-3", "7", -1.5, None]
    assert [in_cell(each) for each in ("-1+1", "-0.5a", "--1")] == ["'-1+1", "'-0.5a", "'--1"]


def test_in_a_figure_names_are_text_and_places() -> None:
    figure = new_figure("of <b>x</b>", "class", "pictures")
    figure.add_bar(
        x=["<i>", "007", "7"], y=[1, 2, 3], name="<a href='javascript:x'>", hovertemplate="%{x}<extra></extra>"
    )
    figure.add_heatmap(z=[[1]], text=[["<u>"]], x=["&lt;"], y=["esc\x1b"])
    figure.add_annotation(text="<s>")
    figure.update_xaxes(ticktext=["<sub>"], tickvals=[0])
    drawn = as_drawn(figure)
    text = drawn.to_json()
    for tag in ("<b>", "<i>", "<a ", "<u>", "<s>", "<sub>", "\\u001b"):
        assert tag not in text
    assert drawn.data[0].hovertemplate == "%{x}<extra></extra>"
    assert list(drawn.data[0].x) == ["&lt;i&gt;", "007", "7"]
    assert drawn.data[1].x[0] == in_figure("&lt;") == "&amp;lt;"
    assert drawn.layout.xaxis.type == "category"
    assert list(figure.data[0].x) == ["<i>", "007", "7"], "what was handed in keeps its words"
    assert as_drawn(figure).to_json() == text


def test_a_figure_of_numbers_is_drawn_as_it_is() -> None:
    figure = go.Figure().add_scatter(x=[1, 2], y=[None, 3.5], name="loss")
    assert as_drawn(figure) is figure
    assert figure.layout.xaxis.type is None


def test_a_page_of_html_shows_what_acts_unseen_and_keeps_our_own_markup() -> None:
    assert _seen("a\x1b\n") == "a\\x1b\\n"
    assert _seen(Markup("<b>\n</b>")) == Markup("<b>\n</b>")
