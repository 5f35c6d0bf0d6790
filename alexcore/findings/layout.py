"""How a folder was read, where that is not plain, and what was left out of it."""

from __future__ import annotations

from alexcore.findings.finding import Finding, Named

# How it was read -------------------------------------------------------------------------------------------------


class SplitNames(Finding, code="data.split-names", severity="info"):
    """Folders are read as splits by words other than train, val and test.

    Programs and people have many words for the three; which word is taken for which decides what a network learns.

    Example: `Training/` and `Testing/` are train and test.

    Remedy: none is needed, unless a folder is a class: then choose the layout `classes`.
    """

    folders: tuple[tuple[str, str], ...]
    count: int


class ValidationDrawn(Finding, code="data.validation-drawn", severity="info"):
    """There is no split to validate on, so a fifth of train validates.

    A test split must stay unseen until a network is finished: whoever stops or chooses by it has no test any more.
    Which pictures validate is kept, so a picture never changes its side.

    Example: `train/` and `test/`, as most downloads have them.

    Remedy: none is needed; add `val/` to decide yourself.
    """

    images: int


class LiesInside(Finding, code="data.lies-inside", severity="info"):
    """The data set lies in a folder of the one that was opened.

    Archives and downloads often wrap everything in a folder or two, which say nothing about the pictures.

    Example: `flowers/flower_photos/roses/1.jpg`.

    Remedy: none is needed.
    """

    path: str


class SplitsInClasses(Finding, code="data.splits-in-classes", severity="info"):
    """Each class folder has splits of its own.

    Read as they lie, all pictures of a class would be one pool, and what is kept for a test would be learned.

    Example: `cats/train/`, `cats/test/`, `dogs/train/`, `dogs/test/`.

    Remedy: none is needed.
    """

    splits: tuple[str, ...]


class SplitWordClasses(Named, code="data.split-word-classes", severity="info"):
    """A class is called like a split.

    Nothing but its name says that it is one: it holds pictures, and there is no train beside it.

    Example: `control/` and `test/`, the two groups of an experiment.

    Remedy: none, if it is a class; otherwise rename the folder, or choose the layout `splits`.
    """


class ClassesByName(Finding, code="data.classes-by-name", severity="info"):
    """The classes are read from the names of the files.

    A class is what stands beside the number in a name. Somebody has chosen that.

    Example: `cat.0.jpg` and `dog.7.jpg`.

    Remedy: none is needed.
    """

    classes: int


class ClassesByList(Named, code="data.classes-by-list", severity="info"):
    """The classes are read from a list that lies among the pictures.

    No folder says which class a picture has, but the list does.

    Example: `val/val_annotations.txt` beside `val/images/`.

    Remedy: none is needed.
    """


class NoListOfPictures(Finding, code="data.no-list", severity="info"):
    """A file among the pictures might say their classes, but is no list that can be read.

    If it was meant to, what it lacks can be mended; otherwise it does not matter.

    Example: `labels.csv` without a column of labels; `imagelabels.mat`, which only MATLAB's format has.

    Remedy: give it the columns `path` and `label`.
    """

    path: str
    why: str


class BackgroundClass(Named, code="data.background-class", severity="info"):
    """A class holds pictures of no class in particular.

    Caltech has collected it for measuring how often a detector sees something where there is nothing. Published figures
    of 101 classes are without it.

    Example: `BACKGROUND_Google` in `101_ObjectCategories`.

    Remedy: leave it out with `data derive --keep`, if your figures shall be comparable.
    """


class EmptySplits(Named, code="data.empty-splits", severity="info"):
    """Folders that are called like splits are empty, and class folders lie beside them.

    The class folders are the data; a fifth of their pictures validates, as where there are no such folders.

    Example: empty `train/` and `val/` beside `cats/` and `dogs/`.

    Remedy: delete the empty folders, or move the pictures into them.
    """


class LinkedClasses(Finding, code="data.linked-classes", severity="error"):
    """Two class folders are one and the same folder, by a link.

    Each of its pictures would have two labels, of which one is wrong.

    Example: `cats/`, and `kitten` as a link to it.

    Remedy: remove the link, or the folder.
    """

    groups: tuple[tuple[str, ...], ...]
    count: int


class FoldersInClasses(Named, code="data.folders-in-classes", severity="info"):
    """Class folders have folders of their own, whose pictures count as that class.

    They may be sources or days; they may also be the classes that are meant, with the outer folders as their groups.

    Example: `animals/cat/`, `animals/dog/` and `plants/rose/` are two classes, not three.

    Remedy: none, if the outer folders are the classes; otherwise choose the layout `flat`.
    """


class SplitFilesUnread(Named, code="data.split-files-unread", severity="info"):
    """Files seem to name the pictures for training and for a test, and are not read.

    The validation split is drawn instead, so figures cannot be compared with published ones, which go by those files.

    Example: `train_test_split.txt`, `meta/train.txt`.

    Remedy: none is needed; write a list with the columns path, label and split to have their splits.
    """


# What is left out ------------------------------------------------------------------------------------------------


class _Part(Named):
    images: int


class InnerCopy(_Part, code="data.inner-copy"):
    """The data set contains itself once more.

    The same pictures twice would lie in training and validation both, or make a class of all classes.

    Example: `flowers/daisy/`, `flowers/rose/`, and `flowers/flowers/` with the same two folders.

    Remedy: delete the inner folder.
    """


class Drawings(_Part, code="data.drawings", severity="info"):
    """Masks or other drawings lie beside the pictures.

    They have the names of the pictures they were drawn for. As a class of their own, or among the pictures, they would
    teach a network to tell drawings from photographs.

    Example: `images/cat_1.jpg` and `annotations/trimaps/cat_1.png`.

    Remedy: none is needed.
    """


class DoubledNames(_Part, code="data.doubled-names", severity="info"):
    """Files differ from another one in their ending only; one of each is read.

    Somebody has chosen that: the others are masks, or the same pictures in another format, of which one half would
    train and the other validate.

    Example: `cats/1.jpg` and `cats/1.png`.

    Remedy: none is needed; with `pairs` both, each is a picture.
    """


class LoosePictures(_Part, code="data.loose-pictures"):
    """Pictures lie beside the class folders.

    No folder says which class they have.

    Example: `train/preview.jpg` beside `train/cats/`.

    Remedy: move them into a class folder, or away.
    """


class BesideSplits(_Part, code="data.beside-splits"):
    """Folders with pictures lie beside the splits and are none.

    Nobody has said whether they are for training or for a test.

    Example: `extra/cats/` beside `train/cats/`.

    Remedy: move the pictures into a split, or away.
    """


class UnlabelledPictures(_Part, code="data.unlabelled-pictures", severity="info"):
    """A split has pictures, but nothing says their classes.

    Competitions keep them back. Such pictures can be classified, not counted as right or wrong.

    Example: `test/1.jpg`, without class folders and without a list.

    Remedy: none is needed; put them into class folders if you know the classes.
    """


class UnnamedPictures(_Part, code="data.unnamed-pictures"):
    """The names of some files tell no class.

    The classes are read from names, and these are nothing but a number, or have none.

    Example: `0001.jpg` among `cat.1.jpg` and `dog.1.jpg`.

    Remedy: rename the files.
    """


class UnlistedPictures(_Part, code="data.unlisted-pictures"):
    """A list does not name all pictures.

    The classes are read from the list, so nothing is known of the others.

    Example: twelve files, and ten rows in `metadata.csv`.

    Remedy: add a row for each picture.
    """


class SystemFiles(Finding, code="data.system-files", severity="info"):
    """What systems and drives leave behind is left out.

    Some of it looks like pictures: a network drive keeps a thumbnail of each, which would be learned beside the
    original.

    Example: `@eaDir` of a Synology drive, `__MACOSX` of an archive, `Thumbs.db` of Windows.

    Remedy: none is needed.
    """

    names: tuple[tuple[str, int], ...]
    count: int


class UnreadableFolders(Named, code="data.unreadable-folders"):
    """Folders may not be read, and are left out.

    A class would be missing without a word.

    Example: `lost+found` on a disk of its own, or a folder that belongs to somebody else.

    Remedy: none, if there are no pictures in it; otherwise ask for the right to read it.
    """
