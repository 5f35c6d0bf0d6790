"""The settings of TrainConfig that say how a network learns: batch, loss, optimizer."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, field_validator

from alexcore.fields import field, numbers_in


class TrainingFields(BaseModel):
    """One part of `TrainConfig`; each field carries its explanation and its legal range."""

    batch_size: Annotated[int, Ge(1), Le(65536)] = field(
        32,
        "Batch size (pictures)",
        "Pictures in one forward and backward pass (the micro-batch). Larger is smoother and needs more memory.",
        code="alexcore.training.step:train_step",
        essential=True,
    )
    accumulation_steps: Annotated[int, Ge(1), Le(4096)] = field(
        1,
        "Accumulation steps",
        "Micro-batches whose gradients are added before one optimizer step: a large batch on little memory. "
        "The sum is weighted exactly; with batch norm the statistics still come from each micro-batch.",
        code="alexcore.training.step:train_step",
    )

    sync_batchnorm: bool = field(
        False,
        "Batch norm over all processes",
        "With several processes, takes batch norm's mean and deviation over the pictures of all of them instead of "
        "each one's own (SyncBatchNorm), at the price of an exchange in every layer. Worth it for small batches. GPUs "
        "only: torch has no such layer for a CPU. No effect with one process or another norm.",
        code="alexcore.training.distributed:require_group",
    )

    label_smoothing: Annotated[float, Ge(0), Lt(1)] = field(
        0.0,
        "Label smoothing",
        "Share of the target given evenly to all classes, so that the network is not pushed to be certain. Expect a "
        "higher training loss, probabilities further from 0 and 1, and often a slightly better validation accuracy.",
        code="alexcore.training.objective:Objective",
    )
    class_weights: str = field(
        "none",
        "Class weights",
        "Makes a picture of a rare class count for more in the loss. inverse: 1 / count; effective: milder (Cui "
        "et al. 2019); or type a number for each class, in the order of the class index. Expect better recall of rare "
        "classes and slightly less of the common ones.",
        code="alexcore.training.weighting:run_weights",
        otherwise="a weight from 0 for each class, such as 1,2,0.5",
        suggestions=("none", "inverse", "effective"),
    )
    ignore_index: Annotated[int, Ge(-100), Le(1_000_000)] = field(
        -100,
        "Ignored class (ignore_index)",
        "Number of a class whose pictures count neither in the loss nor in its divisor nor in any accuracy, such as a "
        "class of doubtful pictures; -100 is none. The network still has an output for it, which nothing trains.",
        code="alexcore.training.objective:Objective",
    )

    optimizer: Literal["sgd", "adam", "adamw"] = field(
        "adamw",
        "Optimizer",
        "How a gradient becomes a change of weights. sgd takes one rate for all; adam and adamw scale it per weight.",
        code="alexcore.training.optim:build_optimizer",
    )
    lr: Annotated[float, Gt(0), Le(10)] = field(
        5e-4,
        "Learning rate",
        "How far one step moves the weights. Too large: the loss jumps or sticks; too small: it creeps. "
        "`lr-find` looks for a good one.",
        code="alexcore.training.optim:build_optimizer",
        essential=True,
    )
    momentum: Annotated[float, Ge(0), Lt(1)] = field(
        0.9,
        "Momentum",
        "Share of the last step kept in the next one (sgd only). Steps in one direction add up, zigzags cancel out: "
        "expect faster learning than with 0. Near 1 it overshoots, so lower the rate when you raise it.",
        code="alexcore.training.optim:build_optimizer",
    )
    nesterov: bool = field(
        False,
        "Nesterov momentum",
        "Takes the gradient as if the step of the momentum had been made already (sgd only). Often a little faster.",
        code="alexcore.training.optim:build_optimizer",
    )
    weight_decay: Annotated[float, Ge(0), Le(1)] = field(
        0.01,
        "Weight decay",
        "Pulls weights towards zero in each step. Norm layers and biases are left out, as is usual.",
        code="alexcore.training.optim:parameter_groups",
    )
    decay_all: bool = field(
        False,
        "Decay norms and biases, too",
        "Weight decay for every parameter, as most tutorials do it. A norm's scale that is pulled to zero only makes "
        "its layer weaker, and a bias cannot overfit: expect no gain.",
        code="alexcore.training.optim:parameter_groups",
    )
    scheduler: Literal["constant", "step", "multistep", "exponential", "cosine", "onecycle", "plateau"] = field(
        "cosine",
        "Rate schedule",
        "How the learning rate changes over the run. cosine falls smoothly to zero; onecycle rises, then falls; "
        "step and multistep drop by a factor after certain epochs, exponential falls evenly by that factor; "
        "plateau drops when the validation loss no longer improves.",
        code="alexcore.training.schedule:lr_factor",
    )
    lr_gamma: Annotated[float, Gt(0), Le(1)] = field(
        0.1,
        "Rate factor",
        "What the rate is multiplied by: at each drop of step, multistep and plateau; from the first to the last step "
        "of exponential. 0.1 is the classic drop: expect the loss to fall once more right after it. 1 changes nothing.",
        code="alexcore.training.schedule:lr_factor",
    )
    lr_step_epochs: Annotated[int, Ge(1), Le(10_000)] = field(
        3,
        "Epochs between drops (step)",
        "The schedule step multiplies the rate by the rate factor after every so many epochs. Large steps find the "
        "region, small ones settle in it; a third of the epochs is a place to begin.",
        code="alexcore.training.schedule:lr_factor",
    )
    lr_milestones: str = field(
        "6,8",
        "Epochs of the drops (multistep)",
        "The schedule multistep multiplies the rate by the rate factor after each of these epochs. For drops where the "
        "validation curve of an earlier run was flat; those after the last epoch never come.",
        code="alexcore.training.schedule:lr_factor",
        legal="a rising list of whole numbers above 0, such as 6,8",
    )
    plateau_patience: Annotated[int, Ge(0), Le(10_000)] = field(
        2,
        "Patience (plateau, epochs)",
        "The schedule plateau waits for so many epochs without a better validation loss; after one more it "
        "multiplies the rate by the rate factor. Expect steps down late in the run, where cosine falls all the time.",
        code="alexcore.training.schedule:plateau",
    )
    warmup_steps: Annotated[int, Ge(0), Le(1_000_000)] = field(
        0,
        "Warm-up (optimizer steps)",
        "Steps over which the rate rises evenly from zero: the first gradients of a new network are wild. Expect a "
        "calmer start, needed most with large batches and rates; 0 is off.",
        code="alexcore.training.schedule:lr_factor",
    )
    grad_clip: Annotated[float, Ge(0), Le(1e6)] = field(
        0.0,
        "Gradient clipping (norm)",
        "Shortens a gradient that is longer than this; 0 is off. Saves a run from one bad batch.",
        code="alexcore.training.step:train_step",
    )
    ema_decay: Annotated[float, Ge(0), Lt(1)] = field(
        0.0,
        "Average of the weights (EMA decay)",
        "Keeps a moving average of the weights and of batch norm's statistics beside the network, such as 0.999; 0 is "
        "off. Validation, best.pt and predictions use the average. Expect smoother validation curves, often a better "
        "end. It starts short and reaches this decay after about 10 / (1 - decay) steps.",
        code="alexcore.training.optim:averaged",
    )

    @field_validator("lr_milestones")
    @classmethod
    def _rising(cls, text: str) -> str:
        epochs = numbers_in(text, int)
        if not epochs or min(epochs) < 1 or sorted(set(epochs)) != epochs:
            raise ValueError(text)
        return text

    @field_validator("class_weights")
    @classmethod
    def _weights(cls, text: str) -> str:
        if text not in ("none", "inverse", "effective"):
            weights = numbers_in(text)
            if not weights or not all(0 <= weight < math.inf for weight in weights) or not any(weights):
                raise ValueError(text)
        return text
