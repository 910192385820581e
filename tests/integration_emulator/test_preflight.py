# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role preflight in the playbooks: what is reported, refused before any change, fixed, and put back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from closed_regions import closed
from iam_zoo import CORE, PING, Zoo, document, statement

OURS = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
DENY = "fleet.aws_ssm-deny"
ROLES = Path(__file__).resolve().parents[2] / "roles"
US, EU, ELSEWHERE = "us-east-1", "eu-west-1", "eu-west-2"
NOBODY = "999999999999"
FIX = {"preflight_fix": "permissions", "ssm_backup_file": "before.json"}
NOT_YOU = {"code": "AccessDenied", "message": "not you"}
DOWN = {"code": "ServiceUnavailable", "message": "down", "status": 400}


@pytest.fixture
def zoo(account, aws_trust):
    """A profile that keeps an instance from DHMC."""
    found = Zoo(account, aws_trust)
    found.add("Core", CORE)
    found.start(US, "Core")
    return found


def playbook(account, name, *options, **variables):
    given = {"ssm_regions": f"{US},{EU}", "ssm_report": False, **variables}
    return account.command("ansible-playbook", f"fleet.aws_ssm.{name}", "-e", json.dumps(given), *options)


def enable(account, *options, **variables):
    return playbook(account, "enable_ssm", *options, **variables)


def role(account, *options, tasks_from=None, **variables):
    """A play with the role alone."""
    task = {"name": "fleet.aws_ssm.preflight", **({"tasks_from": tasks_from} if tasks_from else {})}
    given = {f"preflight_{name}": value for name, value in {"regions": f"{US},{EU}", **variables}.items()}
    run = account.play([{"ansible.builtin.include_role": task}], *options, keep=["preflight_result"], **given)
    run.result = run.result.get("preflight_result") or {}
    return run


def message(run):
    """What the last failing task says."""
    found = [line for line in run.out.splitlines() if line.startswith("fatal:") and "FAILED! => {" in line]
    return json.loads(found[-1].partition("FAILED! => ")[2])["msg"]


def values(account):
    return {region: value for region, value in account.values(US, EU).items() if value != "$None"}


def on(account):
    return account.values(US, EU) == dict.fromkeys((US, EU), OURS)


def denied(zoo):
    """The roles that have the deny."""
    return sorted(name for name, found in zoo.state()["roles"].items() if DENY in found["inline"])


def turn_on(account, zoo, *regions):
    """Turn DHMC on as someone else would."""
    if "Dhmc" not in zoo.state()["roles"]:
        zoo.role("Dhmc", "ssm.amazonaws.com", "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy")
    account.put("Dhmc", *regions)


def metadata(account, region):
    found = account.client("ec2", region).describe_instances()["Reservations"]
    return [one["MetadataOptions"]["HttpTokens"] for row in found for one in row["Instances"]]


def test_the_report_names_profile_policy_and_instances_and_changes_nothing_of_them(account, zoo):
    account.client("ec2", EU).run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    before = zoo.state()
    run = enable(account).ok()
    assert on(account)
    assert "Core Core 1 yes AmazonSSMManagedInstanceCore (managed, statement 1)" in run.text
    assert "takes IMDSv1, which DHMC does not support" in run.text
    assert "1 of 1 profile allows ssm:UpdateInstanceInformation, so that 1 instance doesn't use DHMC" in run.text
    now = zoo.state()
    assert now["roles"]["Core"] == before["roles"]["Core"]


def test_the_whole_way_there_and_back(account, zoo):
    before = zoo.state()
    check = enable(account, "--check", **FIX).ok()
    assert (check.writes, zoo.state(), (account.folder / "before.json").exists()) == ([], before, False)
    run = enable(account, **FIX).ok()
    assert on(account)
    assert denied(zoo) == ["Core"]
    # It is on before anybody loses a way in.
    operations = [call["operation"] for call in run.calls if call["write"]]
    assert operations.index("PutRolePolicy") > max(n for n, o in enumerate(operations) if o == "UpdateServiceSetting")
    assert enable(account, **FIX).ok().writes == []
    run = playbook(account, "disable_ssm", ssm_backup_file="before.json", dhmc_role_remove=True).ok()
    assert zoo.state() == before
    assert values(account) == {}
    operations = [call["operation"] for call in run.calls if call["write"]]
    assert operations.index("DeleteRolePolicy") < operations.index("ResetServiceSetting")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"preflight_fix": "permissions"}, "name its file in preflight_backup_file (or set ssm_backup_file)"),
        ({"preflight_fix": "permission"}, "preflight_fix: 'permission' is not one of permissions, imdsv2, imds"),
        ({**FIX, "ssm_backup_file": "none/before.json"}, "none does not exist"),
        ({**FIX, "ssm_mode": "both"}, "preflight_fix: permissions takes away what ssm_mode=both gives"),
        ({**FIX, "preflight_instance_profiles": "Nobody"}, "there is no instance profile Nobody"),
        ({**FIX, "preflight_method": "remove"}, "auto, detach, deny, rewrite"),
        ({**FIX, "preflight_deny_policy_name": "a b"}, "deny_policy_name: 'a b' is not the name of a policy"),
        ({**FIX, "ssm_backup_file": "package.json"}, "package.json is not a backup of fleet.aws_ssm"),
        ({**FIX, "ssm_backup_file": "link.json"}, "link.json is a link"),
    ],
)
def test_nothing_is_changed_after_bad_input(account, zoo, variables, words):
    (account.folder / "package.json").write_text("{}", "utf-8")
    (account.folder / "link.json").symlink_to("package.json")
    before = zoo.state()
    run = enable(account, **variables)
    assert run.rc == 2
    assert words in run.text
    assert "Traceback" not in run.text
    assert (run.writes, zoo.state(), values(account)) == ([], before, {})
    assert (account.folder / "package.json").read_text("utf-8") == "{}"


def test_running_again_with_the_same_file_goes_on(account, zoo):
    before = zoo.state()["roles"]
    enable(account, **FIX).ok()
    zoo.add("New", CORE)
    zoo.start(US, "New")
    enable(account, **FIX).ok()
    assert denied(zoo) == ["Core", "New"]
    role(account, state="restored", backup_file="before.json").ok()
    assert denied(zoo) == []
    assert zoo.state()["roles"]["Core"] == before["Core"]


def test_a_region_where_dhmc_could_not_be_turned_on_holds_its_own_roles_only(account, zoo):
    zoo.add("Local", CORE)
    zoo.start(EU, "Local")
    fault = {"code": "AccessDeniedException", "message": "not you"}
    account.faults({"operation": "UpdateServiceSetting", "region": EU, "error": fault})
    run = enable(account, **FIX)
    account.faults()
    assert run.rc == 2
    assert f"left alone: the role Local: instances of {EU} use it" in message(run)
    assert denied(zoo) == ["Core"]
    # A second run with the same file finishes it.
    enable(account, **FIX).ok()
    assert denied(zoo) == ["Core", "Local"]
    assert on(account)


def test_where_someone_else_has_set_a_role_that_works_it_is_on(account, zoo):
    turn_on(account, zoo, US)
    run = enable(account, **FIX)
    assert run.rc == 2
    assert "AlreadySet" in message(run)
    assert "left alone" not in message(run)
    assert denied(zoo) == ["Core"]


def test_a_role_that_instances_have_where_dhmc_is_off_is_left_alone(account, zoo):
    zoo.add("Local", CORE)
    zoo.start(EU, "Local")
    # Another profile with the same role is on an instance elsewhere, and a name that is a part of another one.
    account.iam.create_instance_profile(InstanceProfileName="Twin")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Twin", RoleName="Core")
    zoo.start(ELSEWHERE, "Twin")
    zoo.add("Cor", CORE)
    zoo.start(US, "Cor")
    run = enable(account, **FIX)
    assert run.rc == 2
    assert f"left alone: the role Core: instances of {ELSEWHERE} use it" in message(run)
    assert denied(zoo) == ["Cor", "Local"]

    turn_on(account, zoo, ELSEWHERE)
    enable(account, **FIX).ok()
    assert denied(zoo) == ["Cor", "Core", "Local"]


def test_it_is_taken_away_elsewhere_too_if_asked(account, zoo):
    zoo.start(ELSEWHERE, "Core")
    enable(account, **FIX, preflight_elsewhere="true").ok()
    assert denied(zoo) == ["Core"]


def test_the_role_that_dhmc_names_stays_as_it_is(account, zoo, aws_trust):
    account.add_role("Shared", aws_trust("ec2.amazonaws.com", "ssm.amazonaws.com"), "AmazonSSMManagedInstanceCore")
    account.iam.create_instance_profile(InstanceProfileName="Shared")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Shared", RoleName="Shared")
    zoo.start(US, "Shared")
    account.put("Shared", US)
    before = zoo.state()["roles"]["Shared"]
    run = enable(account, **FIX, dhmc_role_name="Shared", dhmc_role_create=False)
    assert run.rc == 2
    assert "left alone: the role Shared: is the role that Default Host Management Configuration uses" in message(run)
    assert zoo.state()["roles"]["Shared"] == before
    # The others are done, and nobody is lost.
    assert denied(zoo) == ["Core"]
    nodes = account.client("ssm", US).describe_instance_information()["InstanceInformationList"]
    assert [node["PingStatus"] for node in nodes] == ["Online", "Online"]


def test_a_region_that_the_organization_closes_keeps_nobody_from_being_fixed(account, zoo):
    account.faults(*closed(ELSEWHERE))
    enable(account, ssm_regions=US, **FIX).ok()
    account.faults()
    assert (denied(zoo), values(account)) == (["Core"], {US: OURS})


def test_a_region_that_is_down_holds_what_it_may_use_and_is_named(account, zoo):
    account.faults({"region": ELSEWHERE, "error": DOWN})
    run = enable(account, ssm_regions=US, **FIX)
    account.faults()
    assert run.rc == 2
    assert f"left alone: the role Core: whether instances of {ELSEWHERE} use it could not be read" in message(run)
    assert (denied(zoo), values(account)) == ([], {US: OURS})


def test_a_region_that_can_not_be_read_keeps_no_other_from_being_fixed(account, zoo):
    account.client("ec2", EU).run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    account.faults({"service": "ec2", "region": EU, "error": DOWN})
    run = enable(account, preflight_fix="permissions,imdsv2", ssm_backup_file="before.json")
    account.faults()
    assert run.rc == 2
    assert EU in message(run)
    assert "left alone: the role Core" in message(run)
    assert (metadata(account, US), metadata(account, EU)) == (["required"], ["optional"])
    assert on(account)


def test_what_cannot_be_read_keeps_nobody_from_turning_it_on_but_from_fixing(account, zoo):
    account.faults({"operation": "GetInstanceProfile", "error": NOT_YOU})
    run = enable(account).ok()
    assert on(account)
    assert "NOT ALL COULD BE READ: The instance profiles can't be read: AccessDenied: not you" in run.text
    run = enable(account, **FIX)
    assert run.rc == 2
    assert run.writes == []
    # The role's own purpose is the report.
    run = role(account)
    assert run.rc == 2
    assert "The instance profiles can't be read: AccessDenied: not you" in message(run)


@pytest.mark.parametrize(
    ("file", "variables"),
    [
        ("prepare", {"fix": "permissions"}),
        ("prepare", {}),
        ("fix", {"fix": "permissions"}),
        ("restored_permissions", {"state": "restored"}),
    ],
)
def test_a_module_that_dies_is_a_failure(account, zoo, file, variables):
    """As one does that ends without a result, when the machine has no memory left."""
    turn_on(account, zoo, US, EU)
    role(account, fix="permissions", backup_file="before.json").ok()
    before = zoo.state()
    copy = account.folder / "roles" / "preflight"
    shutil.copytree(ROLES / "preflight", copy)
    tasks = copy / "tasks" / f"{file}.yml"
    text = re.sub(r"fleet.aws_ssm.instance_profile_permission(_info)?:", "dead:", tasks.read_text("utf-8"))
    tasks.write_text(text, "utf-8")
    (account.folder / "library").mkdir()
    (account.folder / "library" / "dead").write_text("#!/bin/sh\n# WANT_JSON\nexit 137\n", "utf-8")
    given = {"regions": US, "backup_file": "before.json", **variables}
    run = account.play(
        [{"ansible.builtin.include_role": {"name": "preflight"}}],
        **{f"preflight_{name}": value for name, value in given.items()},
    )
    assert run.rc == 2, run.text
    assert (run.writes, zoo.state()) == ([], before)


def test_a_backup_of_another_account_changes_nothing(account, zoo):
    enable(account, **FIX).ok()
    file = account.folder / "before.json"
    file.write_text(file.read_text("utf-8").replace(account.id, NOBODY), "utf-8")
    before = zoo.state()
    run = playbook(account, "disable_ssm", ssm_backup_file="before.json")
    assert run.rc == 2
    assert f"has nothing to restore in account {account.id}: it holds resources of {NOBODY}" in run.text
    assert (run.writes, zoo.state(), on(account)) == ([], before, True)


def test_a_damaged_part_is_found_before_anything_is_put_back(account, zoo):
    turn_on(account, zoo, US, EU)
    role(account, fix="permissions,imdsv2", backup_file="before.json").ok()
    file = account.folder / "before.json"
    content = json.loads(file.read_text("utf-8"))
    last = max(n for n, entry in enumerate(content["entries"]) if entry["module"] == "ec2_metadata_options")
    content["entries"][last]["before"] = [1]
    file.write_text(json.dumps(content), "utf-8")
    run = role(account, state="restored", backup_file="before.json")
    assert run.rc == 2
    assert f"entry {last + 1} has no usable value in before" in message(run)
    assert run.writes == []


def test_what_can_not_be_put_back_is_named_and_the_rest_is_put_back(account, zoo):
    turn_on(account, zoo, US, EU)
    zoo.add("Gone", CORE)
    zoo.start(US, "Gone")
    zoo.add("Changed", inline={"own": document(statement(PING, "s3:GetObject"))})
    kept = zoo.start(US, "Changed")
    before = zoo.state()["roles"]["Core"]
    role(account, fix="permissions,imdsv2", backup_file="before.json").ok()
    iam, ec2 = account.iam, account.client("ec2", US)
    iam.delete_role_policy(RoleName="Gone", PolicyName=DENY)
    iam.detach_role_policy(RoleName="Gone", PolicyArn=CORE)
    iam.remove_role_from_instance_profile(InstanceProfileName="Gone", RoleName="Gone")
    iam.delete_role(RoleName="Gone")
    theirs = json.dumps(document(statement("s3:PutObject")))
    iam.put_role_policy(RoleName="Changed", PolicyName="own", PolicyDocument=theirs)
    ec2.terminate_instances(InstanceIds=[kept])
    run = role(account, state="restored", backup_file="before.json")
    assert run.rc == 2
    for words in (
        "2 of 3 could not be restored",
        "Gone: the role Gone is gone",
        "ChangedSince: the inline policy own of the role Changed was changed since",
        kept,
    ):
        assert words in message(run)
    assert zoo.state()["roles"]["Core"] == before
    assert {row["policy"] for row in run.result["changes"] if row["changed"]} == {DENY}
    run = role(account, state="restored", backup_file="before.json", overwrite=True).ok()
    assert role(account, state="restored", backup_file="before.json", overwrite=True).ok().writes == []


def test_dhmc_stays_on_if_the_permissions_do_not_come_back(account, zoo):
    enable(account, **FIX).ok()
    account.faults({"service": "iam", "operation": "DeleteRolePolicy", "error": NOT_YOU})
    run = playbook(account, "disable_ssm", ssm_backup_file="before.json")
    account.faults()
    assert run.rc == 2
    assert on(account)
    playbook(account, "disable_ssm", ssm_backup_file="before.json").ok()
    assert (denied(zoo), values(account)) == ([], {})


def test_the_role_alone_decides_by_what_dhmc_is(account, zoo):
    """Also in check mode: it does not turn anything on."""
    given = {"fix": "permissions", "backup_file": "before.json"}
    for options in (["--check"], []):
        run = role(account, *options, **given)
        assert run.rc == 2
        assert "left alone: the role Core" in message(run)
        assert [row["role"] for row in run.result["held"]] == ["Core"]
        assert run.writes == []
    turn_on(account, zoo, US)
    run = role(account, **given).ok()
    assert (denied(zoo), run.result["held"]) == (["Core"], [])
    assert [row["role"] for row in run.result["changes"]] == ["Core"]


def test_an_empty_file_of_the_right_kind_says_that_there_is_nothing_to_put_back(account, zoo):
    account.setting(value=OURS, regions=[US], backup_file="before.json").ok()
    run = role(account, state="restored", backup_file="before.json").ok()
    assert "holds no permissions and no metadata options" in run.text
    assert run.writes == []
