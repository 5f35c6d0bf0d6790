"""The settings of TrainConfig that say how a network learns and how its run is carried out."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, field_validator, model_validator

from alexcore.fields import field, numbers_in


class RunFields(BaseModel):
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

    seed: Annotated[int, Ge(0), Le(2**31 - 1)] = field(
        0,
        "Seed",
        "Start of every random number: weights, order, augmentation, dropout. Same seed, same machine: same run. "
        "NumPy is seeded by np.random.seed(seed); the often copied np.random(seed) calls a module and raises an error.",
        code="alexcore.training.seeding:seed_everything",
        essential=True,
    )
    deterministic: bool = field(
        False,
        "Deterministic algorithms",
        "Allows only algorithms that give the same bits each time. A CPU does so anyway; a GPU gets slower.",
        code="alexcore.training.seeding:seed_everything",
    )
    device: str = field(
        "auto",
        "Device",
        "Where the network computes: auto takes cuda, then mps, then cpu. Network and pictures go to the same one.",
        code="alexcore.training.device:choose_device",
    )
    cudnn_benchmark: bool = field(
        True,
        "Try out convolutions (cudnn.benchmark)",
        "Lets a CUDA GPU time several algorithms for each convolution and keep the fastest: a slow first step, faster "
        "later ones, as long as sizes stay the same. The choice may differ from run to run, so the setting "
        "deterministic switches it off. No effect on a CPU.",
        code="alexcore.training.seeding:seed_everything",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = field(
        "auto",
        "Precision",
        "Number format of the heavy layers. bf16 halves the bits and is faster where the hardware has instructions "
        "for it; auto takes it only there. fp16 is for older CUDA GPUs: its small gradients vanish unless the loss is "
        "scaled up first, which a GradScaler does.",
        code="alexcore.training.device:choose_precision",
    )
    channels_last: bool = field(
        True,
        "Channels last",
        "Stores pictures and kernels with the channels innermost, the order that fast convolutions read. The "
        "mathematics is the same, the last bits may differ.",
        code="alexcore.training.step:train_step",
    )
    compile: bool = field(
        False,
        "Compile the network",
        "torch.compile turns the network into fused kernels: a minute of waiting first, then faster steps, mostly on a "
        "GPU. Where it cannot, the run says so and goes on without. The saved weights are the same either way.",
        code="alexcore.training.run_parts:compiled",
    )

    start_from: str = field(
        "",
        "Start from",
        "Weights to begin with. Empty: random ones. A run's name, its folder, or a checkpoint file: that run's "
        "weights, with a new last layer if its classes are others. imagenet: torchvision's, for the variant "
        "torchvision without a norm. Expect a good result after few epochs, if the pictures have something in common.",
        code="alexcore.training.start_from:start_from",
    )
    freeze_features: bool = field(
        False,
        "Freeze the convolutions",
        "Trains only the linear layers, on features that another run (or ImageNet) has learned. Faster, and hard to "
        "overfit; expect less than with all layers if there are many pictures.",
        code="alexcore.training.start_from:freeze",
    )
    epochs: Annotated[int, Ge(1), Le(10_000)] = field(
        10,
        "Epochs",
        "How often the network sees the whole training split. More epochs lower the training loss further; once the "
        "validation loss rises, it only learns the pictures by heart. A finished run can be continued with more.",
        code="alexcore.training.loop:fit",
        essential=True,
    )
    max_steps: Annotated[int, Ge(0), Le(100_000_000)] = field(
        0,
        "Step limit (optimizer steps)",
        "Ends the run after so many optimizer steps; 0 is no limit. For a quick try, or to compare runs with different "
        "batch sizes by equal steps; the rate schedule is planned over what is left of the run.",
        code="alexcore.training.loop:fit",
    )
    time_budget_s: Annotated[float, Ge(0), Le(10_000_000)] = field(
        0.0,
        "Time budget (s)",
        "Trains for so many seconds instead of so many epochs; 0 is off. The first steps are measured, the number of "
        "steps follows, and the rate schedule is planned over them, so that the run ends on time and well. A tenth, at "
        "most 25 s, is kept for measuring when to doubt its predictions.",
        code="alexcore.training.budget:steps_in",
    )
    processes: Annotated[int, Ge(1), Le(1024)] = field(
        1,
        "Processes",
        "Copies of the network that train together, each on its part of every batch, with a GPU each or sharing the "
        "CPU's cores (DistributedDataParallel, started by torchrun). A step sees processes times batch size pictures. "
        "Expect the result of one process with so large a batch: faster on several GPUs, hardly on a CPU, which one "
        "process keeps busy already.",
        code="alexcore.training.step:train_step",
    )
    checkpoint_every_epochs: Annotated[int, Ge(1), Le(10_000)] = field(
        1,
        "Checkpoint every (epochs)",
        "How often `last.pt` is written at the end of an epoch; a stop always writes it. After a crash a run goes on "
        "from there; with short epochs a larger number saves time, because a checkpoint is several times the network.",
        code="alexcore.training.checkpoint:save_checkpoint",
    )
    checkpoint_every_minutes: Annotated[float, Ge(0), Le(10_000)] = field(
        5.0,
        "Checkpoint every (minutes)",
        "Writes `last.pt` inside long epochs, too, after the step that is being made; 0 is off. A crash or a power cut "
        "then costs no more than so many minutes.",
        code="alexcore.training.checkpoint:save_checkpoint",
    )
    early_stopping: Annotated[int, Ge(0), Le(10_000)] = field(
        0,
        "Early stopping (epochs)",
        "Ends the run when the validation accuracy has not risen for so many epochs; 0 is off. Saves the time in "
        "which it would only overfit; best.pt holds the best epoch. Be patient with a falling rate: its end helps.",
        code="alexcore.training.loop:fit",
    )

    unreadable_limit: Annotated[float, Ge(0), Le(1)] = field(
        0.01,
        "Unreadable pictures (share)",
        "Every picture is checked before the first step. One that can no longer be read later (deleted, cut, on a disk "
        "that went away) is left out of its batch, named and counted. Above this share of all pictures the run saves "
        "and stops; one picture is always allowed, unless this is 0.",
        code="alexcore.training.unreadable:Unreadable",
    )

    @property
    def effective_batch(self) -> int:
        """Pictures of one optimizer step: those of all processes and micro-batches."""
        return self.batch_size * self.processes * self.accumulation_steps

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

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        if self.nesterov and self.optimizer == "sgd" and not self.momentum:
            raise ValueError(
                "nesterov = True needs a momentum above 0, and momentum is 0: raise it, or leave nesterov."
            )
        if self.freeze_features and not self.start_from:
            raise ValueError(
                "freeze_features = True needs start_from: convolutions that are frozen as random numbers learn nothing."
            )
        if self.sync_batchnorm and self.device == "cpu":
            raise ValueError(
                "sync_batchnorm = True needs GPUs, and device is 'cpu': torch's SyncBatchNorm refuses a CPU's pictures."
            )
        return self
