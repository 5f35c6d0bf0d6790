"""The sections of an experiment, each with its parts and their views: one list for the page and for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views import by_depth as depth
from alexcore.batchnorm.views import curves
from alexcore.batchnorm.views import distributions as fans
from alexcore.batchnorm.views import gradient_equivalence as accumulation
from alexcore.batchnorm.views import heat_maps as heat
from alexcore.batchnorm.views import shift_by_layer as shift
from alexcore.batchnorm.views import single_units as units
from alexcore.batchnorm.views import steps_along_gradient as surface
from alexcore.batchnorm.views import sweep_figures as sweeps
from alexcore.batchnorm.views.view import View


@dataclass(frozen=True)
class Choice:
    """What a reader may choose; the defaults are what the report shows.

    Attributes:
        layer: A layer; empty is the last convolution.
        channel: A channel of it; None is the one of median variance at the first probe.
        seed: One of the experiment's; None is the first.
        normed: Look behind the norm instead of before it.
        direction: Of the small change of the input: "random" or "neighbour".
        measure: Of the covariate shift, see `shift.MEASURES`.
    """

    layer: str = ""
    channel: int | None = None
    seed: int | None = None
    normed: bool = False
    direction: str = "random"
    measure: str = "relative"


Maker = Callable[[Experiment, Choice], View]


@dataclass(frozen=True)
class Part:
    """Views that are looked at together, in order; `picks` are the fields of `Choice` that change something here."""

    title: str
    makers: tuple[Maker, ...]
    picks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section: what it is about, and its parts by their name in a URL."""

    title: str
    about: str
    parts: Mapping[str, Part]


def layer_of(experiment: Experiment, choice: Choice) -> str:
    """The chosen layer, else the last convolution."""
    layers = fans.fan_layers(experiment)
    convs = [layer for layer in layers if layer.startswith("conv")]
    return choice.layer if choice.layer in layers else next(iter(convs[-1:] or layers[-1:]), "conv5")


def seed_of(experiment: Experiment, choice: Choice) -> int:
    """The chosen seed, else the first."""
    return choice.seed if choice.seed in experiment.seeds else next(iter(experiment.seeds), 0)


def _fans(experiment: Experiment, choice: Choice) -> View:
    layer = layer_of(experiment, choice)
    channels, middle = fans.fan_channels(experiment, layer)
    channel = choice.channel if choice.channel in channels else middle
    return fans.fans(
        experiment, layer, -1 if channel is None else channel, seed_of(experiment, choice), normed=choice.normed
    )


def _drift(name: str) -> Maker:
    def make(experiment: Experiment, choice: Choice) -> View:
        prefix = "normed_" if choice.normed else ""
        return heat.drift(experiment, prefix + name, seed_of(experiment, choice))

    return make


def _gradients(name: str) -> Maker:
    return lambda experiment, choice: heat.gradients(experiment, name, seed_of(experiment, choice))


def _plain(maker: Callable[[Experiment], View]) -> Maker:
    return lambda experiment, _: maker(experiment)


SECTIONS: dict[str, Section] = {
    "curves": Section(
        "Curves",
        "How each arm learns. A line is the median of the seeds, the band reaches from the lowest to the highest seed; "
        "with fewer than 3 seeds every seed is a line of its own.",
        {
            "all": Part(
                "Curves", tuple(map(_plain, (curves.training, curves.validation, curves.three_ways, curves.cost)))
            )
        },
    ),
    "inside": Section(
        "Inside the layers",
        "What the values, the gradients and the units of each layer do, on the same probe pictures for every arm.",
        {
            "distributions": Part(
                "Distributions",
                (_fans, lambda e, c: depth.moments(e, normed=c.normed), _drift("mean"), _drift("log_deviation")),
                ("layer", "channel", "seed", "normed"),
            ),
            "changes": Part(
                "Small changes",
                (
                    lambda e, c: depth.differences(e, c.direction),
                    _plain(depth.factors),
                    lambda e, c: depth.gain(e, c.direction),
                    _plain(units.scales),
                ),
                ("direction",),
            ),
            "gradients": Part(
                "Gradients", (_gradients("relative"), _gradients("norm"), _plain(units.summands)), ("seed",)
            ),
            "units": Part(
                "Dead and saturated", (lambda e, c: units.units(e, layer_of(e, c)), _plain(units.by_layer)), ("layer",)
            ),
        },
    ),
    "surface": Section(
        "Loss surface",
        "Is the way ahead smoother with a norm? First on steps that are equally long for every arm, because a network "
        "that hardly moves looks smooth on steps of the learning rate.",
        {
            "equal": Part(
                "Equal distances", (_plain(surface.scale_free), lambda e, _: surface.loss_along(e, relative=True))
            ),
            "rate": Part(
                "By the learning rate",
                (
                    lambda e, _: surface.loss_along(e, relative=False),
                    _plain(surface.predictiveness),
                    _plain(surface.smoothness),
                ),
            ),
            "step": Part("One step of any size", (_plain(surface.relative_loss),)),
        },
    ),
    "sweeps": Section(
        "Sweeps",
        "Many short runs: which learning rates work, and what the batch size does. Each sweep is a background job.",
        {
            "rates": Part("Learning rate", (_plain(sweeps.tolerance), _plain(sweeps.rates))),
            "batches": Part(
                "Batch size", (lambda e, _: sweeps.batches(e, "epochs"), lambda e, _: sweeps.batches(e, "steps"))
            ),
        },
    ),
    "ics": Section(
        "Covariate shift",
        "The reason that the paper of 2015 gives for BatchNorm: it reduces internal covariate shift. Does it, here?",
        {"all": Part("Covariate shift", (lambda e, c: shift.covariate_shift(e, c.measure),), ("measure",))},
    ),
    "accumulation": Section(
        "Accumulation",
        "Several small batches for one step: what that means for BatchNorm.",
        {"all": Part("Accumulation", (_plain(accumulation.equivalence), _plain(accumulation.statistics_lag)))},
    ),
}
