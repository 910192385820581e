# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    Entry,
    from_text,
    originals,
    to_text,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_state import PolicyNow, RoleNow
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy, RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.restore_plan import (
    Now,
    plan_restored,
    targets_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.revoke_plan import Request, plan_absent
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import MODULE, entries_of

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:policy/P"
OLD, NEW, THEIRS = '{ "Statement" : [] }\n', '{"Statement": []}', '{"Statement": [{}]}'
LATER = '{"Statement": [{}, {}]}'


def entry(kind, resource, before, after):
    return Entry(MODULE, kind, ACCOUNT, "aws", None, resource, before, after)


DETACH = entry("role_policy_attachment", f"R/{ARN}", True, False)
PUT = entry("role_inline_policy", "R/P", OLD, NEW)
ADDED = entry("role_inline_policy", "R/P", None, NEW)
DELETE = entry("role_inline_policy", "R/P", OLD, None)
VERSION = entry("managed_policy", ARN, {"document": OLD, "version": "v1", "versions": ["v1"]}, {"document": NEW})


def undone(given, state, *, overwrite=False):
    return plan_restored(targets_of(originals(given)), state, overwrite=overwrite)


def undo(given, role=None, policy=None, *, overwrite=False):
    state = Now({"R": role}, {ARN: policy}, {ARN: policy is not None})
    (found,) = undone(given if isinstance(given, list) else [given], state, overwrite=overwrite)
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
        # What the policy allows counts, not the number of its version.
        (VERSION, None, PolicyNow("v3", {"v3": OLD, "v2": THEIRS}), "keep"),
        (VERSION, None, PolicyNow("v2", {"v3": OLD, "v2": NEW}), "default"),
        # Run again with the same file after someone has changed it: the first value of all is what comes back.
        ([PUT, entry("role_inline_policy", "R/P", THEIRS, LATER)], now(P=LATER), None, "put"),
        ([PUT, entry("role_inline_policy", "R/P", THEIRS, LATER)], now(P=OLD), None, "keep"),
        ([PUT, entry("role_inline_policy", "R/P", THEIRS, LATER)], now(P=NEW), None, "put"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_was_done_is_undone_and_what_was_not_is_kept(given, role, policy, operation, overwrite):
    found = undo(given, role, policy, overwrite=overwrite)
    assert (found.outcome, found.code, found.reason) == (operation, "", "")
    assert bool(found.step) is (operation != "keep")
    assert found.step is None or found.step.operation == "attach" or found.step.after in (OLD, None)


@pytest.mark.parametrize(
    ("given", "role", "policy", "why", "over"),
    [
        (PUT, now(P=THEIRS), None, ("ChangedSince", "the inline policy P of the role R was changed since"), "put"),
        (PUT, now(), None, ("ChangedSince", "the inline policy P of the role R was removed since"), "put"),
        (ADDED, now(P=THEIRS), None, ("ChangedSince", "the inline policy P of the role R was changed since"), "delete"),
        (DELETE, now(P=THEIRS), None, ("ChangedSince", "the inline policy P of the role R was changed since"), "put"),
        (
            VERSION,
            None,
            PolicyNow("v3", {"v1": OLD, "v2": NEW, "v3": THEIRS}),
            ("ChangedSince", "the policy P has another default version since, v3 (overwrite restores it)"),
            "default",
        ),
        (DETACH, None, THERE, ("Gone", "the role R is gone"), "skip"),
        (PUT, None, None, ("Gone", "the role R is gone"), "skip"),
        (DETACH, now(), None, ("Gone", f"the policy {ARN} is gone"), "skip"),
        (VERSION, None, None, ("Gone", f"the policy {ARN} is gone"), "skip"),
        (VERSION, None, PolicyNow("v2", {"v2": NEW}), ("Gone", "the version v1 of the policy P is gone"), "skip"),
    ],
)
def test_what_was_changed_since_is_left_unless_overwrite_says_otherwise(given, role, policy, why, over):
    code, words = why
    found = undo(given, role, policy)
    assert (found.outcome, found.code, found.step) == ("lost", code, None)
    assert words in found.reason
    found = undo(given, role, policy, overwrite=True)
    assert found.outcome == over
    # What someone made of it is replaced, and so must be known.
    assert over == "skip" or found.step.before == (None if role == now() else THEIRS)


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
    assert (found.outcome, found.step.surplus) == ("default", surplus)


def test_a_version_of_before_that_reads_the_same_is_not_deleted():
    given = entry(
        "managed_policy", ARN, {"document": OLD, "version": "v2", "versions": ["v2", "v1"]}, {"document": NEW}
    )
    assert undo(given, policy=PolicyNow("v3", {"v1": NEW, "v2": OLD, "v3": NEW})).step.surplus == ("v3",)


def test_the_last_change_is_undone_first():
    found = undone([DETACH, PUT], Now({"R": now(P=NEW)}, {}, {ARN: True}))
    assert [one.outcome for one in found] == ["put", "attach"]


def test_what_could_not_be_read_fails_and_the_rest_is_restored():
    error = TimeoutError()
    state = Now({"R": now(P=NEW)}, {}, {}, {ARN: error})
    found = undone([VERSION, PUT], state)
    assert [(one.outcome, one.error) for one in found] == [("put", None), ("lost", error)]


@pytest.mark.parametrize(
    "given",
    [
        entry("managed_policy", ARN, None, {"document": NEW}),
        entry("managed_policy", ARN, {"document": OLD}, {"document": NEW}),
        entry("managed_policy", ARN, {"document": OLD, "version": "v1", "versions": "v1"}, {"document": NEW}),
        entry("managed_policy", ARN, VERSION.before, None),
        entry("role_policy_attachment", "R/P", True, False),
        entry("role_trust_policy", "R", OLD, NEW),
        entry("role", "R", None, {}),
    ],
)
def test_an_entry_that_this_module_never_makes_is_refused(given):
    with pytest.raises(InputError, match="Nothing was changed") as caught:
        targets_of(originals([PUT, given]))
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
        return undone(backup, Now(roles, policies, dict.fromkeys(policies, True)))

    def restore(self, found, *, cut_off=False):
        step = found.step
        if step is None:
            assert found.outcome == "keep"
        elif step.operation == "default":
            policy = self.policies[step.arn]
            policy["default"] = step.version
            for name in () if cut_off else step.surplus:
                del policy["versions"][name]
        elif step.operation == "attach":
            self.roles[step.role]["attached"].add(step.arn)
        elif step.operation == "put":
            self.roles[step.role]["inline"][step.policy] = step.after
        else:
            assert step.operation == "delete"
            del self.roles[step.role]["inline"][step.policy]


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
    before, backup = iam.state(), from_text(to_text(entries_of(steps, ACCOUNT, "aws")), "backup")
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
    assert {found.outcome for found in iam.planned(backup)} <= {"keep"}
