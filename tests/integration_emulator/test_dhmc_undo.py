# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleet.aws_ssm.dhmc with dhmc_state=absent, and the backup file."""

from __future__ import annotations

import json

from closed_regions import closed

NAME = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
OURS = f"service-role/{NAME}"
POLICY = "AmazonSSMManagedEC2InstanceDefaultPolicy"
REGIONS = ["us-east-1", "eu-west-1", "eu-west-2"]


def test_the_role_is_removed_only_when_no_region_names_it_any_more(account, aws_trust):
    account.add_role(NAME, aws_trust("ssm.amazonaws.com"), POLICY, path="/service-role/")
    account.iam.tag_role(RoleName=NAME, Tags=[{"Key": "fleet.aws_ssm/made-by", "Value": "dhmc"}])
    account.put(OURS, "us-east-1", "eu-west-1")
    account.put("Theirs", "eu-west-2")
    role = account.roles()

    run = account.dhmc_role(dhmc_state="absent", dhmc_role_remove="true", dhmc_regions="us-east-1, eu-west-2")
    assert run.rc != 0
    assert run.writes == ["ResetServiceSetting us-east-1"]
    assert (
        f"IAM role {NAME}: InUse: is the role that Default Host Management Configuration uses in eu-west-1" in run.text
    )
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": OURS, "eu-west-2": "Theirs"}
    assert account.roles() == role

    variables = {"dhmc_state": "absent", "dhmc_role_remove": True, "dhmc_regions": "all"}
    planned = account.dhmc_role("--check", **variables).ok()
    assert planned.writes == []
    run = account.dhmc_role(**variables).ok()
    assert [write for write in run.writes if "ServiceSetting" in write] == ["ResetServiceSetting eu-west-1"]
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "$None", "eu-west-2": "Theirs"}
    assert account.roles() == {}
    # All that the role was is returned.
    removed = run.result["dhmc_removed_role"]
    assert removed["arn"] == f"arn:aws:iam::{account.id}:role/{OURS}"
    assert removed["trust_policy"] == role[f"/{OURS}"]["trust"]
    assert removed["managed_policies"] == [f"arn:aws:iam::aws:policy/{POLICY}"]
    assert planned.result["dhmc_removed_role"] == removed

    assert account.dhmc_role(**variables).ok().writes == []


def journal(path):
    content = json.loads(path.read_text())
    assert content["format"] == "fleet.aws_ssm backup"
    return [(entry["module"], entry["kind"], entry["region"], entry["resource"]) for entry in content["entries"]]


def test_the_backup_file_is_written_first_and_puts_everything_back(account):
    account.put("Theirs", "eu-west-1")
    backup = account.folder / "before.json"
    variables = {"dhmc_regions": REGIONS, "dhmc_overwrite": True, "dhmc_backup_file": "before.json"}

    # It is there before the first change, even if every change then fails.
    denied = {"code": "AccessDenied", "message": "no"}
    account.faults({"service": "iam", "operation": "CreateRole", "error": denied})
    run = account.dhmc_role(**variables)
    assert run.rc != 0
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "Theirs", "eu-west-2": "$None"}
    assert backup.stat().st_mode & 0o777 == 0o600
    assert journal(backup) == [("iam_service_role/dhmc", "role", None, NAME)]
    account.faults()

    # The same file goes on.
    account.dhmc_role(**variables).ok()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS)
    kinds = [entry[1] for entry in journal(backup)]
    assert kinds == ["role", "service_setting", "service_setting", "service_setting"]
    text = backup.read_text()
    assert account.dhmc_role(**variables).ok().writes == []
    assert backup.read_text() == text

    planned = account.dhmc_role("--check", dhmc_state="absent", dhmc_backup_file=str(backup)).ok()
    assert planned.writes == []
    # The backup names its regions. The role goes after the last of them.
    run = account.dhmc_role(dhmc_state="absent", dhmc_backup_file=str(backup)).ok()
    assert [write for write in run.writes if "ServiceSetting" in write] == [
        "ResetServiceSetting eu-west-2",
        "ResetServiceSetting us-east-1",
        "UpdateServiceSetting eu-west-1",
    ]
    assert [call["operation"] for call in run.calls if call["write"]][-1] == "DeleteRole"
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "Theirs", "eu-west-2": "$None"}
    assert account.roles() == {}
    assert account.dhmc_role(dhmc_state="restored", dhmc_backup_file=str(backup)).ok().writes == []


def test_a_role_that_others_have_added_to_is_kept_and_named(account):
    variables = {"dhmc_regions": "us-east-1", "dhmc_backup_file": "before.json"}
    account.dhmc_role(**variables).ok()
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    account.iam.attach_role_policy(RoleName=NAME, PolicyArn=core)
    role = account.roles()
    run = account.dhmc_role(dhmc_state="restored", dhmc_backup_file="before.json")
    assert run.rc != 0
    assert f"1 of 1 could not be restored: IAM role {NAME}: ChangedSince:" in run.text
    assert "AmazonSSMManagedInstanceCore" in run.text
    assert run.writes == ["ResetServiceSetting us-east-1"]
    assert account.roles() == role
    # Without a backup the same.
    absent = {"dhmc_state": "absent", "dhmc_regions": "us-east-1", "dhmc_role_remove": True}
    run = account.dhmc_role(**absent)
    assert run.rc != 0
    assert "ChangedSince" in run.text
    assert (run.writes, account.roles()) == ([], role)
    account.dhmc_role(**absent, dhmc_overwrite=True).ok()
    assert account.roles() == {}


def test_a_region_that_cannot_be_read_keeps_the_role_and_one_that_is_closed_does_not(account):
    account.dhmc_role(dhmc_regions="us-east-1").ok()
    role = account.roles()
    absent = {"dhmc_state": "absent", "dhmc_regions": "us-east-1", "dhmc_role_remove": True}
    account.faults({"service": "ssm", "region": "eu-west-3", "down": True})
    run = account.dhmc_role(**absent)
    assert run.rc != 0
    assert "uses it in eu-west-3 could not be read" in run.text
    assert (account.value("us-east-1"), account.roles()) == ("$None", role)
    account.faults(*closed("eu-west-3"))
    account.dhmc_role(**absent).ok()
    assert account.roles() == {}


def test_a_role_that_was_removed_comes_back_before_the_setting_that_names_it(account):
    account.dhmc_role(dhmc_regions="us-east-1").ok()
    role = account.roles()
    tasks = [
        {
            "ansible.builtin.include_role": {"name": "fleet.aws_ssm.dhmc", "tasks_from": "turn_off.yml"},
            "vars": {"dhmc_role_remove": True, "dhmc_regions": "us-east-1"},
        }
    ]
    # What a playbook is for is not a variable.
    account.play(tasks, dhmc_backup_file="before.json", dhmc_state="present").ok()
    assert (account.value("us-east-1"), account.roles()) == ("$None", {})
    run = account.dhmc_role(dhmc_state="restored", dhmc_backup_file="before.json").ok()
    writes = [call["operation"] for call in run.calls if call["write"]]
    assert writes == ["CreateRole", "AttachRolePolicy", "UpdateServiceSetting"]
    assert (account.value("us-east-1"), account.roles()) == (OURS, role)


def test_a_backup_file_that_is_not_there_or_not_a_backup_changes_nothing(account):
    account.put(OURS, "us-east-1")
    (account.folder / "other.json").write_text('{"something": "else"}\n')
    empty = {"format": "fleet.aws_ssm backup", "version": 1, "entries": []}
    (account.folder / "empty.json").write_text(json.dumps(empty))
    for name in ("missing.json", "other.json", "empty.json"):
        run = account.dhmc_role(dhmc_state="absent", dhmc_backup_file=name, dhmc_regions="us-east-1")
        assert run.rc != 0
        assert name in run.text
        assert "Nothing was changed." in run.text
        assert run.writes == [], f"{name}: {run.text}"
        assert account.value("us-east-1") == OURS
