# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the statements that the report on readiness needs, and the waiting for it. Pure.

Nothing of it writes.
"""

from __future__ import annotations

from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_scope import (
    SETTING,
    Scope,
    Statement,
    allow,
    list_regions,
    read_every_role,
    read_policies,
)


def readiness(scope: Scope) -> list[Statement]:
    """What ssm_managed_instance_info and ssm_managed_instance_wait read."""
    return [
        allow(
            # One statement: the condition names each region again.
            "ReadInstancesNodesAndNetworks",
            [
                "ec2:DescribeIamInstanceProfileAssociations",
                "ec2:DescribeInstances",
                "ec2:DescribeManagedPrefixLists",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                # Of whichever VPC: one that is shared with the account is another account's.
                "ec2:DescribeVpcAttribute",
                "ec2:DescribeVpcEndpoints",
                # Of whichever account: prefix lists are shared.
                "ec2:GetManagedPrefixListEntries",
                "ssm:DescribeInstanceInformation",
                "ssm:DescribeInstanceProperties",
            ],
            "*",
            scope.in_regions(),
        ),
        allow(
            "ReadSettingInTheseRegions" if scope.regions else "ReadSettingInEveryRegionAsAskedFor",
            ["ssm:GetServiceSetting"],
            scope.regional("ssm", SETTING),
        ),
        allow(
            "ReadAccount",
            ["iam:GetAccountAuthorizationDetails", "iam:GetAccountSummary", "iam:ListInstanceProfiles"],
            "*",
        ),
        *read_every_role(scope),
        read_policies(scope),
        *([] if scope.regions else [list_regions()]),
    ]
