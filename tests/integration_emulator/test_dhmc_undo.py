# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleet.aws_ssm.dhmc with dhmc_state=absent, and the backup file."""

from __future__ import annotations

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

    run = account.dhmc_role(dhmc_state="absent", dhmc_role_remove="true", dhmc_regions="us-east-1, eu-west-2").ok()
    assert run.writes == ["ResetServiceSetting us-east-1"]
    assert "it is still the role of eu-west-1" in run.text
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


def test_the_backup_file_is_written_first_never_overwritten_and_puts_everything_back(account):
    account.put("Theirs", "eu-west-1")
    backup = account.folder / "before.json"
    variables = {"dhmc_regions": REGIONS, "dhmc_overwrite": True, "dhmc_backup_file": "before.json"}

    # It is there before the first change, even if every change then fails.
    denied = {"code": "AccessDenied", "message": "no"}
    account.faults({"service": "iam", "operation": "CreateRole", "error": denied})
    run = account.dhmc_role(**variables)
    assert run.rc != 0
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "Theirs", "eu-west-2": "$None"}
    text = backup.read_text()
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [word for word in (*REGIONS, account.id, "Theirs") if f'"{word}"' not in text] == []
    account.faults()

    run = account.dhmc_role(**variables)
    assert run.rc != 0
    assert "before.json" in run.text
    assert "never overwritten" in run.text
    assert (run.writes, backup.read_text()) == ([], text)

    backup.unlink()
    account.dhmc_role(**variables).ok()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS)
    assert backup.read_text() == text

    # The backup names its regions.
    run = account.dhmc_role(dhmc_state="absent", dhmc_backup_file=str(backup)).ok()
    assert run.writes == [
        "ResetServiceSetting eu-west-2",
        "ResetServiceSetting us-east-1",
        "UpdateServiceSetting eu-west-1",
    ]
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "Theirs", "eu-west-2": "$None"}


def test_a_backup_file_that_is_not_there_or_not_a_backup_changes_nothing(account):
    # FAILS for other.json until a file that has nothing of this role is refused, or has nothing to put back: an empty
    # answer of backup_file now means "no backup", and the regions of dhmc_regions are reset.
    account.put(OURS, "us-east-1")
    (account.folder / "other.json").write_text('{"something": "else"}\n')
    for name in ("missing.json", "other.json"):
        run = account.dhmc_role(dhmc_state="absent", dhmc_backup_file=name, dhmc_regions="us-east-1")
        assert run.writes == [], f"{name}: {run.text}"
        assert account.value("us-east-1") == OURS
