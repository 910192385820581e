# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that DHMC uses never loses what it serves it by; a profile that instances have stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import ManagedPolicy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.guard import (
    Users,
    is_weaker,
    weakening,
    why_profile_stays,
    why_role_stays,
    without,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import Change, RoleState, changed

HOME = Home("123456789012", "aws")


def document(effect, action):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]})


def trust(service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


SSM, EC2 = trust("ssm.amazonaws.com"), trust("ec2.amazonaws.com")
ALLOW, DENY, OTHER = document("Allow", "ssm:*"), document("Deny", "ssm:*"), document("Allow", "s3:*")
POLICIES = {name: ManagedPolicy(name, name, text, "v1") for name, text in (("a", ALLOW), ("d", DENY), ("o", OTHER))}
ROLE = RoleState("R", "/", SSM, managed=("a",))


def attach(arn):
    return Change("role_policy_attachment", f"R/{arn}", before=False, after=True)


def detach(arn):
    return Change("role_policy_attachment", f"R/{arn}", before=True, after=False)


def inline(before, after):
    return Change("role_inline_policy", "R/p", before, after)


@pytest.mark.parametrize(
    ("role", "changes", "held"),
    [
        (ROLE, [detach("a")], [0]),
        (ROLE, [detach("a"), inline(None, ALLOW)], []),
        (ROLE, [attach("d")], [0]),
        (ROLE, [attach("o"), detach("a")], [1]),
        (ROLE, [inline(None, DENY), attach("o")], [0]),
        (ROLE, [Change("role_trust_policy", "R", SSM, EC2)], [0]),
        (ROLE, [Change("role_permissions_boundary", "R", None, "o")], [0]),
        (ROLE, [Change("role_permissions_boundary", "R", None, "a")], []),
        # Either may go, but not both.
        (RoleState("R", "/", SSM, managed=("a",), inline={"p": ALLOW}), [detach("a"), inline(ALLOW, None)], [0, 1]),
        # A role that does not serve DHMC has nothing to lose.
        (RoleState("R", "/", EC2, managed=("o",)), [detach("o")], []),
    ],
)
def test_what_is_held(role, changes, held):
    assert weakening(role, changes, POLICIES, HOME) == [changes[number] for number in held]


changes = st.lists(
    st.one_of(
        st.builds(attach, st.sampled_from(list(POLICIES))),
        st.builds(detach, st.sampled_from(list(POLICIES))),
        st.builds(inline, st.sampled_from([None, ALLOW, DENY, OTHER]), st.sampled_from([None, ALLOW, DENY, OTHER])),
        st.sampled_from([Change("role_trust_policy", "R", SSM, text) for text in (SSM, EC2)]),
        st.builds(
            Change, st.just("role_permissions_boundary"), st.just("R"), st.none(), st.sampled_from([None, "a", "o"])
        ),
    ),
    max_size=4,
    unique_by=lambda change: change.resource + change.kind,
)
roles = st.builds(
    RoleState,
    name=st.just("R"),
    path=st.just("/"),
    trust=st.sampled_from([SSM, EC2]),
    boundary=st.sampled_from([None, "a", "o"]),
    managed=st.sets(st.sampled_from(list(POLICIES))).map(lambda found: tuple(sorted(found))),
    inline=st.dictionaries(st.just("p"), st.sampled_from([ALLOW, DENY, OTHER])),
)


@given(roles, changes)
def test_without_what_is_held_a_role_serves_no_less(role, wanted):
    held = weakening(role, wanted, POLICIES, HOME)
    rest = [change for change in wanted if change not in held]
    assert not is_weaker(role, changed(role, rest), POLICIES, HOME)


USES = DhmcInUse({"eu-west-1": "R", "us-east-1": None})


def test_which_role_stays():
    assert "uses in eu-west-1" in why_role_stays(ROLE, USES, "")
    assert why_role_stays(RoleState("Other", "/", SSM), USES, "") == ""
    assert why_role_stays(ROLE, without(USES, ["eu-west-1"]), "") == ""
    # What could not be read concerns a role that Systems Manager can use, and no other.
    assert "could not be read (no answer)" in why_role_stays(ROLE, None, "no answer")
    assert why_role_stays(RoleState("R", "/", EC2), None, "no answer") == ""


def test_which_profile_stays():
    assert why_profile_stays(Users()) == ""
    assert "is still the profile of eu-west-1/i-1" in why_profile_stays(Users(["eu-west-1/i-1"]))
    assert "and 2 more" in why_profile_stays(Users([f"eu-west-1/i-{number}" for number in range(12)]))
    assert "in eu-west-3, which could not be read" in why_profile_stays(Users(unread={"eu-west-3": OSError()}))
