# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the scenario profile_association that set up or examine AWS."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping
from typing import Any

from plain_aws import Account, expect, run

NAME, OTHER = "SSMInstanceProfile", "Web"
EUROPE, AMERICA = "eu-west-1", "us-east-1"
AWS_POLICY = "arn:aws:iam::aws:policy/"
CORE = f"{AWS_POLICY}AmazonSSMManagedInstanceCore"
CLOUDWATCH = f"{AWS_POLICY}CloudWatchAgentServerPolicy"
READ_ONLY = f"{AWS_POLICY}ReadOnlyAccess"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# Name: region, profile, whether it is stopped. Those whose name begins with web have the tag role=web.
FLEET = {
    "bare": (EUROPE, None, False),
    "bare stopped": (EUROPE, None, True),
    "web": (EUROPE, OTHER, False),
    "web stopped": (EUROPE, OTHER, True),
    "other": (EUROPE, OTHER, False),
    "bare abroad": (AMERICA, None, False),
    "web abroad": (AMERICA, OTHER, False),
}
BEFORE = {name: profile for name, (_region, profile, _stopped) in FLEET.items()}
ASSOCIATE, REPLACE = "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"
DISASSOCIATE = "DisassociateIamInstanceProfile"


class Fleet(Account):
    """The account with all that the role may change: profiles of instances, and policies of roles."""

    def start(self, name: str, region: str, profile: str | None, *, stopped: bool) -> None:
        """Start an instance."""
        ec2 = self.client("ec2", region)
        tags = {"Name": name, "role": name.split(maxsplit=1)[0]}
        given: dict[str, Any] = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        made = ec2.run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            ],
            **given,
        )
        if stopped:
            ec2.stop_instances(InstanceIds=[made["Instances"][0]["InstanceId"]])

    def profiles(self) -> dict[str, str | None]:
        """The profile of each instance, by the instance's name; what instances and associations show must agree."""
        found = {}
        for region in (EUROPE, AMERICA):
            ec2 = self.client("ec2", region)
            rows = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
            associated = {row["InstanceId"]: row["IamInstanceProfile"]["Arn"] for row in rows}
            expect("states of associations", {row["State"] for row in rows} - {"associated"}, set())
            instances = [i for row in ec2.describe_instances()["Reservations"] for i in row["Instances"]]
            for instance in instances:
                arn = instance.get("IamInstanceProfile", {}).get("Arn")
                name = next(tag["Value"] for tag in instance["Tags"] if tag["Key"] == "Name")
                if instance["State"]["Name"] != "terminated":
                    expect(f"association of {name}", associated.get(instance["InstanceId"]), arn)
                found[name] = arn and arn.rpartition("/")[2]
        return found

    def state(self) -> dict[str, Any]:
        """All that the role may change."""
        return {"instances": self.profiles(), "roles": self.roles()}

    def operations(self) -> list[str]:
        """The writing API calls since the last ``note``, sorted, for they are made side by side."""
        return sorted(" ".join(write.split()[:2]) for write in self.writes())


def _expect(account: Fleet, instances: Mapping[str, str | None], *writes: str) -> None:
    expect("profiles of the instances", account.profiles(), instances)
    expect("roles", account.roles(), account.noted()["roles"])
    expect("writing API calls", account.operations(), sorted(writes))
    account.note()


def _online(account: Fleet, region: str) -> int:
    nodes = account.client("ssm", region).describe_instance_information()["InstanceInformationList"]
    return sum(node["PingStatus"] == "Online" for node in nodes)


def fleet(account: Fleet) -> None:
    """Two profiles, one that has no role, and instances in two regions."""
    account.reset()
    for name, policy in ((NAME, CORE), (OTHER, READ_ONLY)):
        account.add_role(name, "/", TRUST, policy)
        account.iam.create_instance_profile(InstanceProfileName=name)
        account.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    account.iam.create_instance_profile(InstanceProfileName="Hollow")
    for name, (region, profile, stopped) in FLEET.items():
        account.start(name, region, profile, stopped=stopped)
    account.note()


def converged(account: Fleet) -> None:
    """Those without a profile have it and are managed, the others kept theirs, and the backup is what they had."""
    wanted = {name: profile or NAME for name, profile in BEFORE.items()}
    _expect(account, wanted, *[f"{ASSOCIATE} {EUROPE}"] * 2, f"{ASSOCIATE} {AMERICA}")
    expect("nodes online", [_online(account, EUROPE), _online(account, AMERICA)], [1, 1])
    backup = account.folder / "backup.json"
    expect("the backup's mode", stat.filemode(backup.stat().st_mode), "-rw-------")
    held = json.loads(backup.read_text())["entries"]
    expect("profiles in the backup", [(e["before"], e["after"].rpartition("/")[2]) for e in held], [(None, NAME)] * 3)


def as_before(account: Fleet) -> None:
    """Every instance has the profile that it was started with, or none."""
    expect("profiles of the instances", account.profiles(), BEFORE)
    account.note()


def replaced(account: Fleet) -> None:
    """Those with the tag have the profile: a running one by one call, a stopped one by two."""
    wanted = {name: NAME if name.startswith("web") else profile for name, profile in BEFORE.items()}
    swapped = (f"{DISASSOCIATE} {EUROPE}", f"{ASSOCIATE} {EUROPE}")
    _expect(account, wanted, f"{REPLACE} {EUROPE}", f"{REPLACE} {AMERICA}", *swapped)


def extended(account: Fleet) -> None:
    """The role of the other profile has the policies, once each; those without a profile have the profile."""
    roles = account.noted()["roles"]
    roles["/Web"]["attached"] = sorted([READ_ONLY, CORE, CLOUDWATCH])
    expect("roles", account.roles(), roles)
    expect("profiles of the instances", account.profiles(), {name: had or NAME for name, had in BEFORE.items()})
    attached = [write for write in account.operations() if write.startswith("AttachRolePolicy")]
    expect("policies attached", len(attached), 2)
    expect("nodes online", [_online(account, EUROPE), _online(account, AMERICA)], [3, 2])
    account.note()


def extended_back(account: Fleet) -> None:
    """The role of the other profile has what it had, and those that had no profile have none."""
    roles = account.noted()["roles"]
    roles["/Web"]["attached"] = [READ_ONLY]
    expect("roles", account.roles(), roles)
    expect("profiles of the instances", account.profiles(), BEFORE)
    detached = [write for write in account.operations() if write.startswith("DetachRolePolicy")]
    expect("policies detached", len(detached), 2)
    account.note()


def as_extended(account: Fleet) -> None:
    """Those that had no profile have it again."""
    expect("profiles of the instances", account.profiles(), {name: had or NAME for name, had in BEFORE.items()})
    account.note()


def taken_off(account: Fleet) -> None:
    """Those that had none before have none again, by one call each."""
    _expect(account, BEFORE, *[f"{DISASSOCIATE} {EUROPE}"] * 2, f"{DISASSOCIATE} {AMERICA}")


def region_down(account: Fleet) -> None:
    """EC2 does not answer in one region."""
    account.control.set_faults([{"service": "ec2", "region": AMERICA, "down": True}], account.id)


def other_region_done(account: Fleet) -> None:
    """The instances of the region that answers have the profile."""
    account.control.clear_faults(account.id)
    wanted = {name: had or (NAME if FLEET[name][0] == EUROPE else None) for name, had in BEFORE.items()}
    _expect(account, wanted, *[f"{ASSOCIATE} {EUROPE}"] * 2)


def _on_fleet(step: Callable[[Fleet], None]) -> Callable[[Account], None]:
    return lambda _account: step(Fleet())


run(
    {
        step.__name__: _on_fleet(step)
        for step in (
            Fleet.unchanged,
            fleet,
            converged,
            as_before,
            replaced,
            extended,
            extended_back,
            as_extended,
            taken_off,
            region_down,
            other_region_done,
        )
    }
)
