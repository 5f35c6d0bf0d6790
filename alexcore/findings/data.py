"""What can be odd about a data set. An error must be mended before a run can start."""

from __future__ import annotations

from typing import Any

from alexcore.findings.finding import Finding, Named

# Classes ---------------------------------------------------------------------------------------------------------


class _OfOneSource(Finding):
    where: str


class NoTrainingPictures(_OfOneSource, code="data.no-training-pictures", severity="error"):
    """The data set has no picture to train on.

    Numbers are given to the classes by their training pictures, so without any there are no classes.

    Example: a folder with `val/` alone, or class folders that are all empty.

    Remedy: add a folder with pictures for each class, at least two.
    """


class OneClass(_OfOneSource, code="data.one-class", severity="error"):
    """Only one class has training pictures.

    There is nothing to tell apart: a network that always gives the one answer is right every time.

    Example: the pictures lie in `train/` itself, in one folder, or the name of a class is that of the whole data set.

    Remedy: add a folder per class; of shards, pack a data set with more classes.
    """

    name: str
    packed: bool = False


class UnknownClasses(Named, code="data.unknown-classes", severity="error"):
    """A split has classes that train lacks.

    No output of the network stands for them, so their pictures cannot be answered rightly, nor counted as wrong.

    Example: `val/tulip/` without `train/tulip/`, often a difference in spelling.

    Remedy: add the class to train, rename the folder, or have it left out with `untrained` drop.
    """

    split: str


class UnmeasuredClasses(Named, code="data.unmeasured-classes"):
    """A split has no picture of a class that is trained.

    The accuracy of that class cannot be measured, and that of all is one over fewer classes.

    Example: five pictures of a rare flower, all of them in `train/`.

    Remedy: move or add some pictures of it to the split.
    """

    split: str


class NoValidation(_OfOneSource, code="data.no-validation", severity="error"):
    """There is nothing to validate on.

    Accuracy on the training pictures shows what was learned by heart; without a validation split nobody would notice.

    Example: `train/` with its class folders and no `val/` beside it.

    Remedy: add a folder `val/` with the same class folders, or give some rows of a manifest the split val. A folder
    that holds class folders alone is split by alexcore.
    """


class NoValidationShards(_OfOneSource, code="data.no-validation-shards", severity="error"):
    """There are shards to train on, but none to validate on.

    It is the same as a folder without `val/`: what was learned by heart would look like progress.

    Example: `train-000000.tar` to `train-000009.tar` and nothing else.

    Remedy: add `val-000000.tar`, or name a folder or pattern with `--val`.
    """


class AlikeNames(Finding, code="data.alike-names"):
    """Names of classes differ only in case, blanks, the form of their letters or what marks a copy.

    They count as different classes, and a network is then asked to tell equal things apart.

    Example: `Rose` and `rose`; `rose - Copy` and `rose (1)`; `Löwenzahn` with one character for the umlaut, and with
    two as macOS writes it.

    Remedy: if they are the same class, merge the folders or rename one.
    """

    groups: tuple[tuple[str, ...], ...]
    count: int


class SortedAsText(Finding, code="data.sorted-as-text"):
    """Numbers in the names of classes are sorted as text.

    torchvision and alexcore number classes by sorted name, so class10 comes before class2. Whoever takes the answer 1
    for class1 reads it wrongly.

    Example: `class1`, `class2` and `class10` get 0, 2 and 1.

    Remedy: pad the numbers with zeros if their order matters: `class01`, `class02`, `class10`.
    """

    numbers: tuple[tuple[str, int], ...]
    renamed: tuple[tuple[str, str], ...]
    count: int


class CapitalsFirst(Finding, code="data.capitals-first"):
    """Capital letters are sorted before small ones.

    The numbers of the classes are not in the order in which a person would sort their names.

    Example: `Zebra` comes before `ant`.

    Remedy: write all names in small letters if their order matters.
    """

    first: str
    second: str


class ImageFolderNumbers(Finding, code="data.imagefolder-numbers"):
    """torchvision's ImageFolder would number the classes of a split differently.

    It numbers the folders of each split by themselves. Here all splits have the mapping of train; another program that
    reads the split alone would take one class for another.

    Example: `val/` lacks `daisy/`, the first of the classes, so every other one moves down by one.

    Remedy: give the split all folders of train, also empty ones, before other programs read it.
    """

    split: str
    theirs: tuple[tuple[str, int], ...]
    ours: tuple[tuple[str, int], ...]
    count: int


# Files -----------------------------------------------------------------------------------------------------------


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


class NamesNotUtf8(Named, code="data.names-not-utf8"):
    """Names that are not UTF-8 are left out.

    No JSON, no CSV file and no page could show them, and a result could not say which picture it belongs to.

    Example: a folder that was unpacked from an old zip file with Latin-1 names.

    Remedy: rename the files or folders.
    """

    listed: bool


class Undecodable(Finding, code="data.undecodable"):
    """Pictures that cannot be decoded are left out of a run.

    A damaged file would end the training when its turn comes, so every file is decoded once before the first step.

    Example: a download that was interrupted, or a web page that was saved under the name of a picture.

    Remedy: replace or delete them; the run goes on without them.
    """

    pictures: tuple[tuple[str, str], ...]
    count: int
    total: int


class NoReadablePicture(_OfOneSource, code="data.no-readable-picture", severity="error"):
    """A split has no picture that can be decoded.

    There is nothing to train on, or nothing to validate on.

    Example: all files of `val/` are of 0 bytes, because the disk was full while they were copied.

    Remedy: add pictures to each class and open the data set again.
    """

    split: str


class OneReadableClass(_OfOneSource, code="data.one-readable-class", severity="error"):
    """Only one class has training pictures that can be decoded.

    Classification needs two; what the folders promise, the damaged files do not keep.

    Example: two classes, and the pictures of one were written by a program that was killed.

    Remedy: replace the damaged pictures of the other classes.
    """

    name: str


# Manifests -------------------------------------------------------------------------------------------------------


class LabelGaps(Finding, code="data.label-gaps"):
    """The labels of a manifest are numbers, but not those from 0 to the number of classes.

    A network has its outputs numbered from 0 without a gap, so the label 7 may get the number 6.

    Example: the labels 1 to 10, as somebody counts who begins with 1.

    Remedy: the labels are kept as names; give the manifest a list of classes if the numbers have a meaning.
    """

    first: int
    last: int
    highest: int
    name: str
    number: int


class _Rows(Finding):
    rows: int
    count: int
    pictures: tuple[Any, ...]


class TwoLabels(_Rows, code="data.two-labels", severity="error"):
    """A manifest lists the same picture under two labels.

    One of them is wrong, and the network would be taught both.

    Example: `rose/17.jpg` with the label rose in one row, and tulip in another.

    Remedy: delete the wrong row of each.
    """


class TwoSplits(_Rows, code="data.two-splits", severity="error"):
    """A manifest lists the same picture in two splits.

    The network would be tested on a picture that it has learned, so its accuracy would be too good.

    Example: the same row once with train and once with val, after two lists were joined.

    Remedy: keep each picture in one split.
    """


class RepeatedRows(_Rows, code="data.repeated-rows"):
    """A manifest lists the same picture more than once.

    Label and split are the same, so it counts once; the number of rows is not that of the pictures.

    Example: a list that was appended to itself.

    Remedy: none is needed.
    """


class MissingPictures(Named, code="data.missing-pictures"):
    """Pictures that a manifest lists do not exist.

    They are left out. A run on the rest is another run than one on all of them.

    Example: the manifest was moved to another folder, or the pictures lie on a disk that is not connected.

    Remedy: paths in a manifest are relative to its own folder; move it back, or correct the paths.
    """

    rows: int
    root: str


# Shards ----------------------------------------------------------------------------------------------------------


class EmptyShards(Named, code="data.empty-shards"):
    """Shards without a picture are left out.

    They cost nothing, but whoever packed them expected something in them.

    Example: the last shard of a writer that was interrupted.

    Remedy: pack the data set again, or delete the file.
    """


class SamplesLeftOut(Finding, code="data.samples-left-out"):
    """Samples in shards lack a picture or a class number.

    They are left out, because nothing could be learned of them.

    Example: `000017.jpg` without `000017.cls` beside it.

    Remedy: write a picture and a class number of the same name for each sample.
    """

    count: int


# Splits ----------------------------------------------------------------------------------------------------------


class SplitDrawnAnew(Finding, code="data.split-drawn-anew"):
    """The split of a folder could not be read again, so it was drawn anew.

    Pictures that a network has learned may lie in the validation split now, and earlier accuracies cannot be compared.

    Example: the file in `data/.splits` was edited and no longer has its columns.

    Remedy: put the file back from a copy, or compare only runs that were made since.
    """

    why: str


class SplitNotKept(Finding, code="data.split-not-kept"):
    """The split of a folder could not be written down.

    It is the same at each opening, but when pictures are added, some of the old ones may move to the other split.

    Example: the disk is full, or `data/.splits` may not be written to.

    Remedy: make room or give the right to write, then open the data set again.
    """

    why: str


class SidesKept(Finding, code="data.sides-kept", severity="info"):
    """Pictures with a new name are known by their content, and the split was drawn so that they keep their side.

    Drawn by names alone, a data set that was moved or renamed would validate on pictures that a network has learned.

    Example: the folder `flowers` is called `flowers-2` now.

    Remedy: none is needed.
    """

    count: int
