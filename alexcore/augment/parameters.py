"""What a parameter of an operation may be. Checks are strict: a pipeline may come from a file or a URL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["int", "float", "bool", "choice", "side", "sides", "range", "pair", "channels"]
# The numbers that a value of the kind is made of, by name; the others are one value.
PARTS = {
    "sides": ("height", "width"),
    "side": ("height", "width"),
    "range": ("from", "to"),
    "pair": ("across", "down"),
    "channels": ("red", "green", "blue"),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation.

    Attributes:
        name: As in torchvision.
        kind: "int", "float", "bool", "choice"; "sides": [height, width] in px; "side": the same, or one number, to
            which the shorter side is brought; "range": [low, high]; "pair": two numbers; "channels": red, green, blue.
        default: What a newly added operation has.
        text: What it does, in one sentence.
        minimum: Smallest legal number, of each number where there are several.
        maximum: Largest legal number.
        above: Whether the minimum itself is illegal.
        odd: Whether only odd numbers are legal.
        choices: Legal values of the kind "choice".
    """

    name: str
    kind: Kind
    default: Any
    text: str
    minimum: float = -math.inf
    maximum: float = math.inf
    above: bool = False
    odd: bool = False
    choices: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether it has no default that would be right everywhere: sizes are the network's."""
        return self.kind in ("side", "sides")

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole ones."""
        return self.kind in ("int", "side", "sides")

    @property
    def legal(self) -> str:
        """The legal values in words: "a number from 0 to 1", "two numbers above 0, the smaller first"."""
        if self.kind == "bool":
            return "true or false"
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        one = ("an odd whole number" if self.odd else "a whole number") if self.whole else "a number"
        many = {
            "range": "two numbers, the smaller first, each",
            "pair": "two numbers, each",
            "channels": "three numbers (red, green, blue), each",
            "sides": "height and width, each a whole number",
            "side": "a whole number, or height and width, each",
        }.get(self.kind, one)
        low = "" if self.minimum == -math.inf else f" {'above' if self.above else 'from'} {self.minimum:g}"
        high = "" if self.maximum == math.inf else f" {'and at most' if self.above else 'to'} {self.maximum:g}"
        return many + low + high

    def accepts(self, value: Any) -> bool:
        """Whether `value` is legal: type, how many, bounds, order."""
        if self.kind == "bool":
            return isinstance(value, bool)
        if self.kind == "choice":
            return isinstance(value, str) and value in self.choices
        if self.kind not in PARTS or (self.kind == "side" and not isinstance(value, list | tuple)):
            return self._accepts_number(value)
        if not isinstance(value, list | tuple) or len(value) != len(PARTS[self.kind]):
            return False
        return all(map(self._accepts_number, value)) and (self.kind != "range" or value[0] <= value[1])

    def taken(self, value: Any) -> Any:
        """A legal value as torchvision takes it: it cannot mix by an alpha of 1, only by one of 1.0."""
        if self.kind == "float":
            return float(value)
        if self.kind in ("range", "pair", "channels"):
            return [float(each) for each in value]
        return list(value) if isinstance(value, tuple) else value

    def _accepts_number(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.whole and not isinstance(value, int):
            return False
        # A whole number may be too long for a float.
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if self.odd and value % 2 == 0:
            return False
        return (value > self.minimum if self.above else value >= self.minimum) and value <= self.maximum
