"""Hear what the layers of a network give while it runs, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from torch import Tensor, nn

Key = TypeVar("Key")
# Key, module, what it was given and what it gives; a tensor that is returned takes the place of the latter.
Heard = Callable[[Key, nn.Module, tuple[Tensor, ...], Tensor], Any]


@contextmanager
def listening(modules: Iterable[tuple[Key, nn.Module]], heard: Heard[Key]) -> Iterator[None]:
    """Call `heard` at every forward pass of the modules, at once: a layer that works in place overwrites its input."""
    hooks = []
    try:
        for key, module in modules:
            hooks.append(module.register_forward_hook(partial(heard, key)))
        yield
    finally:
        for hook in hooks:
            hook.remove()
