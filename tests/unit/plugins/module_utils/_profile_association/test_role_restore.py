# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import ATTACHMENT, Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Policy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.role_restore import (
    allowing,
    entries_of,
    held,
    plan_policies,
    row_of,
    takes_away,
)

CORE, READ = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", "arn:aws:iam::aws:policy/service-role/Read"
ACCOUNT = ("aws", "111122223333")


def original(arn=CORE, before=False, after=True, role="Web"):
    whose = ("instance_profile_association", ATTACHMENT, "111122223333", "aws", None)
    return Original(*whose, f"{role}/{arn}", before, (after,))


def policy(arn, action, effect="Allow"):
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    return Policy(arn.rpartition("/")[2], "managed", {"Statement": [statement]}, arn)


def test_only_what_was_attached_is_taken_off_again():
    kept = [original(CORE), original(READ), original(CORE, role="Gone")]
    steps = plan_policies(kept, {"Web": [CORE]}, {})
    assert [(s.role, s.arn, s.operation, s.before, s.after) for s in steps] == [
        ("Web", CORE, "detach", True, False),
        ("Web", READ, "keep", False, False),
        ("Gone", CORE, "keep", False, False),
    ]
    assert [(e.resource, e.before, e.after, e.region) for e in entries_of(steps, *reversed(ACCOUNT))] == [
        (f"Web/{CORE}", True, False, None)
    ]


def test_undoing_the_undoing_attaches_it_again():
    (step,) = plan_policies([original(before=True, after=False)], {"Web": []}, {})
    assert (step.operation, step.after) == ("attach", True)


def test_a_role_that_could_not_be_read_fails():
    (step,) = plan_policies([original()], {}, {"Web": TimeoutError("no answer")})
    row = row_of(step, None, changed=False)
    assert (row["failed"], row["error"]) == (True, {"code": "TimeoutError", "message": "no answer"})
    assert (row["before"], row["after"]) == (None, None)


def test_a_policy_that_is_held_fails_and_keeps_its_place():
    steps = plan_policies([original(CORE), original(READ)], {"Web": [CORE, READ]}, {})
    found = held(steps, {f"Web/{CORE}": "DHMC uses it"})
    assert [(s.operation, s.after, s.code, s.reason) for s in found] == [
        ("refuse", True, "UsedByDhmc", "DHMC uses it"),
        ("detach", False, "", ""),
    ]
    assert held(plan_policies([original()], {}, {}), {f"Web/{CORE}": "x"})[0].operation == "keep"


@pytest.mark.parametrize(
    ("others", "boundary", "taken"),
    [
        ([], None, True),
        ([policy(READ, "s3:*")], None, True),
        ([policy(READ, "ssm:Update*")], None, False),
        # A boundary that allows nothing of it has taken it away already.
        ([], policy("b", "s3:*"), False),
        ([policy(READ, "ssm:*", "Deny")], None, False),
    ],
)
def test_a_policy_takes_registering_away_if_nothing_else_allows_it(others, boundary, taken):
    core = policy(CORE, "ssm:UpdateInstanceInformation")
    assert takes_away([core, *others], boundary, {CORE}, *ACCOUNT) is taken


def test_of_several_policies_those_that_allow_it_are_named():
    policies = [policy(CORE, "ssm:*"), policy(READ, "s3:*"), policy("arn:x", "ssm:*")]
    assert allowing(policies, {CORE, READ}, *ACCOUNT) == [CORE]


@given(st.lists(st.sampled_from(["ssm:*", "s3:*", "ssm:UpdateInstanceInformation", "ec2:*"]), max_size=5))
def test_without_a_policy_that_allows_it_nothing_is_taken_away(actions):
    policies = [policy(f"arn:aws:iam::aws:policy/P{number}", action) for number, action in enumerate(actions)]
    harmless = {p.arn for p, action in zip(policies, actions, strict=True) if action in ("s3:*", "ec2:*")}
    assert not takes_away(policies, None, harmless, *ACCOUNT)
    every = {p.arn for p in policies}
    assert takes_away(policies, None, every, *ACCOUNT) is bool(every - harmless)
