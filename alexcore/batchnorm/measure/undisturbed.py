"""The rule of every probe: training with probes is, to the bit, training without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from alexcore.training.seeding import rng_state, set_rng_state

DROPOUT = (nn.modules.dropout._DropoutNd,)


@contextmanager
def undisturbed(model: nn.Module, *, train: bool) -> Iterator[None]:
    """Do anything to a network and leave no trace.

    Inside: dropout is off, all gradients are None and may be computed, products are exact fp32 (no autocast, no TF32
    in cuDNN, a fixed algorithm). Afterwards, also after an error, weights, buffers (running statistics), gradients,
    `requires_grad`, the modes of all modules and every generator (Python, NumPy, torch, GPUs) are what they were, in
    the same tensors: an optimizer notices nothing. The gradients of the last step are kept rather than zeroed, because
    a later zero_grad makes both the same, and keeping them disturbs less.

    Costs a copy of weights and buffers, and no pass.

    Args:
        model: Any network.
        train: Whether norms use the statistics of the batch (train mode) or their running ones (eval mode).
    """
    parameters = list(model.parameters())
    buffers = list(model.buffers())
    before = [each.detach().clone() for each in [*parameters, *buffers]]
    flags = [each.requires_grad for each in parameters]
    gradients = [each.grad for each in parameters]
    modes = [(module, module.training) for module in model.modules()]
    generators = rng_state()
    device = parameters[0].device.type if parameters else "cpu"
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    try:
        for parameter in parameters:
            parameter.grad = None
        model.train(train)
        for module, _ in modes:
            if isinstance(module, DROPOUT):
                module.training = False
        with exact, torch.autocast(device, enabled=False), torch.enable_grad():
            yield
    finally:
        with torch.no_grad():
            for value, old in zip([*parameters, *buffers], before, strict=True):
                value.copy_(old)
        for parameter, flag, gradient in zip(parameters, flags, gradients, strict=True):
            parameter.requires_grad_(flag)
            parameter.grad = gradient
        for module, mode in modes:
            module.training = mode
        set_rng_state(generators)
