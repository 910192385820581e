# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: a file that is there whole or not at all, for its owner only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MODE = 0o600


def write_beside(temporary: Path, content: bytes) -> None:
    """Write a new file and bring it to the disk. If that fails, nothing is left of it. Raise OSError."""
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Bring to the disk which files are in the folder, so that a rename survives a crash."""
    with contextlib.suppress(OSError):  # some file systems can't sync a folder
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
