# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which permissions the recorded API calls take, and what a policy has too little or too much.

Each recorded API call becomes the permissions that AWS asks for (Service Authorization Reference), and the emulator's
evaluator, which shares nothing with the collection, answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet_emulator.policy import Source, evaluate

from ansible_collections.fleet.aws_ssm.plugins.filter.operator_policy_document import operator_policy_document

ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
REGIONS = ("eu-west-1", "us-east-1")
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ours/*"}

# Every caller may: IAM User Guide, "GetCallerIdentity". amazon.aws does without the alias.
FREE = {"sts:GetCallerIdentity", "iam:ListAccountAliases"}
# They have no resource, or are about all that there is.
GLOBAL = {
    "ec2:GetInstanceMetadataDefaults",
    # On a prefix list, which may be of any account.
    "ec2:GetManagedPrefixListEntries",
    "ec2:ModifyInstanceMetadataDefaults",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountSummary",
    "iam:ListAccountAliases",
    "iam:ListInstanceProfiles",
    "iam:ListPolicies",
    "iam:ListRoles",
    "sts:GetCallerIdentity",
}


@dataclass(frozen=True)
class Need:
    """A permission that a call takes."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass
class Needs:
    """What the calls of an account take. Names of IAM that are not at / stand in C(paths) with their path."""

    account: str
    paths: Mapping[str, str] = field(default_factory=dict)
    boundary: str = ""

    def of(self, *runs: Any) -> set[Need]:
        return {need for run in runs for call in run.calls for need in self._of_call(call) if need.action not in FREE}

    def _iam(self, kind: str, name: str) -> str:
        return f"arn:aws:iam::{self.account}:{kind}/{self.paths.get(name, name)}"

    def _of_call(self, call: Mapping[str, Any]) -> Iterable[Need]:
        service, operation, params = call["service"], call["operation"], call["params"]
        action, region = f"{service}:{operation}", ("aws:RequestedRegion", call["region"])
        if action in GLOBAL or operation.startswith("Describe"):
            yield Need(action, "*", (region,))
        elif service == "ssm":
            yield Need(action, f"arn:aws:ssm:{call['region']}:{self.account}:servicesetting{params['SettingId']}")
            if operation == "UpdateServiceSetting":
                yield self._pass(f"arn:aws:iam::{self.account}:role/{params['SettingValue']}", "ssm")
        elif service == "ec2":
            instance = params.get("InstanceId", "i-0")
            yield Need(action, f"arn:aws:ec2:{call['region']}:{self.account}:instance/{instance}", (region,))
            if "IamInstanceProfile" in params:
                # In these tests a profile has the name of its role.
                yield self._pass(params["IamInstanceProfile"]["Arn"].replace(":instance-profile/", ":role/"), "ec2")
        else:
            yield from self._of_iam(action, operation, params, missing=call["error"] == "NoSuchEntity")

    def _of_iam(self, action: str, operation: str, params: Mapping[str, Any], *, missing: bool) -> Iterable[Need]:
        if "InstanceProfileName" in params:
            kind, name = "instance-profile", params["InstanceProfileName"]
        elif "RoleName" in params:
            kind, name = "role", params["RoleName"]
        else:
            kind, name = "policy", params.get("PolicyName", "")
        if "PolicyArn" in params and kind == "policy":
            resource = params["PolicyArn"]
        elif "Path" in params:
            resource = f"arn:aws:iam::{self.account}:{kind}{params['Path']}{name}"
        else:
            # IAM does not know the path of what is not there.
            resource = f"arn:aws:iam::{self.account}:{kind}/{name}" if missing else self._iam(kind, name)
        context = []
        if "PolicyArn" in params:
            context.append(("iam:PolicyARN", params["PolicyArn"]))
        boundary = params.get("PermissionsBoundary", "" if operation == "CreateRole" else self.boundary)
        if kind == "role" and boundary:
            context.append(("iam:PermissionsBoundary", boundary))
        yield Need(action, resource, tuple(context))
        if operation.startswith("Create") and params.get("Tags"):
            yield Need("iam:Tag" + operation.removeprefix("Create"), resource)
        if operation == "AddRoleToInstanceProfile":
            yield self._pass(self._iam("role", params["RoleName"]), "ec2")

    def _pass(self, role: str, service: str) -> Need:
        return Need("iam:PassRole", role, (("iam:PassedToService", f"{service}.amazonaws.com"),))


def denied(statements: Iterable[Mapping[str, Any]], needs: Iterable[Need]) -> list[Need]:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    source = Source("operator", "IAM Policy", document)
    return [
        need
        for need in needs
        if not evaluate([source], need.action, need.resource, {key: [value] for key, value in need.context}).allowed
    ]


def unused(statements: list[dict[str, Any]], needs: set[Need]) -> list[str]:
    """Statements without which all is still allowed, and actions that no call has used."""
    found = []
    for number, statement in enumerate(statements):
        if not denied(statements[:number] + statements[number + 1 :], needs):
            found.append(statement["Sid"])
        for action in statement["Action"]:
            one = [{**statement, "Action": [action]}]
            if len(denied(one, needs)) == len(needs):
                found.append(f"{statement['Sid']}: {action}")
    return found


def render(account, *features, regions=REGIONS, **options):
    """The statements of each feature, and of read_only."""
    return {
        feature: operator_policy_document(regions, account=account.id, feature=feature, **options)["Statement"]
        for feature in (*features, "read_only")
    }


def include(account, role, *options, keep=(), **variables):
    return account.play(
        [{"ansible.builtin.include_role": {"name": f"fleet.aws_ssm.{role}"}}], *options, keep=keep, **variables
    )


def change_by_hand(account, role):
    """Change what the roles put right again."""
    account.iam.update_assume_role_policy(
        RoleName=role,
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Action": "sts:AssumeRole", "Principal": "*"}]}
        ).replace(', "Resource": "arn:aws:s3:::ours/*"', ""),
    )
    account.iam.update_role(RoleName=role, Description="changed")
    account.iam.untag_role(RoleName=role, TagKeys=["team"])
    account.iam.put_role_policy(
        RoleName=role,
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
    )
