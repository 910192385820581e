# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    PING,
    ManagedPolicy,
    RoleFacts,
    checked_actions,
    checked_resources,
    may,
    one_by_one_is_dearer,
    resources_of,
    worst,
)

YES, NO, MAYBE = Answer.YES, Answer.NO, Answer.MAYBE
ACCOUNT = "123456789012"
INSTANCES = [f"arn:aws:ec2:*:{ACCOUNT}:instance/*"]
IF = {"StringEquals": {"aws:ResourceTag/team": "a"}}


def text(effect="Allow", action=PING, resource="*", **more):
    return json.dumps({"Statement": {"Effect": effect, "Action": action, "Resource": resource, **more}})


def managed(document, name="P", owner=ACCOUNT):
    return ManagedPolicy(f"arn:aws:iam::{owner}:policy/{name}", name, document, "v1")


def role(*policies, boundary=None, **inline):
    return RoleFacts("R", {}, tuple(map(managed, policies)), inline, managed(boundary, "B") if boundary else None)


@pytest.mark.parametrize(
    ("facts", "answer", "kinds"),
    [
        (role(), NO, []),
        (role(text()), YES, ["managed"]),
        (role(own=text()), YES, ["inline"]),
        (role(text(), own=text()), YES, ["managed", "inline"]),
        (role(text(), own=text("Deny")), NO, ["managed", "inline"]),
        (role(text(), own=text("Deny", Condition=IF)), MAYBE, ["managed", "inline"]),
        (role(own=text(Condition=IF)), MAYBE, ["inline"]),
        (role(text(), boundary=text(action="s3:*")), NO, ["managed"]),
        (role(text(), boundary=text(action="*")), YES, ["managed", "boundary"]),
        (role(text(), boundary=text("Deny")), NO, ["managed", "boundary"]),
        # A boundary grants nothing.
        (role(boundary=text()), NO, ["boundary"]),
    ],
)
def test_managed_and_inline_policies_and_the_boundary_all_count(facts, answer, kinds):
    decision = may(facts, PING, INSTANCES)
    assert (decision.answer, [reason.kind for reason in decision.reasons]) == (answer, kinds)


@pytest.mark.parametrize(
    ("resource", "answer"),
    [
        ("arn:aws:ec2:*:*:instance/*", YES),
        ("arn:aws:ec2:eu-west-1:*:instance/*", MAYBE),
        ("arn:aws:ec2:eu-west-1:123456789012:instance/i-1", MAYBE),
        ("arn:aws-cn:ec2:*:*:instance/*", NO),
        ("arn:aws:ssm:*:*:managed-instance/*", NO),
        ("arn:aws:s3:::bucket", NO),
    ],
)
def test_the_ping_is_about_the_accounts_instances(resource, answer):
    assert may(role(own=text(resource=resource)), PING, resources_of(PING, [], "aws", ACCOUNT)).answer is answer


def test_resources_are_the_tasks_or_those_of_the_action():
    assert resources_of(PING, [], "aws-cn", ACCOUNT) == [f"arn:aws-cn:ec2:*:{ACCOUNT}:instance/*"]
    assert resources_of(PING.upper(), [], "aws", ACCOUNT) == INSTANCES
    assert resources_of("s3:GetObject", [], "aws", ACCOUNT) == ["*"]
    assert resources_of(PING, ["arn:x", "arn:y"], "aws", ACCOUNT) == ["arn:x", "arn:y"]


@pytest.mark.parametrize(
    ("answers", "answer"),
    [([], NO), ([NO], NO), ([NO, MAYBE], MAYBE), ([MAYBE, YES, NO], YES), (iter([NO, YES]), YES)],
)
def test_the_worst_of_several_answers_is_the_most_that_is_allowed(answers, answer):
    assert worst(answers) is answer


@pytest.mark.parametrize(
    ("given", "actions"),
    [
        ([PING], [PING]),
        ([" ssm:PutInventory ", PING, "SSM:putinventory"], ["ssm:PutInventory", PING]),
        (["ssm:PutInventory ssm:GetParameter"], ["ssm:PutInventory", "ssm:GetParameter"]),
        # What a survey of AWX gives for a question that was not answered.
        ([""], [PING]),
        (None, [PING]),
    ],
)
def test_actions_are_taken_once_and_without_regard_to_case(given, actions):
    assert checked_actions(given) == actions


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "actions: is an empty list: name at least one IAM action, such as ssm:UpdateInstanceInformation"),
        (["ssm:Update*"], "actions: 'ssm:Update.' is not an IAM action"),
        ([PING, "*"], "actions: '.' is not"),
        (["UpdateInstanceInformation"], "give SERVICE:ACTION"),
    ],
)
def test_what_is_no_action_is_one_line_that_names_the_option(given, words):
    with pytest.raises(InputError, match=words) as caught:
        checked_actions(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "resources"),
    [
        (None, []),
        ([], []),
        ([""], []),
        ([" arn:aws:s3:::a b/* ", "arn:*:instance/i-1", "*"], ["arn:aws:s3:::a b/*", "arn:*:instance/i-1", "*"]),
    ],
)
def test_resources_are_arns_and_a_survey_may_leave_them_out(given, resources):
    assert checked_resources(given) == resources


@pytest.mark.parametrize("wrong", ["i-0123456789abcdef0", "instance/*", "mybucket"])
def test_a_resource_that_is_no_arn_would_match_nothing_and_is_an_error(wrong):
    with pytest.raises(InputError, match=r"^resources: '.*' is not an ARN: "):
        checked_resources(["*", wrong])


@pytest.mark.parametrize(
    ("roles", "summary", "dearer"),
    [
        (0, {}, False),
        (1, {}, True),
        (10, {"Roles": 100, "Policies": 100}, True),
        (10, {"Roles": 2000, "Policies": 900}, True),
        (10, {"Roles": 2000, "Policies": 901}, False),
        (10, {"Roles": 10000, "Policies": 10000}, False),
        (3000, {"Roles": 10000, "Policies": 10000}, True),
    ],
)
def test_the_whole_account_is_read_where_that_takes_fewer_calls(roles, summary, dearer):
    assert one_by_one_is_dearer(roles, summary) is dearer


@pytest.mark.parametrize(("owner", "of_aws"), [("aws", True), (ACCOUNT, False)])
def test_a_policy_of_aws_is_known_by_its_arn(owner, of_aws):
    assert managed(text(), owner=owner).of_aws is of_aws
