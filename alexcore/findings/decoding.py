"""What the files of a data set turn out to be when they are decoded."""

from __future__ import annotations

from alexcore.findings.finding import Finding, Named


class InPlaceOfPictures(Named):
    """Files that look like pictures and are something else: `what`, in the plural, and the `remedy`."""

    total: int
    what: str
    remedy: str


class GitPointers(InPlaceOfPictures, code="data.git-pointers"):
    """Files are pointers of Git LFS or git-annex, not the pictures themselves.

    Such a file is a few lines of text that say where the picture is. Nothing can be learned from them; they are left
    out, and if a split has nothing else, no run can start.

    Example: a repository that was cloned, or downloaded as a zip file, without its large files.

    Remedy: `git lfs pull` in the repository, or `git annex get .`, then open the data set again.
    """


class CloudPlaceholders(InPlaceOfPictures, code="data.cloud-placeholders"):
    """The content of files lies in the cloud.

    A drive such as iCloud or OneDrive shows files that it has not fetched. A check of all pictures would fetch each of
    them in turn, so they are left out.

    Example: a folder of photographs on a laptop whose drive was full.

    Remedy: have the folder kept on this device, and wait until all is there.
    """


class HeicPictures(InPlaceOfPictures, code="data.heic"):
    """Pictures are HEIC, which is not read here.

    Phones save photographs in it, at times under the name of a JPEG; Pillow brings no decoder for it. They are left
    out.

    Example: `IMG_2041.HEIC`, or a `.jpg` that an app has only renamed.

    Remedy: save them as JPEG, let the phone take JPEGs, or install pillow-heif, with which they are read.
    """


class ClassesUnreadable(Named, code="data.classes-unreadable", severity="error"):
    """A class has training pictures, and none of them can be read.

    The network would have an output for it that is taught never to answer: each of its pictures would be wrong.

    Example: the photographs of one class come from a phone and are all HEIC.

    Remedy: replace the pictures, or have the class left out with `untrained` drop.
    """

    why: str


class IntensityScaled(Finding, code="data.intensity", severity="info"):
    """Pictures have more than 8 bits a pixel, and are scaled to 8 by one rule for the whole data set.

    A network sees 8 bits. A camera with 12 bits fills a sixteenth of what a 16-bit file can hold, so by their type its
    pictures would be black; and if each were stretched by itself, the same brightness would be another number in each.

    Example: microscope pictures with the values 0 to 4095, saved as 16-bit TIFF.

    Remedy: none is needed if the sentence says what you expect; otherwise choose `intensity`.
    """

    kind: str
    least: float
    greatest: float
    most: float
    how: str
    pictures: int


class DeepColour(Finding, code="data.deep-colour", severity="info"):
    """Colour pictures have 16 bits a channel, of which the upper 8 are read.

    Pillow, which decodes every picture here, reads no more of them. A network sees 8 bits in any case, but what lies in
    the lower half of the numbers, as in a dark photograph of a camera, is lost.

    Example: 16-bit RGB as PNG or TIFF, from a microscope or a raw converter.

    Remedy: none, if the pictures look right; else save them with 8 bits, brightened as you want them to be seen.
    """

    images: int
    looked: int


class TransparencyOn(Finding, code="data.transparency", severity="info"):
    """Transparency is put on another colour than white, for the whole data set.

    White would hide what is drawn: white letters on nothing would be white on white, and each picture empty.

    Example: white icons with a transparent background.

    Remedy: none is needed.
    """

    background: str


class NearlyConstant(Finding, code="data.nearly-constant", severity="error"):
    """The pictures are nearly constant once they are decoded.

    There is nothing to learn from: a network would be given black, or the same grey everywhere.

    Example: masks with the values 0, 1 and 2; 10-bit pictures that are scaled by their type, 16 bits.

    Remedy: another `intensity`, such as auto or a window, or the pictures themselves in place of masks.
    """

    spread: float
    intensity: str
    scaled: bool
