"""What is said of a data set."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

_IN_PLACE = Said(
    "{count:,} of {total:,} pictures {count:?is one of the|are} {what} and {count:?is|are} left out: "
    "{names:listed {count}}.",
    "{remedy}",
)

_OR_DROP = "Add pictures of them to train, or have them left out with --untrained drop."

SAID: Mapping[str, Said] = {
    "data.no-training-pictures": Said(
        "{where} has no training pictures; classification needs two classes.", "Add a folder per class."
    ),
    "data.one-class": Said(
        "{where} has only one class with training pictures ({name}); classification needs two.",
        "{packed:?Pack a data set with more classes.|Add a folder per class.}",
    ),
    "data.untrained-classes": Said(
        "train lacks the classes {names:listed {count}}; a network could never learn them.",
        _OR_DROP,
    ),
    "data.untrained-kept": Said(
        "train lacks the classes {names:listed {count}}; the network keeps outputs for them and never learns them.",
        "A new run can leave them out with --untrained drop.",
    ),
    "data.classes-left-out": Said(
        "Classes without training pictures are left out, as was chosen: {names:listed {count}}"
        " ({images:,} {images:?picture|pictures} of other splits)."
    ),
    "data.unknown-classes": Said(
        "{split} has classes that train lacks: {names:listed {count}}; no network could ever answer them.",
        "Add them to train or remove them from {split}; or have them left out with --untrained drop.",
    ),
    "data.unmeasured-classes": Said(
        "{split} lacks the classes {names:listed {count}}; their accuracy cannot be measured.",
        "Add pictures of them to {split}.",
    ),
    "data.no-validation": Said(
        "{where} has no validation pictures.",
        "Add a folder val/ with the same class folders as train/, or give some rows the split val.",
    ),
    "data.no-validation-shards": Said(
        "{where} has no validation shards.", "Add val-000000.tar, or name a folder or pattern with --val."
    ),
    "data.alike-names": Said(
        "Class names that differ only in case, blanks, Unicode form or a copy's mark count as different: "
        "{groups:listed {count}}.",
        "If they are the same class, merge them or rename one.",
    ),
    "data.sorted-as-text": Said(
        "Class names are sorted as text, not by the numbers in them: {numbers:listed 0 %s gets %s}.",
        "Pad the numbers with zeros if their order matters: write {renamed:listed {count} %s as %s}.",
    ),
    "data.capitals-first": Said(
        "Capital letters are sorted before small ones: {first} comes before {second}.",
        "Write all names in small letters if their order matters.",
    ),
    "data.imagefolder-numbers": Said(
        "ImageFolder alone would number {split} differently: {theirs:listed {count} %s %s}; by train it is "
        "{ours:listed {count} %s %s}.",
        "Here all splits have one mapping. Give {split} the folders of train before other programs read it.",
    ),
    "data.hidden-files": Said("Hidden files and folders are left out: {names:listed {count}}."),
    "data.empty-class-folders": Said(
        "Empty class folders in {split} are left out: {names:listed {count}}.", "Add pictures or delete the folder."
    ),
    "data.no-pictures": Said("{count} {count:?file is|files are} no picture and left out: {names:listed {count}}."),
    "data.names-not-utf8": Said(
        "{listed:?Pictures|Files and folders} whose names are not UTF-8 are left out: {names:listed {count}}.",
        "Rename them.",
    ),
    "data.undecodable": Said(
        "{count} of {total:,} pictures cannot be decoded and are left out: {pictures:listed; {count} %s (%s)}.",
        "Replace or delete them; the run goes on without them.",
    ),
    **dict.fromkeys(("data.git-pointers", "data.cloud-placeholders", "data.heic"), _IN_PLACE),
    "data.classes-unreadable": Said(
        "No training picture of {names:listed {count}} can be read ({why}).",
        "Replace the pictures, or have the class left out with --untrained drop.",
    ),
    "data.intensity": Said(
        "{kind} pictures have values {least:.6g} to {greatest:.6g} of {most:.6g}: scaled {how}.",
        "All splits and predictions go by this; --intensity chooses another rule.",
    ),
    "data.deep-colour": Said(
        "16-bit colour is read with its upper 8 bits ({images:,} of {looked:,} pictures looked at).",
        "If they are too dark that way, save them with 8 bits.",
    ),
    "data.transparency": Said(
        "On white, what is drawn on transparency could not be seen: it is put on {background}.",
    ),
    "data.nearly-constant": Said(
        "The pictures are nearly constant once they are decoded: all levels together have a standard deviation of "
        "{spread:.2g} of 255.",
        "{scaled:?They are scaled by --intensity {intensity}; choose another, such as auto or window LOW HIGH.|"
        "Look at the files: they may be masks, or empty.}",
    ),
    "data.no-readable-picture": Said(
        "{where} has no readable picture in its {split} split.",
        "Add pictures to each class and open the data set again.",
    ),
    "data.one-readable-class": Said(
        "{where} has readable training pictures of only one class ({name}).",
        "Replace the damaged pictures of the others; classification needs two classes.",
    ),
    "data.label-gaps": Said(
        "The labels {first} to {last} are not 0 to {highest}: {name} gets {number}.",
        "The labels are kept as names. Add classes to give the numbers a meaning.",
    ),
    "data.two-labels": Said(
        "{count:,} of {rows:,} rows {count:?is|are} listed under two labels: {pictures:listed {count} %s (%s and %s)}.",
        "Delete the wrong line of each.",
    ),
    "data.two-splits": Said(
        "{count:,} of {rows:,} rows {count:?is|are} listed in two splits: {pictures:listed {count} %s (%s and %s)}.",
        "Keep each in one split, or a network is tested on what it learned.",
    ),
    "data.repeated-rows": Said(
        "{count:,} of {rows:,} rows {count:?is|are} listed more than once with the same label and counts once: "
        "{pictures:listed {count}}."
    ),
    "data.missing-pictures": Said(
        "{count:,} of {rows:,} pictures do not exist and are left out: {names:listed {count}}.",
        "Paths in a manifest are relative to its own folder, {root}.",
    ),
    "data.empty-shards": Said("Shards without a picture are left out: {names:listed {count}}."),
    "data.samples-left-out": Said(
        "{count:,} samples without a picture or a class number are left out.",
        "A sample is NAME.jpg with NAME.cls beside it, NAME without a dot, NAME.cls a class number such as 3.",
    ),
    "data.split-drawn-anew": Said("The split was drawn anew: {why}", "Pictures may have moved."),
    "data.split-not-kept": Said(
        "The split could not be kept: {why}",
        "When pictures are added, some of the old ones may move to the other split.",
    ),
    "data.sides-kept": Said(
        "Some pictures were split before, under other names, and keep their side: {count:,} {count:?has|have} gone to "
        "another one than the split by names had."
    ),
}
