# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies of a role, read from moto's IAM."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from fleet_emulator.policy import Source


def of_role(role: Any) -> list[Source]:
    """Every document that counts for the role: inline ones and the default versions of attached ones."""
    inline = [Source(f"role_{role.name}_{name}", "role", text) for name, text in list(role.policies.items())]
    return inline + [of_managed(policy) for policy in list(role.managed_policies.values())]


def of_managed(policy: Any) -> Source:
    """A managed policy's default version."""
    kind = "aws-managed" if ":iam::aws:" in policy.arn else "user-managed"
    version = next(version for version in policy.versions if version.version_id == policy.default_version_id)
    return Source(policy.name, kind, version.document)


def boundary_of(role: Any, account: str, partition: str) -> Source | None:
    """The permissions boundary; one that was deleted allows nothing."""
    arn = getattr(role, "permissions_boundary_arn", None)
    if not arn:
        return None
    policy = iam_backends[account][partition].managed_policies.get(arn)
    if policy is None:
        return Source(arn, "user-managed", '{"Version": "2012-10-17", "Statement": []}')
    return of_managed(policy)


def find_role(account: str, partition: str, name: str, path: str | None = None) -> Any | None:
    """The role of that name (names are unique whatever the path), at that path when one is given."""
    for role in list(iam_backends[account][partition].roles.values()):
        if role.name == name and (path is None or role.path == path):
            return role
    return None
