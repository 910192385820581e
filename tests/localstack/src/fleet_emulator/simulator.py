# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SimulatePrincipalPolicy (IAM API Reference; IAM User Guide, "IAM policy testing with the IAM policy simulator")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from localstack.aws.api.iam import InvalidInputException, NoSuchEntityException
from moto.iam.models import iam_backends

from fleet_emulator import role_policies
from fleet_emulator.policy import Context, Decision, Source, evaluate

_PRINCIPAL = re.compile(r"arn:[^:]+:iam::(?P<account>\d{12}):(?P<kind>user|group|role)/(?P<path>.*/)?(?P<name>[^/]+)")
# The most restrictive decision over all resources stands at the top of a result.
_STRICTNESS = ("allowed", "implicitDeny", "explicitDeny")


def simulate(account: str, partition: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One result for each action, whatever the number of resources."""
    policies, boundary = _principal(account, partition, request["PolicySourceArn"])
    inputs = request.get("PolicyInputList") or []
    policies += [Source(f"PolicyInputList.{number}", "none", text) for number, text in enumerate(inputs, 1)]
    for number, text in enumerate(request.get("PermissionsBoundaryPolicyInputList") or [], 1):
        boundary = Source(f"PermissionsBoundaryPolicyInputList.{number}", "none", text)
    context = {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in request.get("ContextEntries") or []}
    resources = request.get("ResourceArns") or ["*"]
    return [_result(action, resources, policies, boundary, context) for action in request["ActionNames"]]


def _principal(account: str, partition: str, arn: str) -> tuple[list[Source], Source | None]:
    match = _PRINCIPAL.fullmatch(arn)
    if match is None or match["account"] != account:
        raise InvalidInputException(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    backend = iam_backends[account][partition]
    kind, name = match["kind"], match["name"]
    if kind == "role":
        role = role_policies.find_role(account, partition, name)
        if role is None or role.arn != arn:
            raise NoSuchEntityException(f"The role with name {name} cannot be found.")
        return role_policies.of_role(role), role_policies.boundary_of(role, account, partition)
    holder = (backend.users if kind == "user" else backend.groups).get(name)
    if holder is None or holder.arn != arn:
        raise NoSuchEntityException(f"The {kind} with name {name} cannot be found.")
    holders = [holder]
    if kind == "user":
        holders += [group for group in backend.groups.values() if holder in group.users]
    sources = []
    for each in holders:
        word = "user" if each is holder and kind == "user" else "group"
        sources += [Source(f"{word}_{each.name}_{title}", word, text) for title, text in each.policies.items()]
        sources += [role_policies.of_managed(policy) for policy in each.managed_policies.values()]
    return sources, None


def _result(
    action: str, resources: Sequence[str], policies: list[Source], boundary: Source | None, context: Context
) -> dict[str, Any]:
    if not re.fullmatch(r"[\w-]+:[\w*?-]+", action):
        raise InvalidInputException(f"Invalid action name: {action}")
    decisions = {resource: evaluate(policies, action, resource, context, boundary) for resource in resources}
    strictest = max(decisions.values(), key=lambda decision: _STRICTNESS.index(decision.decision))
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": "*" if resources == ["*"] else _template(resources[0]),
        "EvalDecision": strictest.decision,
        "MatchedStatements": _statements(strictest),
        "MissingContextValues": sorted({key for decision in decisions.values() for key in decision.missing}),
        "ResourceSpecificResults": [
            {
                "EvalResourceName": resource,
                "EvalResourceDecision": decision.decision,
                "MatchedStatements": _statements(decision),
                "MissingContextValues": decision.missing,
                **_boundary_detail(decision),
            }
            for resource, decision in decisions.items()
        ],
        **_boundary_detail(strictest),
    }
    return result


def _statements(decision: Decision) -> list[dict[str, Any]]:
    return [{"SourcePolicyId": source.id, "SourcePolicyType": source.type} for source in decision.matched]


def _boundary_detail(decision: Decision) -> dict[str, Any]:
    if decision.boundary_allows is None:
        return {}
    return {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": decision.boundary_allows}}


def _template(arn: str) -> str:
    """The resource type's ARN with placeholders, as the top level of a result names it."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return "*"
    kind = parts[5].partition("/")[0]
    return f"arn:${{Partition}}:{parts[2]}:${{Region}}:${{Account}}:{kind}/${{ResourceId}}"
