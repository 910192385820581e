# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Types: a role and an instance profile as a whole, and one change of either. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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

# Marks what this collection has made, and so may change and remove. Its value is who made it.
OWNER_TAG = "fleet.aws_ssm/made-by"
DEFAULT_SESSION = 3600


@dataclass(frozen=True)
class RoleState:
    """An IAM role with all that hangs on it; documents as the very text that IAM holds."""

    name: str
    path: str
    trust: str
    description: str = ""
    max_session: int = DEFAULT_SESSION
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    managed: tuple[str, ...] = ()
    """ARNs, sorted."""
    inline: Mapping[str, str] = field(default_factory=dict)

    @property
    def setting_value(self) -> str:
        """Path and name without the leading slash, as the setting of DHMC takes a role."""
        return f"{self.path}{self.name}".lstrip("/")

    @property
    def trust_policy(self) -> dict[str, Any]:
        """The trust policy as a document."""
        return dict(json.loads(self.trust))

    def made_by(self, owner: str) -> bool:
        """Whether the tag says that this owner made it."""
        return self.tags.get(OWNER_TAG) == owner

    def to_journal(self) -> dict[str, Any]:
        """The role as a backup holds it."""
        return {
            "path": self.path,
            "trust_policy": self.trust,
            "description": self.description,
            "max_session_duration": self.max_session,
            "permissions_boundary": self.boundary,
            "tags": dict(self.tags),
            "managed_policies": list(self.managed),
            "inline_policies": dict(self.inline),
        }


def role_from_journal(name: str, value: Mapping[str, Any]) -> RoleState:
    """The role that a backup holds. Raise KeyError, TypeError or ValueError for one that is damaged."""
    role = RoleState(
        name=name,
        path=str(value["path"]),
        trust=str(value["trust_policy"]),
        description=str(value["description"]),
        max_session=int(value["max_session_duration"]),
        boundary=value["permissions_boundary"],
        tags=dict(value["tags"]),
        managed=tuple(sorted(value["managed_policies"])),
        inline=dict(value["inline_policies"]),
    )
    for text in (role.trust, *role.inline.values()):
        if not isinstance(json.loads(text), dict):
            raise TypeError(f"{text!r} is not a policy document")
    return role


@dataclass(frozen=True)
class ProfileState:
    """An instance profile; `role` is the name of the role that it holds."""

    name: str
    path: str
    role: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def made_by(self, owner: str) -> bool:
        """Whether the tag says that this owner made it."""
        return self.tags.get(OWNER_TAG) == owner

    def to_journal(self) -> dict[str, Any]:
        """The profile as a backup holds it."""
        return {"path": self.path, "role": self.role, "tags": dict(self.tags)}


def profile_from_journal(name: str, value: Mapping[str, Any]) -> ProfileState:
    """The profile that a backup holds. Raise KeyError, TypeError or ValueError for one that is damaged."""
    return ProfileState(name, str(value["path"]), value["role"] or None, dict(value["tags"]))


@dataclass(frozen=True)
class Change:
    """One change: the kind and the resource of a backup's entry, with the values before and after it."""

    kind: str
    resource: str
    before: Any
    after: Any

    @property
    def name(self) -> str:
        """The role's or the profile's name."""
        return self.resource.partition("/")[0] if self.kind in PARTED else self.resource

    @property
    def part(self) -> str:
        """The policy's name or ARN, or the tag's key; empty for other kinds."""
        return self.resource.partition("/")[2] if self.kind in PARTED else ""

    @property
    def of_profile(self) -> bool:
        """Whether it changes an instance profile rather than a role."""
        return self.kind in (PROFILE, PROFILE_ROLE, PROFILE_TAG)

    @property
    def operation(self) -> str:
        """What a result calls it."""
        if self.kind == ATTACHMENT:
            return "attach" if self.after else "detach"
        if self.kind in (TRUST_POLICY, ROLE_DESCRIPTION):
            return f"update_{'trust_policy' if self.kind == TRUST_POLICY else 'description'}"
        taking, giving = _OPERATIONS[self.kind]
        return taking if self.after is None else giving

    @property
    def takes_away(self) -> bool:
        """Whether a role may allow or trust less afterwards."""
        if self.kind == ATTACHMENT:
            return not self.after
        if self.kind == ROLE:
            return self.after is None
        return self.kind in (TRUST_POLICY, ROLE_BOUNDARY) or (self.kind == INLINE_POLICY and self.before is not None)


PARTED = frozenset({ATTACHMENT, INLINE_POLICY, ROLE_TAG, PROFILE_TAG})
_OPERATIONS = {
    ROLE: ("remove_role", "create_role"),
    PROFILE: ("remove_profile", "create_profile"),
    PROFILE_ROLE: ("remove_role_from_profile", "add_role_to_profile"),
    INLINE_POLICY: ("delete", "put"),
    ROLE_BOUNDARY: ("delete_boundary", "set_boundary"),
    ROLE_TAG: ("untag", "tag"),
    PROFILE_TAG: ("untag_profile", "tag_profile"),
}


def changed(role: RoleState, changes: Iterable[Change]) -> RoleState:
    """The role after changes of its parts."""
    trust, description, boundary = role.trust, role.description, role.boundary
    tags, managed, inline = dict(role.tags), set(role.managed), dict(role.inline)
    for change in changes:
        if change.kind == TRUST_POLICY:
            trust = change.after
        elif change.kind == ROLE_DESCRIPTION:
            description = change.after or ""
        elif change.kind == ROLE_BOUNDARY:
            boundary = change.after
        elif change.kind == ATTACHMENT:
            (managed.add if change.after else managed.discard)(change.part)
        elif change.kind == INLINE_POLICY:
            _put(inline, change)
        elif change.kind == ROLE_TAG:
            _put(tags, change)
    return RoleState(
        role.name, role.path, trust, description, role.max_session, boundary, tags, tuple(sorted(managed)), inline
    )


def _put(parts: dict[str, str], change: Change) -> None:
    if change.after is None:
        parts.pop(change.part, None)
    else:
        parts[change.part] = change.after


def value_in(role: RoleState | None, kind: str, part: str) -> Any:
    """What a role holds of one kind of part, as a backup's entry has it."""
    if role is None:
        return False if kind == ATTACHMENT else None
    if kind == ATTACHMENT:
        return part in role.managed
    if kind == INLINE_POLICY:
        return role.inline.get(part)
    if kind == ROLE_TAG:
        return role.tags.get(part)
    return {TRUST_POLICY: role.trust, ROLE_DESCRIPTION: role.description, ROLE_BOUNDARY: role.boundary}[kind]


def profile_value_in(profile: ProfileState | None, kind: str, part: str) -> Any:
    """What an instance profile holds of one kind of part, likewise."""
    if profile is None:
        return None
    return profile.tags.get(part) if kind == PROFILE_TAG else profile.role
