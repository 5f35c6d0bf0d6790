"""The settings of TrainConfig that say how a run is carried out: reproducibility, beginning, length, checkpoints."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Le
from pydantic import model_validator

from alexcore.fields import field
from alexcore.training_fields import TrainingFields


class RunFields(TrainingFields):
    """Another part of `TrainConfig`, and what it must not contradict in the first one."""

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
        "steps follows, and the rate schedule is planned over them, so that the run ends on time and well.",
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

    @property
    def effective_batch(self) -> int:
        """Pictures of one optimizer step: those of all processes and micro-batches."""
        return self.batch_size * self.processes * self.accumulation_steps

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
