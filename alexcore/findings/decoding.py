"""What the files of a data set turn out to be when they are decoded."""

from __future__ import annotations

from alexcore.findings.finding import Named


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
