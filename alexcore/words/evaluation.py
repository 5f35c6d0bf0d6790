"""What is said of the pictures that a network is measured on."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

SAID: Mapping[str, Said] = {
    "evaluation.not-split": Said(
        "Nothing here is set apart for a test: all {images:,} {images:?image|images} {images:?is|are} evaluated."
    ),
    "evaluation.other-split": Said(
        "There is no validation split: the {images:,} {images:?image|images} of test {images:?is|are} evaluated.",
        "--split all takes everything.",
    ),
    "evaluation.no-classes": Said(
        "{images:,} of {total:,} images have no class: what they are taken for is counted, and no accuracy is known.",
        "{named:?The names of the files could tell their classes: add --classes-from name.|Put them into one folder "
        "per class, called as the run calls its classes.}",
    ),
    "evaluation.classes-missing": Said(
        "There is no image of {names:listed {count}}: {count:?that class is|these classes are} not measured."
    ),
    "evaluation.classes-extra": Said(
        "{images:,} {images:?image|images} of {count:?a class|classes} that the run does not know {images:?is|are} "
        "left out: {classes:listed {count} %s (%d)}."
    ),
    "evaluation.classes-matched": Said("Read as classes of the run: {classes:listed {count} %s as %s}."),
    "evaluation.classes-unknown": Said(
        "{where} has no class of this run: it has {names:listed {count}}, the run {known:listed {known_count}}.",
        "Rename the folders to the run's classes, or choose another data set.",
    ),
    "evaluation.no-such-split": Said(
        "{where} has no readable picture in its {split} split.",
        "Leave --split out to evaluate what there is.",
    ),
}
