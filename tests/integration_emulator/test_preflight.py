# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role preflight in the playbooks: what is reported, refused before any change, fixed, and put back."""

from __future__ import annotations

import json

import pytest
from iam_zoo import CORE, Zoo

OURS = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
DENY = "fleet.aws_ssm-deny"
US, EU, ELSEWHERE = "us-east-1", "eu-west-1", "eu-west-2"
NOBODY = "999999999999"
FIX = {"preflight_fix": "permissions", "ssm_backup_file": "before.json"}


@pytest.fixture
def zoo(account, aws_trust):
    """A profile that keeps an instance from DHMC."""
    found = Zoo(account, aws_trust)
    found.add("Core", CORE)
    found.start(US, "Core")
    return found


def playbook(account, name, **variables):
    given = {"ssm_regions": f"{US},{EU}", **variables}
    return account.command("ansible-playbook", f"fleet.aws_ssm.{name}", "-e", json.dumps(given))


def enable(account, **variables):
    return playbook(account, "enable_ssm", **variables)


def values(account):
    return {region: value for region, value in account.values(US, EU).items() if value != "$None"}


def on(account):
    return account.values(US, EU) == dict.fromkeys((US, EU), OURS)


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
    run = enable(account, **FIX).ok()
    assert on(account)
    assert list(zoo.state()["roles"]["Core"]["inline"]) == [DENY]
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
        ({"preflight_fix": "permissions"}, "preflight_backup_file: name a file"),
        ({"preflight_fix": "permission"}, "preflight_fix: permission is none of permissions, imdsv2, imds"),
        ({**FIX, "ssm_backup_file": "none/before.json"}, "none does not exist"),
        ({**FIX, "ssm_mode": "both"}, "preflight_fix: permissions takes away what ssm_mode=both gives"),
        ({**FIX, "preflight_instance_profiles": "Nobody"}, "there is no instance profile Nobody"),
        ({**FIX, "preflight_method": "remove"}, "auto, detach, deny, rewrite"),
    ],
)
def test_nothing_is_changed_after_bad_input(account, zoo, variables, words):
    before = zoo.state()
    run = enable(account, **variables)
    assert run.rc == 2
    assert words in run.text
    assert (run.writes, zoo.state(), values(account)) == ([], before, {})


def test_a_backup_is_never_overwritten_and_nothing_is_fixed_without_one(account, zoo):
    enable(account, **FIX).ok()
    kept = (account.folder / "before.json").read_text("utf-8")
    zoo.add("New", CORE)
    zoo.start(US, "New")
    run = enable(account, **FIX)
    assert run.rc == 2
    assert "holds preflight already, which is never overwritten" in run.text
    assert (run.writes, (account.folder / "before.json").read_text("utf-8")) == ([], kept)
    enable(account, **{**FIX, "ssm_backup_file": "second.json"}).ok()
    assert list(zoo.state()["roles"]["New"]["inline"]) == [DENY]


def test_nothing_is_fixed_where_dhmc_could_not_be_turned_on(account, zoo):
    before = zoo.state()["roles"]["Core"]
    denied = {"code": "AccessDeniedException", "message": "not you"}
    account.faults({"operation": "UpdateServiceSetting", "region": EU, "error": denied})
    run = enable(account, **FIX)
    assert run.rc == 2
    assert "Nothing was fixed, because Default Host Management Configuration could not be turned on" in run.text
    assert zoo.state()["roles"]["Core"] == before
    # Where somebody else has set another role, it is on.
    account.faults()
    account.put("AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-1", EU)
    run = enable(account, **{**FIX, "ssm_backup_file": "second.json"})
    assert run.rc == 2
    assert "AlreadySet" in run.text
    assert list(zoo.state()["roles"]["Core"]["inline"]) == [DENY]


def test_a_profile_that_instances_have_where_dhmc_is_off_is_left_alone(account, zoo):
    zoo.add("Local", CORE)
    zoo.start(EU, "Local")
    # Another profile with the same role is on an instance elsewhere.
    account.iam.create_instance_profile(InstanceProfileName="Twin")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Twin", RoleName="Core")
    zoo.start(ELSEWHERE, "Twin")
    run = enable(account, **FIX)
    assert run.rc == 2
    assert "because instances have them in regions where Default Host Management Configuration is off: Core" in run.text
    now = zoo.state()["roles"]
    assert (list(now["Core"]["inline"]), list(now["Local"]["inline"])) == ([], [DENY])

    account.put("Theirs", ELSEWHERE)
    enable(account, **{**FIX, "ssm_backup_file": "second.json"}).ok()
    assert list(zoo.state()["roles"]["Core"]["inline"]) == [DENY]


def test_it_is_taken_away_elsewhere_too_if_asked(account, zoo):
    zoo.start(ELSEWHERE, "Core")
    enable(account, **FIX, preflight_elsewhere="true").ok()
    assert list(zoo.state()["roles"]["Core"]["inline"]) == [DENY]


def test_what_cannot_be_read_keeps_nobody_from_turning_it_on_but_from_fixing(account, zoo):
    denied = {"code": "AccessDenied", "message": "not you"}
    account.faults({"operation": "GetInstanceProfile", "error": denied})
    run = enable(account).ok()
    assert on(account)
    assert "NOT ALL COULD BE READ: The instance profiles can't be read: AccessDenied: not you" in run.text
    run = enable(account, **FIX)
    assert run.rc == 2
    assert run.writes == []


def test_a_backup_of_another_account_changes_nothing(account, zoo):
    enable(account, **FIX).ok()
    file = account.folder / "before.json"
    file.write_text(file.read_text("utf-8").replace(account.id, NOBODY), "utf-8")
    before = zoo.state()
    run = playbook(account, "disable_ssm", ssm_backup_file="before.json")
    assert run.rc == 2
    assert f"backup: is of account {NOBODY}, but the credentials are of {account.id}" in run.text
    assert (run.writes, zoo.state(), on(account)) == ([], before, True)


def test_what_is_gone_is_named_and_the_rest_is_put_back(account, zoo):
    zoo.add("Gone", CORE)
    zoo.start(US, "Gone")
    before = zoo.state()["roles"]["Core"]
    enable(account, **FIX).ok()
    iam = account.iam
    iam.delete_role_policy(RoleName="Gone", PolicyName=DENY)
    iam.detach_role_policy(RoleName="Gone", PolicyArn=CORE)
    iam.remove_role_from_instance_profile(InstanceProfileName="Gone", RoleName="Gone")
    iam.delete_role(RoleName="Gone")
    run = playbook(account, "disable_ssm", ssm_backup_file="before.json")
    assert run.rc == 2
    assert "1 of 2 changes could not be put back: fleet.aws_ssm-deny: the role Gone is gone" in run.text
    assert zoo.state()["roles"]["Core"] == before
    assert values(account) == {}
