# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on an instance, and its reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._reachability import read_network
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness import assess, needs_network, version_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_types import (
    Dhmc,
    Machine,
    Node,
    Profile,
    Subject,
    read_machine,
    read_node,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=timezone.utc)
OLD = NOW - timedelta(days=3)
ROLE = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
ON, OFF = Dhmc(ROLE, changed=OLD), Dhmc()
ARN = "arn:aws:iam::111122223333:instance-profile/Web"
BARE = Machine(
    "i-1", "eu-west-1", launched=OLD, vpc="vpc-1", subnet="subnet-1", groups=("sg-1",), account="111122223333"
)
WITH = replace(BARE, profile_arn=ARN, profile_id="AIPA1")
FULL = Profile("Web", id="AIPA1", role="WebRole", pings=Answer.YES, messages=Answer.YES, created=OLD)
HALF = replace(FULL, messages=Answer.NO)
MUTE = replace(FULL, pings=Answer.NO, messages=Answer.NO)
UNTRUSTED = replace(FULL, trusted=Answer.NO)
UNCLEAR = replace(FULL, pings=Answer.MAYBE, unclear="statement Web of the policy Web depends on aws:SourceVpc")
UNREAD = Profile("Web", known=False)
BAD = replace(ON, permitted=Answer.NO)
ONLINE, LOST = Node("Online", "3.3.40.0"), Node("ConnectionLost", "3.3.40.0", "2026-11-24T00:00:00+00:00")
EVERY = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def network(*routes):
    return read_network(
        [],
        [{"VpcId": "vpc-1", "Routes": routes, "Associations": [{"Main": True}]}],
        [{"GroupId": "sg-1", "IpPermissionsEgress": EVERY}],
        {},
        subnets=[{"SubnetId": "subnet-1", "OwnerId": "111122223333"}],
    )


OPEN = network({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"})
TRANSIT = network({"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1"})
CLOSED = network()


def judged(subject, network=OPEN):
    found = assess(subject, network, NOW)
    return found.verdict, found.way, [one.reason for one in found.reasons]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        # Managed, by the one way or the other.
        (Subject(BARE, ON, ONLINE), ("managed", "dhmc", [])),
        (Subject(WITH, OFF, ONLINE, FULL), ("managed", "profile", [])),
        (Subject(WITH, ON, ONLINE, FULL), ("managed", "profile", ["profile_blocks_dhmc"])),
        (Subject(WITH, ON, ONLINE, MUTE), ("managed", "dhmc", [])),
        (Subject(WITH, OFF, ONLINE, HALF), ("managed", "profile", ["profile_half_grants"])),
        (Subject(WITH, ON, ONLINE, UNCLEAR), ("managed", "", ["profile_unclear"])),
        (Subject(WITH, ON, ONLINE, replace(FULL, trusted=Answer.MAYBE)), ("managed", "", ["profile_unclear"])),
        (Subject(WITH, ON, ONLINE, UNREAD), ("managed", "", ["profile_unclear"])),
        # It is online. Only the profile can have let it register.
        (Subject(WITH, OFF, ONLINE, UNCLEAR), ("managed", "profile", [])),
        (Subject(WITH, OFF, ONLINE, UNREAD), ("managed", "profile", [])),
        (Subject(WITH, BAD, ONLINE, UNCLEAR), ("managed", "profile", ["profile_blocks_dhmc"])),
        (Subject(WITH, OFF, ONLINE, replace(FULL, messages=Answer.MAYBE)), ("managed", "profile", [])),
        (
            Subject(WITH, OFF, ONLINE, replace(FULL, messages=Answer.MAYBE, messages_unclear="x")),
            ("managed", "profile", ["profile_unclear"]),
        ),
        (Subject(replace(BARE, imdsv2_only=False), ON, ONLINE), ("managed", "dhmc", ["imdsv1_allowed"])),
        # A profile that gives no credentials is none to the agent.
        (Subject(WITH, ON, ONLINE, replace(FULL, id="AIPA2")), ("managed", "dhmc", ["profile_recreated"])),
        (Subject(WITH, ON, ONLINE, replace(FULL, role="")), ("managed", "dhmc", ["profile_without_role"])),
        (Subject(WITH, ON, ONLINE, replace(FULL, role_exists=False)), ("managed", "dhmc", ["profile_without_role"])),
        (Subject(WITH, ON, ONLINE, Profile("Web", exists=False)), ("managed", "dhmc", ["profile_without_role"])),
        (Subject(WITH, ON, ONLINE, UNTRUSTED), ("managed", "dhmc", ["profile_untrusted"])),
        (Subject(WITH, ON, ONLINE, FULL, "associating"), ("managed", "dhmc", ["association_stuck"])),
        # Not managed.
        (Subject(BARE, OFF), ("not_managed", "", ["dhmc_off"])),
        (Subject(WITH, OFF, None, MUTE), ("not_managed", "", ["dhmc_off"])),
        (Subject(WITH, OFF, None, replace(FULL, role="")), ("not_managed", "", ["dhmc_off", "profile_without_role"])),
        (Subject(BARE, replace(ON, role_exists=False)), ("not_managed", "", ["dhmc_role_missing"])),
        (Subject(BARE, replace(ON, trusted=Answer.NO)), ("not_managed", "", ["dhmc_role_untrusted"])),
        (Subject(BARE, replace(ON, permitted=Answer.NO)), ("not_managed", "", ["dhmc_role_unpermitted"])),
        (Subject(replace(BARE, imds=False), ON), ("not_managed", "", ["imds_off"])),
        (Subject(BARE, ON), ("not_managed", "", ["agent_silent"])),
        (Subject(WITH, OFF, None, FULL), ("not_managed", "", ["agent_silent"])),
        (Subject(WITH, OFF, None, UNTRUSTED), ("not_managed", "", ["dhmc_off", "profile_untrusted"])),
        # Nobody can say that nothing is wrong while something is open. Where the agent may need DHMC, that counts, too.
        (Subject(BARE, Dhmc(known=False)), ("not_managed", "", ["dhmc_unclear"])),
        (Subject(BARE, replace(ON, role_known=False)), ("not_managed", "", ["dhmc_unclear"])),
        (Subject(BARE, replace(ON, trusted=Answer.MAYBE)), ("not_managed", "", ["dhmc_unclear"])),
        (Subject(BARE, replace(ON, permitted=Answer.MAYBE)), ("not_managed", "", ["dhmc_unclear"])),
        (
            Subject(BARE, replace(ON, permitted=Answer.MAYBE, trusted=Answer.NO)),
            ("not_managed", "", ["dhmc_role_untrusted"]),
        ),
        (Subject(WITH, ON, None, UNCLEAR), ("not_managed", "", ["profile_unclear"])),
        (Subject(WITH, ON, None, UNREAD), ("not_managed", "", ["profile_unclear"])),
        (Subject(WITH, OFF, None, UNCLEAR), ("not_managed", "", ["profile_unclear", "dhmc_off"])),
        (Subject(WITH, BAD, LOST, UNCLEAR), ("connection_lost", "", ["profile_unclear", "dhmc_role_unpermitted"])),
        (
            Subject(WITH, replace(ON, permitted=Answer.MAYBE), None, UNCLEAR),
            ("not_managed", "", ["profile_unclear", "dhmc_unclear"]),
        ),
        (Subject(WITH, Dhmc(known=False), None, UNCLEAR), ("not_managed", "", ["profile_unclear", "dhmc_unclear"])),
        # Whether it would receive commands does not matter to whether it is managed.
        (
            Subject(WITH, OFF, None, replace(FULL, messages=Answer.MAYBE, messages_unclear="x")),
            ("not_managed", "", ["agent_silent", "profile_unclear"]),
        ),
        (
            Subject(WITH, OFF, None, replace(UNCLEAR, created=NOW)),
            ("pending", "", ["profile_unclear", "dhmc_off", "changed_recently"]),
        ),
        # The connection is lost.
        (Subject(BARE, OFF, LOST), ("connection_lost", "", ["dhmc_off"])),
        (Subject(BARE, ON, LOST), ("connection_lost", "", ["agent_silent"])),
        (Subject(BARE, ON, replace(LOST, agent="3.1.1927.0")), ("connection_lost", "", ["agent_too_old"])),
        # It takes its time.
        (Subject(replace(BARE, launched=NOW), ON), ("pending", "", ["changed_recently"])),
        (Subject(BARE, replace(ON, changed=NOW)), ("pending", "", ["changed_recently"])),
        (Subject(WITH, OFF, None, replace(FULL, created=NOW)), ("pending", "", ["changed_recently"])),
        (Subject(BARE, replace(ON, changed=NOW), LOST), ("pending", "", ["changed_recently"])),
        (Subject(replace(BARE, launched=NOW), OFF), ("not_managed", "", ["dhmc_off"])),
        # Nobody expects it to be managed.
        (Subject(replace(BARE, state="stopped"), ON, LOST), ("out_of_scope", "", ["not_running"])),
        (Subject(replace(BARE, operator="eks"), ON, ONLINE), ("out_of_scope", "", ["service_managed"])),
    ],
)
def test_the_verdict_and_its_reasons(subject, expected):
    assert judged(subject) == expected


def test_a_role_of_quick_setup_is_named_and_is_no_fault():
    dhmc = Dhmc("AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-1", changed=OLD)
    assert judged(Subject(BARE, dhmc, ONLINE)) == ("managed", "dhmc", ["dhmc_role_foreign"])
    found = assess(Subject(BARE, dhmc, ONLINE), OPEN, NOW).reasons[0]
    assert (found.severity, "set by Systems Manager Quick Setup" in found.message) == ("info", True)
    assert judged(Subject(BARE, dhmc))[2] == ["agent_silent", "dhmc_role_foreign"]


def test_what_leaves_it_open_is_said():
    found = assess(Subject(WITH, OFF, None, UNCLEAR), OPEN, NOW).reasons
    assert [one.severity for one in found] == ["blocking", "warning"]
    assert found[0].message == (
        "It is unclear whether Web lets the instance register: statement Web of the policy Web depends on "
        "aws:SourceVpc."
    )
    assert "it is unclear whether its profile Web lets it register" in found[1].message
    found = assess(Subject(WITH, OFF, None, UNREAD), OPEN, NOW).reasons
    assert found[0].message.endswith("it could not be read.")
    dhmc = replace(ON, permitted=Answer.MAYBE, unclear="statement 1 of the inline policy P (Allow) depends on aws:x")
    (found,) = assess(Subject(BARE, dhmc), OPEN, NOW).reasons
    assert found.message.endswith(f"lets the instance register: {dhmc.unclear}.")


def test_the_network_counts_only_where_nothing_else_is_wrong():
    assert judged(Subject(BARE, ON), CLOSED) == ("not_managed", "", ["no_egress"])
    # What is unclear blocks nothing.
    assert judged(Subject(BARE, ON), TRANSIT) == ("not_managed", "", ["agent_silent", "network_unclear"])
    assert judged(Subject(BARE, OFF), CLOSED) == ("not_managed", "", ["dhmc_off"])
    assert judged(Subject(BARE, ON, ONLINE), CLOSED) == ("managed", "dhmc", [])
    # So it has to be read only for those that are unclear without it.
    assert needs_network(assess(Subject(BARE, ON), None, NOW))
    assert needs_network(assess(Subject(replace(BARE, launched=NOW), ON), None, NOW))
    # An open question is one of these, unless something else is plainly wrong.
    assert needs_network(assess(Subject(WITH, OFF, None, UNCLEAR), None, NOW))
    assert judged(Subject(WITH, OFF, None, UNCLEAR), CLOSED)[2] == ["no_egress", "profile_unclear", "dhmc_off"]
    for clear in (Subject(replace(WITH, imds=False), OFF, None, UNCLEAR), Subject(WITH, ON, ONLINE, UNCLEAR)):
        assert not needs_network(assess(clear, None, NOW))
    for clear in (Subject(BARE, OFF), Subject(BARE, ON, ONLINE), Subject(replace(BARE, state="stopped"), ON)):
        assert not needs_network(assess(clear, None, NOW))


def test_what_was_changed_half_an_hour_ago_may_still_have_an_effect_and_no_later():
    for minutes, verdict in ((34, "pending"), (36, "not_managed")):
        recent = replace(BARE, launched=NOW - timedelta(minutes=minutes))
        assert assess(Subject(recent, ON), OPEN, NOW).verdict == verdict
    found = assess(Subject(replace(BARE, launched=NOW - timedelta(minutes=5)), replace(ON, changed=NOW)), OPEN, NOW)
    assert (
        "At 12:00 UTC Default Host Management Configuration was set; look again after 12:35" in found.reasons[0].message
    )


def test_the_gravest_reason_comes_first():
    subject = Subject(replace(WITH, imdsv2_only=False), OFF, None, replace(FULL, role=""))
    found = assess(subject, OPEN, NOW).reasons
    assert [one.severity for one in found] == ["blocking", "warning", "info"]


@pytest.mark.parametrize(("dhmc", "usable", "problem"), [
    (Dhmc(), None, ""),
    (Dhmc(known=False), None, ""),
    (Dhmc("R"), True, ""),
    (Dhmc("R", role_known=False), None, "IAM could not be read"),
    (Dhmc("R", role_exists=False), False, "it does not exist"),
    (Dhmc("R", trusted=Answer.NO), False, "its trust policy does not trust ssm.amazonaws.com"),
    (Dhmc("R", permitted=Answer.NO), False, "it does not allow ssm:UpdateInstanceInformation"),
    (Dhmc("R", trusted=Answer.NO, permitted=Answer.NO), False,
     "its trust policy does not trust ssm.amazonaws.com, and it does not allow ssm:UpdateInstanceInformation"),
    (Dhmc("R", trusted=Answer.MAYBE), None, "a condition or a resource in its policies decides"),
    (Dhmc("R", trusted=Answer.MAYBE, unclear="it depends"), None, "it depends"),
    (Dhmc("R", trusted=Answer.MAYBE, permitted=Answer.NO), False, "it does not allow ssm:UpdateInstanceInformation"),
])  # fmt: skip
def test_a_role_can_be_used_if_nothing_that_was_read_is_against_it(dhmc, usable, problem):
    assert (dhmc.usable, dhmc.problem) == (usable, problem)


@pytest.mark.parametrize(
    ("text", "older"), [("3.2.581.9", True), ("3.2.582.0", False), ("3.3.40.0", False), ("2.3.1", True), ("x", False)]
)
def test_versions_are_compared_as_numbers(text, older):
    assert (version_of(text) < (3, 2, 582, 0)) is older


def test_what_ec2_and_systems_manager_say_is_read():
    found = read_machine(
        "eu-west-1",
        {
            "InstanceId": "i-1",
            "State": {"Name": "running"},
            "Tags": [{"Key": "Name", "Value": "web"}, {"Key": "x", "Value": "y"}],
            "IamInstanceProfile": {"Arn": ARN, "Id": "AIPA1"},
            "MetadataOptions": {"HttpEndpoint": "disabled", "HttpTokens": "optional"},
            "Operator": {"Managed": True, "Principal": "eks.amazonaws.com"},
            "VpcId": "vpc-1",
            "SubnetId": "subnet-1",
            "SecurityGroups": [{"GroupId": "sg-1"}],
            "PublicIpAddress": "203.0.113.1",
            "PrivateIpAddress": "10.0.0.5",
            "NetworkInterfaces": [
                {"OwnerId": "9", "Attachment": {"DeviceIndex": 1}, "Ipv6Addresses": [{"Ipv6Address": "2600::2"}]},
                {
                    "OwnerId": "111122223333",
                    "Attachment": {"DeviceIndex": 0},
                    "Ipv6Addresses": [{"Ipv6Address": "2600::1"}],
                },
            ],
            "LaunchTime": OLD,
        },
    )
    expected = replace(
        WITH,
        name="web",
        imds=False,
        imdsv2_only=False,
        operator="eks.amazonaws.com",
        public=True,
        address="10.0.0.5",
        ipv6=("2600::1",),
        launched=OLD,
        tags=(("Name", "web"), ("x", "y")),
    )
    assert found == expected
    # Without interfaces it is not known whether it has IPv6, nor whose it is.
    bare = read_machine("eu-west-1", {"InstanceId": "i-2", "State": {"Name": "pending"}})
    assert (bare.ipv6, bare.account) == (None, "")
    assert found.profile_name == "Web"
    assert read_machine("eu-west-1", {"InstanceId": "i-2", "State": {"Name": "pending"}}).imds
    assert read_node({"PingStatus": "Online", "LastPingDateTime": OLD}).last_ping == OLD.isoformat()
