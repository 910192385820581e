# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: how the policies of a role come back to what a backup holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    INLINE_POLICY,
    Entry,
    Original,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import Change, RolePolicies

MODULE = "instance_profile_policy"


@dataclass(frozen=True)
class Restored:
    """What becomes of one resource: the change that restores it, or an error; neither if it is as it was."""

    role: str
    policy: str
    change: Change | None = None
    code: str = ""
    reason: str = ""


def role_of(original: Original) -> str:
    """The name of the role that an entry is about."""
    return original.resource.partition("/")[0]


def entries_of(changes: Iterable[Change], role: str, account: str, partition: str) -> list[Entry]:
    """What a backup holds of the changes to a role."""
    return [_entry(change, role, account, partition) for change in changes]


def _entry(change: Change, role: str, account: str, partition: str) -> Entry:
    if change.operation in ("attach", "detach"):
        attached = change.operation == "detach"
        resource = f"{role}/{change.arn}"
        return Entry(MODULE, ATTACHMENT, account, partition, None, resource, attached, not attached)
    resource = f"{role}/{change.name}"
    return Entry(MODULE, INLINE_POLICY, account, partition, None, resource, change.before, change.after)


def plan_restored(
    originals: Iterable[Original], roles: Mapping[str, RolePolicies | None], *, overwrite: bool
) -> list[Restored]:
    """One for each resource. What someone else has changed since, or what is gone, is left alone unless `overwrite`."""
    return [_restored(original, roles[role_of(original)], overwrite=overwrite) for original in originals]


def _restored(original: Original, now: RolePolicies | None, *, overwrite: bool) -> Restored:
    role, _slash, policy = original.resource.partition("/")
    if now is None:
        if original.before in (None, False) or overwrite:
            return Restored(role, policy)
        return Restored(role, policy, code="Gone", reason=f"the role {role} no longer exists")
    if original.kind == ATTACHMENT:
        return _attachment(role, policy, original, now)
    return _inline(role, policy, original, now.inline.get(policy), overwrite=overwrite)


def _inline(role: str, policy: str, original: Original, now: str | None, *, overwrite: bool) -> Restored:
    if now == original.before:
        return Restored(role, policy)
    if original.changed_since(now) and not overwrite:
        what = "removed" if now is None else "changed"
        reason = f"someone else has {what} the inline policy since the backup. overwrite restores it all the same"
        return Restored(role, policy, code="ChangedSince", reason=reason)
    operation = "delete" if original.before is None else "put"
    return Restored(role, policy, Change(operation, policy, before=now, after=original.before))


def _attachment(role: str, arn: str, original: Original, now: RolePolicies) -> Restored:
    """Attached or not: there is no third state that someone else could have made of it."""
    attached = arn in now.managed
    if attached is original.before:
        return Restored(role, arn)
    return Restored(role, arn, Change("attach" if original.before else "detach", arn.rpartition("/")[2], arn))
