# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet of the demo: an instance for every reason not to be managed, made through boto3 as somebody else would."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from fleet_emulator import Control

SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
OURS = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
DEFAULT = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
# Off at first; set by Quick Setup; its role does not exist; does not trust; does not permit.
REGIONS = ["us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2", "ap-northeast-1"]
OFF, FOREIGN, MISSING, UNTRUSTED, UNPERMITTED = REGIONS
LONG_AGO = "2026-01-01T00:00:00+00:00"
DAYS = 7 * 86400


class Fleet:
    """Makes it, in the account of the environment."""

    def __init__(self) -> None:
        self.iam = boto3.client("iam")
        self.account = boto3.client("sts").get_caller_identity()["Account"]
        self.control = Control(os.environ["AWS_ENDPOINT_URL"])

    def build(self) -> None:
        """All of it."""
        for name, service, policy in (
            ("Web", "ec2", CORE),
            ("Typed", "ec2", None),
            ("Half", "ec2", None),
            ("Hollow", "ec2", CORE),
            ("Remade", "ec2", CORE),
            ("Batch", "ec2", CORE),
            ("Distrusted", "lambda", DEFAULT),
            ("Powerless", "ssm", None),
            (f"AWS-QuickSetup-SSM-DefaultEC2MgmtRole-{FOREIGN}", "ssm", DEFAULT),
        ):
            self._role(name, service, policy)
            if service == "ec2":
                self._profile(name)
        self._inline("Typed", "ssm:*", "s3:GetObject")
        self._inline("Half", "ssm:UpdateInstanceInformation", "logs:PutLogEvents")
        self._dhmc(FOREIGN, f"AWS-QuickSetup-SSM-DefaultEC2MgmtRole-{FOREIGN}")
        self._dhmc(MISSING, "Nobody")
        self._dhmc(UNTRUSTED, "Distrusted")
        self._dhmc(UNPERMITTED, "Powerless")

        self._launch(OFF, "no way in")
        self._launch(OFF, "IMDSv1", tokens="optional")
        self._launch(OFF, "no metadata service", endpoint="disabled")
        self._launch(OFF, "managed by its profile", profile="Web")
        self._launch(OFF, "profile with ssm:*", profile="Typed")
        self._launch(OFF, "profile that grants half of it", profile="Half")
        self._launch(OFF, "profile without a role", profile="Hollow")
        self._launch(OFF, "profile made again", profile="Remade")
        self._stop(OFF, self._launch(OFF, "stopped"))
        self._launch(OFF, '<img src=x onerror="alert(1)">')
        self.iam.remove_role_from_instance_profile(InstanceProfileName="Hollow", RoleName="Hollow")
        self.iam.remove_role_from_instance_profile(InstanceProfileName="Remade", RoleName="Remade")
        self.iam.delete_instance_profile(InstanceProfileName="Remade")
        self._profile("Remade")

        self._launch(FOREIGN, "managed by Quick Setup's role")
        self._launch(FOREIGN, "agent not running", agent="none")
        self._launch(FOREIGN, "launched a moment ago", agent="none", launched="")
        self._launch(FOREIGN, "no way out", subnet=self._private(FOREIGN, ()))
        self._launch(FOREIGN, "one endpoint of two", subnet=self._private(FOREIGN, ("ssm",)))
        self._launch(
            FOREIGN,
            "endpoints without private DNS",
            subnet=self._private(FOREIGN, ("ssm", "ssmmessages"), private_dns=False),
        )
        self._too_old(FOREIGN)
        for region in (MISSING, UNTRUSTED, UNPERMITTED):
            self._launch(region, "in a region with an unfit role")

    def _role(self, name: str, service: str, policy: str | None) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        if policy:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=policy)

    def _inline(self, role: str, *actions: str) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document)

    def _profile(self, name: str) -> None:
        self.iam.create_instance_profile(InstanceProfileName=name)
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)

    def _dhmc(self, region: str, role: str) -> None:
        boto3.client("ssm", region).update_service_setting(SettingId=SETTING, SettingValue=role)
        self.control.set_setting_age(SETTING, DAYS, self.account, region)

    def _launch(  # noqa: PLR0913
        self,
        region: str,
        name: str,
        *,
        profile: str = "",
        tokens: str = "required",
        endpoint: str = "enabled",
        subnet: str = "",
        agent: str = "running",
        version: str = "",
        launched: str = LONG_AGO,
    ) -> str:
        tags = {"Name": name, "fleet:agent": agent, "fleet:agent-version": version, "fleet:launched": launched}
        given: dict[str, Any] = {"MetadataOptions": {"HttpTokens": tokens, "HttpEndpoint": endpoint}}
        if profile:
            given["IamInstanceProfile"] = {"Name": profile}
        if subnet:
            given["SubnetId"] = subnet
        made = boto3.client("ec2", region).run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items() if v]}
            ],
            **given,
        )
        return str(made["Instances"][0]["InstanceId"])

    def _stop(self, region: str, instance: str) -> None:
        boto3.client("ec2", region).stop_instances(InstanceIds=[instance])

    def _private(self, region: str, services: tuple[str, ...], *, private_dns: bool = True) -> str:
        """A subnet without a route out, in a VPC of its own with these endpoints."""
        ec2 = boto3.client("ec2", region)
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        for service in services:
            ec2.create_vpc_endpoint(
                VpcId=vpc,
                ServiceName=f"com.amazonaws.{region}.{service}",
                VpcEndpointType="Interface",
                PrivateDnsEnabled=private_dns,
            )
        return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"])

    def _too_old(self, region: str) -> None:
        """Was managed by its profile once, which is how its version is known."""
        self._launch(region, "agent too old", profile="Batch", version="3.1.1927.0")
        boto3.client("ssm", region).describe_instance_information()
        self.iam.detach_role_policy(RoleName="Batch", PolicyArn=CORE)
