# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""enable_ssm.yml and disable_ssm.yml with the modes that use an instance profile, and attach_instance_profile.yml."""

from __future__ import annotations

import json

import pytest

REGIONS = ["us-east-1", "eu-west-1"]
DHMC_ROLE = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
PROFILE = "SSMInstanceProfile"
CORE, DIRECTORY = "AmazonSSMManagedInstanceCore", "AmazonSSMDirectoryServiceAccess"
CLOUDWATCH = "CloudWatchAgentServerPolicy"
# A machine without Systems Manager's agent of 3.2 is out of DHMC's reach.
OLD_AGENT = [{"ResourceType": "instance", "Tags": [{"Key": "fleet:agent-version", "Value": "3.1.0.0"}]}]


class Fleet:
    """An instance without and one with a profile in each region."""

    def __init__(self, account):
        self.account = account
        account.iam.create_instance_profile(InstanceProfileName="Old")
        account.iam.add_role_to_instance_profile(InstanceProfileName="Old", RoleName="OldRole")
        self.bare, self.old = [], []
        for region in REGIONS:
            ec2 = account.client("ec2", region)
            given = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "TagSpecifications": OLD_AGENT}
            self.bare.append(ec2.run_instances(**given)["Instances"][0]["InstanceId"])
            with_old = ec2.run_instances(**given, IamInstanceProfile={"Name": "Old"})
            self.old.append(with_old["Instances"][0]["InstanceId"])

    def profiles(self):
        found = {}
        for region in REGIONS:
            answer = self.account.client("ec2", region).describe_iam_instance_profile_associations()
            for row in answer["IamInstanceProfileAssociations"]:
                found[row["InstanceId"]] = row["IamInstanceProfile"]["Arn"].rpartition("/")[2]
        return found

    def online(self):
        nodes = [
            node
            for region in REGIONS
            for node in self.account.client("ssm", region).describe_instance_information()["InstanceInformationList"]
        ]
        return sorted(node["InstanceId"] for node in nodes if node["PingStatus"] == "Online")

    def state(self):
        """All that the playbooks may change."""
        made = self.account.iam.list_instance_profiles()["InstanceProfiles"]
        return {
            "settings": self.account.values(*REGIONS),
            "roles": self.account.roles(),
            "profiles": {
                profile["InstanceProfileName"]: [role["RoleName"] for role in profile["Roles"]] for profile in made
            },
            "instances": self.profiles(),
        }

    def playbook(self, name, *options, **variables):
        given = json.dumps({"ssm_regions": ",".join(REGIONS), **variables})
        return self.account.command("ansible-playbook", f"fleet.aws_ssm.{name}", "-e", given, *options)


@pytest.fixture
def fleet(account, aws_trust):
    account.add_role("OldRole", aws_trust("ec2.amazonaws.com"), "ReadOnlyAccess")
    return Fleet(account)


def test_both_ways_are_turned_on_and_off_again_exactly(fleet):
    account = fleet.account
    account.put("Quick", "eu-west-1")
    before = fleet.state()
    # Strings, as AWX hands them over.
    switches = {"ssm_mode": "both", "ssm_cloudwatch": "true", "ssm_directory_service": "yes", "dhmc_overwrite": "true"}
    backup = {"ssm_backup_file": "before.json"}
    run = fleet.playbook("enable_ssm", "--check", "--diff", **switches, **backup).ok()
    assert (run.writes, fleet.state()) == ([], before)
    assert not (account.folder / "before.json").exists()
    assert "2 regions: 2 to change" in run.text

    fleet.playbook("enable_ssm", **switches, **backup).ok()
    after = fleet.state()
    assert after["settings"] == dict.fromkeys(REGIONS, DHMC_ROLE)
    assert after["instances"] == {**dict.fromkeys(fleet.old, "Old"), **dict.fromkeys(fleet.bare, PROFILE)}
    assert after["profiles"] == {**before["profiles"], PROFILE: [PROFILE]}
    made = {name: role for name, role in after["roles"].items() if name not in before["roles"]}
    assert {name: role["managed"] for name, role in made.items()} == {
        f"/{DHMC_ROLE}": sorted(["AmazonSSMManagedEC2InstanceDefaultPolicy", CLOUDWATCH, DIRECTORY]),
        f"/{PROFILE}": sorted([CORE, CLOUDWATCH, DIRECTORY]),
    }
    # Their agent is too old for DHMC, so this is the profile's doing.
    assert set(fleet.bare) <= set(fleet.online())
    kept = {entry["module"] for entry in json.loads((account.folder / "before.json").read_text())["entries"]}
    assert {"ssm_service_setting", "instance_profile_association", "iam_service_role/dhmc"} <= kept

    run = fleet.playbook("enable_ssm", **switches, **backup).ok()
    assert run.writes == []
    assert "changed=0" in run.text

    gone = {"ssm_mode": "both", "dhmc_role_remove": True, "instance_profile_remove": True}
    fleet.playbook("disable_ssm", **gone, **backup).ok()
    assert fleet.state() == before
    run = fleet.playbook("disable_ssm", **gone, **backup).ok()
    assert run.writes == []


def test_attach_instance_profile_leaves_dhmc_alone_and_a_failing_part_does_not_stop_the_others(fleet):
    account = fleet.account
    fleet.playbook("attach_instance_profile", instance_profile_name="Mine").ok()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, "$None")
    assert fleet.profiles() == {**dict.fromkeys(fleet.old, "Old"), **dict.fromkeys(fleet.bare, "Mine")}
    assert account.roles()["/Mine"]["managed"] == [CORE]

    run = fleet.playbook("enable_ssm", ssm_mode="all")
    assert run.rc == 2
    assert "ssm_mode: 'all' is not one of dhmc, instance_profile, both" in run.text
    assert run.writes == []

    # The profile's part fails, so no instance gets it; the other way is turned on all the same.
    fleet.playbook("disable_ssm", ssm_mode="instance_profile", instance_profile_name="Mine").ok()
    assert fleet.profiles() == dict.fromkeys(fleet.old, "Old")
    denied = {"code": "AccessDenied", "message": "not you", "status": 403}
    account.faults({"service": "iam", "operation": "CreateInstanceProfile", "error": denied})
    run = fleet.playbook("enable_ssm", ssm_mode="both")
    assert run.rc == 2
    assert "Instance profile: " in run.text
    assert "2 regions: 2 changed, 0 unchanged, 0 failed" in run.text
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, DHMC_ROLE)
    assert fleet.profiles() == dict.fromkeys(fleet.old, "Old")
