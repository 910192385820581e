# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance profiles as somebody else would have made them, and IAM's state byte for byte."""

from __future__ import annotations

import json
from urllib.parse import unquote

from botocore.handlers import json_decode_policies

PING = "ssm:UpdateInstanceInformation"
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


def statement(*actions, effect="Allow", resource="*", **more):
    return {"Effect": effect, "Action": list(actions), "Resource": resource, **more}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


class Zoo:
    """Makes profiles, each with a role of the same name, and instances that use them."""

    def __init__(self, account, trust):
        self.account, self._trust = account, trust

    def add(self, name, *managed, inline=None, boundary=None, role=True):
        """A profile; C(inline) are documents, or text as somebody may have typed it."""
        iam = self.account.iam
        iam.create_instance_profile(InstanceProfileName=name)
        if not role:
            return
        self.account.add_role(name, self._trust("ec2.amazonaws.com"))
        for arn in managed:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for policy, given in (inline or {}).items():
            text = given if isinstance(given, str) else json.dumps(given)
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)
        if boundary:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)

    def role(self, name, service, *managed):
        """A role that something else than instances uses."""
        self.account.add_role(name, self._trust(service))
        for arn in managed:
            self.account.iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    def policy(self, name, *documents):
        """A customer managed policy with a version for each document, the last of which is the default."""
        iam, arn = self.account.iam, None
        for given in documents:
            text = given if isinstance(given, str) else json.dumps(given)
            if arn is None:
                arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
            else:
                iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
        return arn

    def start(self, region, profile=None, **tags):
        """An instance with the profile."""
        given = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        if tags:
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            given["TagSpecifications"] = [{"ResourceType": "instance", "Tags": pairs}]
        made = self.account.client("ec2", region).run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **given)
        return made["Instances"][0]["InstanceId"]

    def state(self):
        """All roles, policies and versions of the account, documents as the very text that IAM answers with."""
        iam = self.account.client("iam")
        iam.meta.events.unregister("after-call.iam", json_decode_policies)
        roles, policies = {}, {}
        for page in iam.get_paginator("get_account_authorization_details").paginate(
            Filter=["Role", "LocalManagedPolicy"]
        ):
            for role in page["RoleDetailList"]:
                roles[role["RoleName"]] = {
                    "trust": unquote(role["AssumeRolePolicyDocument"]),
                    "attached": sorted(policy["PolicyArn"] for policy in role["AttachedManagedPolicies"]),
                    "inline": {
                        policy["PolicyName"]: unquote(policy["PolicyDocument"]) for policy in role["RolePolicyList"]
                    },
                    "boundary": role.get("PermissionsBoundary"),
                    "profiles": sorted(profile["InstanceProfileName"] for profile in role["InstanceProfileList"]),
                }
            for policy in page["Policies"]:
                policies[policy["Arn"]] = {
                    "default": policy["DefaultVersionId"],
                    "attached": policy["AttachmentCount"],
                    "versions": {one["VersionId"]: unquote(one["Document"]) for one in policy["PolicyVersionList"]},
                }
        return {"roles": roles, "policies": policies}
