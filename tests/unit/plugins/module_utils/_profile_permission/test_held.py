# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy, RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.held import (
    Usage,
    User,
    Ways,
    policies_to_keep,
    unfit_roles,
    why_held,
)

US, EU, DOWN, CLOSED = "us-east-1", "eu-west-1", "eu-west-2", "eu-west-3"
ACCOUNT = "123456789012"


def client_error(code, message=""):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


SCP = client_error("UnauthorizedOperation", "with an explicit deny in a service control policy")
BROKEN = client_error("ServiceUnavailable", "down")
DHMC = DhmcInUse({US: "Dhmc", EU: None}, {DOWN: BROKEN}, (CLOSED,), {US: "service-role/Dhmc"})


def usage(*users, **more):
    return Usage({"web": users} if users else {}, **more)


NEW, OLD = "3.2.582.0", "3.2.581.9"


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (usage(), ""),
        (usage(User("i-1", US)), ""),
        (usage(User("i-1", US, NEW)), ""),
        (usage(User("i-1", US, "3.10.0.0")), ""),
        (usage(User("i-1", CLOSED, OLD)), ""),
        (
            usage(User("i-1", EU, NEW)),
            "instances of eu-west-1 use it (i-1), and there Default Host Management Configuration is off",
        ),
        (
            usage(*[User(f"i-{number}", EU) for number in range(5)]),
            "instances of eu-west-1 use it (i-0, i-1, i-2 and 2 more), and there",
        ),
        (
            usage(User("i-1", DOWN)),
            "use it (i-1), and there whether Default Host Management Configuration is on could not be read "
            "(ServiceUnavailable)",
        ),
        (
            usage(User("i-2", US, NEW), User("i-1", US, OLD)),
            "there Default Host Management Configuration needs agent 3.2.582.0, but i-1 has 3.2.581.9",
        ),
        (usage(User("i-1", US, "dev")), "but i-1 has dev"),
        (usage(User("i-1", US, "")), "but i-1 has an unknown version"),
        (
            usage(User("i-1", US), agents_unread={US: BROKEN}),
            "there the versions of their agents could not be read (ServiceUnavailable)",
        ),
        # Any role may be in use in a region that can't be read.
        (usage(unread={US: BROKEN}), "whether instances of us-east-1 use it could not be read (ServiceUnavailable)"),
        (usage(unread={DOWN: BROKEN}), "whether instances of eu-west-2 use it could not be read"),
        (usage(unread={CLOSED: BROKEN}), ""),
        (usage(unread={CLOSED: SCP}), ""),
        # The setting could not be read, and what EC2 denies says nothing of Systems Manager.
        (usage(unread={DOWN: SCP}), "whether instances of eu-west-2 use it could not be read (UnauthorizedOperation)"),
        # The policy denies EC2 only, so that instances may use Systems Manager there.
        (usage(unread={US: SCP}), "whether instances of us-east-1 use it could not be read (UnauthorizedOperation)"),
        (usage(unread={"af-south-1": BROKEN}), "whether instances of af-south-1 use it could not be read"),
        (
            usage(roles_unread={"web": BROKEN}),
            "may be in use: which instance profiles hold it could not be read (ServiceUnavailable)",
        ),
        (usage(roles_unread={"webserver": BROKEN}), ""),
    ],
)
def test_what_would_lose_its_way_in_is_held(used, words):
    why = why_held("web", Ways(DHMC), used)
    assert bool(why) is bool(words)
    assert words in why
    # A part of a name is not the name.
    for name in ("we", "webserver", "eb", ""):
        other = why_held(name, Ways(DHMC), replace(used, unread={}, roles_unread={}))
        assert other == ""


def test_a_role_that_dhmc_names_but_that_lets_nobody_in_is_none():
    ways = Ways(DHMC, {US: "Default Host Management Configuration uses the role Dhmc, which does not exist"})
    assert "which does not exist" in why_held("web", ways, usage(User("i-1", US, NEW)))


def test_where_it_is_about_to_be_turned_on_it_counts_as_on_but_not_for_old_agents_or_unfit_roles():
    ways = Ways(DHMC, planned=frozenset({EU, US, DOWN}))
    assert why_held("web", ways, usage(User("i-1", EU))) == ""
    assert "i-1 has 3.2.581.9" in why_held("web", ways, usage(User("i-1", EU, OLD)))
    assert "could not be read" in why_held("web", ways, usage(User("i-1", DOWN)))
    assert "does not exist" in why_held("web", replace(ways, unfit={US: "does not exist"}), usage(User("i-1", US)))


def test_what_is_let_go_is_only_what_is_off():
    ways = Ways(DHMC, {US: "unfit"}, let_go=frozenset({EU}))
    assert why_held("web", ways, usage(User("i-1", EU, OLD))) == ""
    assert why_held("web", ways, usage(unread={EU: BROKEN})) == ""
    for used in (usage(User("i-1", US)), usage(User("i-1", DOWN)), usage(unread={DOWN: BROKEN})):
        assert why_held("web", ways, used) != ""


def test_every_region_that_holds_it_is_named():
    why = why_held("web", Ways(DHMC), usage(User("i-1", EU), User("i-2", DOWN), User("i-3", US), unread={US: BROKEN}))
    assert [region in why for region in (EU, DOWN, US)] == [True, True, True]
    assert "i-3" not in why
    assert "\n" not in why


def statement(*actions, effect="Allow", **more):
    return {"Effect": effect, "Action": list(actions), "Resource": "*", **more}


def trust(service="ssm.amazonaws.com", **more):
    return {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}],
    }


def dhmc_role(*statements, path="/service-role/", trusted=None, boundary=None):
    text = json.dumps({"Statement": list(statements)})
    detail = {"Path": path, "AssumeRolePolicyDocument": trusted or trust()}
    bound = ManagedPolicy("arn:aws:iam::123456789012:policy/B", "B", boundary, "v1") if boundary else None
    return RoleFacts("Dhmc", detail, (), {"own": text}, bound)


CONDITION = {"Condition": {"StringEquals": {"aws:ResourceTag/a": "b"}}}


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (dhmc_role(statement("ssm:*")), None),
        (dhmc_role(statement(PING), trusted=trust(["ec2.amazonaws.com", "ssm.amazonaws.com"])), None),
        (None, "uses the role service-role/Dhmc, which does not exist"),
        # The setting names a path, too, and no role is there.
        (dhmc_role(statement("ssm:*"), path="/"), "which does not exist"),
        (dhmc_role(statement("ssm:*"), trusted=trust("ec2.amazonaws.com")), "does not surely trust ssm.amazonaws.com"),
        (
            dhmc_role(statement("ssm:*"), trusted=trust(Condition={"StringEquals": {"aws:SourceAccount": "1"}})),
            "does not surely trust ssm.amazonaws.com",
        ),
        (dhmc_role(statement("s3:*")), f"does not surely allow {PING}"),
        (dhmc_role(statement("ssm:*"), statement(PING, effect="Deny")), f"does not surely allow {PING}"),
        # A maybe is no way in.
        (dhmc_role(statement(PING, **CONDITION)), f"does not surely allow {PING}"),
        (
            dhmc_role(statement(PING), boundary=json.dumps({"Statement": [statement("s3:*")]})),
            f"does not surely allow {PING}",
        ),
    ],
)
def test_a_role_lets_instances_in_only_if_it_surely_does(role, words):
    found = unfit_roles(DHMC, {"Dhmc": role} if role else {}, {}, ACCOUNT, "aws")
    assert list(found) == ([US] if words else [])
    assert words is None or words in found[US]


def test_a_role_that_can_not_be_read_lets_nobody_in():
    found = unfit_roles(DHMC, {"Dhmc": dhmc_role(statement("ssm:*"))}, {"Dhmc": BROKEN}, ACCOUNT, "aws")
    assert "could not be read (ServiceUnavailable)" in found[US]


def test_the_policies_of_a_role_that_is_kept_are_kept():
    policies = [ManagedPolicy(f"arn:aws:iam::{ACCOUNT}:policy/{name}", name, "{}", "v1") for name in "PQR"]
    roles = [
        RoleFacts("web", {}, tuple(policies[:1]), {}, policies[1]),
        RoleFacts("webserver", {}, tuple(policies[2:])),
    ]
    found = policies_to_keep(roles, {"web": "is the role that DHMC uses in us-east-1"})
    assert list(found) == [policy.arn for policy in policies[:2]]
    assert set(found.values()) == {"the role web has it, too (is the role that DHMC uses in us-east-1)"}


# Properties, judged by a model of an instance: what it would be left with.

REGIONS = (US, EU, DOWN, CLOSED)
VERSIONS = st.sampled_from([None, OLD, NEW, "3.3.0.0", "3.2.99.0"])
STATES = st.sampled_from(["on", "on", "off", "unfit", "unread", "closed"])


@st.composite
def accounts(draw):
    """What each region is like, and which instances use which of two roles."""
    states = {region: draw(STATES) for region in REGIONS}
    names = {region: {"off": None}.get(state, "Dhmc") for region, state in states.items()}
    dhmc = DhmcInUse(
        {region: names[region] for region in REGIONS if states[region] in ("on", "off", "unfit")},
        {region: BROKEN for region in REGIONS if states[region] == "unread"},
        tuple(region for region in REGIONS if states[region] == "closed"),
    )
    unfit = {region: "unfit" for region in REGIONS if states[region] == "unfit"}
    users = {
        role: [
            User(f"i-{role}{number}", draw(st.sampled_from(REGIONS)), draw(VERSIONS))
            for number in range(draw(st.integers(0, 3)))
        ]
        for role in ("web", "webserver")
    }
    return states, Ways(dhmc, unfit), users


def survives(states, user):
    """Whether the instance has a way in without its profile, or has none that it could lose."""
    if states[user.region] == "closed":
        return True
    return states[user.region] == "on" and user.agent not in (OLD, "3.2.99.0")


@settings(max_examples=400)
@given(accounts(), st.sets(st.sampled_from(REGIONS)))
def test_a_role_is_held_if_and_only_if_one_of_its_instances_would_be_lost(account, unread):
    states, ways, users = account
    seen = {role: [user for user in these if user.region not in unread] for role, these in users.items()}
    found = Usage(seen, dict.fromkeys(unread, BROKEN))
    for role, these in users.items():
        lost = not all(survives(states, user) for user in these if user.region not in unread)
        unknown = any(states[region] != "closed" for region in unread)
        assert bool(why_held(role, ways, found)) is (lost or unknown)


@settings(max_examples=200)
@given(accounts(), st.sampled_from(REGIONS))
def test_knowing_less_never_frees_a_role(account, region):
    states, ways, users = account
    before = {role: bool(why_held(role, ways, Usage(users))) for role in users}
    unread = Usage({role: [u for u in these if u.region != region] for role, these in users.items()}, {region: BROKEN})
    agents = Usage(users, agents_unread={region: BROKEN})
    dhmc = ways.dhmc
    blind = replace(
        ways,
        dhmc=replace(
            dhmc,
            roles={name: role for name, role in dhmc.roles.items() if name != region},
            unread={**dhmc.unread, **({region: BROKEN} if region not in dhmc.forbidden else {})},
        ),
    )
    for role in users:
        if states[region] != "closed":
            assert why_held(role, ways, unread)
        for now in (why_held(role, ways, agents), why_held(role, blind, Usage(users))):
            assert bool(now) >= before[role]


@settings(max_examples=200)
@given(accounts())
def test_what_another_role_is_used_for_changes_nothing(account):
    _states, ways, users = account
    alone = {role: why_held(role, ways, Usage({role: users[role]})) for role in users}
    assert {role: why_held(role, ways, Usage(users)) for role in users} == alone
