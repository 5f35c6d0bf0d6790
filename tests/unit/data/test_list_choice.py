"""Lists whose columns somebody has to name, and what becomes of the choice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alexcore.cli import build_parser
from alexcore.cli.flags import chosen
from alexcore.command_line import train_command
from alexcore.config import make_config
from alexcore.data.reading import AS_IT_LIES, FolderChoice, UnclearListError
from alexcore.data.sources import choice_of, open_source
from alexcore.errors import DataError
from tests.support.lists import TWO, beside, codes, csv_of, label_of
from tests.support.small_trees import tree


def asked(path: Path, **choice: str) -> UnclearListError:
    with pytest.raises(UnclearListError) as error:
        open_source(path, choice=FolderChoice(**choice))  # type: ignore[arg-type]
    return error.value


@pytest.mark.parametrize(
    ("header", "row", "likely"),
    [
        ("p11.jpg,cat", "p{n}.jpg,{label}", "1,2"),
        ("cat;p11.jpg", "{label};p{n}.jpg", "2,1"),
        ("11\tp11.jpg\tcat", "{n}\tp{n}.jpg\t{label}", "2,3"),
        ("p11.jpg,0.5,cat", "p{n}.jpg,0.{n},{label}", "1,3"),
    ],
)
def test_a_list_without_a_header_is_asked_about_with_its_first_row(tmp_path, header, row, likely):
    path = beside(tmp_path, csv_of(TWO[:11], header, row))
    error = asked(path)
    assert "has no header: its first line is" in error.message
    assert f"--columns {likely} --header no" in error.hint
    assert "".join(error.rows[0]) == header.replace(",", "").replace(";", "").replace("\t", "")
    assert error.choice == FolderChoice(header="no", columns=likely)
    index = open_source(path, choice=error.choice)
    assert len(index.files) == 12, "the first line is a picture like the others"
    assert index.classes == ("cat", "dog")
    assert "data.list-columns" in codes(index), "said"
    assert index.reading.choice == error.choice


def test_two_columns_without_a_header_need_no_names(tmp_path):
    path = beside(tmp_path, csv_of(TWO[:11], "cat,p11.jpg", "{label},p{n}.jpg"))
    assert len(open_source(path, choice=FolderChoice(header="no")).files) == 12


@pytest.mark.parametrize(
    ("header", "columns"), [("bild,art", "bild,art"), ("bild,art", "1,2"), ("a,a", "1,2"), ("label,path", "1,2")]
)
def test_columns_are_named_by_name_or_by_number(tmp_path, header, columns):
    path = beside(tmp_path, csv_of(TWO, header))
    assert label_of(open_source(path, choice=FolderChoice(columns=columns)))["p1.jpg"] == "dog"


def test_the_split_may_be_a_third_column(tmp_path):
    rows = "".join(f"p{n}.jpg,{('cat', 'dog')[n % 2]},{'val' if n > 8 else 'train'}\n" for n in range(12))
    index = open_source(beside(tmp_path, rows), choice=FolderChoice(header="no", columns="1,2,3"))
    assert index.files["split"].value_counts().to_dict() == {"train": 9, "val": 3}


def test_columns_that_could_both_be_meant_are_chosen_between(tmp_path):
    path = beside(tmp_path, csv_of(TWO, "file,species,breed", "p{n}.jpg,{label},x{n}"))
    error = asked(path)
    assert "could be the label: species (2 values), breed (12 values)" in error.message
    assert error.choice == FolderChoice(header="yes", columns="1,2")
    assert open_source(path, choice=FolderChoice(columns="file,species")).classes == ("cat", "dog")


def test_a_first_line_that_may_be_either_is_asked_about(tmp_path):
    path = beside(tmp_path, csv_of(TWO, "one,two", "p{n},{label}"))
    assert "--header yes or --header no" in asked(path, columns="1,2").hint
    tree(tmp_path, *(f"p{n}" for n in range(12)))
    assert len(open_source(path, choice=FolderChoice(header="yes", columns="1,2")).files) == 12


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("1", "names 1 columns"),
        ("1,1", "twice"),
        ("1,9", "no column 9"),
        ("1,art", "no column art"),
        (",", "no column"),
    ],
)
def test_columns_that_are_not_there_are_refused_by_name(tmp_path, columns, words):
    assert words in asked(beside(tmp_path, csv_of(TWO)), columns=columns, header="yes").message


def test_json_has_columns_and_no_header(tmp_path):
    path = beside(tmp_path, '[{"bild": "p0.jpg", "art": "a"}, {"bild": "p1.jpg", "art": "b"}]', "list.json")
    assert asked(path).choice.columns == "1,2"
    assert open_source(path, choice=FolderChoice(columns="bild,art")).classes == ("a", "b")
    with pytest.raises(DataError, match="--header no says nothing"):
        open_source(path, choice=FolderChoice(header="no"))


_RECORDS = [{"file": f"p{n}.jpg", "class": label} for n, label in enumerate(TWO)]
_BY_CLASS = {"cat": [f"p{n}.jpg" for n in range(0, 12, 2)], "dog": [f"p{n}.jpg" for n in range(1, 12, 2)]}


@pytest.mark.parametrize(
    "value",
    [
        {"file": {str(n): each["file"] for n, each in enumerate(_RECORDS)}, "class": dict(enumerate(TWO))},
        {str(n): each for n, each in enumerate(_RECORDS)},
        {each["file"]: {"class": each["class"]} for each in _RECORDS},
        {"columns": ["file", "class"], "index": [*range(12)], "data": [[*each.values()] for each in _RECORDS]},
        {"version": 2, "info": {"a": 1}, "data": _RECORDS},
        _BY_CLASS,
        [["path", "label"], *([*each.values()] for each in _RECORDS)],
    ],
    ids=["by column", "by row", "by file", "as pandas splits", "wrapped", "by class", "lines"],
)
def test_json_is_read_as_programs_write_it(tmp_path, value):
    found = label_of(open_source(beside(tmp_path, json.dumps(value), "list.json")))
    assert [found[f"p{n}.jpg"] for n in range(12)] == list(TWO)


def _as_classes(rows: list[dict[str, str]]) -> dict[str, list[str]]:
    return {label: [each["file"] for each in rows if each["class"] == label] for label in ("cat", "dog")}


@pytest.mark.parametrize("part", [list, _as_classes])
def test_json_may_stand_under_the_names_of_splits(tmp_path, part):
    value = {"training": part(_RECORDS[:8]), "valid": part(_RECORDS[8:])}
    index = open_source(beside(tmp_path, json.dumps(value), "list.json"))
    assert index.classes == ("cat", "dog")
    assert index.files["split"].value_counts().to_dict() == {"train": 8, "val": 4}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"images": [], "annotations": [], "categories": []}, "in the form of COCO"),
        ({"train": ["p0.jpg"], "val": ["p1.jpg"]}, "lacks image_names and image_labels"),
        ([["p0.jpg", "a"], ["p1.jpg"]], "has 1 values; the first has 2"),
        ({"a": {}}, "lacks image_names"),
        ([], "lacks image_names"),
    ],
)
def test_json_that_tells_no_classes_is_refused(tmp_path, value, words):
    with pytest.raises(DataError, match=words):
        open_source(beside(tmp_path, json.dumps(value), "list.json"))


@pytest.mark.parametrize("content", ["", "\n\n", "<html><body>log in</body></html>\n"])
def test_a_list_with_nothing_to_choose_from_is_refused_without_a_choice(tmp_path, content):
    error = asked(beside(tmp_path, content))
    assert not error.is_open
    assert "--columns" not in error.hint


def test_a_folder_has_no_columns(tmp_path):
    with pytest.raises(DataError, match="is no list, so --columns 1,2 says nothing"):
        open_source(tmp_path, choice=FolderChoice(columns="1,2"))


def test_the_choice_survives_into_a_run_and_its_command(tmp_path):
    choice = FolderChoice(header="no", columns="2,3")
    assert chosen(build_parser().parse_args(["data", "info", "x.csv", *choice.arguments])) == choice
    config = make_config(data="x.csv", header="no", columns="2,3")
    assert choice_of(config) == choice
    assert "--header=no --columns=2,3" in train_command(config)
    assert choice_of(make_config(data="x.csv")) == AS_IT_LIES
