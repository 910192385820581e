# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: the JSON file that keeps what a run replaces, a section for each role; none is ever overwritten."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

_MODE = 0o600


def read(path: Path) -> dict[str, Any]:
    """All sections, or InputError if the file can't be read or is no backup."""
    try:
        sections = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"path: {path} can't be read: {error.strerror}. Name the file that an earlier run wrote."
        ) from error
    except ValueError as error:
        raise InputError(f"path: {path} is not a backup: {error}. Name the file that an earlier run wrote.") from error
    if not isinstance(sections, dict):
        raise InputError(
            f"path: {path} is not a backup: it holds no sections. Name the file that an earlier run wrote."
        )
    return sections


def section_of(path: Path, section: str) -> Any:
    """The content of one section; None if the file has others only."""
    return read(path).get(section)


def check_free(path: Path, section: str) -> None:
    """Raise InputError if the section is there already, or could not be written."""
    if path.exists():
        if section in read(path):
            raise InputError(
                f"path: {path} holds {section} already, which is never overwritten: it is needed to undo what it "
                "records. Name another file."
            )
    elif not path.parent.is_dir():
        raise InputError(f"path: the folder {path.parent} does not exist. Create it, or name another file.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"path: {path} can't be written. Name another file.")


def write(path: Path, section: str, content: Any) -> None:
    """Add a section; the file is replaced at once or not at all, so a crash leaves the old one."""
    check_free(path, section)
    sections = {**(read(path) if path.exists() else {}), section: content}
    text = json.dumps(sections, indent=2) + "\n"
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_MODE)
        if path.exists():
            Path(temporary).replace(path)
        else:
            # Unlike a rename, a link fails if another run has made the file meanwhile.
            os.link(temporary, path)
            Path(temporary).unlink()
    except OSError as error:
        raise InputError(f"path: {path} can't be written: {error.strerror}. Name another file.") from error
