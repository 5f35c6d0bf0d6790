"""What is said of a list of pictures that is read otherwise than it is written."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

SAID: Mapping[str, Said] = {
    "data.list-columns": Said(
        "Pictures are taken from the column {path}, labels from {label}.",
        "If it is another column, name that one path or label, or say which with --columns.",
    ),
    "data.list-split": Said(
        "The column {name} {taken:?says which split a row belongs to.|is passed over: a split was drawn before.}",
        "{taken:?Give it another name to have a split drawn.|Name it split to have it taken.}",
    ),
    "data.list-column-per-class": Said(
        "Pictures are taken from the column {path}, labels from the single 1 in {count} columns of a class each."
    ),
    "data.list-row-numbers": Said("The column {name} holds row numbers and is passed over."),
    "data.list-blank-rows": Said("{count:,} blank {count:?row is|rows are} passed over."),
    "data.list-left-out": Said("{count:,} {count:?row says that it is|rows say that they are} left out."),
    "data.list-blanks": Said(
        "Blanks and line ends around a value are taken off in {cells:,} {cells:?cell|cells}: {names:listed {count}}."
    ),
    "data.list-forms": Said(
        "Labels that differ only in the Unicode form of their letters are one class: {names:listed {count}}."
    ),
    "data.list-whole-numbers": Said(
        "Labels are whole numbers: {written} is read as {read}, and so are {count:,} {count:?label|labels} in all."
    ),
    "data.list-names-form": Said(
        "{count:,} {count:?file is|files are} found under the listed name in another Unicode form: "
        "{names:listed {count}}."
    ),
    "data.list-names-case": Said(
        "{count:,} {count:?file is|files are} found under a name that differs in case: "
        "{files:listed {count} %s is %s}.",
        "Other programs want the names as they are on the disk.",
    ),
    "data.list-nearest": Said(
        "There is no file {name}; the nearest is {near}.",
        "Write paths as they are on the disk: ~, file://, %20 and quotation marks stand for nothing in a list, and the "
        "ending belongs to the name.",
    ),
    "data.list-folder-gone": Said(
        "The folder {folder}, which {count:,} of the rows name, is gone.",
        "If it was moved, add --root and its new place; or move it back.",
    ),
    "data.list-root": Said("Paths below {old} are read below {new}."),
}
