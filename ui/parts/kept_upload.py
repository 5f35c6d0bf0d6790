"""An upload that a background job reads: kept on the disk until the job has ended."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from alexcore.data.archives.uploads import UPLOAD_MB, save_upload
from alexcore.home import cache_dir

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def kept_upload(upload: UploadedFile) -> tuple[str, list[str]]:
    """Keep a copy on the disk; its path, and what the command that reads it is told about it.

    Raises:
        DataError: the copy cannot be written.
    """
    # Two people may upload files of one name, so the copy has a name of its own; the browser's is not trusted.
    kept = re.sub(r"[^A-Za-z0-9.]+", "-", upload.name)[-40:]
    copy = cache_dir() / "uploads" / f"{secrets.token_hex(4)}-{kept}"
    upload.seek(0)
    save_upload(upload, copy, UPLOAD_MB * 2**20)
    return str(copy), ["--remove", f"--uploaded-as={upload.name}"]
