"""What the quality scan finds about pictures. Nothing of it forbids a run."""

from __future__ import annotations

from typing import Any, ClassVar

from alexcore.findings.finding import KNOWN, Finding, Severity
from alexcore.words.findings import SAID
from alexcore.words.language import _


class Pictures(Finding):
    """Pictures that have one thing in common that their owner should know.

    Attributes:
        kind: The code without what all have in common, for addresses and filters.
        paths: The pictures, as in `DataIndex.files`; for `groups` all of their members.
        groups: For duplicates, which pictures are the same one; the best to keep is first.
        surplus: What to leave out so that nothing of this finding remains: of duplicates all but one, of leaks those
            in the split that can spare them (train before val before test), else all pictures.
    """

    kind: ClassVar[str] = ""
    paths: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] = ()
    surplus: tuple[str, ...] = ()

    def __init_subclass__(cls, code: str = "", severity: Severity = "info") -> None:
        super().__init_subclass__(code, severity, fixable=True)
        cls.kind = code.rpartition(".")[2].replace("-", "_")

    @classmethod
    def title(cls) -> str:
        """A few words."""
        return _(SAID[cls.code].title)

    def as_dict(self) -> dict[str, Any]:
        """The same for other programs."""
        about = {"kind": self.kind, "title": self.title(), "sentence": self.sentence, "severity": self.severity}
        return {"code": self.code, **about, **self.values}


class UndecodablePictures(Pictures, code="pictures.undecodable", severity="warning"):
    """Pictures cannot be decoded.

    Runs leave them out, so the class has fewer pictures than its folder shows.

    Example: a web page that was saved under the name of a picture.

    Remedy: copy the files again or delete them.
    """

    reason: str = ""


class TruncatedPictures(Pictures, code="pictures.truncated", severity="warning"):
    """Files end before their picture does.

    Some programs show such a picture with a gray rest; here runs leave it out, or a network would learn the gray.

    Example: a copy or a download that was interrupted.

    Remedy: copy the files again or delete them.
    """

    reason: str = ""


class Leak(Pictures, code="pictures.leak", severity="warning"):
    """Copies of a picture lie in more than one split.

    The network has learned pictures on which it is tested, so its accuracy measures memory and is too good.

    Example: the same photograph in `train/rose/` and, scaled down, in `val/rose/`.

    Remedy: leave out the copies that can be spared, from train before val before test.
    """


class LabelConflict(Pictures, code="pictures.label-conflict", severity="warning"):
    """Copies of a picture lie in different classes.

    At least one label is wrong, or both are right; either way the network is taught that one picture is two things.

    Example: a field of tulips and daisies in both classes.

    Remedy: decide for one class, or leave all copies out.
    """

    classes: tuple[str, ...] = ()
    more: bool = False


class ExactDuplicates(Pictures, code="pictures.exact-duplicates", severity="warning"):
    """Files are equal byte by byte.

    The picture counts several times, in training and in accuracy.

    Example: `rose (1).jpg` beside `rose.jpg`.

    Remedy: leave out all but one.
    """


class NearDuplicates(Pictures, code="pictures.near-duplicates"):
    """Pictures look alike.

    Each is nearly the same example once more, so the data set is smaller than it seems.

    Example: three shots of the same flower within a second.

    Remedy: keep the best of each group, or all of them if they lie in one split.
    """


class _BeyondLimit(Pictures):
    limit: float = 0.0


class Blurry(_BeyondLimit, code="pictures.blurry"):
    """Pictures have no sharp detail.

    A network can learn from them only what can be seen without detail.

    Example: a photograph out of focus, or one that was enlarged from a few pixels.

    Remedy: look whether the class can still be seen; leave the others out.
    """


class Dark(_BeyondLimit, code="pictures.dark"):
    """Pictures are dark.

    After normalisation they are nearly constant, and differ little from each other.

    Example: a photograph at night without a flash.

    Remedy: brighten them, or look whether the class can be seen.
    """


class Light(_BeyondLimit, code="pictures.light"):
    """Pictures are light.

    What is burnt out holds no detail that a network could learn.

    Example: a flower against the sun.

    Remedy: look whether details are burnt out, and leave those out.
    """


class LowInformation(_BeyondLimit, code="pictures.low-information"):
    """Pictures are nearly empty.

    A few plain tones tell nothing of the class.

    Example: a white page, or a small object on a plain ground.

    Remedy: crop to the object, or leave them out.
    """


class Grayscale(_BeyondLimit, code="pictures.grayscale"):
    """Pictures have no colour, where the others have.

    If they are all of one class, a network learns that gray is its sign.

    Example: old photographs of one flower among new ones of the others.

    Remedy: check that they are not all of one class; train with RandomGrayscale.
    """


class OddSize(Pictures, code="pictures.odd-size"):
    """Pictures are much smaller or larger than the usual one.

    Enlarged ones look blurred to the network; very large ones cost time at each reading.

    Example: thumbnails of 60 pixels among photographs of 800.

    Remedy: get them in their full size, or leave them out.
    """

    factor: float = 0.0
    usual: float = 0.0


class OddShape(Pictures, code="pictures.odd-aspect"):
    """Pictures are very long.

    A square crop loses most of such a picture, perhaps the object.

    Example: a panorama.

    Remedy: crop to the object.
    """

    factor: float = 0.0


class WrongExtension(Pictures, code="pictures.wrong-extension"):
    """Files have the extension of another format than their content has.

    They are read all the same here; other programs may refuse them.

    Example: a PNG that was renamed to `.jpg`.

    Remedy: rename them.
    """


class ExifRotated(Pictures, code="pictures.exif-rotated"):
    """Pictures are stored turned, and set upright by a note in their EXIF data.

    They are turned here; a program that ignores EXIF shows and learns them lying.

    Example: portraits from a phone.

    Remedy: save them upright if others will use the data.
    """


# Every kind of finding, in the order in which they are shown.
KINDS: dict[str, type[Pictures]] = {each.kind: each for each in KNOWN.values() if issubclass(each, Pictures)}
