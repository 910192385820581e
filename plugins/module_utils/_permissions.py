# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what the roles behind instance profiles allow, from all that hangs on them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import (
    Answer,
    Decision,
    Policy,
    check_action,
    decide,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import split_names

# What an agent does with the credentials of its profile before it looks for Default Host Management Configuration.
PING = "ssm:UpdateInstanceInformation"

# So many roles and policies IAM is taken to give in a page of GetAccountAuthorizationDetails. It takes 1,000 for
# MaxItems, but ends a page early where documents are long.
_DETAILS_PER_PAGE = 100
# GetRole, ListAttachedRolePolicies and ListRolePolicies, whatever hangs on the role.
_CALLS_PER_ROLE = 3


@dataclass(frozen=True)
class ManagedPolicy:
    """A managed policy: the text of its default version, and how many roles, users and groups it hangs on.

    C(versions) are the ids of all versions; None where they were not asked for.
    """

    arn: str
    name: str
    text: str
    version: str
    attached: int = 0
    versions: tuple[str, ...] | None = None

    @property
    def of_aws(self) -> bool:
        """Whether it is one of AWS's own, which nobody else can edit."""
        return self.arn.split(":")[4] == "aws"


@dataclass(frozen=True)
class RoleFacts:
    """A role: C(detail) as GetRole gives it, inline policies by name with the text that IAM holds."""

    name: str
    detail: Mapping[str, Any]
    managed: tuple[ManagedPolicy, ...] = ()
    inline: Mapping[str, str] = field(default_factory=dict)
    boundary: ManagedPolicy | None = None

    @cached_property
    def policies(self) -> list[Policy]:
        """What the role's permissions come from."""
        return [Policy(policy.name, "managed", json.loads(policy.text), policy.arn) for policy in self.managed] + [
            Policy(name, "inline", json.loads(text)) for name, text in self.inline.items()
        ]

    @cached_property
    def boundary_policy(self) -> Policy | None:
        """The permissions boundary."""
        found = self.boundary
        return Policy(found.name, "boundary", json.loads(found.text), found.arn) if found else None


def may(role: RoleFacts, action: str, resources: Sequence[str]) -> Decision:
    """Whether the role may do the action, by its own policies and its boundary."""
    return decide(action, role.policies, role.boundary_policy, resources)


def checked_actions(actions: Iterable[str] | None) -> list[str]:
    """The actions of a task, each once; the ping where a survey has no answer; InputError for what is none."""
    names = split_names(actions)
    found: dict[str, str] = {}
    for action in [PING] if names is None else names:
        found.setdefault(check_action(action).lower(), action)
    if not found:
        raise InputError(f"actions: is an empty list: name at least one IAM action, such as {PING}.")
    return list(found.values())


def checked_resources(resources: Iterable[str] | None) -> list[str]:
    """The resources of a task; InputError for what is no ARN, which no statement would ever be about."""
    # Not split at white space, which an object's key may have.
    found = [text.strip() for text in resources or () if text.strip()]
    for text in found:
        if text != "*" and not text.startswith("arn:"):
            raise InputError(f"resources: {text!r} is not an ARN: give ARNs, in which * and ? stand for any text.")
    return found


def resources_of(action: str, given: Sequence[str], partition: str, account: str) -> list[str]:
    """The resources that a decision is about: those of the task, or else what the action is called on.

    An instance calls UpdateInstanceInformation on itself (Service Authorization Reference, "Actions defined by AWS
    Systems Manager"), so a statement about other resources does not concern it.
    """
    if given:
        return list(given)
    return [f"arn:{partition}:ec2:*:{account}:instance/*"] if action.lower() == PING.lower() else ["*"]


def worst(answers: Iterable[Answer]) -> Answer:
    """The answer for several actions: yes if one is allowed, else maybe if one may be."""
    found = set(answers)
    return next((answer for answer in (Answer.YES, Answer.MAYBE) if answer in found), Answer.NO)


def one_by_one_is_dearer(roles: int, summary: Mapping[str, int]) -> bool:
    """Whether reading so many roles takes more calls than GetAccountAuthorizationDetails for the whole account.

    C(summary) is GetAccountSummary's SummaryMap.
    """
    pages = -(-(summary.get("Roles", 0) + summary.get("Policies", 0)) // _DETAILS_PER_PAGE)
    return roles * _CALLS_PER_ROLE > max(1, pages)
