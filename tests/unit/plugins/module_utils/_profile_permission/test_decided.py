# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What profiles allow on the instances that have them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import Target
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.decided import (
    add_simulated,
    allowing_roles,
    profile_rows,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Profile, Survey

US, EU = "us-east-1", "eu-west-1"
ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}:instance-profile/Web"


def allow(action=PING, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def role(*statements, service="ec2.amazonaws.com", **more):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}
    detail = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/WebRole", "AssumeRolePolicyDocument": {"Statement": [trust]}}
    return RoleFacts("WebRole", detail, inline={"Own": json.dumps({"Statement": list(statements)})})


def instance(region, name="i-1", **tags):
    return {
        "Region": region,
        "InstanceId": name,
        "State": {"Name": "running"},
        "Target": Target(name, tuple(tags.items())),
    }


def row(facts, *instances, actions=(PING,), resources=(), regions=(US, EU)):
    profile = Profile("Web", ARN, exists=True, role="WebRole", instances=list(instances))
    survey = Survey([profile], {"WebRole": facts} if facts else {}, {}, {}, [], list(regions))
    (found,) = profile_rows(survey, list(actions), list(resources))
    return found


def answers(found):
    return found["answer"], [one["answer"] for one in found["instances"]]


BY_TAG = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "web"}}}
BY_VPC = {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}
IN_EU = f"arn:aws:ec2:{EU}:{ACCOUNT}:instance/*"


@pytest.mark.parametrize(
    ("facts", "instances", "expected"),
    [
        (role(allow()), [instance(US), instance(EU)], ("yes", ["yes", "yes"])),
        (role(allow(resource=IN_EU)), [instance(US)], ("no", ["no"])),
        (role(allow(resource=IN_EU)), [instance(EU)], ("yes", ["yes"])),
        # The instances of a profile may differ.
        (role(allow(resource=IN_EU)), [instance(US), instance(EU)], ("maybe", ["no", "yes"])),
        (role(allow(**BY_TAG)), [instance(US, team="web"), instance(US, "i-2")], ("maybe", ["yes", "no"])),
        (role(allow(**BY_VPC)), [instance(US)], ("maybe", ["maybe"])),
        # Without instances, whatever instance of the regions.
        (role(allow(resource=IN_EU)), [], ("maybe", [])),
        (role(allow(**BY_TAG)), [], ("maybe", [])),
        (role(allow()), [], ("yes", [])),
        # EC2 may not assume the role.
        (role(allow(), service="rds.amazonaws.com"), [instance(US)], ("no", ["no"])),
        (
            role(allow(), Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
            [instance(US)],
            ("maybe", ["maybe"]),
        ),
        (None, [instance(US)], ("no", ["no"])),
    ],
)
def test_a_profile_is_judged_for_its_instances(facts, instances, expected):
    found = row(facts, *instances)
    assert answers(found) == expected
    assert allowing_roles([found]) == (set() if expected[0] == "no" else {"WebRole"})


def test_regions_that_are_not_selected_do_not_count():
    assert answers(row(role(allow(resource=IN_EU)), regions=[EU])) == ("yes", [])
    assert answers(row(role(allow(resource=IN_EU)), regions=[US])) == ("no", [])


def test_what_was_decided_for_is_named():
    (entry,) = row(role(allow()), instance(EU))["permissions"]
    assert entry["resources"] == [IN_EU]
    (entry,) = row(role(allow()), actions=["s3:GetObject"])["permissions"]
    assert entry["resources"] == ["*"]
    (entry,) = row(role(allow()), instance(US), resources=["arn:aws:ec2:*:*:instance/i-9"])["permissions"]
    assert entry["resources"] == ["arn:aws:ec2:*:*:instance/i-9"]


def test_why_a_profile_gives_nothing_is_said():
    assert "EC2 may not assume the role" in row(role(allow(), service="rds.amazonaws.com"))["note"]
    open_trust = row(role(allow(), Condition={"StringEquals": {"aws:SourceOrgID": "o-1"}}))
    assert "statement 1 of the trust policy (Allow) depends on aws:SourceOrgID" in open_trust["note"]
    assert row(role(allow()))["note"] == ""
    assert row(None)["note"] == "the role is gone"


def simulated(*, organization=None, missing=()):
    return {
        PING.lower(): {
            "decision": "allowed" if organization is not False else "explicitDeny",
            "missing_context": list(missing),
            "allowed_by_organization": organization,
        }
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, ("yes", ["yes", "yes"])),
        ({US: simulated(), EU: simulated()}, ("yes", ["yes", "yes"])),
        ({US: simulated(organization=True), EU: simulated(organization=True)}, ("yes", ["yes", "yes"])),
        ({US: simulated(organization=False), EU: simulated(organization=False)}, ("no", ["no", "no"])),
        # A region lock.
        ({US: simulated(organization=False), EU: simulated(organization=True)}, ("maybe", ["no", "yes"])),
        (
            {US: simulated(organization=False, missing=["aws:PrincipalTag/x"]), EU: simulated(organization=True)},
            ("maybe", ["maybe", "yes"]),
        ),
    ],
)
def test_service_control_policies_take_away(found, expected):
    one = row(role(allow()), instance(US), instance(EU, "i-2"))
    add_simulated(one, found)
    assert answers(one) == expected
    assert (one["permissions"][0]["simulated"] is None) is (not found)


def test_service_control_policies_give_nothing():
    one = row(role(allow("s3:*")), instance(US))
    add_simulated(one, {US: simulated(organization=True)})
    assert answers(one) == ("no", ["no"])
