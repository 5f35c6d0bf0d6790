"""What a run tells: warnings before and during it, and notes about what it has decided by itself."""

from __future__ import annotations

from alexcore.findings.finding import Finding


class StoppedEarly(Finding, code="run.stopped-early"):
    """The run ended before its last epoch, because its validation accuracy had stopped getting better.

    Further epochs would cost time, and the network would learn its pictures by heart.

    Example: early_stopping is 5, and the best epoch lies 5 epochs back.

    Remedy: none is needed: best.pt holds the best epoch. To train on all the same, start anew with early_stopping 0.
    """

    patience: int
