# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the statements that the role preflight needs. Pure.

One feature has all that the role reads. An operator who has that alone can see what would be fixed and can't fix it.
"""

from __future__ import annotations

from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_scope import (
    Scope,
    Statement,
    allow,
    only,
    read_every_role,
    read_policies,
    setting_everywhere,
)


def preflight(scope: Scope) -> list[Statement]:
    """The report, and check mode of whatever is to be fixed or put back."""
    return [
        allow(
            "ReadAccount",
            [
                # In every region: a role loses the permission for the instances of all of them.
                "ec2:DescribeInstances",
                "ec2:DescribeRegions",
                "iam:GetAccountAuthorizationDetails",
                "iam:GetAccountSummary",
                "iam:ListInstanceProfiles",
                # Whether the agents know DHMC, where they would have to use it.
                "ssm:DescribeInstanceInformation",
            ],
            "*",
        ),
        allow("ReadMetadataDefaults", ["ec2:GetInstanceMetadataDefaults"], "*", scope.in_regions()),
        allow("SeeWhichRegionsHaveTheSetting", ["ssm:GetServiceSetting"], setting_everywhere(scope)),
        *read_every_role(scope, "iam:ListInstanceProfilesForRole"),
        read_policies(scope, "iam:ListPolicyVersions"),
    ]


def preflight_permissions(scope: Scope) -> list[Statement]:
    """Taking the permission from these roles, and putting it back."""
    roles = [scope.iam("role", name) for name in scope.other_roles]
    # Not those of C(managed_policies), which the roles of the collection may have: they would become mightier.
    own = [scope.iam("policy", name) for name in scope.editable_policies]
    policies = [scope.aws_policy("AmazonSSMManagedInstanceCore"), *scope.managed_policies, *own]
    found = [
        # No condition can limit what an inline policy says.
        allow("EditInlinePolicies", ["iam:DeleteRolePolicy", "iam:PutRolePolicy"], roles),
        allow(
            "DetachThesePoliciesAndAttachThemAgain",
            ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
            roles,
            only(list(dict.fromkeys(policies))),
        ),
    ]
    if own:
        found.append(
            allow(
                "EditThesePolicies",
                ["iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"],
                own,
            )
        )
    return found


def preflight_metadata(scope: Scope) -> list[Statement]:
    """The metadata options of instances and of those that are launched later, and putting them back."""
    return [
        allow(
            "ChangeInstancesInTheseRegions" if scope.regions else "ChangeInstancesInEveryRegionAsAskedFor",
            ["ec2:ModifyInstanceMetadataOptions"],
            scope.regional("ec2", "instance/*"),
        ),
        allow("ChangeDefaults", ["ec2:ModifyInstanceMetadataDefaults"], "*", scope.in_regions()),
    ]
