# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of plans for made-up accounts, carried out on a model of IAM and judged by moto's evaluator.

moto shares no code with the collection. It is asked about actions only: it compares them with regard to case, knows no
"?", and gets resources and conditions wrong. So actions are in lower case, and a statement that does not hold for the
resource or the condition that is asked for is taken out before moto sees the document.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from moto.iam.access_control import IAMPolicy, PermissionResult

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy, RoleFacts, may
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.revoke_plan import (
    Request,
    deny_document,
    needs_versions,
    plan_absent,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import document_size

INVENTORY = "ssm:PutInventory"
INSTANCES = ("arn:aws:ec2:eu-west-1:123456789012:instance/i-1", "arn:aws:ec2:us-east-1:123456789012:instance/i-2")
BUCKET = "arn:aws:s3:::b/x"
ASKED = {PING: ["arn:aws:ec2:*:123456789012:instance/*"], INVENTORY: ["*"]}
POOL = (PING, INVENTORY, "ssm:UpdateAssociationStatus", "ssm:GetParameter", "s3:GetObject", "iam:PassRole")
CONDITION = {"StringEquals": {"aws:ResourceTag/team": "a"}}
SIZE = 600

PLAIN = st.sampled_from([PING, PING, *POOL, PING.upper(), "SSM:putinventory", "s3:*", "iam:*"])
WILD = st.sampled_from(["ssm:*", "ssm:Update*", "*", "*:Put*"])
ACTIONS = st.one_of([PLAIN] * 9 + [WILD])
RESOURCES = st.sampled_from(
    ["*", "*", ASKED[PING][0], "arn:aws:ec2:eu-*", INSTANCES[1], "arn:aws:s3:::b/*", ["arn:aws:s3:::c", INSTANCES[0]]]
)


@st.composite
def statements(draw):
    made = {"Effect": draw(st.sampled_from(["Allow"] * 5 + ["Deny"]))}
    element = draw(st.sampled_from(["Action"] * 9 + ["NotAction"]))
    made[element] = draw(ACTIONS | st.lists(ACTIONS, min_size=1, max_size=3))
    made[draw(st.sampled_from(["Resource"] * 5 + ["NotResource"]))] = draw(RESOURCES)
    if draw(st.integers(0, 4)) == 0:
        made["Condition"] = CONDITION
    return made


def text(*many, **layout):
    return json.dumps({"Version": "2012-10-17", "Statement": many[0] if len(many) == 1 else many}, **layout)


# As most policies of an instance are: a few plain statements.
USUAL = [
    {"Effect": "Allow", "Action": action, "Resource": "*"}
    for action in (PING, [PING, INVENTORY], [PING, "s3:GetObject"], ["ssm:GetParameter", INVENTORY])
]
FOREIGN = text({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}, indent=1)
TEXTS = st.one_of(
    st.builds(text, st.sampled_from(USUAL)),
    st.builds(text, st.sampled_from(USUAL), statements(), indent=st.just(2)),
    st.lists(statements(), min_size=1, max_size=3).map(lambda many: text(*many)),
)


@st.composite
def accounts(draw):
    """Roles whose managed policies are partly the same, and partly used by others as well."""
    pool = []
    for number in range(draw(st.integers(0, 3))):
        owner = draw(st.sampled_from(["123456789012", "123456789012", "aws"]))
        versions = tuple(f"v{version}" for version in range(draw(st.sampled_from([1, 2, 4, 5])), 0, -1))
        name = f"P{number}"
        pool.append(ManagedPolicy(f"arn:aws:iam::{owner}:policy/{name}", name, draw(TEXTS), versions[0], 0, versions))
    roles = []
    for name in "AB"[: draw(st.integers(1, 2))]:
        attached = draw(st.lists(st.sampled_from(pool), unique=True)) if pool else []
        inline = draw(st.dictionaries(st.sampled_from(["one", "two"]), TEXTS, max_size=2))
        theirs = draw(st.sampled_from([None] * 5 + [deny_document([INVENTORY]), deny_document(["s3:*"]), FOREIGN]))
        if theirs:
            inline["deny"] = theirs
        bound = draw(st.sampled_from([None] * 6 + pool)) if pool else None
        roles.append(RoleFacts(name, {}, tuple(attached), inline, bound))
    counts = Counter(
        policy.arn for role in roles for policy in [*role.managed, *([role.boundary] * bool(role.boundary))]
    )
    extra = {policy.arn: draw(st.sampled_from([0, 0, 0, 1])) for policy in pool}
    used = {policy.arn: replace(policy, attached=counts[policy.arn] + extra[policy.arn]) for policy in pool}
    return [
        replace(
            role, managed=tuple(used[p.arn] for p in role.managed), boundary=role.boundary and used[role.boundary.arn]
        )
        for role in roles
    ]


@st.composite
def requests(draw, *methods):
    actions = draw(st.sampled_from([[PING], [PING], [INVENTORY], [PING, INVENTORY]]))
    quotas = {"RolePolicySizeQuota": draw(st.sampled_from([SIZE, 10**6])), "VersionsPerPolicyQuota": 5}
    return Request({a: ASKED[a] for a in actions}, draw(st.sampled_from(methods)), "deny", draw(st.booleans()), quotas)


def carried_out(roles, steps):
    """The roles when IAM has done the steps, each of which it must be able to do."""
    edited = {step.arn: step.after for step in steps if step.operation == "version"}
    gone = Counter(step.arn for step in steps if step.operation == "detach")

    def policy_now(policy):
        now = replace(policy, attached=policy.attached - gone[policy.arn])
        if policy.arn not in edited:
            return now
        assert len(policy.versions) < 5
        return replace(now, text=edited[policy.arn], version="v9", versions=("v9", *policy.versions))

    after = []
    for role in roles:
        managed, inline = {policy.arn: policy for policy in role.managed}, dict(role.inline)
        for step in (step for step in steps if step.role == role.name):
            if step.operation == "detach":
                del managed[step.arn]
                continue
            assert step.before == inline.pop(step.policy, None)
            if step.operation == "put":
                inline[step.policy] = step.after
        bound = policy_now(role.boundary) if role.boundary else None
        after.append(replace(role, managed=tuple(map(policy_now, managed.values())), inline=inline, boundary=bound))
    return after


def items(value):
    return value if isinstance(value, list) else [value]


@cache
def held(document, resource, met):
    """The statements of the document that hold for the resource, by their actions in lower case."""
    found = []
    for one in items(json.loads(document)["Statement"]):
        negated = "NotResource" in one
        fits = any(fnmatchcase(resource, pattern) for pattern in items(one["NotResource" if negated else "Resource"]))
        if fits != negated and (met or "Condition" not in one):
            element = "NotAction" if "NotAction" in one else "Action"
            actions = [action.lower() for action in items(one[element])]
            found.append({"Effect": one["Effect"], element: actions, "Resource": "*"})
    return found


@cache
def permits(documents, action, resource, met):
    document = json.dumps({"Statement": [one for text in documents for one in held(text, resource, met)]})
    return IAMPolicy(document).is_action_permitted(action.lower(), "*") is PermissionResult.PERMITTED


def allowed(role):
    """Every (action, resource, condition met) that the role may do."""
    documents = (*(policy.text for policy in role.managed), *role.inline.values())
    bound = (role.boundary.text,) if role.boundary else None
    return {
        (action, resource, met)
        for action in POOL
        for resource in (*INSTANCES, BUCKET)
        for met in (True, False)
        if permits(documents, action, resource, met) and (bound is None or permits(bound, action, resource, met))
    }


def about(found, request):
    """What of it the request asks for."""
    return {entry for entry in found if entry[0] in request.resources and (entry[0] != PING or entry[1] in INSTANCES)}


def others(found, request):
    return {entry for entry in found if entry[0] not in request.resources}


@settings(max_examples=500)
@given(accounts(), requests("auto", "auto", "rewrite", "deny", "detach"))
def test_a_plan_takes_the_actions_away_and_never_gives_any(roles, request):
    plan = plan_absent(roles, request)
    after = carried_out(roles, plan.steps)
    for was, now in zip(roles, after, strict=True):
        before, then = allowed(was), allowed(now)
        assert then <= before
        if was.name not in plan.refused:
            assert about(then, request) == set()
            assert all(may(now, action, of).answer is Answer.NO for action, of in request.resources.items())
        if request.method != "detach":
            assert others(then, request) == others(before, request)
    again = plan_absent(after, request)
    assert (again.steps, set(again.refused)) == ([], set(plan.refused))
    assert needs_versions(after, request) == []


@settings(max_examples=300)
@given(accounts(), requests("auto", "rewrite", "deny", "detach"))
def test_a_plan_touches_no_more_than_it_may(roles, request):
    plan = plan_absent(roles, request)
    policies = {policy.arn: policy for role in roles for policy in role.managed}
    holders = Counter(policy.arn for role in roles for policy in role.managed)
    by_name = {role.name: role for role in roles}
    assert len({(step.role, step.policy, step.arn) for step in plan.steps}) == len(plan.steps)
    assert not {step.role for step in plan.steps} & set(plan.refused)
    for step in plan.steps:
        assert request.method != "detach" or step.operation == "detach"
        assert request.method != "deny" or (step.operation, step.policy) == ("put", "deny")
        if step.operation == "version":
            policy = policies[step.arn]
            assert not policy.of_aws
            assert request.allow_shared or policy.attached == holders[step.arn]
            assert (step.before, step.version, step.versions) == (policy.text, policy.version, policy.versions)
        if step.after:
            assert (
                step.before is None or step.policy == "deny" or document_size(step.after) < document_size(step.before)
            )
            changed = json.loads(step.after)["Statement"]
            assert changed
    for name, reason in plan.refused.items():
        if request.method in ("auto", "deny"):
            assert "make room" in reason or "was not made here" in reason
            assert "make room" not in reason or request.quotas["RolePolicySizeQuota"] == SIZE
            assert "was not made here" not in reason or "deny" in by_name[name].inline


def test_the_made_up_accounts_bring_every_kind_of_step_and_of_refusal():
    """Or the properties above would say little."""
    seen = Counter()

    @settings(max_examples=300)
    @given(accounts(), requests("auto"))
    def look(roles, request):
        for method in ("auto", "rewrite", "detach"):
            plan = plan_absent(roles, replace(request, method=method))
            seen.update((method, step.operation) for step in plan.steps)
            seen.update((method, reason.partition(" ")[0]) for reason in plan.refused.values())

    look()
    changes = [(method, kind) for method in ("auto", "rewrite") for kind in ("put", "delete", "detach", "version")]
    refusals = [("auto", "it"), ("auto", "with"), ("rewrite", "the"), ("detach", "the")]
    assert min(seen[kind] for kind in [*changes, ("detach", "detach"), *refusals]) >= 5, seen
