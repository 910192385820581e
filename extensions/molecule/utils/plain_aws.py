# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios' steps share: plain boto3 clients, the recorded API calls, and checks that say what they found.

None of the collection's own code is used here, so that a fault in it can't hide itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from fleet_emulator.control import Control

SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
DEFAULT_ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
DEFAULT_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Account:
    """The scenario's account."""

    def __init__(self) -> None:
        """Connect as aws.ini says."""
        self.id = os.environ["SCENARIO_ACCOUNT"]
        self.folder = Path(os.environ["SCENARIO_FOLDER"])
        self._session = boto3.Session()
        self.iam = self.client("iam")
        self.control = Control(self.iam.meta.endpoint_url)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client without retries."""
        return self._session.client(service, region, config=Config(retries={"total_max_attempts": 1}))

    def reset(self) -> None:
        """Empty the account."""
        self.control.reset(self.id)

    def set(self, region: str, role: str) -> None:
        """Name a role in a region's DHMC setting."""
        self.client("ssm", region).update_service_setting(SettingId=SETTING, SettingValue=role)

    def settings(self) -> dict[str, str]:
        """The role that DHMC names, for each enabled region where it names one."""
        regions = [region["RegionName"] for region in self.client("ec2").describe_regions()["Regions"]]
        clients = [self.client("ssm", region) for region in regions]
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda client: client.get_service_setting(SettingId=SETTING), clients)
            values = [answer["ServiceSetting"]["SettingValue"] for answer in answers]
        return {region: value for region, value in zip(regions, values, strict=True) if value != "$None"}

    def add_role(self, name: str, path: str, trust: Mapping[str, Any], *policies: str) -> None:
        """Make a role as somebody else would."""
        self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=policy)

    def roles(self) -> dict[str, dict[str, Any]]:
        """All roles by path and name."""
        return {
            role["Path"] + role["RoleName"]: {
                "trust": role["AssumeRolePolicyDocument"],
                **self._role_details(role["RoleName"]),
            }
            for role in self.iam.list_roles()["Roles"]
        }

    def _role_details(self, name: str) -> dict[str, Any]:
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        inline = self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        return {
            "attached": sorted(policy["PolicyArn"] for policy in attached),
            "inline": {
                policy: self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in inline
            },
            "tags": {tag["Key"]: tag["Value"] for tag in self.iam.list_role_tags(RoleName=name)["Tags"]},
        }

    def state(self) -> dict[str, Any]:
        """All that the playbooks may change."""
        return {"settings": self.settings(), "roles": self.roles()}

    def writes(self) -> list[str]:
        """The writing API calls since the last ``note``."""
        calls = self.control.calls(self.id, writes=True)
        return [f"{call['operation']} {call['region']} {call['resource']}" for call in calls]

    def note(self, name: str = "last") -> None:
        """Remember the state under a name, and forget the calls."""
        (self.folder / f"{name}.json").write_text(json.dumps(self.state()))
        self.control.clear_calls(self.id)

    def noted(self, name: str = "last") -> dict[str, Any]:
        """The state that ``note`` remembered."""
        state: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_text())
        return state

    def unchanged(self) -> None:
        """Nothing was written since the last ``note``."""
        expect("writing API calls", self.writes(), [])
        expect("settings and roles", self.state(), self.noted())


def expect(what: str, found: Any, wanted: Any) -> None:
    """Fail unless *found* is what is wanted."""
    if found != wanted:
        raise SystemExit(f"{what}:\n  expected {_text(wanted)}\n  found    {_text(found)}")


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def run(steps: Mapping[str, Callable[[Account], None]]) -> None:
    """Run the step that the command line names: one of *steps*, ``reset`` or ``unchanged``."""
    known = {"reset": Account.reset, "unchanged": Account.unchanged, **steps}
    known[sys.argv[1]](Account())
