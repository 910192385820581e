# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole roles, judged by three that share no code: ours, moto's evaluator and the emulator's.

Ours is asked twice: with what is known from outside, where it may say "maybe", and with all that a request has, where
it may not. The other two know yes and no only, so they get the second question alone. The differences from the right
answer are exactly those that the table has a reason for: one that goes away is noticed as well as one that comes.
"""

from __future__ import annotations

import json
import re

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult
from whole_roles import MAYBE, NO, PING, ROLES, YES

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.conditions import Context
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Policy, decide

emulator = pytest.importorskip("fleet_emulator.policy")

CASES = [pytest.param(role, ask, id=f"{role.name} {number}") for role in ROLES for number, ask in enumerate(role.asks)]


def seen(ask):
    """What is known of an agent's call from outside: its keys, and keys that it has not."""
    tags = ask.on.tags.items() if ask.action == PING else ()
    keys = {
        "aws:RequestedRegion": ask.on.region,
        "aws:PrincipalAccount": ask.on.account,
        "aws:PrincipalType": "AssumedRole",
        # An agent calls for itself, over TLS.
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        "ec2:SourceInstanceARN": ask.on.arn,
        **{f"{prefix}/{key}": value for key, value in tags for prefix in ("aws:ResourceTag", "ssm:resourceTag")},
        # IAM has no user's name for a role, and these are for other calls or other callers.
        **dict.fromkeys(("aws:username", "aws:CalledVia", "aws:TagKeys", "ssm:SourceInstanceARN")),
    }
    if ask.action == PING:
        keys["aws:ResourceAccount"] = ask.on.account
    return {**keys, **ask.known}


def resource_of(ask):
    # The actions of the channels have no resource types.
    return ask.on.arn if ask.action.startswith("ssm:Update") else "*"


def listed(values):
    return [values] if isinstance(values, str) else list(values)


def context_of(keys, absent=(), either=None):
    known = {key.lower(): listed(value) for key, value in keys.items() if value is not None}
    without = [key.lower() for key, value in keys.items() if value is None]
    uncertain = {key.lower(): [value] for key, value in (either or {}).items()}
    return Context(known, ("aws:resourcetag/", "ssm:resourcetag/", *without, *absent), uncertain)


def keys_named(role):
    """All keys that the role's documents name, in conditions or variables."""
    text = json.dumps([*role.policies, role.boundary])
    return {key.lower() for key in re.findall(r"[a-z0-9]+:[A-Za-z0-9]+(?:/\w+)?", text)}


def ours(role, ask, context):
    policies = [Policy(str(number), "inline", document) for number, document in enumerate(role.policies)]
    boundary = Policy("boundary", "boundary", role.boundary) if role.boundary else None
    return decide(ask.action, policies, boundary, [resource_of(ask)], context).answer.value


def ours_of(role, ask, keys):
    """With all that the request has: what it does not name, the request has not."""
    absent = keys_named(role) - {key.lower() for key in keys}
    return ours(role, ask, context_of(keys, absent))


def emulators(role, ask, keys):
    sources = [emulator.Source(str(n), "role", json.dumps(document)) for n, document in enumerate(role.policies)]
    boundary = emulator.Source("boundary", "role", json.dumps(role.boundary)) if role.boundary else None
    context = {key: listed(value) for key, value in keys.items() if value is not None}
    return YES if emulator.evaluate(sources, ask.action, resource_of(ask), context, boundary).allowed else NO


def motos(role, ask, keys):
    """As moto's IAMRequestBase does it: a policy that denies decides, else one that permits."""
    context = {key: value for key, value in keys.items() if isinstance(value, str)}
    found = [
        IAMPolicy(json.dumps(document)).is_action_permitted(ask.action, resource_of(ask), None, context)
        for document in role.policies
    ]
    return YES if PermissionResult.PERMITTED in found and PermissionResult.DENIED not in found else NO


def requests(ask):
    """The right answers for requests of which all is known, by the name that the table has for them."""
    keys = seen(ask)
    if ask.open_by:
        return {}
    if ask.answer == MAYBE:
        return {" if yes": (YES, {**keys, **ask.yes_if}), " if no": (NO, {**keys, **ask.no_if})}
    return {"": (ask.answer, {**keys, **ask.either})}


@pytest.mark.parametrize(("role", "ask"), CASES)
def test_a_role_gets_the_answer_of_the_documentation(role, ask):
    wrong = set()
    if ours(role, ask, context_of(seen(ask), either=ask.either)) != ask.answer:
        wrong.add("ours")
    for name, (right, keys) in requests(ask).items():
        for judge, answer in {"ours": ours_of, "moto": motos, "emulator": emulators}.items():
            if answer(role, ask, keys) != right:
                wrong.add(judge + name)
    assert wrong == set(ask.differs)


def test_the_table_is_worth_its_name():
    answers = [ask.answer for role in ROLES for ask in role.asks]
    assert len(ROLES) >= 60
    assert len({role.name for role in ROLES}) == len(ROLES)
    assert min(answers.count(answer) for answer in (YES, NO, MAYBE)) >= 20
    # A maybe has two requests that prove it, or a reason why none can.
    assert all(
        bool(ask.yes_if and ask.no_if) != bool(ask.open_by)
        for role in ROLES
        for ask in role.asks
        if ask.answer == MAYBE
    )
