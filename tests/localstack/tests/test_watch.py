# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The look at the agents after each write, and the copy of an account."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import DHMC

from fleet_emulator.agent_judge import PING
from fleet_emulator.control import ControlError


def associations(client):
    return client("ec2").describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]


def test_who_is_lost_and_who_comes_back(aws, client, account, control):
    aws.profile("P", [PING])
    kept, lost = aws.instance(), aws.instance(IamInstanceProfile={"Name": "P"})
    control.watch(account)
    assert control.watched(account) == {"start": [lost], "now": [lost], "moments": []}
    client("iam").delete_role_policy(RoleName="P", PolicyName="allow")
    aws.role("D", actions=[PING])
    aws.dhmc("D")
    seen = control.watched(account)
    assert seen["start"] == [lost]
    assert seen["now"] == sorted([kept, lost])
    first, second = seen["moments"]
    assert (first["operation"], first["lost"], first["found"]) == ("DeleteRolePolicy", [lost], [])
    assert (second["operation"], second["region"]) == ("UpdateServiceSetting", "us-east-1")
    assert (second["lost"], second["found"]) == ([], sorted([kept, lost]))


def test_a_moment_between_two_writes_at_once_is_seen(aws, client, account, control):
    """Both writes arrive together; the one that takes away is never hidden by the one that gives."""
    aws.profile("P", [PING])
    aws.role("D", actions=[PING])
    instance = aws.instance(IamInstanceProfile={"Name": "P"})
    for _ in range(10):
        control.watch(account)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(client("iam").delete_role_policy, RoleName="P", PolicyName="allow")
            second = pool.submit(aws.dhmc, "D")
            first.result(), second.result()
        moments = control.watched(account)["moments"]
        calls = [call["operation"] for call in control.calls(account, writes=True)][-2:]
        lost = [moment for moment in moments if instance in moment["lost"]]
        assert bool(lost) is (calls == ["DeleteRolePolicy", "UpdateServiceSetting"])
        aws.inline("P", "allow", {"Effect": "Allow", "Action": PING, "Resource": "*"})
        client("ssm").reset_service_setting(SettingId=DHMC)


def test_writes_that_fail_go_on_being_in_turn(client, account, control, refused):
    control.watch(account)
    for _ in range(2):
        refused("NoSuchEntity", client("iam").delete_role, RoleName="Nobody")
    assert control.watched(account)["moments"] == []


def test_nobody_watches(control, account):
    with pytest.raises(ControlError, match="HTTP 404"):
        control.watched(account)


def test_a_copy_has_all_and_is_on_its_own(aws, client, account, control, emulator):
    aws.profile("P", [PING])
    instance = aws.instance(IamInstanceProfile={"Name": "P"}, tags={"Name": "first"})
    client("ec2", "eu-west-1").modify_instance_metadata_defaults(HttpTokens="required")
    client("account").enable_region(RegionName="me-south-1")
    aws.dhmc("D")
    assert aws.managed() == {instance: "Online"}
    other = "555566667777"
    control.copy(account, other)
    try:
        there = emulator.session(other)
        role = there.client("iam").get_role(RoleName="P")["Role"]
        assert role["Arn"] == f"arn:aws:iam::{other}:role/P"
        assert role["RoleId"] == client("iam").get_role(RoleName="P")["Role"]["RoleId"]
        [row] = there.client("ec2", "us-east-1").describe_iam_instance_profile_associations()[
            "IamInstanceProfileAssociations"
        ]
        assert row["AssociationId"] == associations(client)[0]["AssociationId"]
        assert (row["InstanceId"], row["IamInstanceProfile"]["Arn"]) == (
            instance,
            f"arn:aws:iam::{other}:instance-profile/P",
        )
        ssm = there.client("ssm", "us-east-1")
        assert ssm.get_service_setting(SettingId=DHMC)["ServiceSetting"]["SettingValue"] == "D"
        assert ssm.describe_instance_information()["InstanceInformationList"][0]["PingStatus"] == "Online"
        defaults = there.client("ec2", "eu-west-1").get_instance_metadata_defaults()["AccountLevel"]
        assert defaults["HttpTokens"] == "required"
        there.client("ec2", "me-south-1").describe_instances()
        # What happens to one does not happen to the other.
        there.client("iam").delete_role_policy(RoleName="P", PolicyName="allow")
        assert ssm.describe_instance_information()["InstanceInformationList"][0]["PingStatus"] == "ConnectionLost"
        assert aws.managed() == {instance: "Online"}
        aws.dhmc("E")
        assert ssm.get_service_setting(SettingId=DHMC)["ServiceSetting"]["SettingValue"] == "D"
    finally:
        control.reset(other)


def test_a_copy_is_quick(aws, account, control):
    for region in ("us-east-1", "eu-west-1", "eu-central-1"):
        aws.instances(2, region=region)
    started = time.monotonic()
    control.copy(account, "555566668888")
    assert time.monotonic() - started < 5
    control.reset("555566668888")


def test_a_copy_needs_two_accounts(control, account):
    with pytest.raises(ControlError, match="name two accounts"):
        control.copy(account, account)
    with pytest.raises(ControlError, match="name two accounts"):
        control.copy(account, "another")
