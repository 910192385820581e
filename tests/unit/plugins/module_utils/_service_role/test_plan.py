# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.plan import (
    Found,
    check_quotas,
    check_spelling,
    plan_present,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home, parse_request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import ProfileState, RoleState

HOME = Home("123456789012", "aws")
MADE = {"fleet.aws_ssm/made-by": "test"}


def trust(*services):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
                for service in services
            ],
        }
    )


def document(effect="Allow", action="ssm:*", resource="*"):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


EC2, LAMBDA = trust("ec2.amazonaws.com"), trust("lambda.amazonaws.com")
CORE, LOGS, BOUND = (f"arn:aws:iam::aws:policy/{name}" for name in ("Core", "Logs", "Bound"))
POLICIES = {
    CORE: ManagedPolicy(CORE, "Core", document(), "v1"),
    LOGS: ManagedPolicy(LOGS, "Logs", document(action="logs:*"), "v1"),
    BOUND: ManagedPolicy(BOUND, "Bound", document(action="s3:*"), "v1"),
}
OPTIONS = {
    "name": "Role",
    "instance_profile": None,
    "path": "/fleet/",
    "service": "ec2.amazonaws.com",
    "description": "made",
    "aws_policies": [],
    "managed_policies": [],
    "inline_policies": {},
    "permissions_boundary": "",
    "tags": {},
    "owner": "test",
    "create": True,
    "extend": False,
    "fix": False,
    "overwrite": False,
    "required_action": PING,
    "required_resources": [],
    "option_names": {},
}


def role(**parts):
    return RoleState(**{"name": "Role", "path": "/", "trust": EC2, "managed": (CORE,), **parts})


def plan(now=None, profile=None, arns=(CORE,), regions=(), **options):
    request = parse_request({**OPTIONS, **options})
    return plan_present(request, HOME, Found(now, profile, tuple(arns), POLICIES, regions), compare_policies)


def operations(found):
    return [(change.operation, change.part or change.name) for change in found.changes]


def refused(*words, **options):
    with pytest.raises(InputError) as caught:
        plan(**options)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_role_that_is_missing_is_made_with_everything_in_one_change():
    found = plan(arns=[CORE, LOGS], inline_policies={"p": document()}, tags={"a": 1}, permissions_boundary=CORE)
    assert operations(found) == [("create_role", "Role")]
    assert found.role == RoleState(
        "Role", "/fleet/", EC2, "made", 3600, CORE, {"a": "1", **MADE}, (CORE, LOGS), {"p": document()}
    )
    assert found.changes[0].after == found.role.to_journal()


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        (role(tags=MADE, description="made"), []),
        (role(tags={**MADE, "theirs": "x"}, description="made", inline={"theirs": document()}), []),
        (role(tags=MADE, description="made", trust=EC2.replace(" ", "")), []),
        (role(tags=MADE, description="made", managed=()), [("attach", CORE)]),
        (role(tags=MADE, description="made", trust=LAMBDA), [("update_trust_policy", "Role")]),
        (role(tags=MADE, description="other"), [("update_description", "Role")]),
    ],
)
def test_a_role_of_ours_is_kept_as_the_task_says(now, changes):
    assert operations(plan(now)) == changes


def test_tags_boundary_and_inline_policies_of_a_role_of_ours_are_kept_up():
    now = role(tags=MADE, description="made", inline={"p": document(action="s3:*")})
    found = plan(now, tags={"a": "b"}, permissions_boundary=CORE, inline_policies={"p": document()})
    assert operations(found) == [("set_boundary", "Role"), ("tag", "a"), ("put", "p")]
    assert found.changes[-1].before == document(action="s3:*")
    assert operations(plan(found.role, tags={"a": "b"}, permissions_boundary=CORE)) == []


@pytest.mark.parametrize(
    ("now", "options", "changes"),
    [
        # Examined only.
        (role(), {"arns": [CORE, LOGS]}, []),
        (role(tags=MADE), {"create": False, "arns": [CORE, LOGS]}, []),
        (role(tags={"fleet.aws_ssm/made-by": "another"}), {"arns": [CORE, LOGS]}, []),
        # Extended with all policies.
        (role(), {"extend": True, "arns": [CORE, LOGS]}, [("attach", LOGS)]),
        (role(), {"extend": True, "inline_policies": {"p": document()}}, [("put", "p")]),
        # Fixed: only what is lacking, and only as much as it takes.
        (role(), {"fix": True, "arns": [CORE, LOGS]}, []),
        (role(managed=()), {"fix": True, "arns": [CORE, LOGS]}, [("attach", CORE)]),
        (role(managed=()), {"fix": True, "arns": [LOGS, CORE]}, [("attach", LOGS), ("attach", CORE)]),
        (role(trust=LAMBDA), {"fix": True, "arns": [LOGS]}, [("update_trust_policy", "Role")]),
    ],
)
def test_a_role_that_is_not_ours_changes_only_as_far_as_it_is_allowed(now, options, changes):
    assert operations(plan(now, **options)) == changes


def test_a_trust_policy_is_extended_and_keeps_what_it_has():
    found = plan(role(trust=LAMBDA), fix=True)
    before, after = found.changes[0].before, json.loads(found.changes[0].after)
    assert before == LAMBDA
    assert after["Statement"] == json.loads(LAMBDA)["Statement"] + json.loads(EC2)["Statement"]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("name: the IAM role Role does not exist", "set create to true"), {"create": False}),
        (
            ("does not fit: its trust policy does not let ec2.amazonaws.com", "set fix to true"),
            {"now": role(trust=LAMBDA)},
        ),
        (("it does not allow ssm:UpdateInstanceInformation", "set fix to true"), {"now": role(managed=())}),
        (("its trust policy", ", and it does not allow"), {"now": role(managed=(), trust=LAMBDA)}),
        # Extending does not change a trust policy.
        (("does not let ec2.amazonaws.com", "set fix to true"), {"now": role(trust=LAMBDA), "extend": True}),
        # Nothing helps against a boundary.
        (("would not fit: it does not allow", "permissions boundary and its Deny"), {"permissions_boundary": BOUND}),
        (("does not fit", "permissions boundary and its Deny"), {"now": role(boundary=BOUND), "fix": True}),
        (("does not fit", "permissions boundary and its Deny"), {"now": role(boundary=BOUND), "extend": True}),
        (("would not fit: it does not allow",), {"arns": [LOGS]}),
        # The call is made on an instance, so a policy for SSM's own resources is of no use.
        (("it does not allow",), {"now": role(managed=(), inline={"p": document(resource="arn:aws:ssm:*:*:*")})}),
        (
            ("has another inline policy 'p'", "set overwrite to true"),
            {"now": role(inline={"p": document()}), "extend": True, "inline_policies": {"p": document(action="s3:*")}},
        ),
        (("is at the path /, not at /a/",), {"now": role(), "name": "a/Role"}),
        (("is at the path /, not at /a/",), {"now": role(), "name": "arn:aws:iam::123456789012:role/a/Role"}),
    ],
)
def test_what_speaks_against_a_plan(words, options):
    refused(*words, **options)


def test_a_policy_of_the_same_name_is_replaced_on_demand():
    now = role(inline={"p": document()})
    found = plan(now, extend=True, overwrite=True, inline_policies={"p": document(action="s3:*")})
    assert operations(found) == [("put", "p")]


def test_what_depends_on_a_condition_is_noted():
    conditional = json.loads(EC2)
    conditional["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    some = document(resource="arn:aws:ec2:eu-west-1:123456789012:instance/*")
    found = plan(role(trust=json.dumps(conditional), managed=(), inline={"p": some}))
    assert [("trust policy" in note, PING in note) for note in found.notes] == [(True, False), (False, True)]
    assert "statement 1 of the inline policy p (Allow) is about some of the instances only" in found.notes[1]


def test_a_role_has_to_serve_in_the_regions_of_the_task():
    eu, us = "eu-west-1", "us-east-1"
    some = role(managed=(), inline={"p": document(resource=f"arn:aws:ec2:{eu}:123456789012:instance/*")})
    assert plan(some, regions=(eu,)).notes == []
    refused("does not fit: it does not allow ssm:UpdateInstanceInformation.", now=some, regions=(us,))
    refused("it does not allow ssm:UpdateInstanceInformation in us-east-1.", now=some, regions=(eu, us))
    # It is fixed for them, too.
    assert operations(plan(some, regions=(eu,), fix=True)) == []
    assert operations(plan(some, regions=(eu, us), fix=True)) == [("attach", CORE)]
    # A service that is trusted by whatever name it has in the partition.
    bound = document(resource=f"arn:aws:ec2:{eu}:*:instance/*")
    policies = {**POLICIES, BOUND: ManagedPolicy(BOUND, "Bound", bound, "v1")}
    request = parse_request({**OPTIONS, "permissions_boundary": BOUND})
    for regions, words in (((eu,), ""), ((eu, us), "it does not allow ssm:UpdateInstanceInformation in us-east-1")):
        found = Found(None, None, (CORE,), policies, regions)
        if not words:
            assert plan_present(request, HOME, found, compare_policies).notes == []
            continue
        with pytest.raises(InputError, match=words):
            plan_present(request, HOME, found, compare_policies)


PROFILE = {"name": None, "instance_profile": "app/dev/Profile"}


def test_a_profile_is_made_at_its_path_with_a_role_of_its_name_and_path():
    found = plan(**PROFILE)
    assert operations(found) == [("create_role", "Profile"), ("create_profile", "Profile")]
    assert (found.role.path, found.profile) == ("/app/dev/", ProfileState("Profile", "/app/dev/", "Profile", MADE))
    named = plan(**{**PROFILE, "name": "Role"})
    assert (named.role.name, named.role.path, named.profile.role) == ("Role", "/fleet/", "Role")
    plain = plan(name="", instance_profile="Profile")
    assert (plain.role.path, plain.profile.path) == ("/fleet/", "/fleet/")


@pytest.mark.parametrize(
    ("profile", "options", "changes"),
    [
        (ProfileState("P", "/", "Role"), {}, []),
        (ProfileState("P", "/", "Role", MADE), {"tags": {"a": 1}}, [("tag_profile", "a")]),
        (ProfileState("P", "/", None, MADE), {"name": "Role"}, [("add_role_to_profile", "P")]),
        (ProfileState("P", "/", None), {"name": "Role", "fix": True}, [("add_role_to_profile", "P")]),
    ],
)
def test_a_profile_that_is_there(profile, options, changes):
    found = plan(role(), profile, **{"name": None, "instance_profile": "P", **options})
    assert operations(found) == changes


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("instance_profile: the instance profile P does not exist", "create"), {"create": False}),
        (
            ("name: the instance profile P holds the role Other, not Role",),
            {"profile": ProfileState("P", "/", "Other")},
        ),
        (("was not made by fleet.aws_ssm and has no role", "fix"), {"profile": ProfileState("P", "/"), "now": role()}),
        (
            ("the instance profile P is at the path /, not at /a/",),
            {"profile": ProfileState("P", "/", "Role"), "now": role(), "instance_profile": "a/P"},
        ),
    ],
)
def test_what_speaks_against_a_profile(words, options):
    refused(*words, **{"name": "Role", "instance_profile": "P", **options})


def test_a_role_cannot_have_the_long_name_of_its_profile():
    refused(
        "role_name: the role name",
        "IAM allows 64",
        name=None,
        instance_profile="p" * 65,
        option_names={"name": "role_name"},
    )


@pytest.mark.parametrize(
    ("quotas", "words"),
    [
        ({"Roles": 5, "RolesQuota": 5}, "name: the account has 5 roles, and its quota is 5"),
        ({"InstanceProfiles": 7, "InstanceProfilesQuota": 7}, "the account has 7 instance profiles"),
        ({"AttachedPoliciesPerRoleQuota": 1}, "managed_policies: the role Role would have 2 managed policies attached"),
        ({"RolePolicySizeQuota": 10}, "inline_policies: the inline policies of the role Role would have"),
        ({"AssumeRolePolicySizeQuota": 10}, "name: the trust policy of the role Role would have"),
    ],
)
def test_quotas_are_looked_at_before_anything_is_made(quotas, words):
    options = {**OPTIONS, "instance_profile": "P", "inline_policies": {"p": document()}}
    request = parse_request(options)
    found = plan_present(request, HOME, Found(None, None, (CORE, LOGS), POLICIES), compare_policies)
    check_quotas(request, found, {name: 100_000 if name.endswith("Quota") else 1 for name in quotas})
    with pytest.raises(InputError, match=words):
        check_quotas(request, found, quotas)


def test_a_role_that_is_full_is_no_reason_to_refuse_its_tags():
    request = parse_request({**OPTIONS, "tags": {"a": 1}})
    now = role(tags=MADE, description="made")
    found = plan_present(request, HOME, Found(now, None, (CORE,), POLICIES), compare_policies)
    check_quotas(request, found, {"AttachedPoliciesPerRoleQuota": 0, "Roles": 9, "RolesQuota": 9})


def test_names_that_differ_in_case_only():
    check_spelling("name", "the IAM role", "Role", ["Other", "Roles"])
    with pytest.raises(InputError, match="name: the IAM role ROLE exists"):
        check_spelling("name", "the IAM role", "Role", ["Other", "ROLE"])
