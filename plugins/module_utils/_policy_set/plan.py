# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the plan from the policies that an account has to those that it should have. Pure.

What somebody else has made is neither changed, unless the task says so, nor ever removed, and no version of it is
deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.family import policy_number
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.request import Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    Attach,
    Create,
    Detach,
    Differs,
    Holder,
    NewVersion,
    Now,
    Policy,
    Refuse,
    Remove,
    Retag,
    Step,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import document_size

# The Version that IAM takes a document without one to have.
_OLD_VERSION = "2008-10-17"
_TAGS = 50


def members(names: Iterable[str], family: str) -> list[str]:
    """The names that belong to the family, in the order of their numbers. IAM does not tell names apart by case."""
    if not family:
        return []
    found = [(policy_number(family.lower(), name.lower()), name) for name in names]
    return [name for _number, name in sorted((number, name) for number, name in found if number is not None)]


def concerned(request: Request, names: Iterable[str]) -> list[str]:
    """Those of the account's policies that the task is about."""
    known = list(names)
    wanted = {name.lower() for name in request.policies}
    return list(dict.fromkeys([*(n for n in known if n.lower() in wanted), *members(known, request.family)]))


def changes_document(policy: Policy, text: str, differs: Differs) -> bool:
    """Whether a text is another document than the policy has, but for formatting and order."""
    return differs(parsed(policy.document), parsed(text))


def parsed(text: str) -> dict[str, Any]:
    """A document as IAM reads it."""
    return {"Version": _OLD_VERSION, **json.loads(text)}


def to_remove(request: Request, now: Now) -> list[Policy]:
    """What is to be removed: with `state=present` the family's members that are not wanted, otherwise all."""
    kept = {name.lower() for name, text in request.policies.items() if text}
    return [policy for name, policy in now.policies.items() if _ours(policy, request) and name.lower() not in kept]


def others(request: Request, now: Now) -> list[Policy]:
    """The policies of these names that somebody else has made."""
    return [policy for policy in now.policies.values() if not _ours(policy, request)]


def plan(request: Request, now: Now, differs: Differs) -> list[Step | Refuse]:
    """The steps, in their order: what grants comes first, so that nothing is without permissions meanwhile."""
    steps: list[Step | Refuse] = []
    wanted: list[Policy] = []
    for name, text in request.policies.items():
        if text:
            policy, found = _present(request, now, name, text, differs)
            steps += found
            wanted.append(policy)
    steps += [
        Attach(policy, Holder("role", target.role))
        for target in now.targets
        for policy in wanted
        if policy.arn not in target.attached
    ]
    for policy in to_remove(request, now):
        steps += _absent(request, policy)
    return [*_over_quota(request, now, wanted, steps), *steps]


def _ours(policy: Policy, request: Request) -> bool:
    return policy.owner == request.owner


def _present(request: Request, now: Now, name: str, text: str, differs: Differs) -> tuple[Policy, list[Step | Refuse]]:
    """The policy as it will be, and the steps to it."""
    found = now.named(name)
    if found is None:
        arn = request.arn(name, now.account, now.partition)
        made = Policy(name, arn, request.path, request.description, dict(request.tags), text)
        return made, [Create(made)]
    refusal = _refusal(request, found, name)
    if refusal:
        return found, [Refuse(refusal)]
    steps: list[Step | Refuse] = []
    policy = found
    if changes_document(found, text, differs):
        steps.append(_new_version(request, now, found, text))
        policy = replace(found, document=text)
    tags = {**found.tags, **request.tags}
    if tags != found.tags:
        steps.append(Retag(policy, tags))
        policy = replace(policy, tags=tags)
    if len(tags) > _TAGS:
        steps.append(Refuse(f"{request.label('tags')}: {found.arn} would have {len(tags)} tags; IAM allows {_TAGS}."))
    return policy, steps


def _refusal(request: Request, found: Policy, name: str) -> str:
    option = request.label("policies")
    if found.name != name:
        return (
            f"{option}: the account has the policy {found.name}, and IAM takes {name} for the same name: spell it like "
            "that, or take another."
        )
    if _ours(found, request) or request.overwrite:
        return ""
    made_by = f"made by {found.owner}" if found.owner else f"not made by {request.owner}"
    return (
        f"{option}: {found.arn} was {made_by}: take another name, or set {request.label('overwrite')} to true to "
        "have it replaced."
    )


def _new_version(request: Request, now: Now, found: Policy, text: str) -> Step | Refuse:
    versions = list(found.versions or ())
    quota = now.quotas.get("VersionsPerPolicyQuota", 5)
    if len(versions) < quota:
        return NewVersion(found, text)
    if not _ours(found, request):
        return Refuse(
            f"{request.label('policies')}: {found.arn} has {len(versions)} versions, as many as IAM allows, and was "
            f"not made by {request.owner}, so that none of them is deleted: delete one yourself."
        )
    return NewVersion(found, text, drop=next(version for version in versions if version != found.version))


def _absent(request: Request, policy: Policy) -> Iterator[Step | Refuse]:
    holders = sorted(policy.holders or ())
    if policy.boundaries:
        yield Refuse(
            f"{request.label('policies')}: {policy.arn} is the permissions boundary of {policy.boundaries} roles or "
            "users, so that IAM does not let it be removed: give these another boundary first."
        )
    if holders and not request.detach:
        yield Refuse(
            f"{request.label('detach')}: {policy.arn} is attached to {_some(holders)}: detach it there, or set "
            f"{request.label('detach')} to true to have it done."
        )
    for holder in holders:
        yield Detach(policy, holder)
    yield Remove(policy)


def _some(holders: list[Holder]) -> str:
    more = f" and {len(holders) - 3} more" if len(holders) > 3 else ""
    return ", ".join(map(str, holders[:3])) + more


def _over_quota(request: Request, now: Now, wanted: list[Policy], steps: list[Step | Refuse]) -> Iterator[Refuse]:
    option, quotas = request.label("policies"), now.quotas
    limit = quotas.get("PolicySizeQuota", 6144)
    for step in steps:
        text = (
            step.policy.document if isinstance(step, Create) else step.document if isinstance(step, NewVersion) else ""
        )
        if document_size(text) > limit:
            name = step.policy.name if isinstance(step, (Create, NewVersion)) else ""
            yield Refuse(
                f"{option}: the document of {name!r} has {document_size(text)} characters without white space; IAM "
                f"allows {limit}: split it."
            )
    new = sum(isinstance(step, Create) for step in steps)
    used, limit = quotas.get("Policies", len(now.names)), quotas.get("PoliciesQuota", 1500)
    if new and used + new > limit:
        yield Refuse(
            f"{option}: {new} more policies are needed, and the account has {used} of the {limit} that its quota "
            "allows: remove some, or have the quota raised."
        )
    limit = quotas.get("AttachedPoliciesPerRoleQuota", 20)
    for target in now.targets:
        number = len(target.attached | {policy.arn for policy in wanted})
        if number > max(limit, len(target.attached)):
            yield Refuse(
                f"{request.label('attach_to')}: {target.role} with {number} managed policies would be over the "
                f"account's quota of {limit} on a role: detach some, or have the quota raised."
            )
