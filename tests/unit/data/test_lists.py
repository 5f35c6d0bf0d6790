"""Lists as spreadsheets, data frames and labelling programs write them: read as they are meant, or refused."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from alexcore.data.lists.manifest import open_manifest
from alexcore.data.lists.manifest_columns import ManifestColumns, read_table, write_table
from alexcore.data.reading import FolderChoice
from alexcore.data.split import split_file
from alexcore.errors import DataError
from tests.support.lists import TWO, beside, codes, csv_of, label_of
from tests.support.small_trees import counts, messages, open_folder, tree

EXPECTED = {f"p{number}.jpg": label for number, label in enumerate(TWO)}


def refusal(path: Path, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        open_manifest(path, **options)
    assert caught.value.hint
    return caught.value


# What spreadsheets and data frames leave ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (csv_of(TWO, "path,label,", "p{n}.jpg,{label},") + ",,\n,,\n", "data.list-blank-rows"),
        (csv_of(TWO, "path;label;;", "p{n}.jpg;{label};;;;") + ";;;;;\n", "data.list-blank-rows"),
        (csv_of(TWO, row="p{n}.jpg,{label} "), "data.list-blanks"),
        (csv_of(TWO, row='p{n}.jpg,"\n{label}\r\n"'), "data.list-blanks"),
        (csv_of(TWO, row="p{n}.jpg\u00a0,{label}"), "data.list-blanks"),
        (csv_of(TWO, "index,path,label", "{n},p{n}.jpg,{label}"), "data.list-row-numbers"),
        (csv_of(TWO, ",path,label", "1{n}.0,p{n}.jpg,{label}"), "data.list-row-numbers"),
        (csv_of(TWO, "Unnamed: 0,path,label", "{n},p{n}.jpg,{label}"), "data.list-row-numbers"),
        (csv_of(TWO, "file_name,Species", "p{n}.jpg,{label}"), "data.list-columns"),
        (csv_of(TWO, "Image Path;class", "p{n}.jpg;{label}"), "data.list-columns"),
        (csv_of(TWO, "id,breed", "p{n}.jpg,{label}"), "data.list-columns"),
        (csv_of(TWO, "id,name,breed", "{n},p{n}.jpg,{label}"), "data.list-columns"),
        ("sep=;\n" + csv_of(TWO, "path;label", "p{n}.jpg;{label}"), None),
        ("sep=|\r\n" + csv_of(TWO, "path|label", "p{n}.jpg|{label}"), None),
        (csv_of(TWO).encode("utf-16"), None),
        (csv_of(TWO, "path\tlabel", "p{n}.jpg\t{label}").encode("utf-16-le"), None),
        (csv_of(TWO).encode("utf-8-sig"), None),
        (csv_of(TWO).replace("\n", "\r").encode(), None),
    ],
)
def test_a_list_of_a_spreadsheet_is_read_as_it_is_meant(tmp_path, content, code):
    index = open_manifest(beside(tmp_path, content))
    assert label_of(index) == EXPECTED
    assert index.classes == ("cat", "dog")
    assert codes(index) == ([code] if code else [])


def test_blank_rows_are_counted_and_lines_still_named(tmp_path):
    path = beside(tmp_path, "path,label\np0.jpg,cat\n,\n , \n\np1.jpg,\n")
    assert refusal(path).message.endswith("has the label '' at line 6.")
    path.write_text("path,label\np0.jpg,cat\n,\n , \n\np1.jpg,dog\n")
    assert "2 blank rows are passed over." in messages(open_manifest(path), "info")


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_tabs_separate_and_labels_keep_their_comma(tmp_path, ending):
    """Symptom: there was a comma more in each line than tabs."""
    text = csv_of(["cat, black", "dog, white"] * 6, "path\tlabel", "p{n}.jpg\t{label}")
    index = open_manifest(beside(tmp_path, text, f"list.{ending}"))
    assert index.classes == ("cat, black", "dog, white")
    assert counts(index)["train"] == {"cat, black": 5, "dog, white": 5}


def test_the_header_chooses_the_separator_not_the_commonest_character(tmp_path):
    text = csv_of(TWO, "path;label;note, a, b, c", "p{n}.jpg;{label};x, y, z")
    assert label_of(open_manifest(beside(tmp_path, text))) == EXPECTED


# Labels ---------------------------------------------------------------------------------------------------------


def test_whole_numbers_with_a_point_are_numbers(tmp_path):
    """Symptom: sorted as text, 10.0 came before 2.0."""
    index = open_manifest(beside(tmp_path, csv_of([f"{n}.0" for n in range(12)] * 2), count=24))
    assert index.classes == tuple(map(str, range(12)))
    assert codes(index) == ["data.list-whole-numbers"]
    mixed = open_manifest(beside(tmp_path, csv_of([0, "1.0"] * 6)))
    assert mixed.classes == ("0", "1")
    comma = csv_of(["2,0", "3"] * 6, "path;label", "p{n}.jpg;{label}")
    assert open_manifest(beside(tmp_path, comma)).classes == ("2", "3")
    assert open_manifest(beside(tmp_path, csv_of(["1.0", "cat"] * 6))).classes == ("1.0", "cat"), "not all are numbers"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["cat", "dog", "nan", "cat"], "has the label 'nan' at line 4, which"),
        (["cat", "dog", " NaN", "nan"], "has the label 'NaN' at line 4 and 1 more, which"),
        (["0.0", "1.0", "nan", "1.0"], "has the label 'nan' at line 4, which"),
        (["cat", "#N/A", "cat", "dog"], "has the label '#N/A' at line 3, which"),
        (["cat", "dog", "  ", "cat"], "has the label '' at line 4."),
        (["0", "1", "1.6", "0"], "has the label '1.6' at line 4; other labels are whole numbers."),
    ],
)
def test_labels_that_are_none_are_refused_by_their_line(tmp_path, labels, sentence):
    assert sentence in refusal(beside(tmp_path, csv_of(labels))).message


@pytest.mark.parametrize("odd", [1.6, float("nan"), "nan", None])
def test_labels_in_json_that_are_none_are_refused_by_their_entry(tmp_path, odd):
    value = {"image_names": [f"p{n}.jpg" for n in range(12)], "image_labels": [0, 1] * 5 + [odd, 1]}
    assert "at entry 10 (counted from 0)" in refusal(beside(tmp_path, json.dumps(value), "list.json")).message


def test_names_that_are_none_for_a_program_stay_names(tmp_path):
    assert open_manifest(beside(tmp_path, csv_of(["NA", "None", "null"] * 4))).classes == ("NA", "None", "null")


def test_line_ends_in_declared_classes(tmp_path):
    value = {
        "image_names": list(EXPECTED),
        "image_labels": [0, 1] * 6,
        "classes": ["cat\r", "dog\n"],
    }
    index = open_manifest(beside(tmp_path, json.dumps(value), "list.json"))
    assert index.classes == ("cat", "dog")
    assert codes(index) == ["data.list-blanks"]


def test_one_class_whatever_its_unicode_form(tmp_path):
    composed = "Löwenzahn"
    both = [composed, unicodedata.normalize("NFD", composed), "rose"] * 4
    index = open_manifest(beside(tmp_path, csv_of(both)))
    assert index.classes == (composed, "rose")
    assert codes(index) == ["data.list-forms"]


# Columns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row", "sentence"),
    [
        ("path,label,label", "p{n}.jpg,{label},x", "has the column label twice: columns 2 and 3."),
        ("path,label,Path", "p{n}.jpg,{label},x", "has the column path twice: columns 1 and 3."),
        ("path,class,species", "p{n}.jpg,{label},{n}", "could be the label: class (2 values), species (12 values)."),
        ("file,image,label", "p{n}.jpg,q{n}.jpg,{label}", "could be the path: file (12 values), image (12 values)."),
        ("p99.jpg,cat", "p{n}.jpg,{label}", "has no header: its first line is p99.jpg, cat."),
        ("id,label", "{n},{label}", "has no columns path and label; its first line has id, label."),
        ("# made today", "p{n}.jpg,{label}", "has no columns path and label; its first line has # made today."),
        ("place,kind", "p{n}.jpg,{label}", "has no columns path and label; its first line has place, kind."),
    ],
)
def test_columns_that_could_be_several_things_are_refused(tmp_path, header, row, sentence):
    assert sentence in refusal(beside(tmp_path, csv_of(TWO, header, row))).message


def test_the_usual_name_counts_beside_others(tmp_path):
    index = open_manifest(beside(tmp_path, csv_of(TWO, "file,path,label,class", "x,p{n}.jpg,{label},y")))
    assert label_of(index) == EXPECTED
    assert codes(index) == []


def test_numbers_of_classes_are_still_that(tmp_path):
    path = beside(tmp_path, csv_of(TWO, "path,label,index", "p{n}.jpg,{label},7"))
    assert "the column index" in refusal(path).hint
    path.write_text(
        csv_of(TWO, "path,label,index", "p{n}.jpg,{label},").replace("cat,", "cat,1").replace("dog,", "dog,0")
    )
    index = open_manifest(path)
    assert index.classes == ("dog", "cat")
    assert codes(index) == []


def test_a_key_that_stands_twice_in_json(tmp_path):
    """Symptom: of two lists of labels JSON keeps the last, without a word."""
    names = json.dumps(list(EXPECTED))
    text = f'{{"image_names": {names}, "image_labels": {json.dumps(TWO)}, "image_labels": {json.dumps(TWO[::-1])}}}'
    assert 'the key "image_labels" stands twice' in refusal(beside(tmp_path, text, "list.json")).message


@pytest.mark.parametrize("name", ["subset", "Set"])
def test_another_column_of_splits_counts_if_it_says_nothing_else(tmp_path, name):
    words = ["Training", "train_set", "tr", "train", "dev", "valid", "test", "Test"]
    rows = [f"p{n}.jpg,{'ab'[n % 2]},{word}" for n, word in enumerate(words)]
    path = beside(tmp_path, "\n".join([f"path,label,{name}", *rows]))
    index = open_manifest(path)
    assert counts(index) == {split: {"a": n, "b": n} for split, n in (("train", 2), ("val", 1), ("test", 1))}
    assert codes(index) == ["data.list-split"]
    other = path.with_name("other.csv")
    other.write_text(path.read_text().replace("Training", "delivery 3"))
    assert "data.list-split" not in codes(open_manifest(other))


def test_a_split_that_was_drawn_before_goes_on(tmp_path):
    """Symptom: a list from before was split by a column that nobody had read, and learned pictures validated."""
    path = beside(tmp_path, csv_of(TWO, row="p{n}.jpg,{label}"))
    before = open_manifest(path).files
    assert split_file(path).exists()
    path.write_text(csv_of(TWO, "path,label,subset", "p{n}.jpg,{label},train"))
    index = open_manifest(path)
    assert index.files["split"].tolist() == before["split"].tolist()
    assert "The column subset is passed over: a split was drawn before." in messages(index, "info")


@pytest.mark.parametrize("column", ["split", "subset"])
def test_a_fifth_of_train_validates_where_there_is_only_a_test(tmp_path, column):
    rows = [f"p{n}.jpg,{'ab'[n % 2]},{'test' if n >= 20 else 'train'}" for n in range(24)]
    path = beside(tmp_path, "\n".join([f"path,label,{column}", *rows]), count=24)
    index = open_manifest(path)
    assert counts(index) == {split: {"a": n, "b": n} for split, n in (("train", 8), ("val", 2), ("test", 2))}
    assert set(index.select("test")["path"]) == {f"p{n}.jpg" for n in range(20, 24)}
    assert "a fifth of train (4 pictures) validates" in messages(index, "info")
    assert messages(index, "error") == ""
    assert open_manifest(path).files.equals(index.files)


@pytest.mark.parametrize("written", ["BLÜTE{n}.JPG", "Blüte{n}.jpg"])
def test_a_list_in_a_folder_finds_its_pictures_in_another_form_or_case(tmp_path, written):
    disk = unicodedata.normalize("NFD", "Blüte")
    tree(tmp_path, *(f"train/{disk}{n}.jpg" for n in range(8)))
    rows = [f"{written.format(n=n)},{'ab'[n % 2]}" for n in range(8)]
    (tmp_path / "train" / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    index = open_folder(tmp_path, choice=FolderChoice(classes_from="list"))
    assert index.classes == ("a", "b")
    assert len(index.files) == 8


# Other forms ----------------------------------------------------------------------------------------------------


def test_one_object_a_line(tmp_path):
    lines = [json.dumps({"file_name": name, "label": label, "id": 7}) for name, label in EXPECTED.items()]
    path = beside(tmp_path, "\n".join([*lines, ""]), "metadata.jsonl")
    index = open_manifest(path)
    assert label_of(index) == EXPECTED
    assert codes(index) == ["data.list-columns"]
    path.write_text("\n".join([*lines[:3], '{"file_name": "p3.jpg"}']))
    assert "has the label None at line 4." in refusal(path).message
    path.write_text("\n".join([*lines[:3], "[1]"]))
    assert "line 4 of" in refusal(path).message
    path.write_text("\n".join([*lines[:3], "{"]))
    assert "is no JSON in line 4" in refusal(path).message
    path.write_text("\n".join(json.dumps({"path": name, "label": n % 2}) for n, name in enumerate(EXPECTED)))
    assert open_manifest(path).classes == ("0", "1")


def test_a_list_of_objects_and_an_object_of_lists(tmp_path):
    records = [{"image": name, "category": label} for name, label in EXPECTED.items()]
    assert label_of(open_manifest(beside(tmp_path, json.dumps(records), "list.json"))) == EXPECTED
    columns = {"filename": list(EXPECTED), "label": list(EXPECTED.values())}
    assert label_of(open_manifest(beside(tmp_path, json.dumps(columns), "list.json"))) == EXPECTED


def test_the_label_of_each_picture_by_its_name(tmp_path):
    assert label_of(open_manifest(beside(tmp_path, json.dumps(EXPECTED), "list.json"))) == EXPECTED


def test_whole_numbers_in_json_are_what_they_are(tmp_path):
    def classes(labels):
        value = {"image_names": list(EXPECTED), "image_labels": labels}
        return open_manifest(beside(tmp_path, json.dumps(value), "list.json")).classes

    assert classes([10.0, 9.0] * 6) == ("9", "10")
    assert classes(["10.0", "9.0"] * 6) == ("9", "10")
    assert classes(["10", "9"] * 6) == ("10", "9"), "texts, as they always were"
    assert classes(["1.5", "2"] * 6) == ("1.5", "2")


def test_a_workbook_is_no_list(tmp_path):
    assert "is a workbook or a zip file, not text." in refusal(beside(tmp_path, b"PK\3\4\x14\0")).message


def test_a_column_for_each_class(tmp_path):
    rows = [f"p{n}.jpg, {n % 2 ^ 1}, {n % 2}, 0" for n in range(12)]
    path = beside(tmp_path, "\n".join(["filename, cat, dog, eel", *rows]), "_classes.csv")
    index = open_manifest(path)
    assert label_of(index) == EXPECTED
    assert index.classes == ("cat", "dog")
    assert codes(index) == ["data.list-column-per-class"]
    path.write_text(path.read_text().replace("p3.jpg, 0, 1", "p3.jpg, 1, 1"))
    assert "line 5 of" in (message := refusal(path).message)
    assert message.endswith("has several classes: cat, dog.")
    path.write_text(path.read_text().replace("p3.jpg, 1, 1", "p3.jpg, 0, 0"))
    assert refusal(path).message.endswith("has no class: none of its columns is 1.")


def test_annotations_of_a_validation_folder(tmp_path):
    """File and class first, a tab between, no header; the pictures lie in images/ beside the list."""
    tree(tmp_path / "images", *(f"val_{n}.JPEG" for n in range(8)))
    path = tmp_path / "val_annotations.txt"
    path.write_text("".join(f"val_{n}.JPEG\tn0{n % 2}\t0\t0\t62\t62\n" for n in range(8)))
    index = open_manifest(path)
    assert index.classes == ("n00", "n01")
    assert len(index.files) == 8
    assert codes(index) == ["data.list-root"]
    path.write_text("val_0.JPEG n00\n")
    assert "line 1 of" in refusal(path).message


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_changed_labels_number_themselves(tmp_path, ending):
    path = beside(tmp_path, "", f"list.{ending}")
    write_table(path, ManifestColumns(list(EXPECTED), TWO, ["train"] * 12, ["dog", "cat"]))
    assert open_manifest(path).classes == ("dog", "cat")
    assert open_manifest(path, target_transform=str.upper).classes == ("CAT", "DOG")


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "jsonl"])
def test_each_ending_is_written_and_read(tmp_path, ending):
    paths, labels, splits = ["a, b.jpg", " c\t.jpg"], ["x\ty", 'q"'], ["train", "val"]
    path = tmp_path / f"list.{ending}"
    write_table(path, ManifestColumns(paths, labels, splits, ['q"', "none", "x\ty"]))
    table = read_table(path)
    assert (table.paths, table.labels, table.splits, table.classes) == (paths, labels, splits, ['q"', "none", "x\ty"])
    assert not table.verbatim
    assert table.notes == ()
