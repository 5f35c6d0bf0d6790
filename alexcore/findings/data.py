"""What can be odd about a data set. An error must be mended before a run can start."""

from __future__ import annotations

from alexcore.findings.finding import Named


class HiddenFiles(Named, code="data.hidden-files"):
    """Hidden files and folders are left out.

    A name that begins with a dot is a program's own business, so nothing in it is taken for a picture or a class. It
    would be bad if a class were hidden that way.

    Example: `.ipynb_checkpoints` beside the class folders of `train/`.

    Remedy: none is needed, unless a picture or a class has such a name: then rename it.
    """


class EmptyClassFolders(Named, code="data.empty-class-folders"):
    """A class folder holds no picture.

    It gets no number, or the numbers of all classes behind it would shift.

    Example: `val/tulip/` exists and is empty, because its pictures were moved to `train/`.

    Remedy: add pictures, or delete the folder.
    """

    split: str


class NoPictures(Named, code="data.no-pictures"):
    """Files that are no pictures are left out.

    They cost nothing, but a picture in a format that is not read here would be missed without a word.

    Example: `notes.txt` or `Thumbs.db` in a class folder; a photograph saved as `.heic`.

    Remedy: none for notes; save pictures as JPEG, PNG or WebP.
    """
