# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what an operator works on, and the statements of a policy from it that several features share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]
Condition = Mapping[str, Mapping[str, Any]]

SETTING = "servicesetting/ssm/managed-instance/default-ec2-instance-management-role"


@dataclass(frozen=True)
class Scope:
    """What an operator works on. Names of IAM have their path and no leading slash, as ARNs have them."""

    partition: str
    account: str
    regions: tuple[str, ...]
    """Empty for every region."""
    role: str
    instance_profile: str
    instance_role: str
    other_roles: tuple[str, ...]
    s3_policy: str
    s3_roles: tuple[str, ...]
    s3_profiles: tuple[str, ...]
    managed_policies: tuple[str, ...]
    """ARNs."""
    editable_policies: tuple[str, ...]
    inline_policies: bool
    permissions_boundary: str
    name_prefix: str

    def iam(self, kind: str, name: str) -> str:
        """The ARN of something in IAM."""
        return f"arn:{self.partition}:iam::{self.account}:{kind}/{name}"

    def aws_policy(self, name: str) -> str:
        """The ARN of a policy of AWS's own."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"

    def regional(self, service: str, name: str) -> list[str]:
        """The ARN of something in each region; with a wildcard only where every region is meant."""
        return [f"arn:{self.partition}:{service}:{region}:{self.account}:{name}" for region in self.regions or ("*",)]

    def in_regions(self) -> Condition:
        """The condition for actions that have no resource."""
        return {"StringEquals": {"aws:RequestedRegion": list(self.regions)}} if self.regions else {}

    @property
    def ec2(self) -> tuple[str, ...]:
        """EC2's principal. In China IAM knows it by two names (aws/karpenter-provider-aws#6839)."""
        return ("ec2.amazonaws.com", "ec2.amazonaws.com.cn") if self.partition == "aws-cn" else ("ec2.amazonaws.com",)


def is_reading(action: str) -> bool:
    """Whether it changes nothing, and check mode may call it."""
    return action.partition(":")[2].startswith(("Get", "List", "Describe"))


def allow(sid: str, actions: Iterable[str], resources: Any, condition: Condition | None = None) -> Statement:
    """A statement; one resource stands without a list, as AWS's documentation writes it."""
    found = [resources] if isinstance(resources, str) else list(dict.fromkeys(resources))
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": found[0] if len(found) == 1 else found,
    }
    return {**statement, "Condition": condition} if condition else statement


def setting_everywhere(scope: Scope) -> str:
    """The ARN of the setting of every region."""
    return f"arn:{scope.partition}:ssm:*:{scope.account}:{SETTING}"


def list_regions() -> Statement:
    """The account's regions; asked in the region of the session, which may be none of the regions."""
    return allow("ListRegions", ["ec2:DescribeRegions"], "*")


def read_every_role(scope: Scope, *more: str) -> list[Statement]:
    """Whichever profiles the instances have, with their roles: which these are is what is to be found out."""
    return [
        allow("ReadProfiles", ["iam:GetInstanceProfile"], scope.iam("instance-profile", "*")),
        allow(
            "ReadRoles",
            ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", *more],
            scope.iam("role", "*"),
        ),
    ]


def read_policies(scope: Scope, *more: str) -> Statement:
    """Managed policies with their documents: whatever is attached to a role, by whomever."""
    return allow(
        "ReadPoliciesOfRole",
        ["iam:GetPolicy", "iam:GetPolicyVersion", *more],
        [scope.aws_policy("*"), scope.iam("policy", "*")],
    )


def only(policies: list[str]) -> Condition:
    """The condition for attaching and detaching no other policies than these."""
    return {"ArnEquals": {"iam:PolicyARN": policies}}
