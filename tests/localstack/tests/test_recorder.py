# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of API calls."""

from __future__ import annotations

import time

from conftest import DHMC, SSM_TRUST

from fleet_emulator.boto import session
from fleet_emulator.recorder import is_write


def test_what_is_recorded(client, account, control):
    """Every call, with what AWS CloudTrail's record of it would name: who, what, where, when and the outcome."""
    ssm = client("ssm", "eu-west-1")
    started = time.time()
    ssm.get_service_setting(SettingId=DHMC)
    ssm.update_service_setting(SettingId=DHMC, SettingValue="Role")
    read, write = control.calls(account)
    assert (read["service"], read["operation"], read["region"]) == ("ssm", "GetServiceSetting", "eu-west-1")
    assert (read["write"], write["write"]) == (False, True)
    assert (write["resource"], write["params"]["SettingValue"]) == (DHMC, "Role")
    assert write["principal"] == f"arn:aws:iam::{account}:root"
    assert (write["status"], write["error"]) == (200, None)
    assert started - 1 <= read["time"] <= write["time"] <= time.time() + 1
    assert read["ms"] > 0


def test_errors(client, account, control, refused):
    """The error code is the one on the wire, for each protocol."""
    refused("ServiceSettingNotFound", client("ssm").get_service_setting, SettingId="/x")
    refused("NoSuchEntity", client("iam").get_role, RoleName="x")
    refused("InvalidInstanceID.NotFound", client("ec2").describe_instances, InstanceIds=["i-0123456789abcdef0"])
    calls = control.calls(account)
    assert [call["error"] for call in calls] == ["ServiceSettingNotFound", "NoSuchEntity", "InvalidInstanceID.NotFound"]
    assert [call["status"] for call in calls] == [400, 404, 400]
    assert [call["resource"] for call in calls] == ["/x", "x", "i-0123456789abcdef0"]


def test_accounts_are_apart(client, account, control, emulator):
    """A test sees and clears its own account's calls only."""
    client("ssm").get_service_setting(SettingId=DHMC)
    emulator.session("999900002222").client("ssm").get_service_setting(SettingId=DHMC)
    assert len(control.calls(account)) == 1
    control.clear_calls(account)
    assert control.calls(account) == []
    assert control.calls("999900002222")


def test_filters(client, account, control):
    """Calls are found by service, operation, region and whether they write."""
    client("ssm").get_service_setting(SettingId=DHMC)
    client("iam").create_role(RoleName="R", AssumeRolePolicyDocument=SSM_TRUST)
    assert [call["operation"] for call in control.calls(account, writes=True)] == ["CreateRole"]
    assert len(control.calls(account, service="ssm", operation="get*")) == 1
    assert control.calls(account, region="eu-*") == []


def test_assumed_role_is_named(client, emulator, account, control):
    """AWS STS: the principal of a session is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION."""
    client("iam").create_role(RoleName="Operator", AssumeRolePolicyDocument=SSM_TRUST)
    answer = client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/Operator", RoleSessionName="me")
    key = answer["Credentials"]

    assumed = session(emulator.endpoint, key["AccessKeyId"], "us-east-1", key["SessionToken"])
    assumed.client("ssm").update_service_setting(SettingId=DHMC, SettingValue="Role")
    arn = f"arn:aws:sts::{account}:assumed-role/Operator/me"
    assert control.calls(account, service="ssm")[0]["principal"] == arn
    assert client("ssm").get_service_setting(SettingId=DHMC)["ServiceSetting"]["LastModifiedUser"] == arn


def test_reads_and_writes():
    """Service Authorization Reference: access levels List and Read do not change anything."""
    reads = ["GetRole", "ListRoles", "DescribeInstances", "SimulatePrincipalPolicy", "HeadBucket", "AssumeRole"]
    writes = ["CreateRole", "PutRolePolicy", "AttachRolePolicy", "RunInstances", "ResetServiceSetting", "TagRole"]
    assert not any(map(is_write, [*reads, "GetCallerIdentity"]))
    assert all(map(is_write, writes))


def test_reset(client, account, control, refused):
    """After a reset the account is as if it had never been used."""
    client("ssm").update_service_setting(SettingId=DHMC, SettingValue="Role")
    client("iam").create_role(RoleName="R", AssumeRolePolicyDocument=SSM_TRUST)
    client("account").enable_region(RegionName="me-south-1")
    control.reset(account)
    assert control.calls(account) == []
    assert client("ssm").get_service_setting(SettingId=DHMC)["ServiceSetting"]["SettingValue"] == "$None"
    refused("NoSuchEntity", client("iam").get_role, RoleName="R")
    refused("AuthFailure", client("ec2", "me-south-1").describe_vpcs)
