# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what the module returns of roles, profiles and changes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
    Entry,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.restore import Outcome
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import Change, ProfileState, RoleState

# What a message calls the kinds of a backup.
KIND_NAMES = {
    ROLE: "IAM role",
    PROFILE: "instance profile",
    PROFILE_ROLE: "role of the instance profile",
    PROFILE_TAG: "tag of the instance profile",
    ATTACHMENT: "managed policy of the IAM role",
    INLINE_POLICY: "inline policy of the IAM role",
    TRUST_POLICY: "trust policy of the IAM role",
    ROLE_BOUNDARY: "permissions boundary of the IAM role",
    ROLE_DESCRIPTION: "description of the IAM role",
    ROLE_TAG: "tag of the IAM role",
}


def role_view(role: RoleState | None, home: Home) -> dict[str, Any] | None:
    """A role as iam_role_access_info returns it."""
    if role is None:
        return None
    return {
        "name": role.name,
        "path": role.path,
        "arn": home.arn("role", role.path, role.name),
        "setting_value": role.setting_value,
        "description": role.description,
        "tags": dict(role.tags),
        "permissions_boundary": role.boundary,
        "max_session_duration": role.max_session,
        "trust_policy": role.trust_policy,
        "managed_policies": list(role.managed),
        "inline_policies": {name: json.loads(text) for name, text in role.inline.items()},
    }


def profile_view(profile: ProfileState | None, home: Home) -> dict[str, Any] | None:
    """An instance profile with its ARN."""
    if profile is None:
        return None
    return {
        "name": profile.name,
        "path": profile.path,
        "arn": home.arn("instance-profile", profile.path, profile.name),
        "role": profile.role,
        "tags": dict(profile.tags),
    }


def entries_of(module: str, home: Home, changes: Iterable[Change]) -> list[Entry]:
    """What a backup holds of the changes."""
    return [
        Entry(module, change.kind, home.account, home.partition, None, change.resource, change.before, change.after)
        for change in changes
    ]


def change_row(change: Change) -> dict[str, Any]:
    """One change in a result."""
    row: dict[str, Any] = {"operation": change.operation, "name": change.name}
    if change.kind == ATTACHMENT:
        row.update(policy=change.part.rpartition("/")[2], arn=change.part)
    elif change.kind == INLINE_POLICY:
        row["policy"] = change.part
    elif change.part:
        row["tag"] = change.part
    return row


def outcome_row(outcome: Outcome, error: Mapping[str, str] | None) -> dict[str, Any]:
    """What became of one resource of a backup, or of one that was to go."""
    row = {
        "kind": outcome.kind,
        "resource": outcome.resource,
        "changed": bool(outcome.changes) and error is None,
        "failed": error is not None,
        "reason": outcome.reason,
    }
    return {**row, "error": dict(error)} if error else row


def diff_of(changes: Iterable[Change]) -> dict[str, Any]:
    """The changes before and after, as diff mode shows them."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for change in changes:
        key = f"{change.kind} {change.resource}"
        before[key], after[key] = _shown(change.kind, change.before), _shown(change.kind, change.after)
    if not before:
        return {}
    return {
        "diff": {
            "before_header": "roles and instance profiles before",
            "after_header": "roles and instance profiles after",
            "before": before,
            "after": after,
        }
    }


def _shown(kind: str, value: Any) -> Any:
    if value is None or kind not in (ROLE, PROFILE, TRUST_POLICY, INLINE_POLICY):
        return value
    if kind in (TRUST_POLICY, INLINE_POLICY):
        return json.loads(value)
    shown = dict(value)
    if kind == ROLE:
        shown["trust_policy"] = json.loads(shown["trust_policy"])
        shown["inline_policies"] = {name: json.loads(text) for name, text in shown["inline_policies"].items()}
    return shown


def first_ten(parts: list[str]) -> str:
    """The parts in one line, not all of a thousand."""
    more = f"; and {len(parts) - 10} more" if len(parts) > 10 else ""
    return "; ".join(parts[:10]) + more
