# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a profile gives to one instance: every module says the same, and the emulator's agents know."""

from __future__ import annotations

import json

import pytest
from iam_zoo import CORE, PING, document, statement
from test_ssm_managed_instance_info import EU, NAME, ROLE, US, Fleet, seen

EVERYTHING = (PING, "ssmmessages:*")


@pytest.fixture
def fleet(account, aws_trust):
    return Fleet(account, aws_trust)


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}


def web(fleet, *statements, **given):
    """An instance whose profile has a role with these statements."""
    messages = statement("ssmmessages:*")
    fleet.add("Web", inline={"Own": document(*statements, messages)})
    return fleet.launch("Web", **given)


def untrusted(fleet, name="Web"):
    """A profile whose role trusts another service than EC2."""
    fleet.add(name, CORE)
    trust = fleet._trust("rds.amazonaws.com")
    text = trust if isinstance(trust, str) else json.dumps(trust)
    fleet.account.iam.update_assume_role_policy(RoleName=name, PolicyDocument=text)


def instances(resource):
    return statement(PING, resource=resource)


def row_of(fleet):
    (row,) = fleet.account.module(NAME, region=US).ok().result["instances"]
    return row


def permission(fleet, **given):
    (row,) = fleet.account.module("instance_profile_permission_info", region=US, **given).ok().result["profiles"]
    return row


def test_a_role_that_ec2_may_not_assume_gives_nothing(fleet):
    untrusted(fleet)
    fleet.launch("Web")
    assert seen(fleet, verdict="not_managed") == ["dhmc_off", "profile_untrusted"]
    # The agent falls back to DHMC.
    fleet.on()
    assert seen(fleet, verdict="managed", way="dhmc") == ["profile_untrusted"]


@pytest.mark.parametrize("resource", [
    f"arn:aws:ec2:{EU}:*:instance/*",
    "arn:aws:ec2:*:999988887777:instance/*",
    "arn:aws:ssm:*:*:*",
    f"arn:aws:ec2:{US}:*:instance/i-0123456789abcdef0",
])  # fmt: skip
def test_a_statement_about_something_else_is_a_plain_no(fleet, resource):
    web(fleet, instances(resource))
    assert seen(fleet, verdict="not_managed") == ["dhmc_off"]
    assert permission(fleet)["answer"] == "no"
    fleet.on()
    assert seen(fleet, verdict="managed", way="dhmc") == []


@pytest.mark.parametrize("given", [
    {"resource": "arn:aws:ec2:*:*:instance/i-*"},
    {"resource": f"arn:aws:ec2:{US}:*:instance/*"},
    when("StringEquals", "aws:RequestedRegion", US),
    when("StringEquals", "aws:ResourceTag/team", "web"),
    when("StringNotEquals", "ssm:resourceTag/team", "db"),
    when("ArnLike", "ec2:SourceInstanceARN", f"arn:aws:ec2:{US}:*:instance/*"),
])  # fmt: skip
def test_a_statement_about_the_instance_is_a_plain_yes(fleet, given):
    web(fleet, statement(PING, **given), tags={"team": "web"})
    assert seen(fleet, verdict="managed", way="profile") == []
    assert permission(fleet)["answer"] == "yes"


def test_tags_are_those_of_each_instance(fleet):
    one = web(fleet, statement(PING, **when("StringEquals", "aws:ResourceTag/team", "web")), tags={"team": "web"})
    two = fleet.launch("Web", tags={"team": "db"})
    rows = {row["instance_id"]: row for row in fleet.account.module(NAME, region=US).ok().result["instances"]}
    assert fleet.nodes == [one]
    assert [(rows[name]["verdict"], rows[name]["way"]) for name in (one, two)] == [
        ("managed", "profile"),
        ("not_managed", ""),
    ]
    assert [one["reason"] for one in rows[two]["reasons"]] == ["dhmc_off"]


def test_a_region_lock_is_decided(fleet):
    lock = statement("*", effect="Deny", **when("StringNotEquals", "aws:RequestedRegion", EU))
    web(fleet, statement(PING), lock)
    assert seen(fleet, verdict="not_managed") == ["dhmc_off"]


def test_what_can_not_be_told_is_said_with_the_statement(fleet):
    web(fleet, {**statement(PING, **when("StringEquals", "aws:SourceVpc", "vpc-1")), "Sid": "FromHome"})
    assert seen(fleet, verdict="pending") == ["profile_unclear", "dhmc_off", "changed_recently"]
    why = row_of(fleet)["reasons"][0]
    assert "statement FromHome of the inline policy Own (Allow) depends on aws:SourceVpc" in why["message"]
    assert permission(fleet)["answer"] == "maybe"
    # With DHMC it has a way in, whatever the profile does.
    fleet.on()
    assert seen(fleet, verdict="managed") == ["profile_unclear"]


def test_the_role_of_dhmc_is_judged_for_the_instance(fleet):
    fleet.on(policy=None)
    elsewhere = document(instances(f"arn:aws:ec2:{EU}:*:instance/*"))
    fleet.account.iam.put_role_policy(RoleName=ROLE, PolicyName="Own", PolicyDocument=json.dumps(elsewhere))
    fleet.launch()
    assert seen(fleet, verdict="not_managed") == ["dhmc_role_unpermitted"]
    by_tag = document(statement(PING, **when("StringEquals", "aws:ResourceTag/team", "web")))
    fleet.account.iam.put_role_policy(RoleName=ROLE, PolicyName="Own", PolicyDocument=json.dumps(by_tag))
    assert seen(fleet, verdict="not_managed") == ["dhmc_role_unpermitted"]
    by_source = document(statement(PING, **when("StringEquals", "aws:SourceVpc", "vpc-1")))
    fleet.account.iam.put_role_policy(RoleName=ROLE, PolicyName="Own", PolicyDocument=json.dumps(by_source))
    assert seen(fleet, verdict="not_managed") == ["dhmc_unclear"]
    assert "depends on aws:SourceVpc" in row_of(fleet)["reasons"][0]["message"]


def test_whoever_asks_about_a_role_gets_the_same_answer(fleet, aws_trust):
    account = fleet.account
    account.add_role("Mine", aws_trust("ssm.amazonaws.com"))

    def put(*statements):
        text = json.dumps(document(*statements))
        account.iam.put_role_policy(RoleName="Mine", PolicyName="Own", PolicyDocument=text)

    def access(**given):
        result = account.module("iam_role_access_info", role_name="Mine", **given).ok(changed=False).result
        return result["trust"]["answer"], *[entry["answer"] for entry in result["permissions"]]

    put(instances(f"arn:aws:ec2:{EU}:*:instance/*"))
    assert access(regions=[EU]) == ("yes", "yes")
    assert access(regions=[US]) == ("yes", "no")
    assert access(regions=[US, EU]) == access(regions="all") == access() == ("yes", "maybe")
    assert access(regions=[EU], service="ec2.amazonaws.com") == ("no", "yes")
    assert access(regions=[EU], resources=[f"arn:aws:ec2:{US}:*:instance/*"]) == ("yes", "no")
    assert access(regions=[EU], actions=["s3:GetObject"]) == ("yes", "no")
    run = account.module("iam_role_access_info", role_name="Mine", regions=[EU, US], simulate=True).ok(changed=False)
    (entry,) = run.result["permissions"]
    assert (entry["answer"], entry["simulated"]["decision"]) == ("maybe", "implicitDeny")
    # In no organization there is no service control policy.
    assert entry["simulated"]["allowed_by_organization"] is None
    # The role of DHMC, set where it lets nobody in.
    role = {"dhmc_role_name": "Mine", "dhmc_role_create": False}
    run = account.dhmc_role(**role, dhmc_regions=[EU, US])
    assert run.rc != 0
    assert "does not fit: it does not allow ssm:UpdateInstanceInformation in us-east-1." in run.text
    assert run.writes == []
    account.dhmc_role(**role, dhmc_regions=[EU]).ok()
    assert account.values(US, EU) == {US: "$None", EU: "Mine"}


def test_a_role_of_ones_own_for_systems_managers_own_resources_is_not_set(fleet, aws_trust):
    fleet.account.add_role("Mine", aws_trust("ssm.amazonaws.com"), path="/ops/")
    text = json.dumps(document(statement("ssm:*", "ssmmessages:*", resource=f"arn:aws:ssm:*:{fleet.account.id}:*")))
    fleet.account.iam.put_role_policy(RoleName="Mine", PolicyName="Own", PolicyDocument=text)
    run = fleet.account.dhmc_role(dhmc_role_name="Mine", dhmc_role_create=False, dhmc_regions=[US])
    assert run.rc != 0
    assert "does not fit: it does not allow ssm:UpdateInstanceInformation." in run.text
    assert fleet.account.values(US) == {US: "$None"}


def test_a_boundary_that_closes_a_region_to_a_profiles_role_is_refused(fleet):
    zone = document(statement("*", resource="*", **when("StringEquals", "aws:RequestedRegion", EU)))
    made = {
        "instance_profile": "Bounded",
        "aws_policies": ["AmazonSSMManagedInstanceCore"],
        "permissions_boundary": fleet.policy("Zone", zone),
        "required_action": PING,
    }
    run = fleet.account.module("iam_service_role", **made, regions=[EU, US])
    assert "would not fit: it does not allow ssm:UpdateInstanceInformation in us-east-1" in run.failed().result["msg"]
    assert run.writes == []
    fleet.account.module("iam_service_role", **made, regions=[EU]).ok(changed=True)


def test_preflight_leaves_a_profile_that_gives_nothing(fleet):
    untrusted(fleet, "Untrusted")
    fleet.launch("Untrusted")
    row = permission(fleet)
    assert (row["answer"], row["instances"][0]["answer"]) == ("no", "no")
    assert "EC2 may not assume the role" in row["note"]
    fleet.on()
    run = fleet.account.module("instance_profile_permission", region=US, all_in_use=True).ok(changed=False)
    assert run.writes == []
