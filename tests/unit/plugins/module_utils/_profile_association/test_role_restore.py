# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import ATTACHMENT, Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.role_restore import (
    entries_of,
    held,
    plan_policies,
    row_of,
)

CORE, READ = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", "arn:aws:iam::aws:policy/service-role/Read"


def original(arn=CORE, before=False, after=True, role="Web"):
    whose = ("instance_profile_association", ATTACHMENT, "111122223333", "aws", None)
    return Original(*whose, f"{role}/{arn}", before, (after,))


def test_only_what_was_attached_is_taken_off_again():
    kept = [original(CORE), original(READ), original(CORE, role="Gone")]
    steps = plan_policies(kept, {"Web": [CORE]}, {})
    assert [(s.role, s.arn, s.operation, s.before, s.after) for s in steps] == [
        ("Web", CORE, "detach", True, False),
        ("Web", READ, "keep", False, False),
        ("Gone", CORE, "keep", False, False),
    ]
    assert [(e.resource, e.before, e.after, e.region) for e in entries_of(steps, "111122223333", "aws")] == [
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
        ("refuse", True, "InUse", "DHMC uses it"),
        ("detach", False, "", ""),
    ]
    assert held(plan_policies([original()], {}, {}), {f"Web/{CORE}": "x"})[0].operation == "keep"
