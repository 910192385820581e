# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: an IAM role with everything attached to it, read through amazon.aws's IAM calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.iam import (
    get_iam_managed_policy_by_arn,
    get_iam_managed_policy_version,
    get_iam_role,
    list_iam_role_attached_policies,
    list_iam_role_policies,
)
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Policy


@dataclass(frozen=True)
class Role:
    """GetRole's answer (C(role)) and the policies that count for the role."""

    role: dict[str, Any]
    policies: list[Policy]
    boundary: Policy | None


def read_role(client: Any, name: str) -> Role | None:
    """The role, or None. Two calls, and one or two more for each policy; raises AnsibleIAMError."""
    role = get_iam_role(client, name)
    if not role:
        return None
    managed = [
        _managed_policy(client, policy["PolicyArn"], "managed")
        for policy in list_iam_role_attached_policies(client, name)
    ]
    inline = [
        Policy(policy, "inline", _get_role_policy(client, name, policy))
        for policy in list_iam_role_policies(client, name)
    ]
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return Role(role, managed + inline, _managed_policy(client, boundary, "boundary") if boundary else None)


def _managed_policy(client: Any, arn: str, kind: str) -> Policy:
    policy = get_iam_managed_policy_by_arn(client, arn)
    version = get_iam_managed_policy_version(client, arn, policy["DefaultVersionId"])
    return Policy(policy["PolicyName"], kind, version["Document"], arn)


def _get_role_policy(client: Any, role: str, policy: str) -> dict[str, Any]:
    repeated = AWSRetry.jittered_backoff()(client.get_role_policy)
    return repeated(RoleName=role, PolicyName=policy)["PolicyDocument"]
