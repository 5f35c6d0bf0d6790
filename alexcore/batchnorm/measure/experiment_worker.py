"""What the worker of a BatchNorm experiment does: all arms, in this one process."""

from __future__ import annotations

from pathlib import Path

from alexcore.batchnorm.measure.experiment import run_experiment
from alexcore.batchnorm.settings import load_bn_config
from alexcore.config import TrainConfig
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.queue import turn
from alexcore.runs.reporter import RunReporter
from alexcore.training.device import choose_device


def compare(config: TrainConfig, run_dir: Path, reporter: RunReporter) -> str:
    """Wait for the device and train all arms; returns "finished" or "stopped".

    Raises:
        AlexError: the experiment failed.
    """
    with turn(str(choose_device(config.device)), run_dir.name, reporter.wait) as our_turn:
        if not our_turn:
            return "stopped"
        reporter.paused(False)
        resume = BATCHNORM.resumable(run_dir)
        return run_experiment(config, load_bn_config(run_dir), run_dir, reporter, resume=resume)
