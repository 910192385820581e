# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One emulator for the test run (for each worker, with pytest-xdist), and an account of its own for each test."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fleet_emulator import Control, Emulator

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EC2_TRUST = json.dumps(TRUST).replace("ssm.amazonaws", "ec2.amazonaws")
SSM_TRUST = json.dumps(TRUST)
DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def control(emulator: Emulator, account: str) -> Iterator[Control]:
    yield emulator.control
    emulator.control.clear_faults(account)


@pytest.fixture
def account() -> str:
    return f"{secrets.randbelow(8 * 10**11) + 10**11:012}"


@pytest.fixture
def client(emulator: Emulator, account: str) -> Callable[..., Any]:
    """Makes a client of the test's account: client("ssm"), client("ssm", "eu-west-1")."""
    session = emulator.session(account)

    def make(service: str, region: str = "us-east-1", **kwargs: Any) -> Any:
        return session.client(service, region_name=region, **kwargs)

    return make


class Aws:
    """What the tests set up again and again."""

    def __init__(self, account: str, client: Callable[..., Any]) -> None:
        self.account, self.client = account, client
        self.iam = client("iam")

    def role(self, name: str, trust: str = SSM_TRUST, path: str = "/", actions: Any = None, **kwargs: Any) -> str:
        """A role that may do the actions."""
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Path=path, **kwargs)
        if actions:
            statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            self.inline(name, "allow", statement)
        return name

    def inline(self, role: str, name: str, *statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)

    def profile(self, name: str, actions: Any = None) -> str:
        """An instance profile with a role of the same name."""
        self.role(name, EC2_TRUST, actions=actions)
        self.iam.create_instance_profile(InstanceProfileName=name)
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return name

    def instances(
        self, count: int = 1, region: str = "us-east-1", tags: dict[str, str] | None = None, **kwargs: Any
    ) -> list[str]:
        if tags:
            kwargs["TagSpecifications"] = [
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            ]
        answer = self.client("ec2", region).run_instances(
            ImageId="ami-12345678", MinCount=count, MaxCount=count, **kwargs
        )
        return [instance["InstanceId"] for instance in answer["Instances"]]

    def instance(self, **kwargs: Any) -> str:
        return self.instances(1, **kwargs)[0]

    def dhmc(self, value: str, region: str = "us-east-1") -> None:
        self.client("ssm", region).update_service_setting(SettingId=DHMC, SettingValue=value)

    def managed(self, region: str = "us-east-1") -> dict[str, str]:
        """Instance id -> PingStatus."""
        pages = self.client("ssm", region).get_paginator("describe_instance_information").paginate()
        return {node["InstanceId"]: node["PingStatus"] for page in pages for node in page["InstanceInformationList"]}


@pytest.fixture
def aws(account: str, client: Callable[..., Any]) -> Aws:
    return Aws(account, client)


@pytest.fixture
def refused() -> Callable[..., ClientError]:
    """Calls a function that AWS must refuse with the given code, and returns the error."""

    def check(code: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> ClientError:
        with pytest.raises(ClientError) as caught:
            function(*args, **kwargs)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return caught.value

    return check
