"""What the system refuses because a limit of its own is reached: the limit's name, and what to do about it."""

from __future__ import annotations

import errno
import os

_LIMITS = {
    errno.ENOSPC: "Free some disk space: this disk is full.",
    errno.EDQUOT: "Your share of the disk (its quota) is used up: delete something of yours, or ask for more.",
    errno.EROFS: "The disk can only be read (it is mounted read-only): choose a folder on another one, or mount it for "
    "writing.",
    errno.EFBIG: "The limit of a file's size is reached (`ulimit -f`, or the file system's own): raise it.",
    errno.EMFILE: "The limit of open files of a process is reached (`ulimit -n`): raise it before you start, such as "
    "`ulimit -n 65536`, or read pictures with fewer processes (num_workers).",
    errno.ENFILE: "The limit of open files of the whole system is reached (fs.file-max): end other programs, or "
    "raise it.",
    errno.EAGAIN: "The limit of processes is reached (`ulimit -u`, or the container's): end other programs, or read "
    "pictures with fewer processes (num_workers).",
    errno.ENOMEM: "Memory has run out: end other programs, or raise the container's memory limit.",
    errno.EIO: "The disk reports an error of its own: copy what matters to you, and have it checked.",
}


def limit_of(error: BaseException) -> str:
    """The limit that an error is about, with its remedy; empty if it is about none.

    An error from another process, or from C, has the system's words in its text instead of the system's number.
    """
    number = getattr(error, "errno", None)
    if number is None:
        number = next((each for each in _LIMITS if os.strerror(each) in str(error)), 0)
    return _LIMITS.get(number, "")
