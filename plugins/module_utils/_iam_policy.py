# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what IAM policy documents allow, and whom a trust policy trusts. Pure.

Follows the IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements reference": actions match without
regard to case, `*` and `?` are the only wildcards, an explicit deny wins, and a permissions boundary only takes away.
What depends on something that is not known from outside is a "maybe", with the condition keys that leave it open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.arn_patterns import (
    arn_matches,
    arns_overlap,
    glob_matches,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.conditions import (
    NOTHING_KNOWN,
    Context,
    filled,
    undecided,
    without_value,
)


class Answer(str, Enum):
    """Whether an action is allowed, or a service trusted."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"
    """It depends on a condition, or holds for some of the resources only."""

    def is_less_than(self, other: Answer) -> bool:
        """Whether this is further from a yes than the other answer."""
        order = (Answer.NO, Answer.MAYBE, Answer.YES)
        return order.index(self) < order.index(other)


@dataclass(frozen=True)
class Policy:
    """A policy document and where it comes from: C(kind) is managed, inline, boundary or trust."""

    name: str
    kind: str
    document: Mapping[str, Any]
    arn: str | None = None


@dataclass(frozen=True)
class Reason:
    """A statement that takes part in a decision. C(statement) is its Sid, or its number from 1."""

    policy: str
    kind: str
    arn: str | None
    statement: str
    effect: str
    certain: bool
    """False where a condition decides, or where the statement speaks of some of the resources only."""
    depends_on: tuple[str, ...] = ()
    """The condition keys, or the policy variables of the resource, that are not known from outside."""


@dataclass(frozen=True)
class Decision:
    """An answer, and every statement that speaks of it."""

    answer: Answer
    reasons: tuple[Reason, ...]


_VARIABLE = re.compile(r"\$\{[^}]*\}")
_ACTION = re.compile(r"^[a-z0-9-]+:[A-Za-z0-9]+$", re.IGNORECASE)


def check_action(action: str) -> str:
    """The action as given, or InputError: one concrete action, such as C(ssm:UpdateInstanceInformation)."""
    if not _ACTION.match(action):
        raise InputError(f"actions: {action!r} is not an IAM action: give SERVICE:ACTION, without wildcards.")
    return action


def decide(
    action: str,
    policies: Iterable[Policy],
    boundary: Policy | None = None,
    resources: Sequence[str] = ("*",),
    context: Context = NOTHING_KNOWN,
) -> Decision:
    """Whether the policies of a principal allow `action` on every one of `resources`.

    `resources` are ARNs, in which `*` and `?` stand for "any"; a statement that covers only a part of one makes the
    answer MAYBE. `context` is what is known of the request. Service control policies, session policies and resource
    policies are not looked at.
    """
    decisions = [_bounded(action, list(policies), boundary, resource, context) for resource in resources]
    answers = {decision.answer for decision in decisions}
    # Resources that differ make it a "maybe".
    answer = answers.pop() if len(answers) == 1 else Answer.MAYBE
    return Decision(answer, tuple(dict.fromkeys(reason for decision in decisions for reason in decision.reasons)))


def _bounded(action: str, policies: list[Policy], boundary: Policy | None, resource: str, context: Context) -> Decision:
    """The answer for one resource: the policies and the boundary both have to allow it."""
    decision = _decide_one(action, policies, resource, context)
    if boundary is None:
        return decision
    bound = _decide_one(action, [boundary], resource, context)
    answers = {decision.answer, bound.answer}
    answer = Answer.NO if Answer.NO in answers else Answer.MAYBE if Answer.MAYBE in answers else Answer.YES
    return Decision(answer, decision.reasons + bound.reasons)


def _decide_one(action: str, policies: Iterable[Policy], resource: str, context: Context) -> Decision:
    reasons = []
    for policy in policies:
        given = context.for_document(policy.document)
        for name, statement in statements(policy.document):
            if not action_matches(statement, action):
                continue
            by_resource, variables = _resource_matches(statement, resource, given)
            if by_resource is Answer.NO:
                continue
            holds, keys = undecided(statement.get("Condition"), given)
            if holds is False:
                continue
            certain = by_resource is Answer.YES and holds is True
            effect, open_keys = str(statement.get("Effect")), (*variables, *keys)
            reasons.append(Reason(policy.name, policy.kind, policy.arn, name, effect, certain, open_keys))
    return _conclude(reasons)


def trusts(document: Mapping[str, Any], service: str, context: Context = NOTHING_KNOWN) -> Decision:
    """Whether a role's trust policy lets the AWS service (`ssm.amazonaws.com`) assume the role."""
    reasons = []
    context = context.for_document(document)
    for name, statement in statements(document):
        by_principal = _service_matches(statement, service)
        if by_principal is Answer.NO or not action_matches(statement, "sts:AssumeRole"):
            continue
        holds, keys = undecided(statement.get("Condition"), context)
        if holds is False:
            continue
        certain = by_principal is Answer.YES and holds is True
        effect = str(statement.get("Effect"))
        reasons.append(Reason("trust policy", "trust", None, name, effect, certain, keys))
    return _conclude(reasons)


def _conclude(reasons: list[Reason]) -> Decision:
    denies = [reason for reason in reasons if reason.effect == "Deny"]
    allows = [reason for reason in reasons if reason.effect == "Allow"]
    if not allows or any(reason.certain for reason in denies):
        answer = Answer.NO
    elif denies or not any(reason.certain for reason in allows):
        answer = Answer.MAYBE
    else:
        answer = Answer.YES
    return Decision(answer, tuple(reasons))


def statements(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(Sid or number from 1, statement) of a document, whose Statement may be one statement or a list."""
    for number, statement in enumerate(as_list(document.get("Statement")), start=1):
        yield str(statement.get("Sid") or number), statement


def as_list(value: Any) -> list[Any]:
    """IAM writes a list of one as the item alone."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def action_matches(statement: Mapping[str, Any], action: str) -> bool:
    """Whether the statement's Action or NotAction element takes the action in."""
    if "NotAction" in statement:
        return not any(glob_matches(pattern.lower(), action.lower()) for pattern in as_list(statement["NotAction"]))
    return any(glob_matches(pattern.lower(), action.lower()) for pattern in as_list(statement.get("Action")))


def concerns(statement: Mapping[str, Any], action: str, resources: Iterable[str]) -> bool:
    """Whether the statement speaks of the action on any part of the resources."""
    return action_matches(statement, action) and any(
        _resource_matches(statement, resource, NOTHING_KNOWN)[0] is not Answer.NO for resource in resources
    )


def _resource_matches(statement: Mapping[str, Any], resource: str, context: Context) -> tuple[Answer, tuple[str, ...]]:
    """Whether the statement takes the resource in, and the policy variables that leave it open."""
    negated = "NotResource" in statement
    patterns = as_list(statement["NotResource"] if negated else statement.get("Resource"))
    # A pattern with a variable that has no value takes in no resource.
    known = {pattern: filled(pattern, context) for pattern in patterns if not without_value(pattern, context)}
    if any(arn_matches(text, resource) for text in known.values() if text is not None):
        return (Answer.NO if negated else Answer.YES), ()
    # What the pattern only overlaps is some of the resources. An unknown variable can be any text.
    overlaps = [
        pattern
        for pattern, text in known.items()
        if arns_overlap(_VARIABLE.sub("*", pattern) if text is None else text, resource)
    ]
    if overlaps:
        return Answer.MAYBE, tuple(name for pattern in overlaps for name in _VARIABLE.findall(pattern))
    return (Answer.YES if negated else Answer.NO), ()


def _service_matches(statement: Mapping[str, Any], service: str) -> Answer:
    if "NotPrincipal" in statement:
        return Answer.MAYBE
    principal = statement.get("Principal")
    if principal == "*" or (isinstance(principal, Mapping) and "*" in as_list(principal.get("AWS"))):
        return Answer.MAYBE
    services = as_list(principal.get("Service")) if isinstance(principal, Mapping) else []
    return Answer.YES if service in services else Answer.NO
