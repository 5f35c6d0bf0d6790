"""What is told of a list of pictures that was read in another way than it is written, or that names what is gone."""

from __future__ import annotations

from alexcore.findings.finding import Finding, Named

# What the columns are -------------------------------------------------------------------------------------------


class ListColumns(Finding, code="data.list-columns", severity="info"):
    """A list calls its columns by other names than `path` and `label`.

    One column of each kind was there, so it was taken; with two that fit, the list would have been refused.

    Example: `metadata.csv` with the columns `file_name` and `species`.

    Remedy: none is needed; if it is another column, name that one `label`.
    """

    path: str
    label: str


class ListSplit(Finding, code="data.list-split", severity="info"):
    """A column with another name than `split` holds nothing but words for splits.

    It says which pictures validate, so it is taken, unless a split was already drawn for this list: that one never
    changes.

    Example: a column `subset` with `training` and `test`.

    Remedy: name the column `split` to have it taken in any case; give it any other name to have a split drawn.
    """

    name: str
    taken: bool


class ColumnPerClass(Finding, code="data.list-column-per-class", severity="info"):
    """A list has a column for each class, and a single 1 in each row.

    The names of those columns are the classes; one without a 1 is none.

    Example: `_classes.csv` with the columns `filename`, `cat`, `dog`.

    Remedy: none is needed.
    """

    path: str
    count: int


class RowNumbers(Finding, code="data.list-row-numbers", severity="info"):
    """A column of a list holds a number of its own for each row.

    Data frames write such a column; as numbers of classes the same values would make a class of every picture.

    Example: a column without a name, or `index`, with 0, 1, 2 ... while the labels repeat.

    Remedy: none is needed; save a data frame with `index=False` to be rid of it.
    """

    name: str


# What its cells hold --------------------------------------------------------------------------------------------


class BlankRows(Finding, code="data.list-blank-rows", severity="info"):
    """Rows of a list hold nothing and are passed over.

    Spreadsheets write them for cells that were filled once.

    Example: two lines of nothing but commas at the end of a CSV file.

    Remedy: none is needed.
    """

    count: int


class LeftOutRows(Finding, code="data.list-left-out", severity="info"):
    """Rows of a list say that they are left out: their split is `left out of train`, `val` or `test`.

    The list of a person's corrections has them, so that a picture that was left out is known as such and can come back.

    Example: a picture that somebody has left out in the gallery.

    Remedy: none is needed; undo it on the page *Data set*.
    """

    count: int


class BlanksTakenOff(Named, code="data.list-blanks", severity="info"):
    """Labels or paths of a list begin or end with blanks or line ends, which were taken off.

    With them `cat` and `cat ` would be two classes, and no file would be found.

    Example: a column that was typed by hand, or a class list that was read line by line.

    Remedy: none is needed.
    """

    cells: int


class FormsJoined(Named, code="data.list-forms", severity="info"):
    """Labels look equal and differ only in the Unicode form of their letters; they count as one class.

    macOS writes an umlaut as two characters, other systems as one. Nobody means two classes by that.

    Example: a list that was put together on two computers.

    Remedy: none is needed.
    """


class WholeNumbers(Finding, code="data.list-whole-numbers", severity="info"):
    """Labels are whole numbers written with a decimal point.

    A data frame writes 2 as 2.0 as soon as one cell of the column was empty. As texts they would be sorted wrongly.

    Example: the labels `0.0` to `11.0`.

    Remedy: none is needed.
    """

    written: str
    read: str
    count: int


# Where its files are --------------------------------------------------------------------------------------------


class NamesInOtherForm(Named, code="data.list-names-form", severity="info"):
    """Files have the listed name in the other Unicode form.

    Both look the same. The file was found because only one fits.

    Example: photos from a Mac, and a list from a spreadsheet.

    Remedy: none is needed.
    """


class NamesInOtherCase(Finding, code="data.list-names-case", severity="info"):
    """Files have the listed name but for capital and small letters.

    Windows and macOS take them for the same, Linux does not. The file was found because only one fits.

    Example: the list says `IMG_1.JPG`, the disk `img_1.jpg`.

    Remedy: none is needed here; other programs want the names as they are on the disk.
    """

    files: tuple[tuple[str, str], ...]
    count: int


class NearestFile(Finding, code="data.list-nearest", severity="info"):
    """A listed file does not exist, but one with nearly that name does.

    A list names files as they lie on the disk. Shorthand for a home folder, addresses of a browser, quotation marks
    within a value and a name without its ending are not resolved, because each could also be meant as it stands.

    Example: `~/pics/1.jpg`, `file:///pics/1.jpg`, `my%20cat.jpg`, or `1` for `1.jpg`.

    Remedy: write the path of the file that is named.
    """

    name: str
    near: str


class FolderGone(Finding, code="data.list-folder-gone"):
    """The folder of pictures that a list names does not exist.

    The pictures, or the list, have been moved since it was written.

    Example: a list of `/disk/flowers/...`, opened on another computer.

    Remedy: name the folder's new place with `--root`, or move it back.
    """

    folder: str
    count: int


class RootReplaced(Finding, code="data.list-root", severity="info"):
    """The paths of a list are read below another folder than the one they name.

    That was asked for with `root`.

    Example: `--root /new/flowers` for a list of `/old/flowers/...`.

    Remedy: none is needed.
    """

    old: str
    new: str
