# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: many IAM roles with all that hangs on them; documents as the very text that IAM holds.

Raises amazon.aws's AnsibleIAMError or botocore's errors; botocore repeats what IAM throttles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ansible_collections.amazon.aws.plugins.module_utils.iam import (
    get_iam_managed_policy_by_arn,
    get_iam_role,
    list_iam_role_attached_policies,
    list_iam_role_policies,
)

from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import ManagedPolicy, RoleFacts

# IAM's buckets are not published; more at once than this is soon throttled.
_WORKERS = 8


@dataclass(frozen=True)
class BareRole:
    """A role before its managed policies are read: ARNs attached, inline policies by name with their text."""

    detail: dict[str, Any]
    attached: tuple[str, ...]
    inline: dict[str, str]

    @property
    def boundary(self) -> str | None:
        """The ARN of its permissions boundary."""
        return self.detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")

    @property
    def managed(self) -> list[str]:
        """Every managed policy that counts."""
        return [*self.attached, *([self.boundary] if self.boundary else [])]


def keep_texts(client: Any) -> None:
    """Have C(Text) beside every policy document that IAM answers with: botocore leaves only the decoded document."""
    client.meta.events.register_first("after-call.iam", _keep_texts, unique_id="fleet.aws_ssm-keep-texts")


def _keep_texts(parsed: Any, **_event: Any) -> None:
    if isinstance(parsed, dict):
        for key, value in list(parsed.items()):
            if key in ("PolicyDocument", "Document") and isinstance(value, str):
                parsed["Text"] = unquote(value)
            elif isinstance(value, (dict, list)):
                _keep_texts(value)
    elif isinstance(parsed, list):
        for item in parsed:
            _keep_texts(item)


def read_bare_role(client: Any, name: str) -> BareRole | None:
    """The role, or None. Three calls, and one for each inline policy."""
    detail = get_iam_role(client, name)
    if not detail:
        return None
    keep_texts(client)
    return BareRole(
        detail,
        tuple(policy["PolicyArn"] for policy in list_iam_role_attached_policies(client, name)),
        {
            policy: client.get_role_policy(RoleName=name, PolicyName=policy)["Text"]
            for policy in list_iam_role_policies(client, name)
        },
    )


def read_policy(client: Any, arn: str) -> ManagedPolicy:
    """A managed policy with its default version. Two calls."""
    keep_texts(client)
    policy = get_iam_managed_policy_by_arn(client, arn)
    version = client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return _managed(policy, version["Text"])


def _managed(policy: Mapping[str, Any], text: str, versions: tuple[str, ...] | None = None) -> ManagedPolicy:
    return ManagedPolicy(
        arn=policy["Arn"],
        name=policy["PolicyName"],
        text=text,
        version=policy["DefaultVersionId"],
        attached=policy.get("AttachmentCount", 0) + policy.get("PermissionsBoundaryUsageCount", 0),
        versions=versions,
    )


@dataclass(frozen=True)
class AccountDetails:
    """All roles by name, the account's own policies by ARN, and all instance profiles that hold a role, by name."""

    roles: dict[str, BareRole] = field(default_factory=dict)
    policies: dict[str, ManagedPolicy] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)

    def sharing(self) -> dict[str, dict[str, str]]:
        """The ARNs of the profiles that hold each role, by their names."""
        found: dict[str, dict[str, str]] = {name: {} for name in self.roles}
        for name, profile in self.profiles.items():
            found[profile["Roles"][0]["RoleName"]][name] = profile["Arn"]
        return found


def account_details(client: Any) -> AccountDetails:
    """GetAccountAuthorizationDetails. Policies of AWS are left out: it would give all versions of each of them."""
    keep_texts(client)
    details = AccountDetails()
    pages = client.get_paginator("get_account_authorization_details").paginate(
        Filter=["Role", "LocalManagedPolicy"], PaginationConfig={"PageSize": 1000}
    )
    for page in pages:
        for role in page["RoleDetailList"]:
            details.roles[role["RoleName"]] = BareRole(
                role,
                tuple(policy["PolicyArn"] for policy in role["AttachedManagedPolicies"]),
                {policy["PolicyName"]: policy["Text"] for policy in role["RolePolicyList"]},
            )
            for profile in role["InstanceProfileList"]:
                details.profiles[profile["InstanceProfileName"]] = {**profile, "Roles": [role]}
        for policy in page["Policies"]:
            versions = policy["PolicyVersionList"]
            text = next(version["Text"] for version in versions if version["IsDefaultVersion"])
            ids = tuple(version["VersionId"] for version in versions)
            details.policies[policy["Arn"]] = _managed(policy, text, ids)
    return details


def read_all(
    read: Callable[[str], Any], names: Iterable[str], deadline: float
) -> tuple[dict[str, Any], dict[str, Exception]]:
    """C(read) for each name, side by side at IAM's pace."""
    return fan_out(read, names, deadline=deadline, max_workers=_WORKERS)


def all_or_nothing(read: Callable[[str], Any], names: Iterable[str], deadline: float) -> dict[str, Any]:
    """I(read_all) where a part is of no use: raises the first error."""
    results, errors = read_all(read, names, deadline)
    if errors:
        raise next(iter(errors.values()))
    return results


def assemble(name: str, role: BareRole, policies: Mapping[str, ManagedPolicy]) -> RoleFacts:
    """A role with the managed policies that it names."""
    return RoleFacts(
        name=name,
        detail=role.detail,
        managed=tuple(policies[arn] for arn in role.attached),
        inline=role.inline,
        boundary=policies[role.boundary] if role.boundary else None,
    )


def all_profiles(client: Any) -> dict[str, dict[str, Any]]:
    """Every instance profile of the account by name (ListInstanceProfiles)."""
    pages = client.get_paginator("list_instance_profiles").paginate(PaginationConfig={"PageSize": 1000})
    return {profile["InstanceProfileName"]: profile for page in pages for profile in page["InstanceProfiles"]}


def simulate(
    client: Any, role_arn: str, actions: Sequence[str], resources: Sequence[str], region: str = ""
) -> dict[str, dict[str, Any]]:
    """SimulatePrincipalPolicy: for each action C(decision), C(missing_context) and C(allowed_by_organization).

    The last is what service control policies say, None if the account is in no organization. With a region the call is
    one to that region.
    """
    known = [{"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [region], "ContextKeyType": "string"}]
    pages = client.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role_arn,
        ActionNames=list(actions),
        ResourceArns=list(resources),
        ContextEntries=known if region else [],
    )
    return {
        result["EvalActionName"]: {
            "decision": result["EvalDecision"],
            "missing_context": result.get("MissingContextValues", []),
            "allowed_by_organization": _by_organization(result),
        }
        for page in pages
        for result in page["EvaluationResults"]
    }


def _by_organization(result: Mapping[str, Any]) -> bool | None:
    detail = result.get("OrganizationsDecisionDetail") or {}
    return detail.get("AllowedByOrganizations")
