# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: the file that holds the journal of changes, which many accounts, hosts and runs may share.

A writer locks the file, reads it anew, and puts a new one in its place that it has brought to the disk before. So a
crash leaves the old file, and no writer loses what another one wrote.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    Entry,
    appended,
    changed_by_others,
    from_rows,
    from_text,
    to_rows,
    to_text,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.whole_file import MODE, sync_folder, write_beside
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

# Seconds to wait for another writer. One holds the lock for milliseconds.
_PATIENCE = 60.0
_NAMED_OTHERWISE = "Name another file. Nothing was changed."


class BackupFile:
    """The file at a path. Every error is an InputError of one line that names the option and the path."""

    def __init__(self, path: str, option: str = "backup_file") -> None:
        """Take the path as given; a relative one counts from the current folder."""
        self.path = Path(path).absolute()
        self._name = f"{option}: {' '.join(str(self.path).split())}"

    def read(self) -> list[Entry]:
        """All entries. Raise InputError if there is no such file, or it is not a whole backup."""
        try:
            handle = self._open(os.O_RDONLY)
        except FileNotFoundError:
            raise InputError(
                f"{self._name} does not exist. Name the file that an earlier run wrote. Nothing was changed."
            ) from None
        with os.fdopen(handle, "rb") as file:
            return from_text(self._text_of(file.read()), self._name)

    def check(self) -> None:
        """Raise InputError unless entries can be added: before anything is changed, and without changing the file."""
        folder = self.path.parent
        try:
            handle = self._open(os.O_RDONLY)
        except FileNotFoundError:
            if not folder.is_dir():
                raise InputError(f"{self._name}: the folder {folder} does not exist. {_NAMED_OTHERWISE}") from None
        else:
            with os.fdopen(handle, "rb") as file:
                from_text(self._text_of(file.read()), self._name)
            if not os.access(self.path, os.W_OK):
                raise InputError(f"{self._name} can't be written. {_NAMED_OTHERWISE}")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"{self._name}: the folder {folder} can't be written to. {_NAMED_OTHERWISE}")

    def add(self, entries: list[Entry]) -> list[Entry]:
        """Add the entries and bring them to the disk. Return those whose resource others have changed since the first.

        Entries get the time and the run. An entry that repeats its resource's last one is not added again.
        """
        run = {"time": datetime.now(timezone.utc).isoformat(timespec="seconds"), "run": _run()}
        new = [replace(entry, **run) for entry in entries]
        # What could not be read again would make the whole file useless, for every account and run that shares it.
        from_rows(to_rows(new), self._name)
        with self._locked() as content:
            held = from_text(self._text_of(content), self._name)
            journal = appended(held, new)
            if len(journal) > len(held):
                self._replace(to_text(journal).encode())
        return changed_by_others(held, new)

    def _text_of(self, content: bytes) -> str:
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{self._name} is not a backup of fleet.aws_ssm. {_NAMED_OTHERWISE}") from error

    def _open(self, flags: int) -> int:
        """Open the file itself, never what a link points to, and nothing but a regular file."""
        # O_NONBLOCK: opening a pipe would wait for its other end.
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            handle = os.open(self.path, flags, MODE)
        except (FileNotFoundError, FileExistsError):
            raise
        except ValueError as error:
            raise InputError(f"{self._name}: a path has no null characters. {_NAMED_OTHERWISE}") from error
        except OSError as error:
            why = "is a link" if error.errno == errno.ELOOP else f"can't be opened: {error.strerror}"
            raise InputError(f"{self._name} {why}. {_NAMED_OTHERWISE}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise InputError(f"{self._name} is not a regular file. {_NAMED_OTHERWISE}")
        return handle

    @contextlib.contextmanager
    def _locked(self) -> Iterator[bytes]:
        """The file's content, while no other writer changes it. A file that was made for this goes if that fails."""
        handle, made = self._lock()
        try:
            with os.fdopen(os.dup(handle), "rb") as file:
                content = file.read()
            try:
                yield content
            except BaseException:
                if made and not content:
                    self.path.unlink(missing_ok=True)
                raise
        finally:
            os.close(handle)

    def _lock(self) -> tuple[int, bool]:
        """The file, open and locked, and whether it was made for that."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            handle, made = self._open_or_make()
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another writer may have put a new file in its place since it was opened.
                now, ours = self.path.lstat(), os.fstat(handle)
                if (now.st_dev, now.st_ino) == (ours.st_dev, ours.st_ino):
                    return handle, made
            except (BlockingIOError, FileNotFoundError):
                pass
            except OSError as error:
                os.close(handle)
                raise InputError(f"{self._name} can't be locked: {error.strerror}. {_NAMED_OTHERWISE}") from error
            os.close(handle)
            time.sleep(0.02)
        raise InputError(
            f"{self._name} has been locked by another run for {_PATIENCE:.0f} s. Wait for its end. Nothing was changed."
        )

    def _open_or_make(self) -> tuple[int, bool]:
        while True:
            try:
                return self._open(os.O_RDWR), False
            except FileNotFoundError:
                pass
            try:
                return self._open(os.O_RDWR | os.O_CREAT | os.O_EXCL), True
            except FileExistsError:
                continue
            except FileNotFoundError:
                raise InputError(
                    f"{self._name}: the folder {self.path.parent} does not exist. {_NAMED_OTHERWISE}"
                ) from None

    def _replace(self, content: bytes) -> None:
        """Put a new file in the place of the old one. One name only, so a killed writer's file is used again."""
        temporary = self.path.with_name(f".fleet-{hashlib.sha256(os.fsencode(self.path.name)).hexdigest()[:16]}.new")
        try:
            temporary.unlink(missing_ok=True)
            write_beside(temporary, content)
            temporary.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise InputError(f"{self._name} can't be written: {error.strerror}. {_NAMED_OTHERWISE}") from error
        sync_folder(self.path.parent)


def _run() -> str:
    """Which run this is: AWX's job, or the host and the process."""
    job = os.environ.get("AWX_JOB_ID") or os.environ.get("JOB_ID")
    return f"AWX job {job}" if job else f"{socket.gethostname()} process {os.getpid()}"
