"""What is said of what a run has saved."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

SAID: Mapping[str, Said] = {
    "run.names-stripped": Said(
        "The names of the weights in {path} have {taken:listed 0} in them, as other programs write; it was taken off."
    ),
}
