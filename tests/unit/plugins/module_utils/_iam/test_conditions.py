# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions as IAM's documentation decides them, with what is known of a request."""

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.conditions import (
    Context,
    filled,
    undecided,
    without_value,
)

INSTANCE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a"
CONTEXT = Context(
    known={
        "aws:requestedregion": ["eu-west-1"],
        "aws:principalaccount": ["111122223333"],
        "ec2:sourceinstancearn": [INSTANCE],
        "aws:resourcetag/team": ["web"],
        "aws:tagkeys": ["team", "env"],
        "aws:currenttime": ["2026-05-01T00:00:00Z"],
        "aws:sourceip": ["10.1.2.3"],
        "x:number": ["5"],
    },
    absent=("aws:resourcetag/", "aws:calledvia"),
    uncertain={"aws:sourceaccount": ["111122223333"]},
)
OPEN = None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({}, True),
        (None, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, True),
        ({"StringEquals": {"AWS:requestedREGION": ["us-east-1", "eu-west-1"]}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "EU-WEST-1"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:RequestedRegion": "EU-WEST-1"}}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}, False),
        ({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}, True),
        ({"StringLike": {"aws:RequestedRegion": "eu-*"}}, True),
        ({"StringNotLike": {"aws:RequestedRegion": "eu-*"}}, False),
        ({"StringLike": {"aws:RequestedRegion": "eu-west-?"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "web"}}, True),
        # A tag that the resource has not.
        ({"StringEquals": {"aws:ResourceTag/env": "prod"}}, False),
        ({"StringNotEquals": {"aws:ResourceTag/env": "prod"}}, True),
        ({"StringEqualsIfExists": {"aws:ResourceTag/env": "prod"}}, True),
        ({"Null": {"aws:ResourceTag/env": "true"}}, True),
        ({"Null": {"aws:ResourceTag/env": True}}, True),
        ({"Null": {"aws:ResourceTag/env": "True"}}, True),
        ({"Null": {"aws:ResourceTag/team": "true"}}, False),
        ({"Null": {"aws:ResourceTag/team": "false"}}, True),
        # What is not known from outside.
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, OPEN),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, OPEN),
        ({"Null": {"aws:PrincipalOrgID": "true"}}, OPEN),
        # All the conditions have to hold: one that does not decides, whatever is open.
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:RequestedRegion": "us-east-1"}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}, "StringLike": {"aws:RequestedRegion": "us-*"}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:RequestedRegion": "eu-west-1"}}, OPEN),
        # Sent or not, another account's is none of ours.
        ({"StringEquals": {"aws:SourceAccount": "999988887777"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "111122223333"}}, OPEN),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}}, True),
        ({"ArnEquals": {"ec2:SourceInstanceARN": "arn:aws:ec2:*:111122223333:instance/*"}}, True),
        ({"ArnLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:us-east-1:*:instance/*"}}, False),
        ({"ArnNotLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:us-east-1:*:instance/*"}}, True),
        # A wildcard stands within a component.
        ({"ArnLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:*"}}, False),
        ({"ArnEquals": {"ec2:SourceInstanceARN": "arn:aws:ec2:eu-west-1:${aws:PrincipalAccount}:instance/i-0a"}}, True),
        ({"ArnEquals": {"ec2:SourceInstanceARN": "arn:aws:ec2:eu-west-1:${aws:PrincipalOrgID}:instance/i-0a"}}, OPEN),
        ({"StringEquals": {"aws:RequestedRegion": ["${x:unknown}", "eu-west-1"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "env", "cost"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, False),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["cost"]}}, False),
        ({"ForAllValues:StringEquals": {"aws:CalledVia": ["x"]}}, True),
        ({"ForAnyValue:StringEquals": {"aws:CalledVia": ["x"]}}, False),
        ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["team"]}}, True),
        # Without the key there is no value that could be another.
        ({"ForAnyValue:StringNotEquals": {"aws:CalledVia": ["x"]}}, False),
        ({"ForAnyValue:StringNotEqualsIfExists": {"aws:CalledVia": ["x"]}}, True),
        ({"ForAllValues:StringNotEquals": {"aws:CalledVia": ["x"]}}, True),
        # A variable without a value equals nothing, and is not equal to anything.
        ({"StringEquals": {"aws:RequestedRegion": "${aws:ResourceTag/env}"}}, False),
        ({"StringLike": {"aws:RequestedRegion": ["*${aws:ResourceTag/env}", "eu-*"]}}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": "${aws:ResourceTag/env}"}}, True),
        ({"StringNotLike": {"aws:RequestedRegion": "*${aws:ResourceTag/env}"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "${aws:ResourceTag/env, 'web'}"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "${aws:SourceAccount}"}}, OPEN),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"IpAddress": {"aws:SourceIp": "no network"}}, False),
        ({"NumericLessThan": {"x:number": "10"}}, True),
        ({"NumericGreaterThanEquals": {"x:number": "6"}}, False),
        ({"NumericEquals": {"x:number": "five"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "1750000000"}}, False),
        ({"NewOperator": {"aws:RequestedRegion": "eu-west-1"}}, OPEN),
    ],
)
def test_a_condition(condition, holds):
    answer, keys = undecided(condition, CONTEXT)
    assert answer is holds
    assert bool(keys) is (holds is None)


def test_the_keys_that_leave_it_open_are_named():
    condition = {
        "Bool": {"aws:SecureTransport": "true"},
        "DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"},
    }
    assert undecided(condition, CONTEXT) == (None, ("aws:SecureTransport", "aws:TokenIssueTime"))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("arn:aws:s3:::${aws:PrincipalAccount}-logs", "arn:aws:s3:::111122223333-logs"),
        ("${aws:ResourceTag/team, 'none'}/x", "web/x"),
        ("${aws:ResourceTag/env, 'none'}/x", "none/x"),
        ("${aws:ResourceTag/env}", None),
        ("${aws:SourceAccount, 'none'}", None),
        ("${aws:username}", None),
        # Several values, and the characters that no pattern can tell from wildcards.
        ("${aws:TagKeys}", None),
        ("a${*}", None),
        ("a${$}b", "a$b"),
        ("plain", "plain"),
    ],
)
def test_policy_variables(text, result):
    assert filled(text, CONTEXT) == result


@pytest.mark.parametrize(
    ("text", "none"),
    [
        ("a-${aws:ResourceTag/env}", True),
        ("${aws:ResourceTag/env, ''}", False),
        ("${aws:ResourceTag/team}", False),
        # It may have one.
        ("${aws:SourceAccount}", False),
        ("${aws:username}", False),
        ("plain", False),
    ],
)
def test_a_variable_without_a_value(text, none):
    assert without_value(text, CONTEXT) is none


@pytest.mark.parametrize(("version", "variables"), [("2012-10-17", True), ("2008-10-17", False), (None, False)])
def test_only_the_second_version_of_the_language_has_variables(version, variables):
    context = CONTEXT.for_document({"Version": version} if version else {})
    assert filled("${aws:PrincipalAccount}", context) == ("111122223333" if variables else "${aws:PrincipalAccount}")
    assert without_value("${aws:ResourceTag/env}", context) is variables
