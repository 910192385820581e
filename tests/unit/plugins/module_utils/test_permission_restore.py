# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_plan import Request, backup_of, plan_absent
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_restore import (
    PolicyNow,
    RoleNow,
    check_backup,
    plan_restored,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy, RoleFacts

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:policy/P"
OLD, NEW, THEIRS = '{ "Statement" : [] }\n', '{"Statement": []}', '{"Statement": [{}]}'


def entry(operation, **more):
    empty = dict.fromkeys(["role", "arn", "before", "after", "version"])
    return {"account": ACCOUNT, "operation": operation, "policy": "P", **empty, "versions": [], **more}


DETACH = entry("detach", role="R", arn=ARN)
PUT = entry("put", role="R", before=OLD, after=NEW)
ADDED = entry("put", role="R", after=NEW)
DELETE = entry("delete", role="R", before=OLD)
VERSION = entry("version", arn=ARN, before=OLD, after=NEW, version="v1", versions=["v1"])


def undo(given, role=None, policy=None, *, overwrite=False):
    (found,) = plan_restored([given], {"R": role}, {ARN: policy}, overwrite=overwrite)
    assert found.entry == given
    return found


def now(*attached, **inline):
    return RoleNow(frozenset(attached), inline)


THERE = PolicyNow("", {})


@pytest.mark.parametrize(
    ("given", "role", "policy", "operation"),
    [
        (DETACH, now(), THERE, "attach"),
        (DETACH, now(ARN), THERE, "keep"),
        (PUT, now(P=NEW), None, "put"),
        (PUT, now(P=OLD), None, "keep"),
        (ADDED, now(P=NEW), None, "delete"),
        (ADDED, now(), None, "keep"),
        (DELETE, now(), None, "put"),
        (DELETE, now(P=OLD), None, "keep"),
        (VERSION, None, PolicyNow("v2", {"v1": OLD, "v2": NEW}), "default"),
        (VERSION, None, PolicyNow("v1", {"v1": OLD}), "keep"),
        (VERSION, None, PolicyNow("v1", {"v1": OLD, "v2": THEIRS}), "keep"),
        # Null may have become an empty text on its way.
        ({**ADDED, "before": ""}, now(), None, "keep"),
        ({**ADDED, "before": ""}, now(P=NEW), None, "delete"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_was_done_is_undone_and_what_was_not_is_kept(given, role, policy, operation, overwrite):
    found = undo(given, role, policy, overwrite=overwrite)
    assert (found.operation, found.reason) == (operation, "")


@pytest.mark.parametrize(
    ("given", "role", "policy", "words", "over"),
    [
        (PUT, now(P=THEIRS), None, "the inline policy P was changed since (overwrite restores it)", "put"),
        (PUT, now(), None, "the inline policy P was removed since (overwrite restores it)", "put"),
        (ADDED, now(P=THEIRS), None, "the inline policy P was changed since (overwrite restores it)", "delete"),
        (DELETE, now(P=THEIRS), None, "the inline policy P was changed since (overwrite restores it)", "put"),
        (
            VERSION,
            None,
            PolicyNow("v3", {"v1": OLD, "v2": NEW, "v3": THEIRS}),
            "the policy P has another default version since, v3 (overwrite restores it)",
            "default",
        ),
        (DETACH, None, THERE, "the role R is gone", "lost"),
        (PUT, None, None, "the role R is gone", "lost"),
        (DETACH, now(), None, f"the policy {ARN} is gone", "lost"),
        (VERSION, None, None, f"the policy {ARN} is gone", "lost"),
        (VERSION, None, PolicyNow("v2", {"v2": NEW}), "the version v1 of the policy P is gone", "lost"),
        (VERSION, None, PolicyNow("v2", {"v1": THEIRS, "v2": NEW}), "the version v1 of the policy P is gone", "lost"),
    ],
)
def test_what_was_changed_since_is_left_unless_overwrite_says_otherwise(given, role, policy, words, over):
    found = undo(given, role, policy)
    assert (found.operation, found.reason) == ("lost", words)
    found = undo(given, role, policy, overwrite=True)
    assert found.operation == over
    # What somebody made of it is replaced, and so must be known.
    assert found.now == (None if over == "lost" or role == now() else THEIRS)


@pytest.mark.parametrize(
    ("default", "texts", "surplus"),
    [
        ("v2", {"v2": NEW, "v1": OLD}, ("v2",)),
        # A call that was repeated after its answer was lost.
        ("v3", {"v3": NEW, "v2": NEW, "v1": OLD}, ("v3", "v2")),
        # Cut off between the two calls that restore it.
        ("v1", {"v2": NEW, "v1": OLD}, ("v2",)),
        ("v3", {"v3": THEIRS, "v2": NEW, "v1": OLD}, ("v2",)),
    ],
)
def test_only_versions_that_were_made_here_are_deleted(default, texts, surplus):
    found = undo(VERSION, policy=PolicyNow(default, texts), overwrite=True)
    assert (found.operation, found.surplus) == ("default", surplus)


def test_a_version_of_before_that_reads_the_same_is_not_deleted():
    given = {**VERSION, "version": "v2", "versions": ["v2", "v1"]}
    assert undo(given, policy=PolicyNow("v3", {"v1": NEW, "v2": OLD, "v3": NEW})).surplus == ("v3",)


def test_the_last_change_is_undone_first():
    found = plan_restored([DETACH, PUT], {"R": now(P=NEW)}, {ARN: THERE}, overwrite=False)
    assert [one.entry["operation"] for one in found] == ["put", "detach"]


@pytest.mark.parametrize("given", [DETACH, PUT, ADDED, DELETE, VERSION])
def test_a_backup_as_it_was_returned_is_taken(given):
    check_backup([given], ACCOUNT)
    check_backup(json.loads(json.dumps([given])), ACCOUNT)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({**PUT, "account": "999999999999"}, "is of account 999999999999, but the credentials are of 123456789012"),
        ({**DETACH, "arn": None}, "entry 2 has no arn: give the backup as it was returned"),
        ({**DETACH, "role": ""}, "entry 2 has no role"),
        ({**PUT, "after": None, "role": None}, "entry 2 has no role, after"),
        ({**DELETE, "before": None}, "entry 2 has no before"),
        ({**VERSION, "before": None, "version": None}, "entry 2 has no before, version"),
        # A document that was decoded on its way, and that Ansible made text of again.
        ({**PUT, "before": "{'Statement': []}"}, "entry 2: before is not a policy document as text"),
        ({**VERSION, "after": "null"}, "entry 2: after is not a policy document"),
    ],
)
def test_a_backup_that_can_not_be_one_is_refused_before_anything_is_changed(given, words):
    with pytest.raises(InputError, match=f"^backup: .*{words}") as caught:
        check_backup([DETACH, given], ACCOUNT)
    assert "\n" not in str(caught.value)


def statement(*actions):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


TEXTS = st.builds(
    lambda many, indent: json.dumps({"Statement": many}, indent=indent) + " \n" * (indent or 0),
    st.lists(
        st.sampled_from([statement(PING), statement(PING, "s3:*"), statement("ec2:*"), statement("ssm:*")]), min_size=1
    ),
    st.none() | st.integers(0, 3),
)


class Iam:
    """Roles and policies as IAM holds them, and nothing of the rules."""

    def __init__(self, roles, policies):
        self.roles = {
            role.name: {"attached": {p.arn for p in role.managed}, "inline": dict(role.inline)} for role in roles
        }
        self.policies = {
            policy.arn: {"default": policy.version, "versions": dict.fromkeys(policy.versions, THEIRS), "next": 9}
            for policy in policies
        }
        for policy in policies:
            self.policies[policy.arn]["versions"][policy.version] = policy.text

    def state(self):
        """All that can be seen: not the number of the next version."""
        shown = {arn: {**policy, "next": None} for arn, policy in self.policies.items()}
        return copy.deepcopy((self.roles, shown))

    def do(self, step):
        if step.operation == "version":
            policy = self.policies[step.arn]
            policy["default"] = f"v{policy['next']}"
            policy["versions"][policy["default"]] = step.after
            policy["next"] += 1
        elif step.operation == "detach":
            self.roles[step.role]["attached"].remove(step.arn)
        elif step.operation == "put":
            self.roles[step.role]["inline"][step.policy] = step.after
        else:
            del self.roles[step.role]["inline"][step.policy]

    def planned(self, backup):
        roles = {name: RoleNow(frozenset(role["attached"]), role["inline"]) for name, role in self.roles.items()}
        policies = {arn: PolicyNow(policy["default"], policy["versions"]) for arn, policy in self.policies.items()}
        return plan_restored(backup, roles, policies, overwrite=False)

    def restore(self, undo, *, cut_off=False):
        given = undo.entry
        if undo.operation == "default":
            policy = self.policies[given["arn"]]
            policy["default"] = given["version"]
            for name in () if cut_off else undo.surplus:
                del policy["versions"][name]
        elif undo.operation == "attach":
            self.roles[given["role"]]["attached"].add(given["arn"])
        elif undo.operation == "put":
            self.roles[given["role"]]["inline"][given["policy"]] = given["before"]
        elif undo.operation == "delete":
            del self.roles[given["role"]]["inline"][given["policy"]]
        else:
            assert undo.operation == "keep"


@st.composite
def plans(draw):
    """An account and the steps of a plan for it."""
    pool = [
        ManagedPolicy(f"arn:aws:iam::{ACCOUNT}:policy/{name}", name, draw(TEXTS), version, 0, ("v1", "v2"))
        for name, version in (("P", "v1"), ("Q", "v2"))
    ]
    attached, inline = (
        st.lists(st.sampled_from(pool), unique=True),
        st.dictionaries(st.sampled_from("ab"), TEXTS, max_size=2),
    )
    roles = [RoleFacts(name, {}, tuple(draw(attached)), draw(inline)) for name in "AB"]
    method = draw(st.sampled_from(["auto", "auto", "detach", "rewrite", "deny"]))
    steps = plan_absent(roles, Request({PING: ["*"]}, method, "deny", allow_shared=True, quotas={})).steps
    return Iam(roles, pool), steps


@settings(max_examples=300)
@given(plans(), st.data())
def test_whatever_part_of_a_plan_was_done_all_comes_back_byte_for_byte(account_and_steps, data):
    iam, steps = account_and_steps
    before, backup = iam.state(), json.loads(json.dumps(backup_of(ACCOUNT, steps)))
    check_backup(backup, ACCOUNT)
    for step in steps:
        if data.draw(st.booleans()):
            iam.do(step)
            if step.operation == "version" and data.draw(st.booleans()):
                iam.do(step)
    # A restore may be cut off as well, and comes to the same end when it is run again.
    for found in iam.planned(backup):
        done = data.draw(st.sampled_from(["whole", "half", "not"]))
        if done != "not":
            iam.restore(found, cut_off=done == "half")
    for found in iam.planned(backup):
        iam.restore(found)
    assert iam.state() == before
    assert {found.operation for found in iam.planned(backup)} <= {"keep"}
