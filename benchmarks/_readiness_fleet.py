# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleets of the benchmark of readiness, as the emulator holds them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fleet_emulator import Emulator

from benchmarks.plain_readiness import SETTING

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2")
PAGE = 1000  # the largest of DescribeInstances and of DescribeInstanceProperties
PROFILES = 8
AWS_POLICIES = ("AmazonSSMManagedEC2InstanceDefaultPolicy", "AmazonSSMManagedInstanceCore")


@dataclass(frozen=True)
class Fleet:
    """An account with so many instances in each region."""

    account: str
    per_region: int

    @property
    def unmanaged(self) -> int:
        """In each region: half of them without an agent, half without a metadata service."""
        return self.per_region // 20 * 2

    @property
    def managed(self) -> int:
        return (self.per_region - self.unmanaged) * len(REGIONS)

    @property
    def fewest(self) -> int:
        """The fewest calls, each with the largest page there is.

        In a region: the instances, the nodes, the setting, the unfinished associations, and, as there are instances
        that no other reason explains, endpoints, route tables and security groups. Of IAM: the roles with their
        profiles, AWS's policies in use, and the document of each.
        """
        nodes = self.per_region - self.unmanaged
        return len(REGIONS) * (-(-self.per_region // PAGE) - (-nodes // PAGE) + 5) + 2 + len(AWS_POLICIES)


def make_fleet(emulator: Emulator, fleet: Fleet) -> None:
    """Launch the instances, by hundreds. moto gives a profile to the first of a launch only: those go one by one."""
    session = emulator.session(fleet.account)
    iam = session.client("iam")

    def role(name: str, service: str, path: str = "/") -> None:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)

    dhmc = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
    role(dhmc, "ssm.amazonaws.com", "/service-role/")
    iam.attach_role_policy(RoleName=dhmc, PolicyArn=f"arn:aws:iam::aws:policy/{AWS_POLICIES[0]}")
    own = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    )
    for number in range(PROFILES):
        name = f"app-{number}"
        role(name, "ec2.amazonaws.com")
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=own)
        if number % 2:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{AWS_POLICIES[1]}")
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    for region in REGIONS:
        session.client("ssm", region_name=region).update_service_setting(
            SettingId=SETTING, SettingValue=f"service-role/{dhmc}"
        )
        ec2 = session.client("ec2", region_name=region)

        def launch(
            count: int, *, tokens: str = "required", endpoint: str = "enabled", ec2: Any = ec2, **more: str
        ) -> None:
            profile = {"IamInstanceProfile": {"Name": more.pop("profile")}} if "profile" in more else {}
            tags = [{"Key": "Name", "Value": "web"}, *({"Key": f"fleet:{key}", "Value": more[key]} for key in more)]
            for start in range(0, count, 100):
                number = min(100, count - start)
                ec2.run_instances(
                    ImageId="ami-12345678",
                    MinCount=number,
                    MaxCount=number,
                    MetadataOptions={"HttpTokens": tokens, "HttpEndpoint": endpoint},
                    TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
                    **profile,
                )

        for number in range(PROFILES):
            launch(1, profile=f"app-{number}")
        launch(fleet.unmanaged // 2, agent="none")
        launch(fleet.unmanaged // 2, endpoint="disabled")
        rest = fleet.per_region - PROFILES - fleet.unmanaged
        launch(rest // 2)
        launch(rest - rest // 2, tokens="optional")
