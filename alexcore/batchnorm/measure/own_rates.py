"""Before the curves: each arm's own best rate, by a short sweep that the page shows as its own."""

from __future__ import annotations

from alexcore.batchnorm.measure.sweep_training import sweep
from alexcore.batchnorm.read.record import RATE_SWEEP, Experiment
from alexcore.batchnorm.read.tolerance import best_rates, rows_of
from alexcore.batchnorm.settings import BnConfig
from alexcore.config import TrainConfig
from alexcore.data.decoding.levels import Rendering
from alexcore.findings.experiment import RatesChosen
from alexcore.training.distributed import StoppedBeforeStartError
from alexcore.training.session import Session

Rates = dict[str, float]
"""By norm. One that learned at none of the rates is left out, and has that of the run."""


def choose_rates(config: TrainConfig, bn: BnConfig, session: Session, rendering: Rendering) -> Rates:
    """Sweep the rates, as far as that has not been done, and take each arm's best one.

    Raises:
        AlexError: data or settings cannot be used.
        StoppedBeforeStartError: a stop was asked for meanwhile.
    """

    def told(done: int, total: int) -> None:
        session.reporter.progress("sweeping-rates", done, total)
        if not session.obey():
            raise StoppedBeforeStartError

    sweep(session.run_dir, config, bn, RATE_SWEEP, told, rendering)
    record = Experiment(session.run_dir)
    record.refresh()
    best = {row["arm"]: float(row["rate"]) for row in best_rates(rows_of(record.sweeps[RATE_SWEEP], "rate"))}
    chosen = {norm: best[norm] for norm in bn.norms if norm in best}
    shown = tuple((norm, f"{chosen.get(norm, config.lr):g}") for norm in bn.norms)
    session.tell(RatesChosen(shown, bn.sweep_steps, bn.sweep_seeds))
    return chosen
