# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy, RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.revoke_plan import (
    DENY_SID,
    Request,
    applied,
    deny_document,
    needs_versions,
    plan_absent,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import Step, entries_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import document_size

INSTANCES = "arn:aws:ec2:*:123456789012:instance/*"
IF = {"StringEquals": {"aws:ResourceTag/team": "a"}}
NAME = "the-deny"
OTHERS_DENY = {"Sid": DENY_SID, "Effect": "Deny", "Action": ["ssm:PutInventory"], "Resource": "*"}


def statement(*actions, effect="Allow", resource="*", **more):
    return {"Effect": effect, "Action": list(actions), "Resource": resource, **more}


def text(*statements, **more):
    return json.dumps({"Version": "2012-10-17", **more, "Statement": list(statements)})


ONLY, MIXED, WILD = text(statement(PING)), text(statement("s3:GetObject", PING)), text(statement("ssm:*"))


def managed(document, name="P", owner="123456789012", attached=1, versions=("v1",)):
    return ManagedPolicy(f"arn:aws:iam::{owner}:policy/{name}", name, document, versions[0], attached, versions)


def of_aws(document, name="P"):
    return managed(document, name, owner="aws", attached=0)


def role(*policies, name="R", boundary=None, **inline):
    return RoleFacts(name, {}, policies, inline, managed(boundary, "B") if boundary else None)


def request(method="auto", *actions, allow_shared=False, **quotas):
    resources = {action: [INSTANCES] if action == PING else ["*"] for action in actions or (PING,)}
    return Request(resources, method, NAME, allow_shared, quotas)


def planned(*roles, method="auto", actions=(), **options):
    """(operation, policy, role) of each step, and the reason of each refusal."""
    plan = plan_absent(roles, request(method, *actions, **options))
    return [(step.operation, step.policy, step.role) for step in plan.steps], list(plan.refused.values())


def after(document, *actions):
    """The statements that are left of an inline policy."""
    (step,) = plan_absent([role(own=document)], request("rewrite", *actions)).steps
    return json.loads(step.after)


@pytest.mark.parametrize("method", ["auto", "detach", "deny", "rewrite"])
@pytest.mark.parametrize(
    "facts",
    [
        role(),
        role(managed(text(statement("s3:*")))),
        role(own=text(statement(PING, resource="arn:aws:s3:::b"))),
        role(own=text(statement(PING), statement("*", effect="Deny"))),
        role(managed(ONLY), of_aws(text(statement("ssm:Update*", effect="Deny")), "D")),
        role(managed(ONLY), boundary=text(statement("s3:*"))),
        role(own=text({"Effect": "Allow", "NotAction": "ssm:*", "Resource": "*"})),
    ],
)
def test_a_role_that_does_not_allow_the_action_is_left_alone(facts, method):
    assert planned(facts, method=method) == ([], [])
    assert needs_versions([facts], request(method)) == []


DENY = [("put", NAME, "R")]


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        (role(own=ONLY), [("delete", "own", "R")]),
        (role(own=MIXED), [("put", "own", "R")]),
        (role(own=text(statement(PING), statement("s3:*", effect="Deny"))), [("put", "own", "R")]),
        (role(own=text(statement(PING, Condition=IF))), [("delete", "own", "R")]),
        (role(own=text(statement(PING, "s3:*", resource=INSTANCES))), [("put", "own", "R")]),
        (role(own=MIXED, other=text(statement("s3:*")), boundary=text(statement("*"))), [("put", "own", "R")]),
        (role(managed(ONLY)), [("detach", "P", "R")]),
        (role(managed(ONLY, attached=9)), [("detach", "P", "R")]),
        (role(of_aws(ONLY)), [("detach", "P", "R")]),
        (role(managed(MIXED)), [("version", "P", None)]),
        (
            role(managed(MIXED), of_aws(ONLY, "A"), own=MIXED),
            [("put", "own", "R"), ("version", "P", None), ("detach", "A", "R")],
        ),
        # What can't be edited gets a deny, and then the rest of the role is not touched.
        (role(of_aws(MIXED)), DENY),
        (role(managed(MIXED), own=WILD), DENY),
        (role(own=text(statement("SSM:update*"))), DENY),
        (role(own=text(statement("*:UpdateInstance?nformation"))), DENY),
        (role(own=text({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})), DENY),
        (role(own=text(statement(PING, "*"))), DENY),
        (role(own=text(statement(PING), statement(PING, effect="Deny", Condition=IF), statement("*"))), DENY),
        (role(managed(MIXED, attached=2), own=ONLY), DENY),
        (role(managed(MIXED, versions=("v5", "v4", "v3", "v2", "v1"))), DENY),
    ],
)
def test_auto_touches_least(facts, steps):
    assert planned(facts) == (steps, [])


@pytest.mark.parametrize(
    ("method", "facts", "options", "words"),
    [
        ("detach", role(managed(ONLY), own=WILD), {}, f"inline policy own allows {PING} and can't be detached"),
        ("detach", role(managed(text(statement(PING), statement("s3:*", effect="Deny")))), {}, "also denies"),
        ("rewrite", role(own=WILD), {}, "inline policy own allows .* by ssm:. .statement 1.: use .* auto or deny"),
        ("rewrite", role(own=text({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})), {}, "by NotAction"),
        ("rewrite", role(managed(text(statement("a:b"), statement(PING, "s*", "*")))), {}, "by s., . .statement 2"),
        ("rewrite", role(of_aws(MIXED)), {}, "policy P is AWS's own, .* can't be edited"),
        ("rewrite", role(of_aws(WILD)), {}, "policy P allows .* by ssm:. .statement 1. .a policy of AWS's own"),
        ("rewrite", role(managed(MIXED, attached=2)), {}, "used by 1 other role, user or group .allow_shared"),
        ("rewrite", role(managed(MIXED, attached=4)), {}, "used by 3 other roles, user or group"),
        ("rewrite", role(managed(MIXED, versions=tuple("54321"))), {}, "policy P has 5 versions, and none is deleted"),
        ("rewrite", role(managed(MIXED, versions=tuple("21"))), {"VersionsPerPolicyQuota": 2}, "P has 2 versions"),
        ("deny", role(own=WILD), {"RolePolicySizeQuota": 100}, r"would have \d+ characters, and the quota is 100"),
        ("auto", role(own=WILD), {"RolePolicySizeQuota": 100}, "make room"),
    ],
)
def test_what_a_method_can_not_do_is_refused_with_the_policy_and_the_way_out(method, facts, options, words):
    plan = plan_absent([facts], request(method, **options))
    assert plan.steps == []
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(plan.refused["R"])
    assert "\n" not in plan.refused["R"]


def test_detach_takes_whatever_grants_and_nothing_else():
    facts = role(managed(MIXED), of_aws(WILD, "W"), managed(text(statement("s3:*")), "S"), own=text(statement("s3:*")))
    assert planned(facts, method="detach") == ([("detach", "P", "R"), ("detach", "W", "R")], [])


def test_a_refused_role_does_not_keep_the_others_from_being_done():
    assert planned(role(own=WILD, name="A"), role(own=ONLY, name="B"), method="rewrite")[0] == [("delete", "own", "B")]


@pytest.mark.parametrize(
    ("before", "left"),
    [
        (statement("s3:GetObject", PING), ["s3:GetObject"]),
        (statement(PING.upper(), "s3:*", "iam:Pass?ole"), ["s3:*", "iam:Pass?ole"]),
        (statement(PING, "s3:*", Sid="Mine", Condition=IF, resource=[INSTANCES, "*"]), ["s3:*"]),
        ({"Effect": "Allow", "Action": [PING, "a:b"], "NotResource": "arn:aws:s3:::b"}, ["a:b"]),
    ],
)
def test_all_but_the_action_stays_in_its_statement(before, left):
    assert after(text(before, Version="2008-10-17", Id="x")) == {
        "Version": "2008-10-17",
        "Id": "x",
        "Statement": [{**before, "Action": left}],
    }


def test_other_statements_stay_and_those_that_would_be_empty_go():
    others = [
        statement(PING, effect="Deny", Condition=IF),
        statement(PING, "s3:*", resource="arn:aws:s3:::b"),
        statement("s3:*"),
    ]
    lone = {"Effect": "Allow", "Action": PING, "Resource": "*"}
    assert after(text(others[0], lone, others[1], statement(PING), others[2]))["Statement"] == others
    assert planned(role(own=json.dumps({"Statement": lone})))[0] == [("delete", "own", "R")]


def test_several_actions_go_together_but_only_where_they_concern():
    both = (PING, "ssm:PutInventory")
    own = text(statement(*both, "s3:*"), statement(*both, resource="arn:aws:s3:::b"))
    left = after(own, *both)["Statement"]
    assert left == [statement("s3:*"), statement(PING, resource="arn:aws:s3:::b")]
    # The wildcard takes in the ping, but on no instance.
    own = text(statement("ssm:PutInventory", "ssm:Update*", resource="arn:aws:s3:::b"))
    assert after(own, *both)["Statement"] == [statement("ssm:Update*", resource="arn:aws:s3:::b")]


def test_what_rewriting_leaves_is_no_longer_than_before():
    own = '{"Statement":[{"Effect":"Allow","Action":["s3:*","%s"],"Resource":"arn:aws:s3:::é/\\u4e2d%s"}]}'
    own %= (PING, "é" * 50)
    (step,) = plan_absent([role(own=own)], Request({PING: ["*"]}, "rewrite", NAME, False, {})).steps
    assert document_size(step.after) < document_size(own)
    # IAM takes no characters above U+00FF in a document.
    assert max(step.after) <= "\xff"
    assert json.loads(step.after)["Statement"][0]["Resource"] == json.loads(own)["Statement"][0]["Resource"]


def test_a_policy_that_several_roles_of_the_task_have_is_edited_once_and_is_not_shared():
    shared = managed(MIXED, attached=2)
    one, two = role(shared, name="A"), role(shared, name="B", own=ONLY)
    for method in ("auto", "rewrite"):
        assert planned(one, two, method=method)[0] == [("version", "P", None), ("delete", "own", "B")]
    assert planned(one, method="rewrite")[0] == []
    assert planned(one, method="rewrite", allow_shared=True)[0] == [("version", "P", None)]


def test_a_deny_of_ours_gets_further_actions():
    facts = role(of_aws(MIXED), **{NAME: deny_document(["ssm:PutInventory"])})
    (step,) = plan_absent([facts], request()).steps
    assert (step.before, step.after) == (facts.inline[NAME], deny_document(["ssm:PutInventory", PING]))


@pytest.mark.parametrize(
    "statements",
    [
        [statement("s3:*", effect="Deny")],
        [OTHERS_DENY, statement("s3:*", effect="Deny")],
        [{**OTHERS_DENY, "Effect": "Allow"}],
        # Ours once, but somebody has edited it: what they made of it would be lost.
        [{**OTHERS_DENY, "Condition": IF}],
        [{**OTHERS_DENY, "Resource": INSTANCES}],
        [{"Sid": DENY_SID, "Effect": "Deny", "NotAction": "ssm:*", "Resource": "*"}],
    ],
)
@pytest.mark.parametrize("method", ["auto", "deny"])
def test_a_policy_of_the_denys_name_that_is_not_ours_is_never_replaced(statements, method):
    steps, refused = planned(role(of_aws(MIXED), **{NAME: text(*statements)}), method=method)
    assert (steps, refused) == ([], [f"it has an inline policy {NAME} that was not made here: set deny_policy_name"])


def test_the_deny_fits_as_long_as_the_quota_says():
    facts = role(own=WILD + " " * 999)
    size = document_size(WILD) + document_size(deny_document([PING]))
    assert planned(facts, method="deny", RolePolicySizeQuota=size) == (DENY, [])
    assert planned(facts, method="deny", RolePolicySizeQuota=size - 1)[0] == []


def test_versions_are_asked_for_only_where_a_version_may_be_made():
    unknown = replace(managed(MIXED), versions=None)
    facts = [role(unknown, of_aws(MIXED, "A"), managed(MIXED, "K"), managed(text(statement("s3:*")), "S"))] * 2
    assert [needs_versions(facts, request(method)) for method in ("auto", "rewrite")] == [[unknown.arn]] * 2
    assert [needs_versions(facts, request(method)) for method in ("deny", "detach")] == [[], []]


@pytest.mark.parametrize("allow_shared", [False, True])
def test_a_policy_that_has_to_be_kept_is_never_edited(allow_shared):
    policy = managed(MIXED, attached=2 if allow_shared else 1)
    kept = {policy.arn: "the role Dhmc has it, too"}
    for method, steps in (("auto", DENY), ("rewrite", []), ("deny", DENY), ("detach", [("detach", "P", "R")])):
        asked = replace(request(method, allow_shared=allow_shared), kept=kept)
        plan = plan_absent([role(policy)], asked)
        assert [(step.operation, step.policy, step.role) for step in plan.steps] == steps
        why = plan.refused.get("R", plan.steps and plan.steps[0].reason)
        assert method not in ("auto", "rewrite") or "P is not edited: the role Dhmc has it, too" in why


def test_a_step_and_its_backup_say_what_was_there():
    policy = managed(MIXED, versions=("v3", "v2"))
    (step,) = plan_absent([role(policy)], request()).steps
    (entry,) = entries_of([step], "123456789012", "aws")
    assert (entry.kind, entry.resource, entry.region) == ("managed_policy", policy.arn, None)
    assert entry.before == {"document": MIXED, "version": "v3", "versions": ["v3", "v2"]}
    assert entry.after == {"document": step.after}
    assert applied(role(policy), [step]).managed[0].text == step.after
    assert applied(role(policy), [Step("version", "X", arn="arn:other", after=ONLY)]) == role(policy)


def test_the_backup_of_what_hangs_on_a_role_names_the_role():
    steps = plan_absent([role(of_aws(ONLY), own=ONLY, more=MIXED)], request()).steps
    found = {(e.kind, e.resource): (e.before, e.after) for e in entries_of(steps, "123456789012", "aws")}
    assert found == {
        ("role_policy_attachment", "R/arn:aws:iam::aws:policy/P"): (True, False),
        ("role_inline_policy", "R/own"): (ONLY, None),
        ("role_inline_policy", "R/more"): (MIXED, text(statement("s3:GetObject"))),
    }
