"""A tiny graph, step by step: what `zero_grad`, `forward`, `backward` and `step` do to three tensors, by torch itself.

    prediction = w * x + b,  loss = (prediction - target) ** 2,  SGD on w and b

A sequence of steps is a text of the letters z, f, b and s, so that a URL can hold it; each call plays it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

STEPS = {"z": "zero_grad", "f": "forward", "b": "backward", "s": "step"}
MOST_STEPS = 40
X, TARGET, W, B = 2.0, 1.0, 1.5, 0.5
LR = 0.05


@dataclass(frozen=True)
class Row:
    """One tensor after a step; numbers that do not exist are None."""

    name: str
    value: float | None
    requires_grad: bool | None
    is_leaf: bool | None
    grad_fn: str
    grad: float | None


@dataclass(frozen=True)
class Node:
    """One node of the graph that the loss carries: an operation, or the place where a leaf's gradient gathers."""

    name: str
    inputs: tuple[int, ...]
    leaf: str = ""


@dataclass
class Scene:
    """Where a sequence of steps has led: the tensors, the graph, and what the last step did, in words."""

    rows: list[Row] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    words: str = "Nothing has happened yet. w and b ask for gradients, x and target do not."
    refused: str = ""


class _World:
    def __init__(self, w_learns: bool, x_learns: bool, lr: float) -> None:
        self.x = torch.tensor(X, requires_grad=x_learns)
        self.w = torch.tensor(W, requires_grad=w_learns)
        self.b = torch.tensor(B, requires_grad=True)
        self.target = torch.tensor(TARGET)
        # foreach would only join tensors that are too few to join.
        self.optimizer = torch.optim.SGD([self.w, self.b], lr=lr, foreach=False)
        self.prediction: Tensor | None = None
        self.loss: Tensor | None = None

    def play(self, letter: str) -> str:
        """Do one step; return what it did.

        Raises:
            RuntimeError: torch refuses it.
        """
        if letter == "z":
            self.optimizer.zero_grad()
            return "zero_grad has set grad of w and b to None: the next backward starts from nothing."
        if letter == "f":
            self.prediction = self.w * self.x + self.b
            self.loss = (self.prediction - self.target) ** 2
            w, b, guess, loss = (float(each.detach()) for each in (self.w, self.b, self.prediction, self.loss))
            return (
                f"forward has computed prediction = {w:.4g} * {X:g} + {b:.4g} = {guess:.4g} and loss = {loss:.4g}, and "
                "noted in grad_fn how."
            )
        if letter == "b":
            if self.loss is None:
                raise RuntimeError("There is no loss yet: forward has to build the graph first.")
            held = [None if each.grad is None else float(each.grad) for each in (self.w, self.b)]
            self.loss.backward()
            words = "backward has walked the graph from the loss to its leaves and added to their grad."
            if any(held):
                words += " There were gradients already, so the new ones were added to the old: zero_grad was left out."
            return words + " The graph is used up now; the next backward needs a new forward."
        if self.w.grad is None and self.b.grad is None:
            self.optimizer.step()
            return "step has changed nothing: no parameter has a grad."
        moved = {"w": self.w, "b": self.b}
        before = {name: float(each.detach()) for name, each in moved.items() if each.grad is not None}
        self.optimizer.step()
        told = [f"{name} from {value:.4g} to {float(moved[name].detach()):.4g}" for name, value in before.items()]
        return f"step has moved what has a grad by -lr * grad: {', '.join(told)}."


def _row(name: str, tensor: Tensor | None) -> Row:
    if tensor is None:
        return Row(name, None, None, None, "", None)
    # Reading .grad of what is no leaf warns: torch does not keep it.
    grad = float(tensor.grad) if tensor.is_leaf and tensor.grad is not None else None
    function = type(tensor.grad_fn).__name__ if tensor.grad_fn is not None else ""
    return Row(name, float(tensor.detach()), tensor.requires_grad, tensor.is_leaf, function, grad)


def legal_steps(text: str) -> str:
    """The part of a text, as from a URL, that is a sequence of steps: at most the last 40 of them."""
    return "".join(each for each in text if each in STEPS)[-MOST_STEPS:]


def play(steps: str, *, w_learns: bool = True, x_learns: bool = False, lr: float = LR) -> Scene:
    """Play a sequence of steps, letters of `STEPS`, from the beginning; other letters are passed over.

    Without `w_learns` w is frozen; with `x_learns` the gradient of x shows how the loss depends on the input.
    """
    world, scene = _World(w_learns, x_learns, lr), Scene()
    for letter in legal_steps(steps):
        try:
            scene.words, scene.refused = world.play(letter), ""
        except RuntimeError as error:
            scene.words = f"{STEPS[letter]} was refused, and nothing has changed."
            scene.refused = str(error).split(". ")[0].rstrip(".") + "."
    scene.rows = [_row(name, getattr(world, name)) for name in ("x", "w", "b", "target", "prediction", "loss")]
    scene.nodes = graph_of(world.loss, {"w": world.w, "b": world.b, "x": world.x})
    return scene


def graph_of(loss: Tensor | None, leaves: dict[str, Tensor]) -> list[Node]:
    """The nodes behind `loss.grad_fn`, the loss first; inputs are places in the list."""
    nodes: list[Node] = []
    if loss is None or loss.grad_fn is None:
        return nodes
    waiting = [loss.grad_fn]
    places = {loss.grad_fn: 0}
    for function in waiting:  # grows while it is walked
        inputs = []
        for following, _ in function.next_functions:
            if following is None:  # a number, or a tensor without requires_grad
                continue
            if following not in places:
                places[following] = len(waiting)
                waiting.append(following)
            inputs.append(places[following])
        variable = getattr(function, "variable", None)
        leaf = next((name for name, each in leaves.items() if each is variable), "")
        nodes.append(Node(type(function).__name__, tuple(inputs), leaf))
    return nodes


@dataclass(frozen=True)
class Round:
    """One round of training: the loss before its step, the gradient of w that was used, and w after it."""

    number: int
    loss: float
    grad: float
    w: float


def rounds(count: int, *, zero_grad: bool, lr: float = LR) -> list[Round]:
    """Train for some rounds, with or without `zero_grad`."""
    world, found = _World(True, False, lr), []
    for number in range(1, count + 1):
        for letter in ("z", "f", "b") if zero_grad else ("f", "b"):
            world.play(letter)
        assert world.loss is not None
        assert world.w.grad is not None
        loss, grad = float(world.loss.detach()), float(world.w.grad)
        world.play("s")
        found.append(Round(number, loss, grad, float(world.w.detach())))
    return found


def compared_in_words(kept: Sequence[Round], forgotten: Sequence[Round]) -> str:
    """What forgetting zero_grad did, from the numbers."""
    first = next(
        (at for at, (a, b) in enumerate(zip(kept, forgotten, strict=True)) if abs(a.grad - b.grad) > 1e-9), None
    )
    if first is None:
        return "Both trainings are the same so far: the first backward has nothing to add to."
    return (
        f"From round {first + 1} on they part: there the gradient of w is {forgotten[first].grad:.3g} instead of "
        f"{kept[first].grad:.3g}, because the old one is still in it. After {len(kept)} rounds the loss is "
        f"{kept[-1].loss:.2g} with zero_grad and {forgotten[-1].loss:.2g} without."
    )
