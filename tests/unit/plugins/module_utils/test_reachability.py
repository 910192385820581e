# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a network has a way to Systems Manager."""

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._reachability import network_reasons, read_network

GROUP = {"GroupId": "sg-1", "IpPermissionsEgress": [{"IpProtocol": "-1"}]}


def endpoint(service, *, dns=True, state="available", vpc="vpc-1"):
    name = f"com.amazonaws.eu-west-1.{service}"
    return {"ServiceName": name, "State": state, "PrivateDnsEnabled": dns, "VpcId": vpc}


def table(target=None, *, subnet=None, state="active"):
    routes = [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}]
    if target:
        routes.append({"DestinationCidrBlock": "0.0.0.0/0", "State": state, **target})
    association = {"SubnetId": subnet, "Main": False} if subnet else {"Main": True}
    return {"VpcId": "vpc-1", "Routes": routes, "Associations": [association]}


IGW, NAT = {"GatewayId": "igw-1"}, {"NatGatewayId": "nat-1"}
BOTH = [endpoint("ssm"), endpoint("ssmmessages")]


def reasons(endpoints=(), tables=(), *, groups=(GROUP,), dns=None, public=False):
    network = read_network(endpoints, tables, groups, dns or {})
    found = network_reasons(network, vpc="vpc-1", subnet="subnet-1", groups=["sg-1"], public=public, region="eu-west-1")
    return [one.reason for one in found]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tables": [table(NAT)]}, []),
        ({"tables": [table({"TransitGatewayId": "tgw-1"})]}, []),
        ({"tables": [table(IGW)], "public": True}, []),
        ({"tables": [table(IGW)]}, ["no_egress"]),
        ({"tables": [table(NAT, state="blackhole")]}, ["no_egress"]),
        ({"tables": [table()]}, ["no_egress"]),
        ({}, ["no_egress"]),
        # The subnet's own table counts, and the main one only without it.
        ({"tables": [table(NAT), table(subnet="subnet-1")]}, ["no_egress"]),
        ({"tables": [table(), table(NAT, subnet="subnet-1")]}, []),
        ({"tables": [table(NAT), table(subnet="subnet-2")]}, []),
        ({"endpoints": BOTH, "dns": {"vpc-1": True}}, []),
        ({"endpoints": BOTH, "dns": {"vpc-1": False}}, ["private_dns_off"]),
        ({"endpoints": [endpoint("ssm", dns=False), endpoint("ssmmessages")]}, ["private_dns_off"]),
        ({"endpoints": [endpoint("ssm")]}, ["missing_vpc_endpoints"]),
        ({"endpoints": [endpoint("ssm", dns=False)]}, ["missing_vpc_endpoints", "private_dns_off"]),
        ({"endpoints": [endpoint("ssm"), endpoint("ssmmessages", state="pending")]}, ["missing_vpc_endpoints"]),
        ({"endpoints": [endpoint("ssm", vpc="vpc-2"), endpoint("ssmmessages", vpc="vpc-2")]}, ["no_egress"]),
        # A second endpoint for the same service, with private DNS, is enough.
        ({"endpoints": [*BOTH, endpoint("ssm", dns=False)]}, []),
        ({"endpoints": [endpoint("s3")]}, ["no_egress"]),
        ({"endpoints": [endpoint("ssm", dns=False)], "tables": [table(NAT)]}, []),
    ],
)
def test_a_route_or_endpoints_lead_there(given, expected):
    assert reasons(**given) == expected


@pytest.mark.parametrize(
    ("permission", "opened"),
    [
        ({"IpProtocol": "-1"}, True),
        ({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, True),
        ({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}, True),
        ({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}, False),
        ({"IpProtocol": "udp", "FromPort": 443, "ToPort": 443}, False),
    ],
)
def test_a_security_group_has_to_let_https_out(permission, opened):
    groups = [{"GroupId": "sg-1", "IpPermissionsEgress": [permission]}]
    assert reasons(tables=[table(NAT)], groups=groups) == ([] if opened else ["no_egress"])


def test_the_message_says_which_way_is_missing():
    network = read_network([], [table(IGW)], [GROUP], {})
    (found,) = network_reasons(
        network, vpc="vpc-1", subnet="subnet-1", groups=["sg-1"], public=False, region="eu-west-1"
    )
    assert "to an internet gateway, but it has no public address" in found.message
    assert "subnet-1" in found.row()["fix"]
    assert "vpc-1" in found.row()["fix"]
