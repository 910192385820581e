# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles that instance_profile_permission leaves alone, by plain boto3 and the emulator's agents."""

from __future__ import annotations

import json

import pytest
from closed_regions import closed
from conftest import DHMC
from iam_zoo import CORE, PING, Zoo, document, statement
from interruptions import while_held

NAME = "instance_profile_permission"
US, EU, ELSEWHERE = "us-east-1", "eu-west-1", "eu-west-2"
DENY = "fleet.aws_ssm-deny"
DHMC_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
DOWN = {"code": "ServiceUnavailable", "message": "down", "status": 400}


@pytest.fixture
def zoo(account, aws_trust):
    """DHMC is on in one region, with a role that works. A profile of that region keeps its instance from it."""
    found = Zoo(account, aws_trust)
    found.role("Dhmc", "ssm.amazonaws.com", DHMC_POLICY)
    account.put("Dhmc", US)
    found.add("Web", CORE)
    found.start(US, "Web")
    return found


def absent(account, *options, **params):
    given = {"region": US, **params}
    if not {"instance_profiles", "instance_ids", "filters"} & set(given):
        given["all_in_use"] = True
    return account.module(NAME, *options, **given)


def held(run):
    return {row["role"]: row["reason"] for row in run.result["held"]}


def denied(zoo):
    """The roles that have the deny."""
    return sorted(name for name, role in zoo.state()["roles"].items() if DENY in role["inline"])


def both_trust(zoo, *policies):
    """A role that EC2 and Systems Manager may use, in a profile of its own."""
    iam = zoo.account.iam
    zoo.account.add_role("Shared", zoo._trust("ec2.amazonaws.com", "ssm.amazonaws.com"))
    for arn in policies:
        iam.attach_role_policy(RoleName="Shared", PolicyArn=arn)
    iam.create_instance_profile(InstanceProfileName="Shared")
    iam.add_role_to_instance_profile(InstanceProfileName="Shared", RoleName="Shared")


@pytest.mark.parametrize("region", [US, ELSEWHERE])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"method": "deny"},
        {"method": "detach", "allow_shared": True, "elsewhere": True},
        {"instance_profiles": "Shared,Web", "method": "rewrite", "allow_shared": True},
        {"actions": ["ssmmessages:OpenDataChannel"]},
        {"actions": ["s3:GetObject"]},
    ],
)
def test_a_role_that_dhmc_names_in_any_region_is_never_changed(account, zoo, region, params):
    both_trust(zoo, CORE, zoo.policy("Own", document(statement(PING, "s3:GetObject"))))
    zoo.start(US, "Shared")
    account.put("Shared", region)
    before = zoo.state()
    run = absent(account, **params).failed("left alone: the role Shared: is the role that Default Host Management")
    assert held(run) == {"Shared": f"is the role that Default Host Management Configuration uses in {region}"}
    assert run.result["held"][0]["instance_profiles"] == ["Shared"]
    now = zoo.state()
    assert now["roles"]["Shared"] == before["roles"]["Shared"]
    assert now["policies"] == before["policies"]
    # The others are done; Core allows nothing on S3, and rewriting AWS's own policy is refused.
    done = params.get("method", "auto") != "rewrite" and params.get("actions") != ["s3:GetObject"]
    assert (now["roles"]["Web"] != before["roles"]["Web"]) is done


@pytest.mark.parametrize("attached", ["attached", "boundary"])
def test_a_policy_on_such_a_role_is_never_edited(account, zoo, attached):
    policy = zoo.policy("Both", document(statement(PING, "s3:GetObject"), statement("ssmmessages:*")))
    if attached == "attached":
        account.iam.attach_role_policy(RoleName="Dhmc", PolicyArn=policy)
    else:
        account.iam.put_role_permissions_boundary(RoleName="Dhmc", PermissionsBoundary=policy)
    zoo.add("Own", policy)
    zoo.start(US, "Own")
    before = zoo.state()
    given = {"instance_profiles": "Own", "allow_shared": True}
    run = absent(account, **given, method="rewrite").failed(
        "the policy Both is not edited: the role Dhmc has it, too (is the role that Default Host Management"
    )
    assert (run.writes, zoo.state()) == ([], before)
    # What touches least then is a deny on the role itself.
    run = absent(account, **given).ok(changed=True)
    assert run.writes == ["PutRolePolicy us-east-1"]
    now = zoo.state()
    assert now["policies"] == before["policies"]
    assert now["roles"]["Dhmc"] == before["roles"]["Dhmc"]
    assert denied(zoo) == ["Own"]


def test_a_shared_policy_is_not_edited_if_who_has_it_can_not_be_read(account, zoo):
    policy = zoo.policy("Both", document(statement(PING, "s3:GetObject")))
    zoo.role("Lambda", "lambda.amazonaws.com", policy)
    zoo.add("Own", policy)
    before = zoo.state()["policies"]
    account.faults(
        {"operation": "GetAccountAuthorizationDetails", "error": {"code": "AccessDenied", "message": "not you"}}
    )
    run = absent(account, instance_profiles="Own", allow_shared=True, method="rewrite").failed(
        "the policy Both is not edited: it is shared, and who else has it can't be read"
    )
    assert run.writes == []
    absent(account, instance_profiles="Own", allow_shared=True).ok(changed=True)
    account.faults()
    assert zoo.state()["policies"] == before
    assert denied(zoo) == ["Own"]


def test_allow_shared_takes_nothing_from_instances_of_regions_where_dhmc_is_off(account, zoo):
    policy = zoo.policy("Both", document(statement(PING, "s3:GetObject")))
    zoo.add("Own", policy)
    zoo.add("Far", policy)
    far = zoo.start(ELSEWHERE, "Far")
    before = zoo.state()
    run = absent(account, instance_profiles="Own", allow_shared=True).ok(changed=True)
    assert zoo.state()["policies"] == before["policies"]
    assert denied(zoo) == ["Own"]
    assert f"the role Far has it, too (instances of {ELSEWHERE} use it ({far})" in run.result["changes"][0]["reason"]
    # Where it is asked for, they lose it with the others.
    account.module(NAME, region=US, state="restored", backup=run.result["backup"]).ok(changed=True)
    run = absent(account, instance_profiles="Own", allow_shared=True, elsewhere=True).ok(changed=True)
    assert run.writes == ["CreatePolicyVersion us-east-1"]


def online(account, region):
    rows = account.client("ssm", region).describe_instance_information()["InstanceInformationList"]
    return [row["InstanceId"] for row in rows if row["PingStatus"] == "Online"]


def broken(account, zoo, kind):
    """Make DHMC of no use for the instance of the zoo, and return the words that say so."""
    iam = account.iam
    if kind == "off":
        account.client("ssm", US).reset_service_setting(
            SettingId="/ssm/managed-instance/default-ec2-instance-management-role"
        )
        return "Default Host Management Configuration is off"
    if kind == "missing":
        account.put("None-such", US)
        return "uses the role None-such, which does not exist"
    if kind == "path":
        account.put("service-role/Dhmc", US)
        return "uses the role service-role/Dhmc, which does not exist"
    if kind == "untrusted":
        iam.update_assume_role_policy(RoleName="Dhmc", PolicyDocument=json.dumps(zoo._trust("ec2.amazonaws.com")))
        return "uses the role Dhmc, which does not surely trust ssm.amazonaws.com"
    if kind == "powerless":
        iam.detach_role_policy(RoleName="Dhmc", PolicyArn=DHMC_POLICY)
        return "uses the role Dhmc, which does not surely allow ssm:UpdateInstanceInformation"
    old = zoo.start(US, "Web", **{"fleet:agent-version": "3.1.1856.0"})
    return f"needs agent 3.2.582.0, but {old} has 3.1.1856.0"


@pytest.mark.parametrize("kind", ["off", "missing", "path", "untrusted", "powerless", "old"])
def test_what_would_lose_its_way_in_is_held_and_what_would_not_is_done(account, zoo, kind):
    words = broken(account, zoo, kind)
    before, seen = zoo.state(), online(account, US)
    # In check mode, so that a role of DHMC that is not fit is not waited for.
    run = absent(account, "--check").failed("left alone: the role Web: instances of us-east-1 use it (i-")
    assert words in held(run)["Web"]
    assert (run.writes, zoo.state()) == ([], before)
    if kind in ("off", "old"):
        run = absent(account).failed("left alone: the role Web")
        assert (run.writes, zoo.state(), online(account, US)) == ([], before, seen)
    assert len(seen) == len(online(account, US))


@pytest.mark.parametrize("region", [US, "*"])
def test_a_policy_that_only_hides_the_setting_closes_no_region(account, zoo, region):
    """Some organizations let nobody but administrators touch service settings. Instances are there all the same."""
    both_trust(zoo, CORE)
    account.put("Shared", US)
    zoo.start(US, "Shared")
    before, seen = zoo.state(), online(account, US)
    account.faults({**closed(region)[1], "operation": "GetServiceSetting"})
    run = absent(account).failed("left alone: the role Shared: ", "left alone: the role Web: ")
    assert run.result["forbidden_regions"] == []
    account.faults()
    assert (run.writes, zoo.state(), online(account, US)) == ([], before, seen)
    assert len(seen) == 2


def test_all_profiles_that_hold_the_role_count(account, zoo):
    account.iam.create_instance_profile(InstanceProfileName="Twin", Path="/far/")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Twin", RoleName="Web")
    twin = zoo.start(ELSEWHERE, "Twin")
    # Where a part of the name is the same, nothing is held.
    zoo.add("WebServer", CORE)
    zoo.start(US, "WebServer")
    run = absent(account).failed(f"the role Web: instances of {ELSEWHERE} use it ({twin}), and there Default Host")
    assert list(held(run)) == ["Web"]
    assert denied(zoo) == ["WebServer"]
    # As a user would put it right: DHMC is turned on there, too.
    account.put("Dhmc", ELSEWHERE)
    absent(account).ok(changed=True)
    assert denied(zoo) == ["Web", "WebServer"]
    assert online(account, ELSEWHERE) == [twin]


def test_elsewhere_lets_go_of_instances_where_it_is_off_and_of_nothing_else(account, zoo):
    zoo.start(ELSEWHERE, "Web")
    zoo.add("Local", CORE)
    zoo.start(EU, "Local")
    run = absent(account, elsewhere=True).ok(changed=True)
    assert denied(zoo) == ["Web"]
    # The selected regions are not elsewhere.
    run = absent(account, region=None, regions=[US, EU], elsewhere=True).failed(
        f"the role Local: instances of {EU} use it"
    )
    assert (run.writes, denied(zoo)) == ([], ["Web"])
    # A role that does not work there is not the same as off.
    zoo.add("Third", CORE)
    zoo.start(US, "Third")
    zoo.start(ELSEWHERE, "Third")
    account.put("None-such", ELSEWHERE)
    absent(account, "--check", elsewhere=True).failed("uses the role None-such, which does not exist")


def test_what_is_planned_counts_in_check_mode_only(account, zoo):
    zoo.add("Local", CORE)
    zoo.start(EU, "Local")
    before = zoo.state()
    given = {"region": None, "regions": [US, EU], "dhmc_planned": True}
    run = absent(account, "--check", **given).ok(changed=True)
    assert [row["role"] for row in run.result["changes"]] == ["Local", "Web"]
    assert (run.writes, zoo.state()) == ([], before)
    run = absent(account, **given).failed(f"the role Local: instances of {EU} use it")
    assert denied(zoo) == ["Web"]
    # It says nothing of other regions.
    zoo.start(ELSEWHERE, "Local")
    absent(account, "--check", **given).failed(f"the role Local: instances of {ELSEWHERE} use it")


def test_a_region_whose_instances_can_not_be_read_may_use_any_role(account, zoo):
    before = zoo.state()
    account.faults({"operation": "DescribeInstances", "region": ELSEWHERE, "error": DOWN})
    run = absent(account).failed(f"whether instances of {ELSEWHERE} use it could not be read (ServiceUnavailable)")
    account.faults()
    assert (run.writes, zoo.state()) == ([], before)


def test_a_region_whose_setting_can_not_be_read_holds_what_its_instances_use(account, zoo):
    zoo.add("Local", CORE)
    for region in (US, ELSEWHERE):
        zoo.start(region, "Local")
    both_trust(zoo, CORE)
    zoo.start(US, "Shared")
    account.faults({"operation": "GetServiceSetting", "region": ELSEWHERE, "error": DOWN})
    run = absent(account).failed("left alone: the role Local", "left alone: the role Shared")
    account.faults()
    assert f"instances of {ELSEWHERE} use it" in held(run)["Local"]
    # It may be the very role that the setting names.
    assert held(run)["Shared"].startswith("trusts Systems Manager, and whether Default Host Management Configuration")
    assert held(run)["Shared"].endswith("uses it in eu-west-2 could not be read")
    assert denied(zoo) == ["Web"]


def test_a_selected_region_that_is_down_is_named_and_the_roles_of_others_wait_for_it(account, zoo):
    zoo.add("Local", CORE)
    zoo.start(EU, "Local")
    account.put("Dhmc", EU)
    account.faults({"service": "ec2", "region": EU, "error": DOWN})
    run = absent(account, region=None, regions=[US, EU]).failed(
        "left alone: the role Web", "eu-west-1 could not be read: ServiceUnavailable: down"
    )
    account.faults()
    assert [row["region"] for row in run.result["failed_regions"]] == [EU]
    assert (run.writes, denied(zoo)) == ([], [])


def test_a_region_that_the_organization_closes_concerns_nothing(account, zoo):
    account.faults(*closed(ELSEWHERE))
    run = absent(account, region=None, regions="all").ok(changed=True)
    account.faults()
    assert run.result["forbidden_regions"] == [ELSEWHERE]
    assert denied(zoo) == ["Web"]
    # One that is named is an error, and the others are done.
    zoo.add("Local", CORE)
    zoo.start(US, "Local")
    account.faults(*closed(ELSEWHERE))
    absent(account, region=None, regions=[US, ELSEWHERE]).failed(f"{ELSEWHERE} could not be read: UnauthorizedOp")
    account.faults()
    assert denied(zoo) == ["Local", "Web"]


def test_agents_and_profiles_that_can_not_be_read_hold_the_role(account, zoo):
    before = zoo.state()
    for operation, words in (
        ("DescribeInstanceInformation", "there the versions of their agents could not be read (AccessDenied)"),
        ("ListInstanceProfilesForRole", "may be in use: which instance profiles hold it could not be read"),
        ("DescribeRegions", "the account's regions can't be listed (ec2:DescribeRegions): AccessDenied: not you"),
    ):
        account.faults({"operation": operation, "error": {"code": "AccessDenied", "message": "not you"}})
        run = absent(account).failed(words)
        account.faults()
        assert (run.writes, zoo.state()) == ([], before)


def test_what_is_not_about_the_permission_asks_for_no_instances_elsewhere(account, zoo):
    zoo.start(ELSEWHERE, "Web")
    run = absent(account, actions=["ssm:PutInventory"]).ok(changed=True)
    assert denied(zoo) == ["Web"]
    assert [call for call in run.reads if call.startswith("DescribeInstances ")] == ["DescribeInstances us-east-1"]


@pytest.mark.parametrize("refused", [False, True])
def test_what_has_lost_its_way_in_by_then_gets_it_back(account, zoo, refused):
    """Somebody turns DHMC off between the look and the write."""
    zoo.add("Own", zoo.policy("Own", document(statement(PING, "ssmmessages:*", "s3:GetObject"))))
    zoo.start(US, "Own")
    before = zoo.state()
    if refused:
        account.faults({"operation": "DeleteRolePolicy", "error": {"code": "AccessDenied", "message": "not you"}})

    def turn_off():
        account.client("ssm", US).reset_service_setting(SettingId=DHMC)

    given = {"method": "deny" if refused else "auto", "backup_file": "before.json"}
    run = while_held(account, lambda: absent(account, **given), turn_off, pause=0, write=True)
    account.faults()
    again = account.module(NAME, region=US, state="restored", backup_file="before.json").ok(changed=refused)
    if refused:
        run.failed("NotGivenBack", "could not get its permissions back: AccessDenied: not you. Restore the backup")
        assert again.writes == ["DeleteRolePolicy us-east-1"] * 2
    else:
        run.failed("GivenBack", "has its permissions back: run again")
        assert run.result["changed"] is False
    assert zoo.state() == before
    nodes = account.client("ssm", US).describe_instance_information()["InstanceInformationList"]
    assert [node["PingStatus"] for node in nodes] == ["Online", "Online"]
