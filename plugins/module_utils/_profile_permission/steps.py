# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Types: one change of a role or of a managed policy, and the entry of a backup for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    INLINE_POLICY,
    MANAGED_POLICY,
    Entry,
)

# By this name a backup knows what it can restore.
MODULE = "instance_profile_permission"

# Operations that take something away.
DETACH = "detach"
PUT = "put"
DELETE = "delete"
VERSION = "version"
# Operations that only a restore has.
ATTACH = "attach"
DEFAULT = "default"


@dataclass(frozen=True)
class Step:
    """One change. `before` and `after` are the documents' text, None where there is none.

    `operation` is one of:
    attach, detach: the managed policy `arn` and the role;
    put, delete: an inline policy of the role;
    version: a new default version of `arn`. `version` is the one before, `versions` are all that there were;
    default: make `version` of `arn` the default again, and delete the versions `surplus`.
    """

    operation: str
    policy: str
    role: str | None = None
    arn: str | None = None
    before: str | None = None
    after: str | None = None
    version: str | None = None
    versions: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    reason: str = ""

    @property
    def owner(self) -> str:
        """The role or the managed policy that is changed."""
        return str(self.role or self.arn)


def entries_of(steps: Iterable[Step], account: str, partition: str) -> list[Entry]:
    """What a backup holds of the steps that take something away."""
    return [_entry(step, account, partition) for step in steps]


def _entry(step: Step, account: str, partition: str) -> Entry:
    if step.operation == VERSION:
        before = {"document": step.before, "version": step.version, "versions": list(step.versions)}
        return Entry(MODULE, MANAGED_POLICY, account, partition, None, str(step.arn), before, {"document": step.after})
    if step.operation == DETACH:
        return Entry(MODULE, ATTACHMENT, account, partition, None, f"{step.role}/{step.arn}", before=True, after=False)
    resource = f"{step.role}/{step.policy}"
    return Entry(MODULE, INLINE_POLICY, account, partition, None, resource, step.before, step.after)
