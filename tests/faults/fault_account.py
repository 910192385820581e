# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account that every fault happens to, built with plain boto3: small, and one of each kind."""

from __future__ import annotations

import json
from typing import Any

US, EU, DE = REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")
DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"
AWS = "arn:aws:iam::aws:policy/"
CORE = f"{AWS}AmazonSSMManagedInstanceCore"
PING = "ssm:UpdateInstanceInformation"
OLD_ROLE = "TeamDefaultHostRole"
# Spacing and order as somebody may have typed them: what comes back must be this very text.
BATCH_TEXT = (
    '{\n "Statement" : [ {"Sid":"Agent","Effect":"Allow",\n'
    '   "Action":["ssm:UpdateInstanceInformation","ec2:DescribeTags"],   "Resource":"*"} ],  "Version":"2012-10-17"}'
)
BOUNDARY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def document(*actions: str) -> str:
    """A policy that allows these actions."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def trust(service: str) -> str:
    """A trust policy for one service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Builder:
    """Makes the parts with clients of one session."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.iam = session.client("iam")

    def client(self, service: str, region: str) -> Any:
        return self._session.client(service, region_name=region)

    def profile(self, name: str, *managed: str, inline: dict[str, str] | None = None, **role: Any) -> None:
        """An instance profile with a role of the same name."""
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"), **role)
        for arn in managed:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for policy, text in (inline or {}).items():
            self.iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)
        self.iam.create_instance_profile(InstanceProfileName=name)
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)

    def policy(self, name: str, *texts: str, **given: Any) -> str:
        """A managed policy with a version for each text, the last of which is the default."""
        arn = self.iam.create_policy(PolicyName=name, PolicyDocument=texts[0], **given)["Policy"]["Arn"]
        for text in texts[1:]:
            self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
        return str(arn)

    def instance(self, region: str, name: str, profile: str = "", tokens: str = "optional") -> str:
        """An instance that has run for long."""
        tags = {"Name": name, "fleet:launched": "2026-01-01T00:00:00+00:00"}
        given = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        made = self.client("ec2", region).run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            MetadataOptions={"HttpTokens": tokens, "HttpEndpoint": "enabled"},
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": text} for key, text in tags.items()]}
            ],
            **given,
        )
        return str(made["Instances"][0]["InstanceId"])


def build(session: Any) -> None:
    """Seven instances in three regions: five with a way in (four by a profile, one by a role of their own for DHMC)."""
    make = Builder(session)
    boundary = make.policy("TeamBoundary", json.dumps(BOUNDARY))
    store = make.policy("StoreAgent", document("s3:GetObject"), document(PING, "s3:GetObject"), Path="/team/")
    only = make.policy("OnlyAgent", document(PING))
    make.profile("Web", CORE, f"{AWS}CloudWatchAgentServerPolicy")
    make.profile("Batch", inline={"agent": BATCH_TEXT, "data": document("s3:ListBucket")})
    make.profile("Store", store, PermissionsBoundary=boundary, Tags=[{"Key": "team", "Value": "store"}])
    make.profile("Only", only, Path="/team/")
    # Nothing of these is any run's business.
    make.iam.create_role(RoleName="Function", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    make.iam.attach_role_policy(RoleName="Function", PolicyArn=only)
    make.iam.create_role(RoleName=OLD_ROLE, AssumeRolePolicyDocument=trust("ssm.amazonaws.com"), Path="/team/")
    make.iam.attach_role_policy(RoleName=OLD_ROLE, PolicyArn=f"{AWS}AmazonSSMManagedEC2InstanceDefaultPolicy")
    make.client("ssm", DE).update_service_setting(SettingId=DHMC, SettingValue=f"team/{OLD_ROLE}")
    make.instance(US, "web", "Web")
    make.instance(US, "batch", "Batch")
    make.instance(US, "bare", tokens="required")
    make.instance(EU, "store", "Store")
    make.instance(EU, "plain")
    make.instance(DE, "only", "Only", tokens="required")
    make.instance(DE, "team")
    make.client("ec2", DE).modify_instance_metadata_defaults(HttpTokens="optional", HttpPutResponseHopLimit=2)
