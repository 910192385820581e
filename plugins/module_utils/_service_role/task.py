# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""What the states of iam_service_role share: the account, how to read it, the backup, and the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import to_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import is_stale
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.apply import Applier
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.guard import (
    removes_role,
    takes_role_from_instances,
    why_profile_stays,
    why_role_stays,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.reader import Reader
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.result import change_row, diff_of, entries_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.survey import Survey
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import Change, ProfileState, RoleState


@dataclass(frozen=True)
class Task:
    """One run of the module. `label` is the name that the backup's entries carry."""

    label: str
    home: Home
    reader: Reader
    survey: Survey
    backup: BackupTask
    check_mode: bool
    overwrite: bool
    read_at: float

    def applier(self) -> Applier:
        """What makes the changes."""
        return Applier(self.reader.iam, self.read_at, self._why_kept_now)

    def result(self, done: list[Change], applier: Applier) -> dict[str, Any]:
        """What every state returns. `done` was made, or would be in check mode."""
        begun = done if self.check_mode else applier.begun
        return {
            "changed": bool(begun),
            "account": self.home.account,
            "partition": self.home.partition,
            "changes": [change_row(change) for change in done],
            "backup": to_rows(entries_of(self.label, self.home, begun)),
            **diff_of(done),
        }

    def why_kept(self, change: Change, role: RoleState | None, profile: ProfileState | None) -> str:
        """Why a role or a profile must not go, or the profile lose its role; empty if it may."""
        if removes_role(change) and role:
            return why_role_stays(role, *self.survey.dhmc())
        if takes_role_from_instances(change) and profile:
            arn = self.home.arn("instance-profile", profile.path, profile.name)
            return why_profile_stays(self.survey.users(arn))
        return ""

    def _why_kept_now(self, change: Change) -> str:
        """The same right before the change, with everything read again if that was a while ago."""
        if is_stale(self.survey.at):
            self.survey.forget()
        role = self.reader.role(change.name) if removes_role(change) else None
        profile = self.reader.profile(change.name) if takes_role_from_instances(change) else None
        return self.why_kept(change, role, profile)


def attempt(applier: Applier, change: Change) -> Exception | None:
    """Make the change; the error if it could not be made, which belongs to its resource and must not stop others."""
    try:
        applier.make(change)
    except Exception as error:
        return error
    return None
