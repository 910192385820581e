# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: the files of a report on the controller. Nothing but an earlier report is ever overwritten."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.whole_file import sync_folder, write_beside
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._report_marks import HEAD, earlier_report, is_report

_FOLDER = "ssm_report_directory (readiness_report_directory)"
_BASELINE = "ssm_report_baseline (readiness_report_baseline)"
_ELSEWHERE = "Name another folder, or other files with readiness_report_name."
_ANOTHER_FOLDER = "Name another folder."
_EARLIER = "Name the JSON file that an earlier run wrote, or none."

# Only its owner may read a report: it names every instance.
_FOLDER_MODE = 0o700


class ReportFiles:
    """The files of one report, by kind: `json`, `csv`, `html`."""

    def __init__(self, folder: str, name: str, kinds: list[str]) -> None:
        """A relative folder counts from the current one."""
        self.folder = _absolute(folder, _FOLDER, _ANOTHER_FOLDER)
        self.paths = {kind: self.folder / f"{name}.{kind}" for kind in kinds}

    def check(self) -> None:
        """Raise InputError unless all of the files can be written. Nothing is written or made."""
        with _told(_FOLDER, self.folder, _ANOTHER_FOLDER):
            nearest = _nearest(self.folder)
            if not stat.S_ISDIR(nearest.stat().st_mode):
                raise InputError(f"{_FOLDER}: {printable(nearest)} is not a folder. {_ANOTHER_FOLDER}")
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise InputError(f"{_FOLDER}: {printable(nearest)} can't be written to. {_ANOTHER_FOLDER}")
        for kind, path in self.paths.items():
            _check_target(kind, path)

    def write(self, texts: Mapping[str, str]) -> None:
        """Write all of the files, or, if one can't be written, leave everything as it was. Raise InputError."""
        made: list[Path] = []
        temporary: dict[Path, Path] = {}
        with contextlib.ExitStack() as undo:
            undo.callback(_remove, temporary, made)
            with _told(_FOLDER, self.folder, _ANOTHER_FOLDER):
                _make_folder(self.folder, made)
            self.check()
            for kind, path in self.paths.items():
                with _told(_FOLDER, path, _ELSEWHERE):
                    temporary[path] = path.with_name(f".fleet-report-{secrets.token_hex(8)}.new")
                    write_beside(temporary[path], texts[kind].encode("utf-8"))
            for path in list(temporary):
                with _told(_FOLDER, path, _ELSEWHERE):
                    temporary[path].replace(path)
                    del temporary[path]
            undo.pop_all()
        sync_folder(self.folder)


def read_baseline(path: str) -> dict[str, Any]:
    """What a comparison needs of an earlier report. Raise InputError if the file is none, or can't be read."""
    found = _absolute(path, _BASELINE, _EARLIER)
    with _told(_BASELINE, found, _EARLIER):
        # O_NONBLOCK: opening a pipe would wait for its other end.
        handle = os.open(found, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check_regular(_BASELINE, found, os.fstat(handle), _EARLIER)
            with os.fdopen(os.dup(handle), "rb") as file:
                content = file.read()
        finally:
            os.close(handle)
    try:
        return earlier_report(content, f"{_BASELINE}: {printable(found)}")
    except InputError as error:
        raise InputError(f"{error} {_EARLIER}") from None


def _absolute(path: str, option: str, way_out: str) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except (OSError, RuntimeError) as error:  # no such user, or the current folder is gone
        raise InputError(f"{option}: {printable(path)}: {error}. {way_out}") from error


@contextlib.contextmanager
def _told(option: str, path: Path, way_out: str) -> Iterator[None]:
    """Whatever the file system refuses is one line that names the option and the path."""
    try:
        yield
    except ValueError as error:
        raise InputError(f"{option}: {printable(path)}: a path has no null characters. {way_out}") from error
    except OSError as error:
        raise InputError(f"{option}: {printable(path)}: {error.strerror or error}. {way_out}") from error


def _nearest(folder: Path) -> Path:
    """The folder, or the one of its parents in which it would be made. Raise OSError if that can't be told."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(FileNotFoundError):
            place.lstat()
            return place
    return folder


def _check_target(kind: str, path: Path) -> None:
    """Raise InputError unless the path is free, or an earlier report of the kind is there."""
    with _told(_FOLDER, path, _ELSEWHERE), contextlib.suppress(FileNotFoundError):
        _check_regular(_FOLDER, path, path.lstat(), _ELSEWHERE)
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            head = os.read(handle, HEAD)
        finally:
            os.close(handle)
        if not is_report(kind, head):
            raise InputError(
                f"{_FOLDER}: {printable(path)} is not a report of fleet.aws_ssm, and is not overwritten. Move it away, "
                f"or name another folder, or other files with readiness_report_name."
            )


def _check_regular(option: str, path: Path, found: os.stat_result, way_out: str) -> None:
    kinds = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"))
    if not stat.S_ISREG(found.st_mode):
        what = next((words for test, words in kinds if test(found.st_mode)), "not a regular file")
        raise InputError(f"{option}: {printable(path)} is {what}. {way_out}")


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make the folder and its parents where they are missing, for their owner only. Others stay as they are."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for place in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another run has made it meanwhile
            place.mkdir(_FOLDER_MODE)
            made.append(place)


def _remove(temporary: Mapping[Path, Path], made: list[Path]) -> None:
    """Leave nothing behind: neither files that are not finished nor folders that were made for them."""
    for path in temporary.values():
        with contextlib.suppress(OSError):
            path.unlink()
    for place in reversed(made):
        with contextlib.suppress(OSError):  # not empty: somebody else uses it already
            place.rmdir()
