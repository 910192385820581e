# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role profile_association: its entry points, and what an empty answer stands for."""

from __future__ import annotations

import pytest
from interruptions import journal

EU = "eu-west-1"
ROLE = "fleet.aws_ssm.profile_association"


class Fleet:
    """An instance without a profile and one with a profile."""

    def __init__(self, account):
        self.account = account
        self.bare, self.old = self.start(), self.start("Old")

    def start(self, profile=None):
        given = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        ec2 = self.account.client("ec2", EU)
        made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **given)
        return made["Instances"][0]["InstanceId"]

    def profiles(self):
        rows = self.account.client("ec2", EU).describe_iam_instance_profile_associations()
        return {
            row["InstanceId"]: row["IamInstanceProfile"]["Arn"].rpartition("/")[2]
            for row in rows["IamInstanceProfileAssociations"]
        }

    def play(self, *entries, **variables):
        """The role with each of the entry points, one after the other, in one play."""
        tasks = [
            {"ansible.builtin.include_role": {"name": ROLE, **({"tasks_from": entry} if entry else {})}}
            for entry in entries
        ]
        given = {"profile_association_regions": EU, **variables}
        return self.account.play(tasks, keep=["profile_association_result"], **given)


@pytest.fixture
def fleet(account, aws_trust):
    for name in ("SSMInstanceProfile", "Mine", "Old"):
        account.add_role(name, aws_trust("ec2.amazonaws.com"), "AmazonSSMManagedInstanceCore")
        account.iam.create_instance_profile(InstanceProfileName=name)
        account.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return Fleet(account)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, "SSMInstanceProfile"),
        ({"profile_association_instance_profile": ""}, "SSMInstanceProfile"),
        ({"profile_association_instance_profile": "", "instance_profile_name": ""}, "SSMInstanceProfile"),
        ({"profile_association_instance_profile": "", "instance_profile_name": "Mine"}, "Mine"),
        ({"instance_profile_name": "Mine"}, "Mine"),
        ({"profile_association_instance_profile": "Old", "instance_profile_name": "Mine"}, "Old"),
    ],
)
def test_an_empty_answer_stands_for_the_profile_of_the_role_instance_profile(fleet, variables, wanted):
    fleet.play("", **variables).ok()
    assert fleet.profiles() == {fleet.bare: wanted, fleet.old: "Old"}


def test_an_entry_point_does_one_thing_whatever_the_state_says(fleet):
    # Relative to the folder where the command runs; the variables are strings and "", as AWX gives them.
    given = {"profile_association_existing": "replace", "profile_association_backup_file": " before.json "}
    fleet.play("present", **given, profile_association_state="absent").ok()
    assert fleet.profiles() == dict.fromkeys((fleet.bare, fleet.old), "SSMInstanceProfile")
    assert {entry["resource"] for entry in journal(fleet.account.folder / "before.json")} == {fleet.bare, fleet.old}
    run = fleet.play("restored", **given, profile_association_state="present").ok()
    assert fleet.profiles() == {fleet.old: "Old"}
    assert {row["changed"] for row in run.result["profile_association_result"]["instances"]} == {True}

    fleet.play("present", profile_association_state="restored").ok()
    run = fleet.play("absent", profile_association_state="present").ok()
    assert fleet.profiles() == {fleet.old: "Old"}
    assert run.result["profile_association_result"]["changed"] is True


def test_absent_with_a_backup_restores_and_a_changed_instance_fails_unless_overwrite(fleet):
    given = {"profile_association_existing": "replace", "profile_association_backup_file": "before.json"}
    fleet.play("", **given).ok()
    ec2 = fleet.account.client("ec2", EU)
    rows = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    association = next(row["AssociationId"] for row in rows if row["InstanceId"] == fleet.old)
    ec2.replace_iam_instance_profile_association(AssociationId=association, IamInstanceProfile={"Name": "Mine"})
    run = fleet.play("absent", **given).failed()
    assert f"1 of 2 could not be restored: {fleet.old} ({EU}): ChangedSince" in run.text
    assert fleet.profiles() == {fleet.old: "Mine"}
    result = run.result["profile_association_result"]
    assert {row["instance_id"] for row in result["instances"] if row["failed"]} == {fleet.old}
    fleet.play("absent", **given, profile_association_overwrite="yes").ok()
    assert fleet.profiles() == {fleet.old: "Old"}
    again = fleet.play("absent", **given).ok()
    assert again.writes == []


def test_a_restore_without_a_file_or_with_one_that_holds_nothing_fails_before_any_write(fleet):
    run = fleet.play("restored").failed()
    assert "profile_association_backup_file: is empty: name the file that an earlier run wrote" in run.text
    (fleet.account.folder / "before.json").write_text("", encoding="utf-8")
    run = fleet.play("restored", profile_association_backup_file="before.json").failed()
    assert "has nothing for instance_profile_association to restore" in run.text
    assert run.writes == []


def test_a_result_is_not_that_of_an_earlier_run(fleet):
    tasks = [
        {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": "present"}},
        {
            "ansible.builtin.include_role": {"name": ROLE, "tasks_from": "restored"},
            "vars": {"profile_association_backup_file": ""},
        },
    ]
    run = fleet.account.play(tasks, keep=["profile_association_result"], profile_association_regions=EU)
    assert run.rc != 0
    assert fleet.profiles() == {fleet.bare: "SSMInstanceProfile", fleet.old: "Old"}
    assert run.result["profile_association_result"] == {}
