# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the statements that each role of the collection needs, from the API calls that it makes. Pure.

Which resources and conditions an action takes: Service Authorization Reference, the pages for AWS Identity and Access
Management (IAM), Amazon EC2 and AWS Systems Manager.
tests/integration_emulator/test_operator_policy*.py hold the actions to the calls that the roles are seen to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_preflight import (
    preflight,
    preflight_metadata,
    preflight_permissions,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_readiness import readiness
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_scope import (
    SETTING,
    Condition,
    Scope,
    Statement,
    allow,
    list_regions,
    only,
    read_policies,
    setting_everywhere,
)

_SSM = ("ssm.amazonaws.com",)


def _pass_role(scope: Scope, roles: Iterable[str], services: Iterable[str]) -> Statement:
    return allow(
        "PassRole",
        ["iam:PassRole"],
        [scope.iam("role", name) for name in roles],
        {"StringEquals": {"iam:PassedToService": list(services)}},
    )


def _settings(scope: Scope) -> list[Statement]:
    """The policy of AWS's page "Configure instance permissions required for Systems Manager"."""
    return [
        allow(
            # A policy has no room for a comment, so that the name says why there is a wildcard.
            "SettingInTheseRegions" if scope.regions else "SettingInEveryRegionAsAskedFor",
            ["ssm:GetServiceSetting", "ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"],
            scope.regional("ssm", SETTING),
        ),
        # A role that was replaced is passed again when it is put back.
        _pass_role(scope, [scope.role, *scope.other_roles], _SSM),
    ]


def _dhmc(scope: Scope) -> list[Statement]:
    return [
        *_settings(scope),
        *_read_role(scope, scope.role),
        read_policies(scope),
        *([] if scope.regions else [list_regions()]),
    ]


def _dhmc_role(scope: Scope) -> list[Statement]:
    policies = [scope.aws_policy("AmazonSSMManagedEC2InstanceDefaultPolicy")]
    return [
        # The role is kept as long as any region names it, so that its removal reads them all.
        allow("SeeWhetherAnyRegionNamesTheRole", ["ssm:GetServiceSetting"], setting_everywhere(scope)),
        # Names that differ in case only are refused, so all of them are listed before a role is made.
        allow("ReadAccount", ["ec2:DescribeRegions", "iam:GetAccountSummary", "iam:ListRoles"], "*"),
        *_make_role(scope, scope.role, policies),
    ]


def _read_role(scope: Scope, name: str, *more: str) -> list[Statement]:
    return [
        allow(
            "ReadRole",
            ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", *more],
            scope.iam("role", name),
        ),
        *_missing(scope, "SeeThatRoleIsMissing", "iam:GetRole", "role", name),
    ]


def _missing(scope: Scope, sid: str, action: str, kind: str, name: str) -> list[Statement]:
    """IAM can't tell the path of what is not there, and asks for the name without one (kayac/ecspresso#288)."""
    bare = name.rpartition("/")[2]
    return [allow(sid, [action], scope.iam(kind, bare))] if bare != name else []


def _make_role(scope: Scope, name: str, policies: Iterable[str]) -> list[Statement]:
    """Make, change and remove a role that can get no other policies than those."""
    role = scope.iam("role", name)
    allowed = list(dict.fromkeys([*policies, *scope.managed_policies]))
    boundary = scope.permissions_boundary
    bounded: Condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}} if boundary else {}
    found = [
        allow(
            "CreateRole", ["iam:CreateRole", *(["iam:PutRolePermissionsBoundary"] if boundary else [])], role, bounded
        ),
        allow(
            "ChangeAndRemoveRole",
            [
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:ListInstanceProfilesForRole",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            role,
        ),
        allow("AttachThesePolicies", ["iam:AttachRolePolicy"], role, only(allowed)),
    ]
    if scope.inline_policies:
        found.append(allow("PutInlinePolicies", ["iam:PutRolePolicy"], role, bounded))
    return found


def _instance_profile(scope: Scope) -> list[Statement]:
    profile = scope.iam("instance-profile", scope.instance_profile)
    return [
        allow(
            "MakeProfile",
            [
                "iam:AddRoleToInstanceProfile",
                "iam:CreateInstanceProfile",
                "iam:DeleteInstanceProfile",
                "iam:GetInstanceProfile",
                "iam:RemoveRoleFromInstanceProfile",
                "iam:TagInstanceProfile",
                "iam:UntagInstanceProfile",
            ],
            profile,
        ),
        *_missing(
            scope, "SeeThatProfileIsMissing", "iam:GetInstanceProfile", "instance-profile", scope.instance_profile
        ),
        _pass_role(scope, [scope.instance_role], scope.ec2),
        *_read_role(scope, scope.instance_role),
        read_policies(scope),
        *_make_role(scope, scope.instance_role, [scope.aws_policy("AmazonSSMManagedInstanceCore")]),
        # The profile is kept as long as an instance of any region has it, and the role as long as any region names it.
        allow("SeeWhetherAnyRegionNamesTheRole", ["ssm:GetServiceSetting"], setting_everywhere(scope)),
        allow(
            "ReadAccount",
            [
                "ec2:DescribeInstances",
                "ec2:DescribeRegions",
                "iam:GetAccountSummary",
                "iam:ListInstanceProfiles",
                "iam:ListRoles",
            ],
            "*",
        ),
    ]


def _profile_association(scope: Scope) -> list[Statement]:
    return [
        allow(
            "ReadInstances",
            ["ec2:DescribeIamInstanceProfileAssociations", "ec2:DescribeInstances"],
            "*",
            scope.in_regions(),
        ),
        allow(
            "ChangeProfilesInTheseRegions" if scope.regions else "ChangeProfilesInEveryRegionAsAskedFor",
            [
                "ec2:AssociateIamInstanceProfile",
                "ec2:DisassociateIamInstanceProfile",
                "ec2:ReplaceIamInstanceProfileAssociation",
            ],
            scope.regional("ec2", "instance/*"),
        ),
        *_read_profiles(scope),
        _pass_role(scope, [scope.instance_role, *scope.other_roles], scope.ec2),
        *([] if scope.regions else [list_regions()]),
    ]


def _read_profiles(scope: Scope) -> list[Statement]:
    """The profile, and with other roles those that a restore gives back: which ones these are is in the backup."""
    if scope.other_roles:
        return [allow("ReadProfiles", ["iam:GetInstanceProfile"], scope.iam("instance-profile", "*"))]
    name = scope.instance_profile
    return [
        allow("ReadProfile", ["iam:GetInstanceProfile"], scope.iam("instance-profile", name)),
        *_missing(scope, "SeeThatProfileIsMissing", "iam:GetInstanceProfile", "instance-profile", name),
    ]


def _profile_association_extend(scope: Scope) -> list[Statement]:
    roles = [scope.iam("role", name) for name in scope.other_roles]
    core = "AmazonSSMManagedInstanceCore"
    policies = list(dict.fromkeys([scope.aws_policy(core), *scope.managed_policies]))
    return [
        allow("ReadProfiles", ["iam:GetInstanceProfile"], scope.iam("instance-profile", "*")),
        allow(
            "ReadTheirRoles",
            ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
            roles,
        ),
        allow("AttachAndDetachThesePolicies", ["iam:AttachRolePolicy", "iam:DetachRolePolicy"], roles, only(policies)),
        # A name is looked for in the account first. And a role that DHMC uses is judged by all that hangs on it.
        read_policies(scope),
        allow("ReadAccount", ["ec2:DescribeRegions", "iam:GetAccountSummary"], "*"),
        # A restore detaches nothing that DHMC needs, in whichever region.
        allow("SeeWhichRolesDhmcUses", ["ssm:GetServiceSetting"], setting_everywhere(scope)),
    ]


def _s3_policy(scope: Scope) -> list[Statement]:
    # The first has the name, the second to the ninety-ninth a number behind it.
    policies = [scope.iam("policy", scope.s3_policy + number) for number in ("", "-?", "-??")]
    found = _make_policies(policies)
    if not scope.regions:
        found.append(list_regions())
    if scope.s3_profiles:
        found.append(
            allow(
                "ReadProfile",
                ["iam:GetInstanceProfile"],
                [scope.iam("instance-profile", name) for name in scope.s3_profiles],
            )
        )
    if scope.s3_roles:
        roles = [scope.iam("role", name) for name in scope.s3_roles]
        found += [
            allow(
                "ReadRoles",
                ["iam:GetRole", "iam:ListAttachedRolePolicies"],
                roles,
            ),
            allow("AttachAndDetach", ["iam:AttachRolePolicy", "iam:DetachRolePolicy"], roles, only(policies)),
        ]
    return found


def _operator_policy(scope: Scope) -> list[Statement]:
    return _make_policies([scope.iam("policy", f"{scope.name_prefix}*")])


def _make_policies(policies: list[str]) -> list[Statement]:
    return [
        allow("ReadAccount", ["iam:GetAccountSummary", "iam:ListPolicies"], "*"),
        allow(
            "MakePolicies",
            [
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListEntitiesForPolicy",
                "iam:ListPolicyVersions",
                "iam:SetDefaultPolicyVersion",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ],
            policies,
        ),
    ]


STATEMENTS: Mapping[str, Callable[[Scope], list[Statement]]] = MappingProxyType(
    {
        "settings": _settings,
        "dhmc": _dhmc,
        "dhmc_role": _dhmc_role,
        "instance_profile": _instance_profile,
        "profile_association": _profile_association,
        "profile_association_extend": _profile_association_extend,
        "s3_policy": _s3_policy,
        "preflight": preflight,
        "preflight_permissions": preflight_permissions,
        "preflight_metadata": preflight_metadata,
        "readiness": readiness,
        "operator_policy": _operator_policy,
    }
)
"""Each feature's statements.

C(dhmc_role), C(profile_association_extend), C(preflight_permissions) and C(preflight_metadata) come on top of C(dhmc),
C(profile_association) and C(preflight).
"""
