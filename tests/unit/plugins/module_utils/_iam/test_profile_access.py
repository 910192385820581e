# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role gives to the agent of one instance."""

from __future__ import annotations

import json

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import (
    EC2_SERVICE,
    MESSAGING,
    SSM_SERVICE,
    RoleAccess,
    Target,
    principals,
    trusted,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy, RoleFacts

YES, NO, MAYBE = Answer.YES, Answer.NO, Answer.MAYBE
ACCOUNT, OTHER = "111122223333", "999988887777"
REGION = "eu-west-1"
ONE = Target("i-1", (("team", "web"), ("Name", "one")), vpc="vpc-1", address="10.0.0.5", imdsv2_only=True)
# Without it, a document has no variables.
LANGUAGE = {"Version": "2012-10-17"}
ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/"


def allow(action=PING, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action="*", resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}


def trust(*services, **more):
    return {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole", **more}]
    }


def role(*statements, boundary=None, trust_policy=None, tags=()):
    detail = {
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/web/Web",
        "RoleId": "AROA1",
        "Tags": [{"Key": key, "Value": value} for key, value in tags],
        "AssumeRolePolicyDocument": trust_policy or trust(EC2_SERVICE, SSM_SERVICE),
    }
    limit = ManagedPolicy("arn:aws:iam::1:policy/B", "B", json.dumps({**LANGUAGE, "Statement": boundary}), "v1")
    inline = {"Own": json.dumps({**LANGUAGE, "Statement": list(statements)})}
    return RoleFacts("Web", detail, inline=inline, boundary=limit if boundary else None)


def access(facts, service=EC2_SERVICE):
    return RoleAccess(facts, service, "aws", ACCOUNT)


def pings(*statements, target=ONE, service=EC2_SERVICE, **given):
    return access(role(*statements, **given), service).on(REGION, target).pings.answer


@pytest.mark.parametrize(
    ("resource", "answer"),
    [
        ("*", YES),
        ("arn:aws:ec2:*:*:instance/*", YES),
        ("arn:aws:ec2:*:*:instance/i-*", YES),
        (f"{ARN}*", YES),
        (f"{ARN}i-1", YES),
        (f"{ARN}i-2", NO),
        (f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/*", NO),
        ([f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/*", f"{ARN}*"], YES),
        (f"arn:aws:ec2:*:{OTHER}:instance/*", NO),
        (f"arn:aws-cn:ec2:*:{ACCOUNT}:instance/*", NO),
        (f"arn:aws:ssm:*:{ACCOUNT}:*", NO),
        (f"arn:aws:ssm:{REGION}:{ACCOUNT}:managed-instance/*", NO),
        # A wildcard stands within a component of an ARN.
        ("arn:aws:*instance/*", NO),
        ("arn:aws:ec2:*", YES),
        ("arn:aws:ec2:${aws:RequestedRegion}:${aws:PrincipalAccount}:instance/*", YES),
        ("arn:aws:ec2:*:*:instance/${ec2:InstanceId}", MAYBE),
    ],
)
def test_a_statement_about_something_else_is_a_plain_no(resource, answer):
    assert pings(allow(resource=resource)) is answer
    # The same statement as a deny.
    opposite = {YES: NO, NO: YES, MAYBE: MAYBE}[answer]
    assert pings(allow("*"), deny("ssm:*", resource)) is opposite


@pytest.mark.parametrize(
    ("operator", "key", "value", "answer"),
    [
        ("StringEquals", "aws:RequestedRegion", REGION, YES),
        ("StringEquals", "aws:RequestedRegion", ["us-east-1", "us-west-2"], NO),
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT, YES),
        ("StringEquals", "aws:ResourceAccount", "${aws:PrincipalAccount}", YES),
        ("StringNotEquals", "aws:ResourceAccount", ACCOUNT, NO),
        ("StringEquals", "aws:ResourceTag/team", "web", YES),
        ("StringEquals", "ssm:resourceTag/Team", "web", YES),
        ("StringEquals", "aws:ResourceTag/team", "db", NO),
        # A tag that the instance has not.
        ("StringEquals", "aws:ResourceTag/env", "prod", NO),
        ("StringNotEquals", "aws:ResourceTag/env", "prod", YES),
        ("Null", "aws:ResourceTag/env", "true", YES),
        ("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}", YES),
        ("StringEquals", "aws:PrincipalTag/env", "prod", NO),
        ("ArnLike", "ec2:SourceInstanceARN", f"{ARN}*", YES),
        ("ArnEquals", "ec2:SourceInstanceARN", f"{ARN}i-2", NO),
        ("StringEquals", "aws:Ec2InstanceSourceVpc", "vpc-1", YES),
        ("StringEquals", "aws:Ec2InstanceSourcePrivateIPv4", "10.0.0.9", NO),
        ("NumericGreaterThanEquals", "ec2:RoleDelivery", "2.0", YES),
        ("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/web/Web", YES),
        ("StringEquals", "aws:userid", "AROA1:i-1", YES),
        ("Bool", "aws:SecureTransport", "true", YES),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", MAYBE),
        ("Bool", "aws:MultiFactorAuthPresent", "true", NO),
        ("Bool", "aws:ViaAWSService", "true", NO),
        # What is not known from outside.
        ("StringEquals", "aws:SourceVpc", "vpc-1", MAYBE),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", MAYBE),
        ("StringEquals", "aws:PrincipalOrgID", "o-1", MAYBE),
        ("DateGreaterThan", "aws:TokenIssueTime", "2026-01-01T00:00:00Z", MAYBE),
        ("ArnLike", "ssm:SourceInstanceARN", f"{ARN}*", MAYBE),
    ],
)
def test_conditions_whose_keys_are_known_from_outside_are_decided(operator, key, value, answer):
    assert pings(allow(**when(operator, key, value)), tags=[("team", "web")]) is answer


def test_the_role_of_dhmc_is_used_from_nobody_knows_where():
    source = when("ArnLike", "ec2:SourceInstanceARN", f"{ARN}*")
    assert pings(allow(**source), service=SSM_SERVICE) is MAYBE
    assert pings(allow(**when("ArnLike", "ec2:SourceInstanceARN", f"{ARN}i-2")), service=SSM_SERVICE) is NO
    assert pings(allow(**when("StringEquals", "aws:PrincipalTag/x", "y")), service=SSM_SERVICE) is MAYBE
    assert pings(allow(**when("StringEquals", "aws:ResourceTag/team", "web")), service=SSM_SERVICE) is YES


def test_tags_that_differ_in_case_only_are_not_decided():
    twins = Target("i-1", (("Team", "web"), ("team", "db")))
    for value in ("web", "db"):
        assert pings(allow(**when("StringEquals", "aws:ResourceTag/team", value)), target=twins) is MAYBE


def test_a_boundary_takes_away():
    assert pings(allow("*"), boundary=[allow(["s3:*", "logs:*"])]) is NO
    assert pings(allow("*"), boundary=[allow("ssm:*", f"{ARN}*")]) is YES
    elsewhere = [allow("*", **when("StringEquals", "aws:RequestedRegion", "us-east-1"))]
    assert pings(allow("*"), boundary=elsewhere) is NO


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        (allow("ssmmessages:*"), YES),
        (allow(list(MESSAGING[:3])), NO),
        # These actions have no resource types: a statement about any ARN does not take them in.
        (allow("ssmmessages:*", f"{ARN}*"), NO),
        (allow("ssmmessages:*", "arn:aws:ssmmessages:*"), NO),
        (allow("ssmmessages:*", **when("StringEquals", "aws:ResourceTag/team", "web")), NO),
        (allow("ssmmessages:*", **when("ArnEquals", "ec2:SourceInstanceARN", f"{ARN}i-1")), YES),
        (allow("ssmmessages:*", **when("StringEquals", "aws:SourceVpce", "vpce-1")), MAYBE),
    ],
)
def test_messages_take_all_of_the_actions_and_are_about_no_resource(statement, answer):
    assert access(role(statement)).on(REGION, ONE).messages.answer is answer


@pytest.mark.parametrize(
    ("document", "service", "partition", "answer"),
    [
        (trust(EC2_SERVICE), EC2_SERVICE, "aws", YES),
        (trust("rds.amazonaws.com"), EC2_SERVICE, "aws", NO),
        (trust("ec2.amazonaws.com.cn"), EC2_SERVICE, "aws", NO),
        (trust("ec2.amazonaws.com.cn"), EC2_SERVICE, "aws-cn", YES),
        (trust(EC2_SERVICE), EC2_SERVICE, "aws-cn", YES),
        (trust("ssm.amazonaws.com"), EC2_SERVICE, "aws-cn", NO),
        ({}, EC2_SERVICE, "aws-cn", NO),
        (trust(SSM_SERVICE, **when("StringEquals", "aws:SourceAccount", ACCOUNT)), SSM_SERVICE, "aws", MAYBE),
        (trust(SSM_SERVICE, **when("StringEquals", "aws:SourceAccount", OTHER)), SSM_SERVICE, "aws", NO),
        (trust(SSM_SERVICE, **when("StringEqualsIfExists", "aws:SourceAccount", ACCOUNT)), SSM_SERVICE, "aws", YES),
    ],
)
def test_the_service_has_to_be_trusted(document, service, partition, answer):
    assert trusted(document, service, partition, ACCOUNT).answer is answer


def test_the_first_principal_is_the_one_to_write():
    assert principals(EC2_SERVICE, "aws-cn") == ("ec2.amazonaws.com.cn", EC2_SERVICE)
    assert principals(EC2_SERVICE, "aws-us-gov") == (EC2_SERVICE,)
    assert principals(SSM_SERVICE, "aws-cn") == (SSM_SERVICE,)


def test_an_agent_registers_only_if_it_gets_credentials_and_may_call():
    assert access(role(allow())).on(REGION, ONE).registers is YES
    assert access(role(allow(), trust_policy=trust("rds.amazonaws.com"))).on(REGION, ONE).registers is NO
    assert access(role(allow("s3:*"))).on(REGION, ONE).registers is NO


def test_what_leaves_it_open_is_named():
    by_vpc = when("StringEquals", "aws:SourceVpc", "vpc-1")
    found = access(role(allow(Sid="Web", **by_vpc))).on(REGION, ONE)
    assert (found.registers, found.unclear) == (
        MAYBE,
        "statement Web of the inline policy Own (Allow) depends on aws:SourceVpc",
    )
    # A statement that could only allow what is allowed anyway leaves nothing open.
    found = access(role(allow(), allow(**by_vpc), deny(Sid="Net", **by_vpc))).on(REGION, ONE)
    assert found.unclear == "statement Net of the inline policy Own (Deny) depends on aws:SourceVpc"
    found = access(role(allow(), boundary=[allow("*", **by_vpc)])).on(REGION, ONE)
    assert found.unclear == "statement 1 of the permissions boundary B (Allow) depends on aws:SourceVpc"
    of_org = trust(EC2_SERVICE, **when("StringEquals", "aws:SourceOrgID", "o-1"))
    found = access(role(allow(), trust_policy=of_org)).on(REGION, ONE)
    assert found.unclear == "statement 1 of the trust policy (Allow) depends on aws:SourceOrgID"
    found = access(role(allow(), trust_policy={"Statement": {**trust()["Statement"][0], "Principal": "*"}}))
    assert found.on(REGION, ONE).unclear == "statement 1 of the trust policy (Allow) names no service"
    found = access(role(allow(resource=f"{ARN}i-1"))).in_region(REGION)
    assert found.unclear == "statement 1 of the inline policy Own (Allow) is about some of the instances only"
    many = [allow(Sid=f"S{number}", **by_vpc) for number in range(5)]
    assert access(role(*many)).on(REGION, ONE).unclear.endswith("; and 2 more statements")
    # Nothing is open where the answer is plain.
    assert access(role(allow())).on(REGION, ONE).unclear == ""
    assert access(role(allow(**by_vpc), trust_policy=trust("x.amazonaws.com"))).on(REGION, ONE).unclear == ""


def test_regions_are_judged_together():
    here = access(role(allow(resource=f"{ARN}*")))
    assert here.in_region(REGION).pings.answer is YES
    assert here.in_region("us-east-1").pings.answer is NO
    assert here.anywhere([REGION]).pings.answer is YES
    assert here.anywhere([REGION, "us-east-1"]).pings.answer is MAYBE
    assert here.anywhere().pings.answer is MAYBE


def test_instances_that_a_role_does_not_tell_apart_are_judged_once():
    def judged(facts, targets):
        found = access(facts)
        return len({id(found.on(REGION, target)) for target in targets})

    fleet = [Target(f"i-{number}", (("team", "ab"[number % 2]), ("n", str(number)))) for number in range(20)]
    assert judged(role(allow()), fleet) == 1
    assert judged(role(allow(resource=f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/*")), fleet) == 1
    assert judged(role(allow(**when("StringEquals", "aws:ResourceTag/team", "a"))), fleet) == 2
    # Statements about other actions tell no instances apart.
    assert judged(role(allow(), allow("s3:*", **when("StringEquals", "aws:ResourceTag/n", "1"))), fleet) == 1
    assert judged(role(allow(resource=f"{ARN}i-7")), fleet) == 20
