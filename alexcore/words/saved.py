"""What is said of what a run has saved."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

SAID: Mapping[str, Said] = {
    "run.names-stripped": Said(
        "The names of the weights in {path} have {taken:listed 0} in them, as other programs write; it was taken off."
    ),
    "run.seen-damaged": Said(
        "{name} is damaged, so it is not known which images the run was trained on.",
        "Evaluate it on images that it cannot have seen.",
    ),
    "run.file-edited": Said(
        "{name} was edited since the run wrote it, and is {anew:?written anew|used as it is}"
        "{differs:?: |}{changes:listed 0}.",
        "If it was not you, `runs repair` writes it again from the run's checkpoint.",
    ),
    "run.checkpoint-left": Said("{name} stays as it is, with all that only a resume needs.", "{why}"),
    "run.checkpoint-damaged": Said(
        "{name} is {missing:?missing|damaged}: the run has gone on from {earlier}, after step {step:,}.",
        "{why} What it had trained since is trained again, with the same result. Look after the disk.",
    ),
}
