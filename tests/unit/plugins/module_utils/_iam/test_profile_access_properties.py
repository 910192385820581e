# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of all instances of a region holds for each of them, and what was kept is what would be decided anew."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import (
    EC2_SERVICE,
    SSM_SERVICE,
    RoleAccess,
    Target,
    open_statements,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy, RoleFacts

ACCOUNT = "111122223333"
REGIONS = ("eu-west-1", "us-east-1")

keys = st.sampled_from(
    [
        "aws:RequestedRegion",
        "aws:ResourceTag/team",
        "ssm:resourceTag/env",
        "aws:PrincipalTag/team",
        "ec2:SourceInstanceARN",
        "ssm:SourceInstanceARN",
        "aws:SourceVpc",
        "aws:Ec2InstanceSourceVpc",
        "aws:MultiFactorAuthPresent",
    ]
)
operators = st.sampled_from(
    ["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists", "ArnLike", "Null", "Bool"]
)
values = st.sampled_from(
    ["eu-west-1", "web", "${aws:PrincipalTag/team}", "arn:aws:ec2:*:*:instance/i-1", "vpc-1", "true", "false", "*"]
)
conditions = st.dictionaries(operators, st.dictionaries(keys, values, min_size=1, max_size=2), max_size=2)
resources = st.sampled_from(
    [
        "*",
        "arn:aws:ec2:*:*:instance/*",
        "arn:aws:ec2:eu-west-1:*:instance/*",
        f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-1",
        "arn:aws:ec2:*:*:instance/${aws:ResourceTag/team}",
        "arn:aws:s3:::x",
    ]
)
statements = st.builds(
    lambda effect, action, resource, condition: {
        "Effect": effect,
        "Action": action,
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.sampled_from([PING, "*", "ssmmessages:*", "s3:*"]),
    resources,
    conditions,
)
documents = st.lists(statements, min_size=1, max_size=4)
tags = st.dictionaries(st.sampled_from(["team", "Team", "env"]), st.sampled_from(["web", "db"]), max_size=3)
targets = st.builds(
    lambda name, tags, vpc: Target(name, tuple(tags.items()), vpc=vpc),
    st.sampled_from(["i-1", "i-2", "web"]),
    tags,
    st.sampled_from(["", "vpc-1"]),
)


def role(document, boundary, tagged):
    limit = ManagedPolicy("arn:aws:iam::1:policy/B", "B", json.dumps({"Statement": boundary}), "v1")
    detail = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/R", "Tags": [{"Key": "team", "Value": "web"}] if tagged else []}
    return RoleFacts(
        "R", detail, inline={"Own": json.dumps({"Statement": document})}, boundary=limit if boundary else None
    )


roles = st.builds(role, documents, st.one_of(st.just([]), documents), st.booleans())
services = st.sampled_from([EC2_SERVICE, SSM_SERVICE])


@given(roles, services, st.sampled_from(REGIONS), st.lists(targets, max_size=6))
def test_what_holds_for_a_region_holds_for_each_of_its_instances(facts, service, region, fleet):
    found = RoleAccess(facts, service, "aws", ACCOUNT)
    common = found.in_region(region)
    for target in fleet:
        own = found.on(region, target)
        # Judged by itself, and with what was kept of the others.
        assert own == RoleAccess(facts, service, "aws", ACCOUNT).on(region, target)
        for decided, one in ((common.pings, own.pings), (common.messages, own.messages)):
            if decided.answer is not Answer.MAYBE:
                assert one.answer is decided.answer


@given(roles, services, st.sampled_from(REGIONS), targets)
def test_whatever_is_open_is_open_because_of_a_statement(facts, service, region, target):
    found = RoleAccess(facts, service, "aws", ACCOUNT).on(region, target)
    for decision in (found.pings, found.messages):
        assert bool(open_statements(decision)) is (decision.answer is Answer.MAYBE)


@given(roles, services, st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))
def test_what_holds_for_regions_holds_for_each_of_them(facts, service, regions):
    found = RoleAccess(facts, service, "aws", ACCOUNT)
    together, everywhere = found.anywhere(regions).pings.answer, found.anywhere().pings.answer
    for region in regions:
        for answer in (together, everywhere):
            if answer is not Answer.MAYBE:
                assert found.in_region(region).pings.answer is answer
