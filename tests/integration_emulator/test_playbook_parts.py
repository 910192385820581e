# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook does whatever variables say, what it forgets, and what it leaves out after a part has failed."""

from __future__ import annotations

import json

import pytest

US, EU = "us-east-1", "eu-west-1"
OURS = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
DENIED = {"code": "AccessDenied", "message": "not you", "status": 403}
CORE = "AmazonSSMManagedInstanceCore"
QUIET = {"ssm_report": "false"}


def playbook(account, name, *options, **variables):
    return account.command(
        "ansible-playbook", f"fleet.aws_ssm.{name}", "-e", json.dumps({**QUIET, **variables}), *options
    )


@pytest.fixture
def fleet(account, aws_trust):
    """An instance that is managed through its profile, so that taking the permission away needs DHMC."""
    account.add_role("Web", aws_trust("ec2.amazonaws.com"), CORE)
    account.iam.create_instance_profile(InstanceProfileName="Web")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Web", RoleName="Web")
    made = account.client("ec2", US).run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "Web"}
    )
    return made["Instances"][0]["InstanceId"]


def online(account):
    nodes = account.client("ssm", US).describe_instance_information()["InstanceInformationList"]
    return [node["InstanceId"] for node in nodes if node["PingStatus"] == "Online"]


@pytest.mark.parametrize("state", ["present", ""])
def test_what_a_playbook_is_for_is_no_variable(account, state):
    given = {"ssm_regions": US, "dhmc_state": state}
    playbook(account, "enable_ssm", **given | {"dhmc_state": "absent"}).ok()
    assert account.value(US) == OURS
    playbook(account, "disable_ssm", **given).ok()
    assert account.value(US) == "$None"


def test_attaching_a_profile_is_not_turned_into_dhmc_by_a_variable(account):
    given = {"ssm_regions": US, "ssm_mode": "dhmc", "instance_profile_state": "absent"}
    playbook(account, "attach_instance_profile", **given, profile_association_instance_profile="").ok()
    assert account.value(US) == "$None"
    assert list(account.roles()) == ["/SSMInstanceProfile"]


def test_a_second_playbook_of_a_run_does_not_see_the_results_of_the_first(account, fleet):
    fix = {"preflight_fix": "permissions", "ssm_backup_file": str(account.folder / "before.json"), **QUIET}
    plays = [
        {"import_playbook": "fleet.aws_ssm.enable_ssm", "vars": {"ssm_regions": EU, **QUIET}},
        {"import_playbook": "fleet.aws_ssm.enable_ssm", "vars": {"ssm_regions": US, **fix}},
    ]
    book = account.folder / "twice.yml"
    book.write_text(json.dumps(plays), encoding="utf-8")
    # The second's DHMC part fails, so whoever takes the permission away takes the last way in.
    account.faults({"service": "ssm", "operation": "UpdateServiceSetting", "region": US, "error": DENIED})
    run = account.command("ansible-playbook", str(book))
    account.faults()
    assert run.rc == 2
    assert account.values(US, EU) == {US: "$None", EU: OURS}
    assert account.roles()["/Web"]["managed"] == [CORE]
    assert account.roles()["/Web"]["inline"] == {}
    assert online(account) == [fleet]
    assert "Default Host Management Configuration: " in run.text
    assert "Run it again with the same variables to go on." in run.text


def test_dhmc_stays_on_until_the_permissions_are_back(account, fleet):
    backup = {"ssm_backup_file": "before.json"}
    playbook(account, "enable_ssm", ssm_regions=US, preflight_fix="permissions", **backup).ok()
    before = account.roles()["/Web"]
    assert list(before["inline"]) == ["fleet.aws_ssm-deny"]
    account.faults(
        *({"service": "iam", "operation": name, "error": DENIED} for name in ("AttachRolePolicy", "DeleteRolePolicy"))
    )
    run = playbook(account, "disable_ssm", **backup)
    account.faults()
    assert run.rc == 2
    assert (account.value(US), account.roles()["/Web"]) == (OURS, before)
    assert online(account) == [fleet]
    message = run.text[run.text.rindex('"msg": "') :]
    assert message.startswith('"msg": "Permissions: ')
    assert "Default Host Management Configuration: it stays on in every region" in message
    assert "Done: nothing. Run it again with the same ssm_backup_file to go on." in message

    # Whatever the mode says: what the file holds is put back.
    playbook(account, "disable_ssm", ssm_mode="instance_profile", **backup).ok()
    assert (account.value(US), account.roles()["/Web"]) == ("$None", {**before, "inline": {}})
    assert online(account) == [fleet]


def test_a_backup_that_holds_nothing_for_the_account_fails_before_anything(account):
    account.put(OURS, US)
    entry = {"module": "ssm_service_setting", "kind": "service_setting", "account": "999999999999", "partition": "aws"}
    entry |= {"region": US, "resource": "/ssm/x", "before": None, "after": "a", "time": "", "run": ""}
    text = json.dumps({"format": "fleet.aws_ssm backup", "version": 1, "entries": [entry]})
    (account.folder / "other.json").write_text(text, encoding="utf-8")
    run = playbook(account, "disable_ssm", ssm_regions=US, ssm_backup_file="other.json")
    assert run.rc == 2
    assert f"has nothing to restore in account {account.id}" in run.text
    (account.folder / "torn.json").write_text(text[:-40], encoding="utf-8")
    run = playbook(account, "disable_ssm", ssm_regions=US, ssm_backup_file="torn.json")
    assert run.rc == 2
    assert "torn.json is damaged" in run.text
    assert (run.writes, account.value(US)) == ([], OURS)
