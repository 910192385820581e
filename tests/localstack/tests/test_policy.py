# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policy evaluator, against IAM User Guide, "IAM JSON policy elements" and "Policy evaluation logic"."""

from __future__ import annotations

import json

import pytest

from fleet_emulator.policy import Source, evaluate, trusts


def policy(*statements):
    return Source("p", "role", json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def ask(*statements, action="ssm:UpdateInstanceInformation", resource="*", boundary=None, **context):
    context = {key.replace("__", ":").replace("_S_", "/"): value for key, value in context.items()}
    return evaluate([policy(*statements)], action, resource, context, boundary).decision


ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}


def test_default_and_deny():
    """Implicit deny by default; an explicit deny overrides any allow."""
    assert ask() == "implicitDeny"
    assert ask(ALLOW) == "allowed"
    assert ask(ALLOW, DENY) == "explicitDeny"
    assert ask(DENY, ALLOW, action="s3:GetObject") == "allowed"


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("ssm:UpdateInstanceInformation", True),
        ("SSM:updateinstanceinformation", True),
        ("ssm:Update*", True),
        ("s?m:*", True),
        ("*", True),
        ("ssm:Get*", False),
        ("ssmmessages:*", False),
        ("ssm:UpdateInstanceInformation?", False),
    ],
)
def test_actions(pattern, fits):
    """Action: * and ?, case-insensitive; NotAction is its opposite."""
    assert (ask({**ALLOW, "Action": [pattern]}) == "allowed") is fits
    statement = {"Effect": "Allow", "NotAction": pattern, "Resource": "*"}
    assert (ask(statement) == "allowed") is not fits


def test_resources():
    """Resource and NotResource; the question about "*" is answered only by a pattern for everything."""
    arn = "arn:aws:ec2:us-east-1:111122223333:instance/i-1"
    one = {**ALLOW, "Resource": "arn:aws:ec2:*:*:instance/i-1"}
    assert ask(one, resource=arn) == "allowed"
    assert ask(one, resource=arn + "2") == "implicitDeny"
    assert ask(one) == "implicitDeny"
    other = {"Effect": "Allow", "Action": "*", "NotResource": [arn]}
    assert ask(other, resource=arn) == "implicitDeny"
    assert ask(other, resource=arn + "2") == "allowed"


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ({"StringEquals": {"aws:k": "a"}}, ["a"], True),
        ({"StringEquals": {"AWS:K": ["a", "b"]}}, ["b"], True),
        ({"StringEquals": {"aws:k": "a"}}, ["A"], False),
        ({"StringEqualsIgnoreCase": {"aws:k": "a"}}, ["A"], True),
        ({"StringEquals": {"aws:k": "a"}}, None, False),
        ({"StringEqualsIfExists": {"aws:k": "a"}}, None, True),
        ({"StringNotEquals": {"aws:k": "a"}}, None, True),
        ({"StringNotEquals": {"aws:k": ["a", "b"]}}, ["b"], False),
        ({"StringLike": {"aws:k": "a*"}}, ["abc"], True),
        ({"ArnLike": {"aws:k": "arn:aws:ec2:*:*:instance/*"}}, ["arn:aws:ec2:r:a:instance/i-1"], True),
        ({"Null": {"aws:k": "true"}}, None, True),
        ({"Null": {"aws:k": "false"}}, ["a"], True),
        ({"Null": {"aws:k": "true"}}, ["a"], False),
        ({"Bool": {"aws:k": "true"}}, ["True"], True),
        ({"NumericLessThan": {"aws:k": "5"}}, ["4"], True),
        ({"IpAddress": {"aws:k": "10.0.0.0/8"}}, ["10.1.2.3"], True),
        ({"NotIpAddress": {"aws:k": "10.0.0.0/8"}}, ["10.1.2.3"], False),
        ({"ForAnyValue:StringEquals": {"aws:k": ["a"]}}, ["b", "a"], True),
        ({"ForAllValues:StringEquals": {"aws:k": ["a"]}}, ["b", "a"], False),
        ({"ForAllValues:StringEquals": {"aws:k": ["a"]}}, None, True),
        ({"ForAnyValue:StringEquals": {"aws:k": ["a"]}}, None, False),
        ({"ForAnyValue:StringNotEquals": {"aws:k": ["a"]}}, None, False),
        ({"ForAnyValue:StringNotEquals": {"aws:k": ["a"]}}, ["b", "a"], True),
        ({"ForAllValues:StringNotEquals": {"aws:k": ["a"]}}, None, True),
        ({"ArnLike": {"aws:k": "arn:aws:ec2:*:instance/*"}}, ["arn:aws:ec2:r:a:instance/i-1"], False),
        ({"ArnNotLike": {"aws:k": "arn:aws:ec2:*:instance/*"}}, ["arn:aws:ec2:r:a:instance/i-1"], True),
        ({"ArnEquals": {"aws:k": "*"}}, ["arn:aws:ec2:r:a:instance/i-1"], True),
        ({"StringLike": {"aws:k": "arn:aws:ec2:*:instance/*"}}, ["arn:aws:ec2:r:a:instance/i-1"], True),
        ({"DateLessThan": {"aws:k": "2026-05-01T12:00:00+02:00"}}, ["2026-05-01T09:59:59Z"], True),
        ({"DateLessThan": {"aws:k": "2026-05-01T12:00:00+02:00"}}, ["2026-05-01T10:30:00Z"], False),
        ({"DateGreaterThan": {"aws:k": "1777629600"}}, ["2026-05-01T10:30:00Z"], True),
        ({"DateGreaterThan": {"aws:k": "1777629600"}}, ["2026-05-01T09:30:00Z"], False),
        ({"DateEquals": {"aws:k": "no date"}}, ["2026-05-01T09:30:00Z"], False),
        ({"StringEquals": {"aws:k": "${*}"}}, ["*"], True),
        ({"StringLike": {"aws:k": "a${*}"}}, ["a*"], True),
        ({"StringLike": {"aws:k": "a${*}"}}, ["ab"], False),
        ({"StringEquals": {"aws:k": "${aws:no, 'a'}"}}, ["a"], True),
        ({"StringEquals": {"aws:k": "${aws:no}"}}, ["a"], False),
        ({"StringNotEquals": {"aws:k": "${aws:no}"}}, ["a"], True),
        ({"StringEquals": {"aws:k": "a"}, "Bool": {"aws:no": "true"}}, ["a"], False),
    ],
)
def test_conditions(condition, values, holds):
    """Condition operators: all must hold, any of the values will do, a missing key fails but for the exceptions."""
    context = {} if values is None else {"aws:k": values}
    found = evaluate([policy({**ALLOW, "Condition": condition})], "s3:GetObject", "*", context).decision
    assert (found == "allowed") is holds


def test_policy_variables():
    """Policy variables are replaced by context values; one without a value fits nothing."""
    statement = {**ALLOW, "Resource": "arn:aws:ssm:*:*:managed-instance/${aws:k}"}
    arn = "arn:aws:ssm:r:a:managed-instance/i-1"
    assert evaluate([policy(statement)], "ssm:X", arn, {"aws:k": ["i-1"]}).allowed
    assert not evaluate([policy(statement)], "ssm:X", arn, {"aws:k": ["i-2"]}).allowed
    assert not evaluate([policy(statement)], "ssm:X", arn, {}).allowed
    default = {**ALLOW, "Resource": "arn:aws:ssm:*:*:managed-instance/${aws:k, 'i-1'}"}
    assert evaluate([policy(default)], "ssm:X", arn, {}).allowed
    assert not evaluate([policy(default)], "ssm:X", arn, {"aws:k": ["i-2"]}).allowed


@pytest.mark.parametrize("version", [{"Version": "2008-10-17"}, {}])
def test_variables_are_text_in_the_first_version(version):
    """Version: without 2012-10-17, variables are plain text."""
    statement = {**ALLOW, "Resource": "arn:aws:ssm:*:*:managed-instance/${aws:k}"}
    old = Source("p", "role", json.dumps({**version, "Statement": [statement]}))
    assert not evaluate([old], "ssm:X", "arn:aws:ssm:r:a:managed-instance/i-1", {"aws:k": ["i-1"]}).allowed
    assert evaluate([old], "ssm:X", "arn:aws:ssm:r:a:managed-instance/${aws:k}").allowed


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("arn:aws:ec2", True),
        ("arn:aws:ec2:*", True),
        ("arn:aws:ec2:r", True),
        ("arn:aws:ec2:q", False),
        ("arn:aws:ssm", False),
        ("arn:aws:ec2:*:instance/*", False),
        ("arn:aws:ec2:*:*:instance/i-?", True),
    ],
)
def test_short_arns_are_completed(pattern, fits):
    """IAM identifiers: an ARN with fewer than six fields gets wildcards for the rest."""
    assert (ask({**ALLOW, "Resource": pattern}, resource="arn:aws:ec2:r:a:instance/i-1") == "allowed") is fits


def test_boundary():
    """Permissions boundaries: policies and boundary must both allow; a deny in the boundary is explicit."""
    assert ask(ALLOW, boundary=policy(ALLOW)) == "allowed"
    assert ask(ALLOW, boundary=policy({**ALLOW, "Action": "s3:*"})) == "implicitDeny"
    assert ask(boundary=policy(ALLOW)) == "implicitDeny"
    assert ask(ALLOW, boundary=policy(ALLOW, DENY)) == "explicitDeny"


def test_trust():
    """AWS JSON policy elements: Principal: a service principal, alone or in a list; deny wins."""

    def trust(*statements):
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

    good = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert trusts(trust(good), "ssm.amazonaws.com")
    assert not trusts(trust(good), "ec2.amazonaws.com")
    both = {**good, "Principal": {"Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"]}, "Action": "sts:*"}
    assert trusts(trust(both), "ssm.amazonaws.com")
    assert not trusts(trust(good, {**good, "Effect": "Deny"}), "ssm.amazonaws.com")
    account = {**good, "Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}
    assert trusts(trust(account), "ssm.amazonaws.com", {"aws:SourceAccount": ["1"]})
    assert not trusts(trust(account), "ssm.amazonaws.com", {"aws:SourceAccount": ["2"]})
    assert not trusts(trust({**good, "Principal": {"AWS": "*"}}), "ssm.amazonaws.com")
