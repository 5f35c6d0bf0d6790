"""Whatever classes are called: what is derived or packed opens again with the same classes and counts."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alexcore.data.derive import merge_classes, names_in, select_classes
from alexcore.data.index import DataIndex
from alexcore.data.lists.manifest import open_manifest, write_manifest
from alexcore.data.lists.manifest_columns import ManifestColumns, read_table, write_table
from alexcore.data.pack import pack
from alexcore.data.shards import open_shards
from tests.support.small_trees import counts, open_folder, tree

ODD = (
    *("_", " ", "0", "None", "true", "a:b", "-x", "CON", "n" * 120, "ß", "ss", "\N{ROSE}", "\u05d5\u05e8\u05d3", "nan"),
    *(
        "null",
        "=1+1",
        "a,b",
        'q"q',
        "ends ",
        " begins",
        "#1",
        "100%",
        "1.5",
        "2.0",
        "7",
        "07",
        "a",
        "b",
        "path",
        "label",
    ),
    *("line\nend", "tab\tbed", "\u200fmarked", "x\ufeff", "\u2028", "Löwe", "Lo\u0308we", "[a]", '["a"]', "a+b", "a=b"),
    *("%s", "{name}", "<NA>", "''", "\\", "\x7f", "é\r"),
)
# What a folder may be called, but for names that a reader of folders leaves out.
names = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60),
)
classes = st.lists(names, min_size=2, max_size=8, unique=True)
endings = st.sampled_from(["csv", "tsv", "json", "jsonl"])


@given(classes, endings, st.booleans())
@example([*ODD], "csv", False)
@example([*ODD], "jsonl", False)
@settings(max_examples=150, deadline=None)
def test_a_table_is_read_as_it_was_written(found, ending, reversed_order):
    ordered = sorted(found, reverse=reversed_order)
    paths = [f"{name}/ {number}.jpg " for number, name in enumerate(ordered)] * 2
    paths = [f"{number}{path}" for number, path in enumerate(paths)]
    splits = ["train"] * len(found) + ["val"] * len(found)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"list.{ending}"
        write_table(path, ManifestColumns(paths, ordered * 2, splits, ordered))
        table = read_table(path)
    assert list(table.paths) == paths
    assert list(table.labels) == ordered * 2
    assert table.classes == ordered
    assert table.splits == splits
    assert table.notes == ()


def as_folder(root: Path, found: list[str]) -> DataIndex:
    return open_folder(
        tree(root, *(f"{s}/{name}/{n}.jpg" for name in found for s, c in (("train", 2), ("val", 1)) for n in range(c)))
    )


def one_form(found: list[str]) -> list[str]:
    """Names that make folders of their own on any disk, and that are read: none hidden, none twice in another form."""
    kept = {
        unicodedata.normalize("NFC", name).casefold(): name
        for name in found
        if name[0] != "." and len(name.encode()) < 250
    }
    return sorted(kept.values())


@given(classes, endings)
@example([*ODD], "csv")
@settings(max_examples=25, deadline=None)
def test_what_is_derived_or_packed_opens_again(found, ending):
    found = one_form(found)
    with tempfile.TemporaryDirectory() as folder:
        index = as_folder(Path(folder) / "set", [*found, "plain one", "plain two"])
        for derived in (
            index,
            select_classes(index, index.classes[1:]),
            merge_classes(index, {"new": index.classes[:2]}),
        ):
            again = open_manifest(write_manifest(derived, Path(folder) / "lists" / f"list.{ending}"))
            assert again.classes == derived.classes
            assert counts(again) == counts(derived)
            assert again.files[["split", "label"]].equals(derived.files[["split", "label"]])
        packed = open_shards(pack(index, Path(folder) / "packed"))
        assert packed.classes == index.classes
        assert counts(packed) == counts(index)


@given(classes)
@example([*ODD])
@settings(max_examples=50, deadline=None)
def test_every_class_can_be_named(found):
    for name in found:
        assert names_in(json.dumps([name]), found, ",") == [name]
        if "," not in name and name.lstrip()[:1] != "[":
            assert names_in(name, found, ",") == [name]
