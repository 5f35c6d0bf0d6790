"""What is said of each finding, by its code: the English catalogue, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alexcore.words.template import Said, filled

_REPEATED = "There {groups:?is|are} {groups:,} {groups:?picture|pictures} ({paths:,} files)"
# As quality_groups.PHASH_BITS and DHASH_BITS have it; a test compares them.
_LIMITS = "(phash differs in at most 8 of 64 bits, dhash in at most 24 of 128)"

SAID: Mapping[str, Said] = {
    # Of a data set
    "data.no-training-pictures": Said(
        "{where} has no training pictures; classification needs two classes.", "Add a folder per class."
    ),
    "data.one-class": Said(
        "{where} has only one class with training pictures ({name}); classification needs two.",
        "{packed:?Pack a data set with more classes.|Add a folder per class.}",
    ),
    "data.untrained-classes": Said(
        "train lacks the classes {names:listed {count}}; a network could never learn them.",
        "Add pictures of them to train, or leave the classes out.",
    ),
    "data.unknown-classes": Said(
        "{split} has classes that train lacks: {names:listed {count}}; no network could ever answer them.",
        "Add them to train or remove them from {split}.",
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
        "Class names that differ only in case, blanks or Unicode form count as different: {groups:listed {count}}.",
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
    # Of pictures
    "pictures.undecodable": Said(
        '{paths:,} {paths:?picture|pictures} cannot be decoded ("{reason}").',
        "Runs leave them out; copy the files again or delete them.",
        "Cannot be decoded",
    ),
    "pictures.truncated": Said(
        "{paths:,} {paths:?picture ends too early: the file is|pictures end too early: the files are} cut off "
        '("{reason}").',
        "Runs leave them out; copy the files again or delete them.",
        "Cut off",
    ),
    "pictures.leak": Said(
        f"{_REPEATED} of which copies lie in more than one split, so a score on the one measures memory of the other; "
        f"same means equal files or nearly equal perceptual hashes {_LIMITS}.",
        "Leave out the {surplus:,} that can be spared, from train before val before test.",
        "The same picture in two splits",
    ),
    "pictures.label-conflict": Said(
        f"{_REPEATED} of which copies lie in different classes ({{classes:listed 0}}{{more:?, ...|}}), so at least one "
        f"label is wrong or both are right; same means equal files or nearly equal perceptual hashes {_LIMITS}.",
        "Decide for one class, or leave all out.",
        "The same picture in two classes",
    ),
    "pictures.exact-duplicates": Said(
        f"{_REPEATED} of which the files are equal byte by byte.",
        "Leave out the {surplus:,} that are superfluous.",
        "Exact duplicates",
    ),
    "pictures.near-duplicates": Said(
        f"{_REPEATED} that look alike: another size, crop, colour or compression, or the next shot of the same thing; "
        f"their perceptual hashes are nearly equal {_LIMITS}.",
        "Keep the best of each group: {surplus:,} are superfluous.",
        "Near duplicates",
    ),
    "pictures.blurry": Said(
        "{paths:,} {paths:?picture has|pictures have} no sharp detail: at 256 px, and with the contrast stretched, "
        "even their strongest edges (the 99.9th percentile) reach less than {limit:.0f} % of full scale.",
        "Look whether the class can still be seen.",
        "Blurry",
    ),
    "pictures.dark": Said(
        "{paths:,} {paths:?picture is|pictures are} dark: in 95 % of the pixels the brightest channel stays below "
        "{limit:.0f} % of full scale.",
        "Brighten the pictures, or look whether the class can be seen.",
        "Dark",
    ),
    "pictures.light": Said(
        "{paths:,} {paths:?picture is|pictures are} light: 95 % of the pixels are brighter than {limit:.0f} % of full "
        "scale.",
        "Look whether details are burnt out.",
        "Light",
    ),
    "pictures.low-information": Said(
        "{paths:,} {paths:?picture is|pictures are} nearly empty: the brightness of a pixel tells less than "
        "{limit:.0f} bits (entropy of the histogram, at most 8), because nearly all of the picture is a few plain "
        "tones.",
        "Crop to the object or leave them out.",
        "Nearly empty",
    ),
    "pictures.grayscale": Said(
        "{paths:,} {paths:?picture has|pictures have} no colour: in 99 % of the pixels red, green and blue differ by "
        "less than {limit:.1f} % of full scale.",
        "A network may learn colour as a sign of the class; check that they are not all of one class.",
        "Without colour",
    ),
    "pictures.odd-size": Said(
        "{paths:,} {paths:?picture has|pictures have} an unusual size: more than {factor:.0f} times smaller or larger "
        "a side than the usual {usual:,.0f} px (median of the square root of width times height).",
        "Enlarged ones will look blurred to the network.",
        "Unusual size",
    ),
    "pictures.odd-aspect": Said(
        "{paths:,} {paths:?picture is|pictures are} very long: one side is more than {factor:.0f} times the other, so "
        "a square crop loses most of it.",
        "Crop to the object.",
        "Unusual shape",
    ),
    "pictures.wrong-extension": Said(
        "{paths:,} {paths:?picture has|pictures have} the extension of another format than their content has.",
        "They are read all the same here; other programs may refuse them. Rename them.",
        "Wrong file extension",
    ),
    "pictures.exif-rotated": Said(
        "{paths:,} {paths:?picture is|pictures are} stored turned and set upright by the orientation in the EXIF data.",
        "They are turned here; programs that ignore EXIF show them lying. Save them upright if others will use the "
        "data.",
        "Turned by EXIF",
    ),
    # In a run
    "run.stopped-early": Said(
        "Stopped early: no better validation accuracy for {patience} epochs.", "best.pt holds the best epoch."
    ),
    # In the BatchNorm experiment
    "experiment.arm-diverged": Said(
        "The arm {arm} has diverged: its loss or gradient is not finite in step {step}.",
        "It stands still from there on, the others go on. A lower rate than {lr:g} may keep it.",
    ),
}


def said(code: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence and the hint of a finding.

    Raises:
        LookupError, TypeError, ValueError: there is no such code, or the values are not its own.
    """
    template = SAID[code]
    return filled(template.message, values), filled(template.hint, values)


def told(fact: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence and the hint of what a file tells: an event, or the error in a status.

    Files of version 0.1 hold sentences alone, and a newer version's may hold codes that are not known here: then the
    English sentence that stands beside is all there is.
    """
    try:
        return said(fact["code"], fact["values"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return str(fact.get("message", "")), str(fact.get("hint", ""))
