# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the scenario preflight that set up or examine AWS."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

import boto3
from botocore.handlers import json_decode_policies
from fleet_emulator.policy import Source, evaluate
from plain_aws import DEFAULT_ROLE, Account, expect, run

EUROPE, AMERICA = "eu-west-1", "us-east-1"
PING = "ssm:UpdateInstanceInformation"
AWS_POLICY = "arn:aws:iam::aws:policy/"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# As a person may have typed it, which is how it has to come back.
ODD = (
    '{ "Statement":[\n\t{"Resource":  "*",\n "Effect":"Allow" ,"Action": ["s3:GetObject", '
    '"SSM:updateInstanceInformation"]}   \n],\r\n"Version" : "2012-10-17"}  \n'
)


def _allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


# Customer managed policies.
POLICIES = {
    "SharedTools": _document(_allow(PING, "s3:GetObject"), _allow("logs:PutLogEvents")),
    "OwnTools": _document(_allow(PING, "s3:PutObject", "kms:Decrypt")),
    "OnlyPing": _document(_allow(PING)),
    "Edge": _document(_allow("s3:*", "ec2:*", "logs:*")),
}
# Name of the profile and of its role: managed policies (of AWS by path, of the account by name), inline ones, boundary.
PROFILES: dict[str, dict[str, Any]] = {
    "NeedsNothing": {"managed": ["CloudWatchAgentServerPolicy"]},
    "Core": {"managed": ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]},
    "Legacy": {"managed": ["service-role/AmazonEC2RoleforSSM"]},
    "InlineExplicit": {"inline": {"typed": ODD, "other": _document(_allow("ec2:DescribeTags"))}},
    "InlineOnly": {"inline": {"ping": _document(_allow(PING))}},
    "InlineStar": {"inline": {"star": _document(_allow("ssm:*", "s3:ListBucket"))}},
    "InlineUpdateStar": {"inline": {"update": _document(_allow("ssm:Update*"))}},
    "Shared": {"managed": ["SharedTools"]},
    "Own": {"managed": ["OwnTools"]},
    "Only": {"managed": ["OnlyPing", "CloudWatchAgentServerPolicy"]},
    "NotAction": {"inline": {"all-but": _document({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"})}},
    "AllowAndDeny": {
        "managed": ["AmazonSSMManagedInstanceCore"],
        "inline": {"deny": _document({"Effect": "Deny", "Action": "ssm:update*", "Resource": "*"})},
    },
    "Conditional": {
        "inline": {"maybe": _document(_allow(PING, Condition={"StringEquals": {"aws:ResourceTag/managed": "yes"}}))}
    },
    "Bounded": {"managed": ["AmazonSSMManagedInstanceCore"], "boundary": "Edge"},
    "Roleless": {"managed": ["AmazonSSMManagedInstanceCore"]},
}
# Those that are not to be touched.
INNOCENT = ("NeedsNothing", "AllowAndDeny", "Bounded", "Roleless", "Function")
# Metadata options of instances that have no profile.
METADATA = {
    "v1": {"HttpTokens": "optional", "HttpEndpoint": "enabled"},
    "off": {"HttpTokens": "required", "HttpEndpoint": "disabled"},
}


class Fleet(Account):
    """The account with IAM's documents as the very text that IAM answers with, and the instances' metadata options."""

    def arn(self, policy: str) -> str:
        """The ARN of a policy of the account, or of AWS."""
        return f"arn:aws:iam::{self.id}:policy/{policy}" if policy in POLICIES else f"{AWS_POLICY}{policy}"

    def iam_state(self) -> dict[str, Any]:
        """Roles, policies with all their versions, and the profiles of each role."""
        iam = self.client("iam")
        iam.meta.events.unregister("after-call.iam", json_decode_policies)
        roles, policies = {}, {}
        for page in iam.get_paginator("get_account_authorization_details").paginate(
            Filter=["Role", "LocalManagedPolicy"]
        ):
            for role in page["RoleDetailList"]:
                roles[role["RoleName"]] = {
                    "trust": unquote(role["AssumeRolePolicyDocument"]),
                    "attached": sorted(policy["PolicyArn"] for policy in role["AttachedManagedPolicies"]),
                    "inline": {one["PolicyName"]: unquote(one["PolicyDocument"]) for one in role["RolePolicyList"]},
                    "boundary": role.get("PermissionsBoundary"),
                    "profiles": sorted(profile["InstanceProfileName"] for profile in role["InstanceProfileList"]),
                }
            for policy in page["Policies"]:
                policies[policy["Arn"]] = {
                    "default": policy["DefaultVersionId"],
                    "versions": {one["VersionId"]: unquote(one["Document"]) for one in policy["PolicyVersionList"]},
                }
        return {"roles": roles, "policies": policies}

    def metadata(self) -> dict[str, Any]:
        """The metadata options of each instance, and the regions' defaults."""
        found: dict[str, Any] = {}
        for region in (EUROPE, AMERICA):
            ec2 = self.client("ec2", region)
            found[region] = ec2.get_instance_metadata_defaults().get("AccountLevel", {})
            for row in ec2.describe_instances()["Reservations"]:
                for instance in row["Instances"]:
                    options = instance["MetadataOptions"]
                    found[instance["InstanceId"]] = [options["HttpTokens"], options["HttpEndpoint"]]
        return found

    def state(self) -> dict[str, Any]:
        """All that the playbooks may change."""
        return {"settings": self.settings(), "iam": self.iam_state(), "metadata": self.metadata()}

    def allowed(self, role: str, actions: Iterable[str], state: dict[str, Any]) -> list[str]:
        """What the role may do on an instance, or on anything, by an evaluator that is not the collection's."""
        facts = state["roles"][role]
        sources = [Source(name, "role", text) for name, text in facts["inline"].items()]
        sources += [self._managed(arn, state) for arn in facts["attached"]]
        bound = facts["boundary"]
        boundary = self._managed(bound["PermissionsBoundaryArn"], state) if bound else None
        context = {"aws:ResourceTag/managed": ["yes"]}
        instance = f"arn:aws:ec2:{EUROPE}:{self.id}:instance/i-0123456789abcdef0"
        return [
            action
            for action in actions
            if any(evaluate(sources, action, where, context, boundary).allowed for where in (instance, "*"))
        ]

    def _managed(self, arn: str, state: dict[str, Any]) -> Source:
        if arn in state["policies"]:
            found = state["policies"][arn]
            return Source(arn, "user-managed", found["versions"][found["default"]])
        version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return Source(arn, "aws-managed", json.dumps(document))


def _every_action() -> list[str]:
    """Actions to compare with: all that botocore knows of these services, and some that are no API calls."""
    session = boto3.Session()
    found = ["iam:PassRole", "s3:GetObject", "s3:PutObject", "s3:ListBucket"]
    for service in ("ssm", "ssmmessages", "ec2messages", "ec2", "logs", "cloudwatch", "ds", "kms", "iam", "sts"):
        if service in session.get_available_services():
            found += [
                f"{service}:{name}" for name in session.client(service, AMERICA).meta.service_model.operation_names
            ]
    messages = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
    found += [f"ssmmessages:{name}" for name in messages] + ["ec2messages:GetMessages", "ec2messages:SendReply"]
    return [action for action in found if action != PING]


def zoo(account: Fleet) -> None:
    """A profile for each case with an instance that has it, and a role of something else that shares a policy."""
    account.reset()
    iam = account.iam
    for name, text in POLICIES.items():
        iam.create_policy(PolicyName=name, PolicyDocument=text)
    account.add_role("Function", "/", TRUST, account.arn("SharedTools"))
    for number, (name, given) in enumerate(PROFILES.items()):
        account.add_role(name, "/", TRUST, *map(account.arn, given.get("managed", ())))
        for policy, text in given.get("inline", {}).items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)
        if "boundary" in given:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=account.arn(given["boundary"]))
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        _start(account, (EUROPE, AMERICA)[number % 2], {"HttpTokens": "required"}, name)
    # EC2 takes no profile without a role, but one may lose its role later.
    iam.remove_role_from_instance_profile(InstanceProfileName="Roleless", RoleName="Roleless")
    for options in METADATA.values():
        _start(account, EUROPE, options)
    before = account.iam_state()
    allowed = {name: account.allowed(name, [PING], before) for name in PROFILES}
    blocking = sorted(name for name, found in allowed.items() if found and name != "Roleless")
    expect("roles that allow it", blocking, sorted(set(PROFILES) - set(INNOCENT)))
    account.note("before")
    account.note()


def _start(account: Fleet, region: str, options: dict[str, str], profile: str = "") -> None:
    given: dict[str, Any] = {"IamInstanceProfile": {"Name": profile}} if profile else {}
    tags = [{"Key": "managed", "Value": "yes"}]
    account.client("ec2", region).run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        MetadataOptions={"HttpEndpoint": "enabled", **options},
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        **given,
    )


def fixed(account: Fleet) -> None:
    """No profile allows it, all else is as it was, and the agents are managed through DHMC."""
    before, now = account.noted("before")["iam"], account.iam_state()
    actions = _every_action()
    for name in PROFILES:
        if name != "Roleless":
            expect(f"{name} allows the permission", account.allowed(name, [PING], now), [])
        expect(f"what else {name} allows", account.allowed(name, actions, now), account.allowed(name, actions, before))
    for name in INNOCENT:
        expect(f"the role {name}", now["roles"][name], before["roles"][name])
    for policy in ("SharedTools", "Edge"):
        expect(f"the policy {policy}", now["policies"][account.arn(policy)], before["policies"][account.arn(policy)])
    expect("versions of OwnTools", sorted(now["policies"][account.arn("OwnTools")]["versions"]), ["v1", "v2"])
    for region in (EUROPE, AMERICA):
        ec2, ssm = account.client("ec2", region), account.client("ssm", region)
        instances = [i["InstanceId"] for row in ec2.describe_instances()["Reservations"] for i in row["Instances"]]
        nodes = ssm.describe_instance_information(MaxResults=50)["InstanceInformationList"]
        online = sorted(node["InstanceId"] for node in nodes if node["PingStatus"] == "Online")
        expect(f"nodes online in {region}", online, sorted(instances))
    options = {str(value) for key, value in account.metadata().items() if key.startswith("i-")}
    expect("metadata options", options, {str(["required", "enabled"])})
    defaults = account.metadata()[EUROPE]
    expect("metadata defaults", defaults.get("HttpTokens"), "required")
    backup = account.folder / "backup.json"
    expect("the backup's mode", stat.filemode(backup.stat().st_mode), "-rw-------")
    account.note()


def restored(account: Fleet) -> None:
    """Byte for byte what it was; the role of DHMC stays, for nobody asked for its removal."""
    before, now = account.noted("before"), account.state()
    now["iam"]["roles"].pop(DEFAULT_ROLE)
    expect("the account", now, before)
    account.note()


def _on_fleet(step: Callable[[Fleet], None]) -> Callable[[Account], None]:
    return lambda _account: step(Fleet())


run({step.__name__: _on_fleet(step) for step in (Fleet.unchanged, zoo, fixed, restored)})
