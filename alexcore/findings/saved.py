"""What can be wrong with what a run has saved, and what was done about it."""

from __future__ import annotations

from alexcore.findings.finding import Finding


class NamesStripped(Finding, code="run.names-stripped", severity="info"):
    """Another program has put something before the names of the weights.

    Data parallel training, torch.compile and FSDP wrap a network, and its weights are then called after the wrapper.
    The weights are the same; what was put before their names is taken off.

    Example: `module.features.0.weight` in a checkpoint that a script of data parallel training has written.

    Remedy: none is needed.
    """

    path: str
    taken: tuple[str, ...]
