"""A layer as Python writes it, its class and its arguments; torch is imported when somebody builds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Call:
    """`nn.Conv2d(3, 48, kernel_size=11)` as data: a network builds it, an export prints it. `name`: "module:Class"."""

    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, **more: Any) -> nn.Module:
        """The layer; `more` are further arguments of torch's, such as the device."""
        made: nn.Module = resolve_name(self.name)(*self.arguments, **self.options, **more)
        return made

    def __str__(self) -> str:
        """The line of code, with `nn` for torch.nn."""
        options = (f"{name}={value!r}" for name, value in self.options.items())
        package, _, kind = self.name.partition(":")
        prefix = "nn." if package == "torch.nn" else ""
        return f"{prefix}{kind}({', '.join([*map(repr, self.arguments), *options])})"
