"""The random numbers that a network starts from.

Without a norm they decide whether an AlexNet learns at all, so they are a setting, not a constant:

    seed      the blog's: convolutions Kaiming normal (fan_out, relu's gain), linear layers N(0, 0.01), biases 0
    torch     what torch gives a new layer: weights and biases uniform in +-1/sqrt(fan_in)
    kaiming   Kaiming normal (fan_in) for both kinds of layer, with the gain of the activation, biases 0
    xavier    Xavier uniform (gain 1, as in the paper) for both, biases 0

Sources: He et al. 2015, "Delving deep into rectifiers" (kaiming); Glorot and Bengio 2010 (xavier).
"""

from __future__ import annotations

import math
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from alexcore.nn.choices import ACTIVATIONS, INITS, check_choice
from alexcore.nn.norms import norm_of


def initialise(
    model: nn.Module, init: str = "seed", activation: str = "relu", generator: torch.Generator | None = None
) -> None:
    """Set every weight and bias of `model` in place.

    Weights are drawn first, in the order of the layers, and biases after them, the last layer's first. So one
    generator state gives the same convolution and linear weights with and without a norm, although a norm takes
    the biases of the convolutions away: experiments can compare arms that start from the same point.

    Only `kaiming` reads `activation`: its gain keeps the variance through that very activation (relu: sqrt 2, tanh:
    5/3, sigmoid: 1). `seed` keeps relu's gain whatever the activation, because it is the blog's recipe, word for word.
    `generator` is the source of the numbers, on the device of the parameters; None takes torch's global one.

    Raises:
        ConfigError: init or activation is unknown.
    """
    check_choice("init", init, INITS)
    check_choice("activation", activation, ACTIVATIONS)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        _draw_weight(layer, init, activation, generator)
    for layer in reversed(layers):
        if layer.bias is not None:
            _draw_bias(layer.bias, layer.weight, init, generator)
    for each in model.modules():
        if norm_of(each):
            cast(Any, each).reset_parameters()


def _draw_weight(layer: nn.Conv2d | nn.Linear, init: str, activation: str, generator: torch.Generator | None) -> None:
    weight = layer.weight
    if init == "torch":
        # A slope of sqrt 5 makes the bound 1/sqrt(fan_in); torch's own reset_parameters takes no generator.
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    elif init == "kaiming":
        # The first layer's input and the last layer's output pass no activation. Their gain stays, as in the
        # paper: a factor in one layer does not grow with depth.
        nonlinearity = cast(Literal["relu", "tanh", "sigmoid"], activation)
        nn.init.kaiming_normal_(weight, mode="fan_in", nonlinearity=nonlinearity, generator=generator)
    elif init == "xavier":
        nn.init.xavier_uniform_(weight, generator=generator)
    elif isinstance(layer, nn.Conv2d):
        # torch counts all output channels as fan_out, also where groups make each input reach only some of them.
        nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=generator)
    else:
        nn.init.normal_(weight, 0.0, 0.01, generator=generator)


def _draw_bias(bias: Tensor, weight: Tensor, init: str, generator: torch.Generator | None) -> None:
    if init == "torch":
        # Elements of one output's kernel (channels/groups, k, k) or row: the fan_in.
        bound = 1 / math.sqrt(weight[0].numel())
        nn.init.uniform_(bias, -bound, bound, generator=generator)
    else:
        nn.init.zeros_(bias)
