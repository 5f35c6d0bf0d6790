"""What is said of pictures that the quality scan has looked at."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

_REPEATED = "There {groups:?is|are} {groups:,} {groups:?picture|pictures} ({paths:,} files)"
# As quality_groups.PHASH_BITS and DHASH_BITS have it; a test compares them.
_LIMITS = "(phash differs in at most 8 of 64 bits, dhash in at most 24 of 128)"

SAID: Mapping[str, Said] = {
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
}
