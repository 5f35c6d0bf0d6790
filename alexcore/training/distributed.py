"""Several processes that train one network: DistributedDataParallel, started by `torchrun`.

Each process (rank) computes the gradient of its part of every batch, and DDP averages the gradients, so all make the
same step. What ranks have to agree about goes through a `Group`: the divisor of the loss, what the first rank was asked
for, how long the run is. The first rank alone writes the run's folder. A `Group` of one process costs nothing and
changes no bit.

Numbers and words travel over the CPU (gloo), gradients over the device's own way (NCCL between GPUs).
"""
# ruff: noqa: D102 -- the methods of Ranks are described where Group has them

from __future__ import annotations

import contextlib
import inspect
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from alexcore.augment.pipeline import sample_seed
from alexcore.config import TrainConfig
from alexcore.errors import AlexError, ConfigError, ProcessLostError
from alexcore.training.device import choose_device
from alexcore.training.memory import is_out_of_memory

T = TypeVar("T")

WORDS = ("", "pause", "stop")
# Longer than the first rank may take to check the pictures while the others wait; a lost process is noticed at once.
PATIENCE = timedelta(hours=1)
# A process that fails says why before it ends; the others hear that its connection is gone, and look for its words.
LAST_WORDS_S = 5.0
_FAILURE = "alexcore/failure"
# Dropout's seeds of the other ranks count down from here, away from those of pictures, orders and mixings.
_DROPOUT = -(2**40)


class StoppedBeforeStartError(Exception):
    """A stop was asked for before the first step; there is nothing to save yet."""


class Group:
    """The processes of one run: here one, which agrees with itself; "local" ones are those on its machine."""

    rank, ranks, local_rank, local_ranks = 0, 1, 0, 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def device(self, wish: str) -> torch.device:
        """The device of this process.

        Raises:
            ConfigError: it is not on this machine, or there are fewer GPUs than processes.
        """
        return choose_device(wish)

    def sum(self, *values: float) -> list[float]:
        """Each value summed over the ranks, in float64: whole numbers stay exact."""
        return list(values)

    def agree(self, word: str, total_steps: int = 0, in_time: bool = True) -> tuple[str, int, bool]:
        """What all ranks go by: the strongest word that anybody was told, and the first rank's length of the run."""
        return (word if word in WORDS else ""), total_steps, in_time

    def share(self, value: T) -> T:
        """The first rank's value; it may take its time over it."""
        return value

    def gather(self, value: T) -> list[T]:
        """Everybody's value, in the order of the ranks."""
        return [value]

    def same_weights(self, model: nn.Module) -> None:
        """Give every rank the first one's parameters and buffers."""

    def same_buffers(self, model: nn.Module) -> None:
        """Give every rank the first one's buffers (running statistics), which each keeps for itself in training."""

    def wrap(self, model: nn.Module, device: torch.device, image_size: int) -> nn.Module:  # noqa: ARG002
        """A view of `model` whose backward pass averages the gradients over the ranks."""
        return model

    def keeping(self, model: nn.Module) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Within it gradients add up in this process alone: all micro-batches of a step but the last."""
        return contextlib.nullcontext()

    def seed_dropout(self, seed: int, step: int) -> None:
        """Let the ranks drop different units: all but the first start a step from (seed, step, rank).

        The first goes on with the run's own generator, which is in the checkpoint; so nothing else has to be.
        """

    def say_failed(self, error: AlexError) -> None:
        """Leave word for the other ranks why this one ends."""

    def told_by_another(self, error: BaseException) -> AlexError | None:  # noqa: ARG002
        """What another rank's end, which this one met as `error`, was about; None if the error is its own."""
        return None


ALONE = Group()


class Ranks(Group):
    """The processes that `torchrun` has started."""

    def __init__(self, store: Any) -> None:
        self.rank, self.ranks = dist.get_rank(), dist.get_world_size()
        self.local_rank = int(os.environ["LOCAL_RANK"])
        self.local_ranks = int(os.environ["LOCAL_WORLD_SIZE"])
        self._store = store

    def device(self, wish: str) -> torch.device:
        device = choose_device(wish)
        if device.type == "mps":
            if wish != "auto":
                raise ConfigError(
                    "device = 'mps' works in one process only: torch cannot exchange gradients between Apple GPUs.",
                    "Choose device cpu, or processes 1.",
                )
            return torch.device("cpu")
        if device.type != "cuda":
            return device
        found = torch.cuda.device_count()
        if found < self.local_ranks:
            raise ConfigError(
                f"processes = {self.local_ranks} on this machine need a GPU each, and it has {found}.",
                f"Choose processes {found}, or device cpu.",
            )
        device = torch.device("cuda", self.local_rank)
        torch.cuda.set_device(device)
        return device

    def sum(self, *values: float) -> list[float]:
        numbers = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(numbers)
        return [float(each) for each in numbers]

    def agree(self, word: str, total_steps: int = 0, in_time: bool = True) -> tuple[str, int, bool]:
        strength = WORDS.index(word) if word in WORDS else 0
        own = [strength, total_steps, int(in_time)] if self.first else [strength, 0, 0]
        agreed = torch.tensor(own)
        dist.all_reduce(agreed, dist.ReduceOp.MAX)
        strongest, length, going = agreed.tolist()
        return WORDS[strongest], length, bool(going)

    def share(self, value: T) -> T:
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def gather(self, value: T) -> list[T]:
        box: list[Any] = [None] * self.ranks
        dist.all_gather_object(box, value)
        return box

    def same_weights(self, model: nn.Module) -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                dist.broadcast(parameter, src=0)
        self.same_buffers(model)

    def same_buffers(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)

    def wrap(self, model: nn.Module, device: torch.device, image_size: int) -> nn.Module:
        # Buffers go round before a validation, when they matter, instead of before every forward pass.
        ids = [device.index] if device.type == "cuda" else None
        # torch 2.14 has renamed the argument, and warns of the old name.
        known = inspect.signature(DistributedDataParallel).parameters
        name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        arguments: dict[str, Any] = {"device_ids": ids, name: False, "gradient_as_bucket_view": True}
        view = DistributedDataParallel(model, **arguments)
        if self.ranks > 2:
            # In its first backward pass DDP learns in which order gradients come, and packs them anew for the second.
            # Three numbers added in another order have other last bits, so the first step of a resume would differ.
            view.eval()
            view(torch.empty(0, 3, image_size, image_size, device=device)).sum().backward()
            model.zero_grad()
            view.train()
        return view

    def keeping(self, model: nn.Module) -> AbstractContextManager[Any]:
        return cast(DistributedDataParallel, model).no_sync()

    def seed_dropout(self, seed: int, step: int) -> None:
        if not self.first:
            torch.manual_seed(sample_seed(seed, step, _DROPOUT - self.rank))

    def say_failed(self, error: AlexError) -> None:
        with contextlib.suppress(RuntimeError):  # whoever keeps the store has gone, too
            # Only the first failure counts: those of the others follow from it.
            self._store.compare_set(_FAILURE, "", json.dumps({**error.as_dict(), "rank": self.rank}))

    def told_by_another(self, error: BaseException) -> AlexError | None:
        if not isinstance(error, RuntimeError) or is_out_of_memory(error):
            return None
        deadline = time.monotonic() + LAST_WORDS_S
        while _is_about_connections(error) and time.monotonic() < deadline:
            try:
                if self._store.check([_FAILURE]):
                    return AlexError.from_dict(json.loads(self._store.get(_FAILURE)))
            except (RuntimeError, ValueError):
                break
            time.sleep(0.1)
        if not _is_about_connections(error):
            return None
        return ProcessLostError(
            "Another process of this run has ended without a word: it was killed, or its machine or network is down.",
            "Resume the run; it goes on from its last checkpoint.",
        )


def require_group(config: TrainConfig, group: Group, device: torch.device) -> None:
    """Refuse what this group of processes cannot do.

    Raises:
        ConfigError: there are other than `config.processes` of them, or SyncBatchNorm is asked for without a GPU.
    """
    if config.processes != group.ranks:
        raise ConfigError(
            f"processes = {config.processes}, and {group.ranks} is at work.",
            "Start the run with `train --processes N`, from the dashboard, or with `torchrun --nproc-per-node N`.",
        )
    if config.sync_batchnorm and device.type != "cuda":
        raise ConfigError(
            f"sync_batchnorm = True needs CUDA GPUs, and this run computes on {device.type}: torch's SyncBatchNorm "
            "has no CPU implementation.",
            "Leave it, or choose norm group, which needs no other pictures.",
        )


def _is_about_connections(error: BaseException) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in ("gloo", "nccl", "connection", "socket", "peer"))


def _meeting(store: Any, rank: int, ranks: int, going: Callable[[], bool]) -> str:
    """A name that only the processes that live now know.

    After a restart torchrun's store still holds what the processes before had left there, such as addresses at which
    nobody listens. So everybody else says hello with a word of its own, until the first answers to just that word with
    the name of the meeting; and the first goes on when all have confirmed that name.
    """
    name = own = uuid.uuid4().hex
    missing = set(range(1, ranks)) if rank == 0 else {rank}
    while missing:
        if not going():
            raise StoppedBeforeStartError
        if rank:
            store.set(f"alexcore/hello/{rank}", own)
            if store.check([f"alexcore/welcome/{own}"]):
                name = store.get(f"alexcore/welcome/{own}").decode()
                store.set(f"alexcore/{name}/{rank}", "here")
                break
        else:
            for each in missing:
                if store.check([f"alexcore/hello/{each}"]):
                    store.set("alexcore/welcome/" + store.get(f"alexcore/hello/{each}").decode(), name)
            missing = {each for each in missing if not store.check([f"alexcore/{name}/{each}"])}
        time.sleep(0.1)
    return f"alexcore/{name}"


@contextlib.contextmanager
def joined(going: Callable[[], bool] = lambda: True) -> Iterator[Group]:
    """Meet the other processes of the run, and part from them at the end.

    The group is of this process alone where `torchrun` has not started it.

    Raises:
        StoppedBeforeStartError: `going`, asked now and then while the others are still missing, said False.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield ALONE
        return
    store, rank, ranks = next(rendezvous("env://", timeout=PATIENCE))
    store = dist.PrefixStore(_meeting(store, rank, ranks, going), store)  # type: ignore[attr-defined]
    # Gradients on GPUs go over NCCL; whatever lies on the CPU, agreements included, over gloo.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=ranks, timeout=PATIENCE)
    try:
        yield Ranks(store)
    finally:
        dist.destroy_process_group()
