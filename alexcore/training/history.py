"""What a run writes into its history as it goes on: its start, its steps, its epochs."""

from __future__ import annotations

import math
from dataclasses import asdict

from alexcore.confusion import WHOLE, confusion_as_event
from alexcore.training.device import describe_device
from alexcore.training.evaluation import Evaluation, most_wrong
from alexcore.training.plan import validation_counts
from alexcore.training.run_parts import RunParts
from alexcore.training.session import LOGGED_STEPS
from alexcore.training.step import StepResult


def tell_start(run: RunParts, *, resumed: bool) -> None:
    """Announce the run with its sizes."""
    index, position = run.data.index, run.state.position
    start = {
        **asdict(run.data.plan),
        "classes": list(index.classes),
        "device": describe_device(run.device),
        "processes": run.session.group.ranks,
        "precision": str(run.precision).removeprefix("torch."),
        "parameters": sum(parameter.numel() for parameter in run.state.model.parameters()),
    }
    run.session.announce(index, run.device, start, {"epoch": position.epoch, "step": position.step} if resumed else {})
    for finding in validation_counts(run.config, index):
        run.session.tell(finding)


class StepLog:
    """Sums up the steps since the last event `step`, within an epoch; a long run does not write each of them."""

    def __init__(self, run: RunParts) -> None:
        self.run, self.every = run, math.ceil(run.data.plan.total_steps / LOGGED_STEPS)
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.loss_sum, self.correct, self.images, self.wait_s = 0.0, 0, 0, 0.0

    def add(self, result: StepResult, lr: float) -> None:
        """Take in a step that the position has counted, made at the rate `lr`; write where it is time."""
        position = self.run.state.position
        self.loss_sum += result.loss * result.images
        self.correct += result.correct
        self.images += result.images
        if position.step % self.every and position.step != 1:
            return
        self.run.session.reporter.event(
            "step",
            epoch=position.epoch,
            step=position.step,
            loss=round(self.loss_sum / self.images, 6) if self.images else None,
            acc1=round(self.correct / self.images, 6) if self.images else None,
            lr=lr,
            grad_norm=round(result.grad_norm, 6),
            wait_s=round(self.wait_s, 4),
        )
        self.forget()


def tell_epoch(run: RunParts, evaluation: Evaluation, images_per_s: float) -> None:
    """Write what an epoch came to."""
    position = run.state.position
    train_loss, recall = position.train_loss, evaluation.recall
    if len(recall) > WHOLE:
        recall = [None if each is None else round(each, 4) for each in recall]
    run.session.reporter.event(
        "epoch",
        epoch=position.epoch,
        step=position.step,
        train_loss=None if train_loss is None else round(train_loss, 6),
        train_acc1=round(position.correct / position.seen, 6) if position.seen else None,
        val_loss=None if evaluation.loss is None else round(evaluation.loss, 6),
        val_acc1=evaluation.acc1,
        recall=recall,
        confusion=confusion_as_event(evaluation.confusion),
        images_per_s=round(images_per_s, 1),
        seconds=round(position.seconds, 2),
        worst=most_wrong(evaluation, run.data.index),
    )
