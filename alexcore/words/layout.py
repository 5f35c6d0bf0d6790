"""What is said of how a folder was read."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

_PICTURES = "{images:,} {images:?picture|pictures}"

SAID: Mapping[str, Said] = {
    "data.split-names": Said("Read as splits: {folders:listed {count} %s as %s}."),
    "data.validation-drawn": Said(
        "There is no validation split: a fifth of train ({images:,} {images:?picture|pictures}) validates, the same "
        "each time."
    ),
    "data.lies-inside": Said("The data set lies in {path}."),
    "data.splits-in-classes": Said("Each class folder has its own {splits:listed 0}."),
    "data.split-word-classes": Said(
        "Read as {count:?a class|classes}, because nothing but the name says split: {names:listed {count}}.",
        "Choose the layout splits if that is wrong.",
    ),
    "data.classes-by-name": Said("The {classes:,} classes are read from the names of the files, as was chosen."),
    "data.classes-by-list": Said("Classes are read from {count:?the list|lists}: {names:listed {count}}."),
    "data.empty-splits": Said(
        "{names:listed {count}} {count:?is|are} empty: the class folders beside {count:?it|them} are the data."
    ),
    "data.inner-copy": Said(
        f"The data set contains itself once more; the copy is left out: {{names:listed {{count}}}} ({_PICTURES})."
    ),
    "data.drawings": Said(
        f"Masks and other drawings of the pictures are left out: {{names:listed {{count}}}} ({_PICTURES})."
    ),
    "data.doubled-names": Said(
        f"{_PICTURES} with the name of another one but for the ending {{images:?is|are}} left out: "
        "{names:listed {count}}."
    ),
    "data.linked-classes": Said(
        "Class folders are one and the same folder, by a link: {groups:listed; {count}}.", "Remove the link."
    ),
    "data.folders-in-classes": Said(
        "Pictures in folders within a class folder count as that class: {names:listed {count}}.",
        "If the inner folders are the classes, choose the layout flat.",
    ),
    "data.split-files-unread": Said(
        "{count:?A file that seems|Files that seem} to name splits {count:?is|are} not read; the validation split is "
        "drawn: {names:listed {count}}.",
        "A list with the columns path, label and split would say which picture is for what.",
    ),
    "data.no-list": Said("{path} is read as no list: it {why}."),
    "data.background-class": Said(
        "{names:listed {count}} is read as a class: pictures of nothing in particular.",
        "Published figures are mostly without it; leave it out with data derive.",
    ),
    "data.loose-pictures": Said(
        f"{_PICTURES} beside the class folders {{images:?is|are}} left out, in {{names:listed {{count}}}}.",
        "Move them into a class folder.",
    ),
    "data.beside-splits": Said(
        f"Folders beside the splits are left out: {{names:listed {{count}}}} ({_PICTURES}).",
        "Move their pictures into a split, or choose another layout.",
    ),
    "data.unlabelled-pictures": Said(
        f"{_PICTURES} without a class {{images:?is|are}} left out: {{names:listed {{count}}}}."
    ),
    "data.unnamed-pictures": Said(
        f"{_PICTURES} whose names tell no class {{images:?is|are}} left out, in {{names:listed {{count}}}}."
    ),
    "data.unlisted-pictures": Said(
        f"{_PICTURES} that the list does not name {{images:?is|are}} left out, in {{names:listed {{count}}}}."
    ),
    "data.system-files": Said("Left behind by systems and drives, and left out: {names:listed {count} %s (%d)}."),
    "data.unreadable-folders": Said(
        "{count:?A folder|Folders} that may not be read {count:?is|are} left out: {names:listed {count}}.",
        "Check the permissions.",
    ),
}
