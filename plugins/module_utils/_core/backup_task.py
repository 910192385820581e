# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""What a module does with its options `backup`, `backup_file` and `overwrite`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    Entry,
    Original,
    from_rows,
    of_account,
    originals,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_file import BackupFile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

BACKUP_SPEC: dict[str, dict[str, Any]] = {
    "backup": {"type": "list", "elements": "dict"},
    "backup_file": {"type": "path"},
    "overwrite": {"type": "bool", "default": False},
}


class BackupTask:
    """The backup of one task. An empty `backup_file` or `backup` counts as not given, as AWX answers."""

    def __init__(self, module: str, params: Mapping[str, Any]) -> None:
        """Check the options and the file, before AWS is asked. Raise InputError.

        `module` is the name that the entries carry. With `state=restored` the entries are read, all of them checked;
        otherwise the file has to be one that entries can be added to.
        """
        self._module = module
        path, rows = params.get("backup_file") or None, params.get("backup") or None
        self._file = BackupFile(path) if path else None
        self._entries: list[Entry] = []
        if params.get("state") == "restored":
            if bool(path) is bool(rows):
                raise InputError(
                    "state=restored needs backup, as an earlier run returned it, or backup_file, the file that it wrote"
                    f"{', not both' if path else ''}. Nothing was changed."
                )
            self._entries = self._file.read() if self._file else from_rows(rows or [], "backup")
            self._name = f"backup_file: {self._file.path}" if self._file else "backup"
        elif rows:
            raise InputError("backup is for state=restored only. Nothing was changed.")
        elif self._file:
            self._file.check()

    @property
    def regions(self) -> list[str]:
        """The regions that this module's entries name, of whatever account."""
        return sorted({entry.region for entry in self._entries if entry.region and entry.module == self._module})

    @property
    def partition(self) -> str | None:
        """The partition of this module's entries; None if they have several, or there are none."""
        found = {entry.partition for entry in self._entries if entry.module == self._module}
        return found.pop() if len(found) == 1 else None

    def originals(self, account: str) -> list[Original]:
        """What this module has to restore in the account. Raise InputError if that is nothing."""
        found = originals(of_account(self._entries, account, self._module))
        if not found:
            ours = sorted({entry.account for entry in self._entries if entry.module == self._module})
            what = (
                f"its entries of {self._module} are of account {', '.join(ours)}" if ours else "it holds no such entry"
            )
            raise InputError(
                f"{self._name} has nothing for {self._module} to restore in account {account}: {what}. "
                "Nothing was changed."
            )
        return found

    def keep(self, entries: Iterable[Entry]) -> None:
        """Write the entries to the file, if one is named: before the changes that they are about."""
        new = list(entries)
        if not self._file or not new:
            return
        for entry in self._file.add(new):
            where = f" in {entry.region}" if entry.region else ""
            older = printable(f"{self._file.path} holds an older value of {entry.kind} {entry.resource}{where}")
            warn(
                f"backup_file: {older}. Someone else has set the one that is replaced now, and a restore puts the "
                "older one back."
            )
