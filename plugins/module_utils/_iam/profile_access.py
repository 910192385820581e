# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what a role gives to the agent of an instance, through an instance profile or through DHMC. Pure.

A role gives nothing to an agent if the service that hands out its credentials may not assume it. Whatever else it gives
is judged for the instance, in its region and account. What a region's instances have in common is judged once for all
of them. An instance is judged by itself only where that leaves the answer open.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.arn_patterns import arn_matches, arns_overlap
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.conditions import Context
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import (
    Answer,
    Decision,
    Reason,
    action_matches,
    as_list,
    decide,
    statements,
    trusts,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, RoleFacts

EC2_SERVICE = "ec2.amazonaws.com"
SSM_SERVICE = "ssm.amazonaws.com"

# What an agent needs beside registering, to receive commands and sessions (Systems Manager User Guide, "Default Host
# Management Configuration": its policy).
MESSAGING = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
# Service Authorization Reference, "Message Gateway Service": no action has a resource type, so that only "*" takes it
# in. This text, unlike "*", is no wildcard, and no ARN fits it.
NO_RESOURCE = "-"

_VARIABLE = re.compile(r"\$\{([^},]*)[^}]*\}")
_NAMED = 3

# IAM User Guide, "AWS global condition context keys". An agent calls by HTTPS, by itself, without tags and without MFA.
_ALWAYS = {
    "aws:principaltype": "AssumedRole",
    "aws:securetransport": "true",
    "aws:viaawsservice": "false",
    "aws:principalisawsservice": "false",
}
_NEVER = (
    "aws:username",
    "aws:multifactorauthage",
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:tagkeys",
    "aws:requesttag/",
)


def principals(service: str, partition: str) -> tuple[str, ...]:
    """The names of a service in trust policies: the first is the one to write, any will do.

    In China IAM knows EC2 by two names (AWS China IAM guide; aws/karpenter-provider-aws#6839).
    """
    if service == EC2_SERVICE and partition == "aws-cn":
        return ("ec2.amazonaws.com.cn", service)
    return (service,)


def trusted(document: Mapping[str, Any], service: str, partition: str, account: str) -> Decision:
    """Whether a trust policy lets the service assume the role for this account."""
    # Which keys a service sends along is not documented. If it sends the account, then ours.
    context = Context(uncertain={"aws:sourceaccount": (account,)} if account else {})
    found = [trusts(document, name, context) for name in principals(service, partition)]
    return next((one for answer in (Answer.YES, Answer.MAYBE) for one in found if one.answer is answer), found[0])


@dataclass(frozen=True)
class Target:
    """An instance as EC2 shows it. `imdsv2_only`: its credentials can only have come by IMDSv2."""

    id: str
    tags: Sequence[tuple[str, str]] = ()
    vpc: str = ""
    address: str = ""
    imdsv2_only: bool = False


def read_target(found: Mapping[str, Any]) -> Target:
    """An instance of DescribeInstances."""
    return Target(
        id=found["InstanceId"],
        # Thousands of instances share a few keys and values.
        tags=tuple((sys.intern(tag["Key"]), sys.intern(tag["Value"])) for tag in found.get("Tags", ())),
        vpc=found.get("VpcId", ""),
        address=found.get("PrivateIpAddress", ""),
        imdsv2_only=(found.get("MetadataOptions") or {}).get("HttpTokens") == "required",
    )


@dataclass(frozen=True)
class Access:
    """What a role gives to an agent.

    `trust`: whether the agent gets credentials. `pings`: whether these may register the instance. `messages`: whether
    they may do all that receiving commands takes.
    """

    trust: Decision
    pings: Decision
    messages: Decision

    @property
    def registers(self) -> Answer:
        """Whether the agent gets credentials that register the instance."""
        return least((self.trust.answer, self.pings.answer))

    @property
    def unclear(self) -> str:
        """The statements that leave open whether the agent registers, in words; empty if none does."""
        return unclear(self.trust, self.pings) if self.registers is Answer.MAYBE else ""


def least(answers: Iterable[Answer]) -> Answer:
    """The answer for all of several: no if one is no, else maybe if one is maybe."""
    found = set(answers)
    return next((answer for answer in (Answer.NO, Answer.MAYBE) if answer in found), Answer.YES)


def bounded(answer: Answer, simulated: Iterable[Mapping[str, Any]]) -> Answer:
    """An answer, bounded by what service control policies say in each of several simulations by IAM.

    A policy takes away what all of the simulations deny. Where they differ, or IAM lacks a condition key, it may do so.
    """
    found = list(simulated)
    denied = [one for one in found if one.get("allowed_by_organization") is False]
    if not denied:
        return answer
    plain = len(denied) == len(found) and not any(one["missing_context"] for one in denied)
    return least((answer, Answer.NO if plain else Answer.MAYBE))


def strictest(simulated: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """One row for several simulations of an action; None for none."""
    found = list(simulated)
    if not found:
        return None
    order = ("allowed", "implicitDeny", "explicitDeny")
    verdicts = {one["allowed_by_organization"] for one in found}
    return {
        "decision": max((one["decision"] for one in found), key=order.index),
        "missing_context": sorted({key for one in found for key in one["missing_context"]}),
        "allowed_by_organization": False if False in verdicts else True if True in verdicts else None,
    }


def unclear(*decisions: Decision) -> str:
    """The statements that leave decisions open, in words: each with its policy and with what it depends on."""
    found = list(dict.fromkeys(_words(one) for decision in decisions for one in open_statements(decision)))
    more = f"; and {len(found) - _NAMED} more statements" if len(found) > _NAMED else ""
    return "; ".join(found[:_NAMED]) + more


def open_statements(decision: Decision) -> list[Reason]:
    """The statements that make a decision a "maybe"."""
    if decision.answer is not Answer.MAYBE:
        return []
    found = []
    # The boundary has to allow by itself, and so have all the other policies together.
    for bounding in (False, True):
        group = [one for one in decision.reasons if (one.kind == "boundary") is bounding]
        allowed = any(one.certain and one.effect == "Allow" for one in group)
        found += [one for one in group if not one.certain and not (allowed and one.effect == "Allow")]
    return found


def _words(one: Reason) -> str:
    kinds = {"inline": f"the inline policy {one.policy}", "boundary": f"the permissions boundary {one.policy}"}
    where = "the trust policy" if one.kind == "trust" else kinds.get(one.kind, f"the policy {one.policy}")
    if one.depends_on:
        does = f"depends on {', '.join(dict.fromkeys(one.depends_on))}"
    else:
        does = "names no service" if one.kind == "trust" else "is about some of the instances only"
    return f"statement {one.statement} of {where} ({one.effect}) {does}"


class RoleAccess:
    """What a role gives, through one service, to the agents of one account. It keeps what it has decided."""

    def __init__(self, role: RoleFacts, service: str, partition: str, account: str) -> None:
        self._role, self._service = role, service
        self._partition, self._account = partition, account
        self._regions: dict[str, Access] = {}
        self._instances: dict[tuple[Any, ...], Access] = {}

    @cached_property
    def trust(self) -> Decision:
        """Whether the service may assume the role."""
        document = self._role.detail.get("AssumeRolePolicyDocument") or {}
        return trusted(document, self._service, self._partition, self._account)

    def anywhere(self, regions: Iterable[str] = ()) -> Access:
        """What all instances of the regions get; those of every region, if none is given. No instance is looked at."""
        found = [self.in_region(region) for region in regions] or [self.in_region("")]
        return Access(self.trust, together(one.pings for one in found), together(one.messages for one in found))

    def in_region(self, region: str) -> Access:
        """What all instances of the region get, whatever they are. Without a region: in every region."""
        if region not in self._regions:
            self._regions[region] = self._decide(region, None)
        return self._regions[region]

    def on(self, region: str, target: Target) -> Access:
        """What the instance gets."""
        common = self.in_region(region)
        if Answer.MAYBE not in (common.pings.answer, common.messages.answer):
            return common
        context = self._context(region, target)
        spoken = tuple(_hashable(context.possible(name)) for name in self._spoken)
        key = (region, target.id if self._names_instances(region) else "", spoken)
        if key not in self._instances:
            self._instances[key] = self._decide(region, target)
        return self._instances[key]

    def _decide(self, region: str, target: Target | None) -> Access:
        context = self._context(region, target)
        pings = self._may(PING, self._arn(region, target.id if target else "*"), context)
        # These calls are about no resource, so that there are no tags of one.
        bare = Context(_without_tags(context.known), (*context.absent, *_TAGS), context.uncertain)
        return Access(self.trust, pings, _all(self._may(action, NO_RESOURCE, bare) for action in self._messaging))

    def _may(self, action: str, resource: str, context: Context) -> Decision:
        return decide(action, self._role.policies, self._role.boundary_policy, [resource], context)

    def _arn(self, region: str, name: str) -> str:
        return f"arn:{self._partition}:ec2:{region or '*'}:{self._account}:instance/{name}"

    def _context(self, region: str, target: Target | None) -> Context:
        known = {**self._principal}
        absent: list[str] = [*_NEVER]
        uncertain: dict[str, tuple[str, ...]] = {"aws:multifactorauthpresent": ("false",)}
        if region:
            known["aws:requestedregion"] = (region,)
        if self._service == EC2_SERVICE:
            # Sessions of instances have no tags of their own (IAM User Guide, "Pass session tags in AWS STS").
            absent.append("aws:principaltag/")
        if target is not None:
            by_tag, unsure = _tags(target)
            known.update(by_tag)
            absent += [] if unsure else _TAGS
            self._add_source(known, uncertain, region, target)
        return Context(known, tuple(absent), uncertain)

    def _add_source(
        self, known: dict[str, tuple[str, ...]], uncertain: dict[str, tuple[str, ...]], region: str, target: Target
    ) -> None:
        """What a call says of the instance that it comes from."""
        arn = (self._arn(region, target.id),)
        if self._service != EC2_SERVICE:
            uncertain["ec2:sourceinstancearn"] = arn
            return
        known["ec2:sourceinstancearn"] = arn
        uncertain["ssm:sourceinstancearn"] = arn
        found = {
            "aws:ec2instancesourcevpc": target.vpc,
            "aws:ec2instancesourceprivateipv4": target.address,
            "ec2:roledelivery": "2.0" if target.imdsv2_only else "",
            "aws:userid": f"{self._role.detail['RoleId']}:{target.id}" if self._role.detail.get("RoleId") else "",
        }
        known.update({key: (value,) for key, value in found.items() if value})

    @cached_property
    def _principal(self) -> dict[str, tuple[str, ...]]:
        """What a call says of the role."""
        found: dict[str, tuple[str, ...]] = {key: (value,) for key, value in _ALWAYS.items()}
        found["aws:principalaccount"] = found["aws:resourceaccount"] = (self._account,)
        if arn := self._role.detail.get("Arn"):
            found["aws:principalarn"] = (arn,)
        for tag in self._role.detail.get("Tags") or ():
            found[f"aws:principaltag/{tag['Key'].lower()}"] = (tag["Value"],)
        return found

    @cached_property
    def _concerned(self) -> list[Mapping[str, Any]]:
        """The statements that speak of what agents do."""
        boundary = self._role.boundary_policy
        policies = [*self._role.policies, *([boundary] if boundary else [])]
        return [
            statement
            for policy in policies
            for _name, statement in statements(policy.document)
            if any(action_matches(statement, action) for action in (PING, *MESSAGING))
        ]

    @cached_property
    def _messaging(self) -> list[str]:
        """One of each of the actions that the same statements speak of: the others have the same answer."""
        found: dict[tuple[bool, ...], str] = {}
        for action in MESSAGING:
            found.setdefault(tuple(action_matches(statement, action) for statement in self._concerned), action)
        return list(found.values())

    @cached_property
    def _spoken(self) -> tuple[str, ...]:
        """The condition keys and the policy variables of these statements."""
        found: set[str] = set()
        for statement in self._concerned:
            for block in (statement.get("Condition") or {}).values():
                found.update(key.lower() for key in block)
                texts = [str(text) for values in block.values() for text in as_list(values)]
                found.update(name.strip().lower() for text in texts for name in _VARIABLE.findall(text))
            for pattern in _patterns(statement):
                found.update(name.strip().lower() for name in _VARIABLE.findall(pattern))
        return tuple(sorted(found))

    def _names_instances(self, region: str) -> bool:
        """Whether a statement takes in some of the region's instances, and others not."""
        every = self._arn(region, "*")
        plain = {_VARIABLE.sub("*", pattern) for statement in self._concerned for pattern in _patterns(statement)}
        return any(arns_overlap(one, every) and not arn_matches(one, every) for one in plain)


_TAGS = ("aws:resourcetag/", "ssm:resourcetag/")


def _tags(target: Target) -> tuple[dict[str, tuple[str, ...]], bool]:
    """The condition keys of the instance's tags, and whether there are two that differ in nothing but case.

    IAM does not tell keys apart by case, so that it is not known which of the two it takes.
    """
    found: dict[str, tuple[str, ...]] = {}
    for key, value in target.tags:
        for prefix in _TAGS:
            found[prefix + key.lower()] = (value,)
    twice = [key for key, number in Counter(key.lower() for key, _value in target.tags).items() if number > 1]
    for key in twice:
        for prefix in _TAGS:
            del found[prefix + key]
    return found, bool(twice)


def _without_tags(known: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {key: value for key, value in known.items() if not key.startswith(_TAGS)}


def _patterns(statement: Mapping[str, Any]) -> list[str]:
    return [*as_list(statement.get("Resource")), *as_list(statement.get("NotResource"))]


def _hashable(possible: Sequence[Sequence[str] | None] | None) -> Any:
    return None if possible is None else tuple(None if one is None else tuple(one) for one in possible)


def _all(decisions: Iterable[Decision]) -> Decision:
    """The decision for all of several actions."""
    found = list(decisions)
    answer = least(one.answer for one in found)
    return Decision(answer, tuple(dict.fromkeys(r for one in found if one.answer is answer for r in one.reasons)))


def together(decisions: Iterable[Decision]) -> Decision:
    """The decision for several regions or instances: a "maybe" if they differ."""
    found = list(dict.fromkeys(decisions))
    answers = {one.answer for one in found}
    answer = answers.pop() if len(answers) == 1 else Answer.MAYBE
    return Decision(answer, tuple(dict.fromkeys(reason for one in found for reason in one.reasons)))
