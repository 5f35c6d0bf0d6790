"""Where in a picture the network looks: Grad-CAM and occlusion, of any class; and the picture as it sees it.

Both answer "what speaks for this class?", in different coin:

    grad_cam    one backward pass: where the last convolution is active in a way that raises the class's logit
    occlusion   the class's probability with and without each patch of the picture: slower, but nothing is derived

They hook the network while they run, so they hold its lock.
Source: Selvaraju et al. 2017, "Grad-CAM"; Zeiler and Fergus 2014, "Visualizing and understanding convolutional
networks" (occlusion). Both computed by captum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerAttribution, LayerGradCam, Occlusion
from PIL import Image

from alexcore.analysis.prediction import Classifier
from alexcore.augment.preview import to_picture
from alexcore.errors import DataError

# A patch covers a fifth of each side and moves by half of itself: 81 pictures to answer, whatever the size.
PATCHES_A_SIDE, MOVES_A_PATCH = 5, 2
# Pictures that occlusion answers together.
AT_ONCE = 27


@dataclass(frozen=True)
class Explanation:
    """A map over the picture as the network sees it."""

    # (H, W) float32. Grad-CAM: 0 to 1, as a share of the strongest place. Occlusion: how much the probability falls if
    # the place is covered, -1 to 1.
    values: npt.NDArray[np.float32]
    target: int  # the number of the class that is explained
    probability: float  # what the network gives that class, 0 to 1
    cells: tuple[int, int]  # how many independent values there are a side; finer detail is interpolation


def seen_picture(classifier: Classifier, image: Image.Image) -> Image.Image:
    """The picture after the evaluation transform, its Normalize undone for the eye: what the network works with."""
    return to_picture(classifier.transform(image), classifier.operations)


def _batch_of(classifier: Classifier, image: Image.Image, target: int) -> torch.Tensor:
    """The picture as a batch of one, (1, 3, H, W), if there is such a class."""
    if not 0 <= target < len(classifier.classes):
        last = len(classifier.classes) - 1
        raise DataError(f"There is no class number {target}: the network has 0 to {last}.", "Choose one of them.")
    return classifier.transform(image).unsqueeze(0).to(classifier.device)


def grad_cam(classifier: Classifier, image: Image.Image, target: int) -> Explanation:
    """Grad-CAM at the last convolution's activation (before pooling).

    Raises:
        DataError: there is no such class.
    """
    batch = _batch_of(classifier, image, target)
    # The hooks of captum warn about an input that asks for no gradient.
    batch.requires_grad_()
    with classifier.lock, torch.enable_grad():
        probability = float(torch.softmax(classifier.model(batch).detach(), dim=1)[0, target])
        layer = LayerGradCam(classifier.model, classifier.model.stages()[-1].activation)
        coarse = layer.attribute(batch, target=target, relu_attributions=True).detach()
    fine = LayerAttribution.interpolate(coarse, tuple(batch.shape[2:]), interpolate_mode="bilinear")
    values = fine[0, 0].float().cpu()
    strongest = float(values.max())
    # Where nothing speaks for the class the map stays 0, instead of noise blown up to 1.
    values = values / strongest if strongest > 0 else torch.zeros_like(values)
    return Explanation(values.numpy(), target, probability, (int(coarse.shape[2]), int(coarse.shape[3])))


def occlusion(classifier: Classifier, image: Image.Image, target: int) -> Explanation:
    """Cover one patch after the other with the picture's mean colour, and see how the probability falls.

    Patches overlap; a place's value is the mean over the patches that cover it. Arguments and errors as `grad_cam`.
    """
    batch = _batch_of(classifier, image, target)
    height, width = batch.shape[2:]
    patch = (max(1, -(-height // PATCHES_A_SIDE)), max(1, -(-width // PATCHES_A_SIDE)))
    step = tuple(max(1, side // MOVES_A_PATCH) for side in patch)

    def probabilities(images: torch.Tensor) -> torch.Tensor:
        return torch.softmax(classifier.model(images.contiguous(memory_format=torch.channels_last)).float(), dim=1)

    with classifier.lock, torch.no_grad():
        probability = float(probabilities(batch)[0, target])
        found = Occlusion(probabilities).attribute(
            batch,
            target=target,
            sliding_window_shapes=(3, *patch),
            strides=(3, *step),
            baselines=batch.mean(dim=(2, 3), keepdim=True).expand_as(batch),
            perturbations_per_eval=AT_ONCE,
        )
    # All three channels are covered together, so they hold the same value.
    values = found[0, 0].float().cpu().numpy()
    cells = tuple(-(-(side - part) // move) + 1 for side, part, move in zip((height, width), patch, step, strict=True))
    return Explanation(np.asarray(values, dtype=np.float32), target, probability, (cells[0], cells[1]))


def _place(values: npt.NDArray[np.float32]) -> str:
    """Which of nine parts has the greatest mean, in words: "upper left", "top", "middle"."""
    parts = [[part.mean() for part in np.array_split(rows, 3, axis=1)] for rows in np.array_split(values, 3, axis=0)]
    down, across = divmod(int(np.argmax(parts)), 3)
    if across == 1:
        return ("top", "middle", "bottom")[down]
    side = ("left", "", "right")[across]
    return (f"upper {side}", side, f"lower {side}")[down]


def grad_cam_in_words(found: Explanation, name: str) -> str:
    """One sentence from the numbers of a Grad-CAM map for the class `name`."""
    if not found.values.any():
        return f"Nothing that the last convolution finds in this picture speaks for {name}."
    ranked = np.sort(found.values, axis=None)[::-1].cumsum()
    half = (int(np.searchsorted(ranked, ranked[-1] / 2)) + 1) / found.values.size
    return (
        f"What speaks for {name} is strongest at the {_place(found.values)}; half of the map's weight lies in "
        f"{half:.0%} of the picture. The map has {found.cells[0]} × {found.cells[1]} values, smoothed."
    )


def occlusion_in_words(found: Explanation, name: str) -> str:
    """One sentence from the numbers of an occlusion map for the class `name`."""
    fall, rise = float(found.values.max()), float(-found.values.min())
    text = f"The network gives {name} {found.probability:.1%}. "
    if max(fall, rise) < 0.005:
        return text + "Covering any one place changes that by less than half a percentage point."
    if fall > 0:
        text += f"Covering the {_place(found.values)} lowers it most, by {100 * fall:.0f} percentage points on average."
    if rise >= 0.005:
        text += f" Covering the {_place(-found.values)} raises it, by {100 * rise:.0f} points."
    return text.strip()
