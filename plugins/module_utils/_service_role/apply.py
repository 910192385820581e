# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Apply: makes the changes of a plan one by one, each only if IAM still holds what the plan has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    INLINE_POLICY,
    PROFILE,
    PROFILE_ROLE,
    PROFILE_TAG,
    ROLE,
    ROLE_BOUNDARY,
    ROLE_DESCRIPTION,
    ROLE_TAG,
    TRUST_POLICY,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import is_stale, read_fresh
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    ChangedMeanwhile,
    Failure,
    code_of,
    may_have_happened,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam import service_roles
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import profiles_of_role
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import (
    Change,
    ProfileState,
    RoleState,
    profile_from_journal,
    role_from_journal,
)

# Documents and the like are always compared: IAM replaces them whatever they are.
_REPLACED = (TRUST_POLICY, ROLE_BOUNDARY, ROLE_DESCRIPTION)


class InUse(Failure):
    """What was to be removed is used by now."""


class Applier:
    """Makes changes, and knows which were made or may have been."""

    def __init__(self, iam: Any, read_at: float, why_kept: Callable[[Change], str]) -> None:
        """`read_at` is when the plan's state was read; `why_kept` says why a role or profile must stay, or nothing."""
        self._iam, self._read_at, self._why_kept = iam, read_at, why_kept
        self.begun: list[Change] = []

    def make(self, change: Change) -> None:
        """Make the change, or raise: ChangedMeanwhile, InUse, or what IAM answers."""
        self._compare(change)
        make: dict[str, Callable[[Change], None]] = {
            ROLE: self._role,
            PROFILE: self._profile,
            PROFILE_ROLE: self._profile_role,
            ATTACHMENT: self._attachment,
            INLINE_POLICY: self._inline,
            TRUST_POLICY: self._trust,
            ROLE_DESCRIPTION: self._description,
            ROLE_BOUNDARY: self._boundary,
            ROLE_TAG: self._tag,
            PROFILE_TAG: self._tag,
        }
        make[change.kind](change)

    def _compare(self, change: Change) -> None:
        """Raise unless IAM holds what the plan has seen, for all that IAM does not compare itself."""
        if change.kind == ROLE and change.after is None:
            self._compare_role(change)
        elif change.kind == PROFILE and change.after is None:
            self._compare_profile(change)
        elif change.kind in (ROLE, PROFILE):
            return  # IAM refuses to make what exists
        elif (
            self._is_stale() or change.kind in _REPLACED or (change.kind == INLINE_POLICY and change.before is not None)
        ):
            now = read_fresh(lambda: service_roles.value_now(self._iam, change))
            if now != change.before:
                raise ChangedMeanwhile(change.before, now)
        if change.kind == PROFILE_ROLE and change.before is not None:
            self._still_free(change)

    def _compare_role(self, change: Change) -> None:
        seen = role_from_journal(change.name, change.before)
        now = read_fresh(lambda: service_roles.read_role(self._iam, change.name))
        if now and _essence(now) != _essence(seen):
            raise ChangedMeanwhile(seen.to_journal(), now.to_journal())
        holders = profiles_of_role(self._iam, change.name) if now else []
        if holders:
            raise InUse(f"the instance profile {', '.join(holders)} holds it")
        self._still_free(change)

    def _compare_profile(self, change: Change) -> None:
        now = read_fresh(lambda: service_roles.read_profile(self._iam, change.name))
        if now and now.role != change.before["role"]:
            raise ChangedMeanwhile(f"the role {change.before['role']}", f"the role {now.role}")
        self._still_free(change)

    def _still_free(self, change: Change) -> None:
        why = self._why_kept(change)
        if why:
            raise InUse(why)

    def _is_stale(self) -> bool:
        return is_stale(self._read_at)

    def _call(self, change: Change, call: Callable[..., None], *parameters: Any) -> None:
        """One writing call. Without an answer nobody knows whether it was carried out."""
        try:
            call(self._iam, *parameters)
        except Exception as error:
            if may_have_happened(error):
                self._begin(change)
            raise
        self._begin(change)

    def _begin(self, change: Change) -> None:
        if change not in self.begun:
            self.begun.append(change)

    def _role(self, change: Change) -> None:
        name = change.name
        if change.after is None:
            self._remove_role(change, role_from_journal(name, change.before))
            return
        role = role_from_journal(name, change.after)
        try:
            self._call(change, service_roles.create_role, role)
        except Exception as error:
            # A call that is repeated because its answer was lost finds what it has made.
            if not (code_of(error) == "EntityAlreadyExists" and self._is_as_made(role)):
                raise
            self._begin(change)
        for policy, text in role.inline.items():
            self._call(change, service_roles.put_inline, name, policy, text)
        for arn in role.managed:
            self._call(change, service_roles.attach, name, arn)

    def _is_as_made(self, role: RoleState) -> bool:
        found = service_roles.read_role(self._iam, role.name)
        bare = RoleState(role.name, role.path, role.trust, boundary=role.boundary)
        return found is not None and _essence(found) == _essence(bare) and dict(found.tags) == dict(role.tags)

    def _remove_role(self, change: Change, role: RoleState) -> None:
        for arn in role.managed:
            self._call(change, service_roles.detach, role.name, arn)
        for policy in role.inline:
            self._call(change, service_roles.delete_inline, role.name, policy)
        self._call(change, service_roles.delete_role, role.name)

    def _profile(self, change: Change) -> None:
        if change.after is None:
            if change.before["role"]:
                self._call(change, service_roles.remove_role, change.name, change.before["role"])
            self._call(change, service_roles.delete_profile, change.name)
            return
        profile = profile_from_journal(change.name, change.after)
        try:
            self._call(change, service_roles.create_profile, profile)
        except Exception as error:
            found = service_roles.read_profile(self._iam, profile.name)
            if code_of(error) != "EntityAlreadyExists" or not _is_bare(found, profile):
                raise
            self._begin(change)
        if profile.role:
            self._add_role(change, profile.role)

    def _add_role(self, change: Change, role: str) -> None:
        try:
            self._call(change, service_roles.add_role, change.name, role)
        except Exception as error:
            found = service_roles.read_profile(self._iam, change.name) if code_of(error) == "LimitExceeded" else None
            if not found or found.role != role:
                raise
            self._begin(change)

    def _profile_role(self, change: Change) -> None:
        if change.before:
            self._call(change, service_roles.remove_role, change.name, change.before)
        if change.after:
            self._add_role(change, change.after)

    def _attachment(self, change: Change) -> None:
        self._call(change, service_roles.attach if change.after else service_roles.detach, change.name, change.part)

    def _inline(self, change: Change) -> None:
        if change.after is None:
            self._call(change, service_roles.delete_inline, change.name, change.part)
        else:
            self._call(change, service_roles.put_inline, change.name, change.part, change.after)

    def _trust(self, change: Change) -> None:
        self._call(change, service_roles.update_trust, change.name, change.after)

    def _description(self, change: Change) -> None:
        self._call(change, service_roles.update_description, change.name, change.after or "")

    def _boundary(self, change: Change) -> None:
        self._call(change, service_roles.set_boundary, change.name, change.after)

    def _tag(self, change: Change) -> None:
        self._call(change, service_roles.set_tag, change.kind, change.name, change.part, change.after)


def _essence(role: RoleState) -> tuple[Any, ...]:
    """What a removal must not lose without a word: all but tags and description."""
    return (role.path, role.trust, role.boundary, role.managed, dict(role.inline))


def _is_bare(found: ProfileState | None, profile: ProfileState) -> bool:
    return found is not None and (found.path, found.role, dict(found.tags)) == (profile.path, None, dict(profile.tags))
