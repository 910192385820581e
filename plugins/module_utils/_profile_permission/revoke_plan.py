# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: how roles lose actions, and nothing else where that can be. Pure.

A deny in an inline policy takes an action away from whatever grants it (IAM User Guide, "Policy evaluation logic").
Every plan is tried on the documents before it is returned: one that does not take the actions away is refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import (
    Answer,
    action_matches,
    as_list,
    concerns,
    statements,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import ManagedPolicy, RoleFacts, may
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import (
    DELETE,
    DETACH,
    PUT,
    VERSION,
    Step,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import document_size

AUTO = "auto"
DENY = "deny"
REWRITE = "rewrite"

# What its policy is called unless the task says otherwise.
DENY_NAME = "fleet.aws_ssm-deny"
# By it people know a deny for one of these.
DENY_SID = "FleetAwsSsmDeny"
# IAM User Guide, "IAM and AWS STS quotas": versions of a managed policy, for an account whose summary has no quota.
_VERSIONS = 5


@dataclass(frozen=True)
class Request:
    """What is asked for. `resources` are those that each action is decided for."""

    resources: Mapping[str, Sequence[str]]
    method: str
    deny_name: str
    allow_shared: bool
    quotas: Mapping[str, int]
    """GetAccountSummary's SummaryMap."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """The ARNs of managed policies that are never edited, and why."""


@dataclass(frozen=True)
class Plan:
    """The steps, and why roles keep the actions, by the roles' names."""

    steps: list[Step]
    refused: dict[str, str]


class _Refused(Exception):
    """The method can't be used on a policy, or not on a role."""


def plan_absent(roles: Sequence[RoleFacts], request: Request) -> Plan:
    """The steps that take the actions from the roles."""
    steps: list[Step] = []
    refused: dict[str, str] = {}
    edited: set[str | None] = set()
    holders = Counter(policy.arn for role in roles for policy in role.managed)
    for role in roles:
        if not _allowed(role, request):
            continue
        try:
            found = _Role(role, request, holders).plan()
        except _Refused as error:
            refused[role.name] = str(error)
            continue
        left = _allowed(applied(role, found), request)
        if left:
            refused[role.name] = f"{', '.join(left)} would still be allowed"
            continue
        # A policy that several of the roles have is edited once.
        steps += [step for step in found if step.operation != VERSION or step.arn not in edited]
        edited |= {step.arn for step in found if step.operation == VERSION}
    return Plan(steps, refused)


def needs_versions(roles: Iterable[RoleFacts], request: Request) -> list[str]:
    """The ARNs of the policies whose versions a plan depends on."""
    if request.method not in (AUTO, REWRITE):
        return []
    return list(
        {
            policy.arn: None
            for role in roles
            if _allowed(role, request)
            for policy in role.managed
            if not policy.of_aws and policy.versions is None and _granting(policy.text, request)
        }
    )


def applied(role: RoleFacts, steps: Iterable[Step]) -> RoleFacts:
    """The role after the steps."""
    managed, inline = {policy.arn: policy for policy in role.managed}, dict(role.inline)
    for step in steps:
        if step.operation == DETACH and step.arn:
            managed.pop(step.arn)
        elif step.operation == VERSION and step.arn in managed and step.after:
            managed[step.arn] = replace(managed[step.arn], text=step.after)
        elif step.operation == PUT and step.after:
            inline[step.policy] = step.after
        elif step.operation == DELETE:
            inline.pop(step.policy)
    return replace(role, managed=tuple(managed.values()), inline=inline)


def _allowed(role: RoleFacts, request: Request) -> list[str]:
    """The actions that the role may do, or may do by a condition."""
    return [
        action
        for action, resources in request.resources.items()
        if may(role, action, resources).answer is not Answer.NO
    ]


def _granting(text: str, request: Request) -> list[Mapping[str, Any]]:
    """The statements that allow one of the actions."""
    return [
        statement
        for _name, statement in statements(json.loads(text))
        if statement.get("Effect") == "Allow" and _spoken_of(statement, request)
    ]


def _spoken_of(statement: Mapping[str, Any], request: Request) -> list[str]:
    """The actions that the statement speaks of, on any part of their resources."""
    return [action for action, resources in request.resources.items() if concerns(statement, action, resources)]


class _Role:
    """The plan for one role that allows one of the actions; all of them are taken from it."""

    def __init__(self, role: RoleFacts, request: Request, holders: Mapping[str, int]) -> None:
        self._role, self._request, self._holders = role, request, holders
        self._managed = [policy for policy in role.managed if _granting(policy.text, request)]
        self._inline = {name: text for name, text in role.inline.items() if _granting(text, request)}
        self._named = ", ".join(request.resources)

    def plan(self) -> list[Step]:
        method = self._request.method
        if method == DENY:
            return [self._deny(f"an explicit deny of {self._named} wins over whatever grants it")]
        if method == DETACH:
            if self._inline:
                raise _Refused(
                    f"the inline policy {', '.join(self._inline)} allows {self._named} and can't be detached: use the "
                    "method auto, deny or rewrite"
                )
            for policy in self._managed:
                if any(statement.get("Effect") == "Deny" for _name, statement in statements(json.loads(policy.text))):
                    raise _Refused(
                        f"the policy {policy.name} also denies actions, which the role might be allowed without it: "
                        "use the method auto, deny or rewrite"
                    )
            return [self._detach(policy, f"allows {self._named}") for policy in self._managed]
        try:
            return [self._inline_step(name, text) for name, text in self._inline.items()] + [
                self._managed_step(policy) for policy in self._managed
            ]
        except _Refused as error:
            if method == REWRITE:
                raise _Refused(f"{error}: use the method auto or deny") from error
            # One deny is enough for all the policies, so that the others need not be touched.
            return [self._deny(str(error))]

    def _inline_step(self, name: str, text: str) -> Step:
        after = self._without(f"the inline policy {name}", text)
        reason = f"names {self._named}"
        if after is None:
            return Step(DELETE, name, self._role.name, before=text, reason=f"{reason} and nothing else")
        return Step(PUT, name, self._role.name, before=text, after=after, reason=reason)

    def _managed_step(self, policy: ManagedPolicy) -> Step:
        try:
            after = self._without(f"the policy {policy.name}", policy.text)
        except _Refused as error:
            raise _Refused(f"{error} (a policy of AWS's own)" if policy.of_aws else str(error)) from error
        if after is None:
            return self._detach(policy, f"allows {self._named} and nothing else")
        if policy.of_aws:
            raise _Refused(f"the policy {policy.name} is AWS's own, allows other actions too, and can't be edited")
        if policy.arn in self._request.kept:
            raise _Refused(f"the policy {policy.name} is not edited: {self._request.kept[policy.arn]}")
        others = policy.attached - self._holders.get(policy.arn, 0)
        if others > 0 and not self._request.allow_shared:
            raise _Refused(
                f"the policy {policy.name} is also used by {others} other role{'s' if others > 1 else ''}, user or "
                "group (allow_shared edits it all the same)"
            )
        if len(policy.versions or ()) >= self._request.quotas.get("VersionsPerPolicyQuota", _VERSIONS):
            raise _Refused(f"the policy {policy.name} has {len(policy.versions or ())} versions, and none is deleted")
        return Step(
            VERSION,
            policy.name,
            arn=policy.arn,
            before=policy.text,
            after=after,
            version=policy.version,
            versions=policy.versions or (),
            reason=f"names {self._named}",
        )

    def _detach(self, policy: ManagedPolicy, reason: str) -> Step:
        return Step(DETACH, policy.name, self._role.name, policy.arn, reason=reason)

    def _without(self, where: str, text: str) -> str | None:
        """The document without the actions, None if nothing is left of it; _Refused for a wildcard."""
        document = json.loads(text)
        left = []
        for number, statement in enumerate(as_list(document["Statement"]), start=1):
            actions = _spoken_of(statement, self._request) if statement.get("Effect") == "Allow" else []
            if not actions:
                left.append(statement)
                continue
            gone = {action.lower() for action in actions}
            kept = [pattern for pattern in as_list(statement.get("Action")) if pattern.lower() not in gone]
            wide = [pattern for pattern in kept if any(action_matches({"Action": pattern}, each) for each in actions)]
            if wide or "NotAction" in statement:
                raise _Refused(f"{where} allows {self._named} by {', '.join(wide) or 'NotAction'} (statement {number})")
            if kept:
                left.append({**statement, "Action": kept})
        return _text({**document, "Statement": left}) if left else None

    def _deny(self, reason: str) -> Step:
        name, quotas = self._request.deny_name, self._request.quotas
        before = self._role.inline.get(name)
        actions = list(self._request.resources)
        if before is not None:
            denied = [
                pattern for _name, found in statements(json.loads(before)) for pattern in as_list(found.get("Action"))
            ]
            # To the letter: a condition, a resource or a NotAction that somebody gave it later would be lost.
            if json.loads(before) != json.loads(deny_document(denied)):
                raise _Refused(f"it has an inline policy {name} that was not made here: set deny_policy_name")
            actions = list(dict.fromkeys([*denied, *actions]))
        after = deny_document(actions)
        size = sum(document_size(text) for text in {**self._role.inline, name: after}.values())
        limit = quotas.get("RolePolicySizeQuota")
        if limit is not None and size > limit:
            raise _Refused(
                f"with the deny its inline policies would have {size} characters, and the quota is {limit}: make room"
            )
        return Step(PUT, name, self._role.name, before=before, after=after, reason=reason)


def _text(document: Any) -> str:
    """JSON in which what IAM takes as it is, up to U+00FF, is no escape, which could make it longer than its quota."""
    return re.sub("[^\\x00-\\xff]", lambda found: json.dumps(found[0])[1:-1], json.dumps(document, ensure_ascii=False))


def deny_document(actions: Sequence[str]) -> str:
    """The inline policy that takes the actions away."""
    statement = {"Sid": DENY_SID, "Effect": "Deny", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
