# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import (
    Answer,
    Policy,
    Reason,
    check_action,
    decide,
    trusts,
)

YES, NO, MAYBE = Answer.YES, Answer.NO, Answer.MAYBE
UPDATE = "ssm:UpdateInstanceInformation"
BUCKET = "arn:aws:s3:::logs"
IF = {"StringEquals": {"aws:ResourceTag/team": "a"}}


def allow(action="*", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action="*", resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


def policy(*statements, kind="inline"):
    return Policy(f"a {kind} policy", kind, {"Version": "2012-10-17", "Statement": list(statements)})


def answer(*statements, action=UPDATE, **options):
    return decide(action, [policy(*statements)], **options).answer


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow(UPDATE), YES),
        (allow([UPDATE]), YES),
        (allow(["s3:GetObject", "ssm:Update*"]), YES),
        (allow("SSM:updateinstanceINFORMATION"), YES),
        (allow("ssm:*"), YES),
        (allow("*"), YES),
        (allow("*:UpdateInstanceInformation"), YES),
        (allow("ssm:UpdateInstance?nformation"), YES),
        (allow("ssm:UpdateInstance?"), NO),
        (allow("ssm:UpdateInstanceInformation?"), NO),
        (allow("ssm:Get*"), NO),
        (allow("ssmmessages:*"), NO),
        (allow([]), NO),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, YES),
        ({"Effect": "Allow", "NotAction": ["iam:*", "SSM:Update*"], "Resource": "*"}, NO),
        ({"Effect": "Allow", "NotAction": [], "Resource": "*"}, YES),
        ({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}, NO),
        ({"Effect": "Allow", "Action": "*"}, NO),
    ],
)
def test_action_and_notaction_take_in_what_their_wildcards_say_in_any_case(statement, expected):
    assert answer(statement) is expected
    # IAM takes a lone statement in the place of a list of one.
    lone = Policy("p", "inline", {"Statement": statement})
    assert decide(UPDATE, [lone]).answer is expected


@pytest.mark.parametrize(
    ("statement", "resource", "expected"),
    [
        (allow(resource=f"{BUCKET}/*"), f"{BUCKET}/file", YES),
        (allow(resource=[BUCKET, f"{BUCKET}/*"]), f"{BUCKET}/file", YES),
        (allow(resource=f"{BUCKET}/*"), f"{BUCKET}/*", YES),
        (allow(resource=f"{BUCKET}/a*"), f"{BUCKET}/*", MAYBE),
        (allow(resource=f"{BUCKET}/a*"), "*", MAYBE),
        (allow(resource=f"{BUCKET}/A*"), f"{BUCKET}/a1", NO),
        (allow(resource="arn:aws:s3:::other/*"), f"{BUCKET}/file", NO),
        (allow(resource=f"{BUCKET}/${{aws:username}}/*"), f"{BUCKET}/ann/file", MAYBE),
        (allow(resource="arn:aws:s3:::${aws:username}"), "arn:aws:sqs:::x", NO),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{BUCKET}/*"}, f"{BUCKET}/file", NO),
        ({"Effect": "Allow", "Action": "*", "NotResource": [f"{BUCKET}/*"]}, "arn:aws:s3:::other/file", YES),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{BUCKET}/a*"}, f"{BUCKET}/*", MAYBE),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{BUCKET}/a*"}, "*", MAYBE),
    ],
)
def test_resource_and_notresource_are_matched_in_their_case(statement, resource, expected):
    assert answer(statement, action="s3:GetObject", resources=[resource]) is expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow(), deny(UPDATE)], NO),
        ([deny(UPDATE), allow()], NO),
        ([allow(), deny("ssm:GetParameter")], YES),
        ([allow(), {"Effect": "Deny", "NotAction": "ssm:*", "Resource": "*"}], YES),
        ([allow(), deny(UPDATE, Condition=IF)], MAYBE),
        ([allow(), deny(UPDATE, "arn:aws:ec2:*:*:instance/i-1")], MAYBE),
        ([allow(), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:ec2:*:*:instance/i-1"}], MAYBE),
        ([allow(Condition=IF)], MAYBE),
        ([allow(Condition={})], YES),
        ([allow(Condition=IF), allow()], YES),
        ([allow(Condition=IF), deny()], NO),
        ([deny(Condition=IF)], NO),
        ([], NO),
    ],
)
def test_an_explicit_deny_wins_and_a_condition_makes_a_maybe(statements, expected):
    assert answer(*statements) is expected
    # The same, whether the statements stand in one policy or in many.
    assert decide(UPDATE, [policy(statement) for statement in statements]).answer is expected


@pytest.mark.parametrize(
    ("policies", "boundary", "expected"),
    [
        ([allow()], [allow("ssm:*")], YES),
        ([allow()], [allow("s3:*")], NO),
        ([allow()], [], NO),
        ([allow()], [allow(), deny(UPDATE)], NO),
        ([], [allow()], NO),
        ([allow()], [allow(Condition=IF)], MAYBE),
        ([allow(Condition=IF)], [allow()], MAYBE),
        ([allow(Condition=IF)], [allow("s3:*")], NO),
    ],
)
def test_a_boundary_only_takes_away(policies, boundary, expected):
    assert answer(*policies, boundary=policy(*boundary, kind="boundary")) is expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (["arn:aws:s3:::a", "arn:aws:s3:::b"], YES),
        (["arn:aws:s3:::a", "arn:aws:s3:::c"], MAYBE),
        (["arn:aws:s3:::c", "arn:aws:s3:::d"], NO),
    ],
)
def test_resources_that_differ_make_a_maybe(resources, expected):
    statement = allow("s3:*", ["arn:aws:s3:::a", "arn:aws:s3:::b"])
    assert answer(statement, action="s3:ListBucket", resources=resources) is expected


def test_a_boundary_is_weighed_for_each_resource():
    # Regression: what the policies allow on one resource and the boundary on another is allowed on neither, so the
    # answer is "no" and not "maybe".
    boundary = policy(allow(resource="arn:aws:s3:::b"), kind="boundary")
    statement = allow(resource="arn:aws:s3:::a")
    both = ["arn:aws:s3:::a", "arn:aws:s3:::b"]
    assert answer(statement, action="s3:ListBucket", boundary=boundary, resources=both) is NO


def test_the_reasons_name_every_statement_that_speaks_of_the_action():
    managed = Policy("M", "managed", {"Statement": [allow("s3:*"), allow("ssm:*", Sid="All")]}, "arn:m")
    inline = policy(deny(UPDATE, Condition=IF))
    boundary = policy(allow(), kind="boundary")
    decision = decide(UPDATE, [managed, inline], boundary)
    assert decision.answer is MAYBE
    assert decision.reasons == (
        Reason("M", "managed", "arn:m", "All", "Allow", certain=True),
        Reason("a inline policy", "inline", None, "1", "Deny", certain=False, depends_on=("aws:ResourceTag/team",)),
        Reason("a boundary policy", "boundary", None, "1", "Allow", certain=True),
    )


@pytest.mark.parametrize("wrong", ["", "ssm", "ssm:", "ssm:*", "ssm:Update Instance", "ssm:Get?", ":Get", "a:b:c"])
def test_an_action_with_wildcards_or_without_a_service_is_refused(wrong):
    with pytest.raises(InputError, match=r"^actions: .* without wildcards"):
        check_action(wrong)
    assert check_action("aws-portal:ViewBilling") == "aws-portal:ViewBilling"


SSM = "ssm.amazonaws.com"


def trust(principal, action="sts:AssumeRole", effect="Allow", **more):
    return {"Effect": effect, "Principal": principal, "Action": action, **more}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([trust({"Service": SSM})], YES),
        ([trust({"Service": ["ec2.amazonaws.com", SSM]}, ["sts:TagSession", "STS:assumerole"])], YES),
        ([trust({"Service": SSM}, "sts:*")], YES),
        ([trust({"Service": SSM}, "sts:TagSession")], NO),
        ([trust({"Service": "ec2.amazonaws.com"})], NO),
        ([trust({"Service": "notssm.amazonaws.com"})], NO),
        ([trust({"AWS": "arn:aws:iam::123456789012:root"})], NO),
        ([trust({"Service": SSM}, Condition={"StringEquals": {"aws:SourceAccount": "1"}})], MAYBE),
        ([trust({"Service": SSM}), trust({"Service": SSM}, effect="Deny")], NO),
        ([trust({"Service": SSM}), trust({"Service": "ec2.amazonaws.com"}, effect="Deny")], YES),
        ([trust("*")], MAYBE),
        ([trust({"Service": SSM}), trust("*", effect="Deny")], MAYBE),
        ([], NO),
    ],
)
def test_a_trust_policy_is_read_for_one_service(statements, expected):
    for document in ({"Statement": statements}, *({"Statement": only} for only in statements if len(statements) == 1)):
        assert trusts(document, SSM).answer is expected
        # What AWS returns was JSON.
        assert trusts(json.loads(json.dumps(document)), SSM).answer is expected
