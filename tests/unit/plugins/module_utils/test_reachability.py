# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a network has a way to Systems Manager, and what is said where that can't be seen."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.addresses import (
    covers_public,
    holds,
    overlap,
    ranges,
    touches_public,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.facts import lists_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.verdict import needed_services
from ansible_collections.fleet.aws_ssm.plugins.module_utils._reachability import network_reasons, read_network

OURS, THEIRS = "111122223333", "999988887777"
EVERY = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
S3_LIST = "pl-6da54004"


def group(name="sg-1", egress=(EVERY,), ingress=()):
    return {"GroupId": name, "IpPermissionsEgress": list(egress), "IpPermissions": list(ingress)}


IN = group("sg-e", (), [{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}])


def endpoint(service, *, dns=True, state="available", vpc="vpc-1", **more):
    return {
        "VpcEndpointId": f"vpce-{service}",
        "ServiceName": f"com.amazonaws.eu-west-1.{service}",
        "VpcEndpointType": "Interface",
        "State": state,
        "PrivateDnsEnabled": dns,
        "VpcId": vpc,
        "Groups": [{"GroupId": "sg-e"}],
        "NetworkInterfaceIds": [f"eni-{service}"],
        **more,
    }


def interface(service, address="10.0.1.9"):
    return {"NetworkInterfaceId": f"eni-{service}", "PrivateIpAddress": address}


def route(target, to="0.0.0.0/0", state="active"):
    key = "DestinationCidrBlock"
    key = "DestinationPrefixListId" if to.startswith("pl-") else key
    key = "DestinationIpv6CidrBlock" if ":" in to else key
    return {key: to, "State": state, **target}


def table(*routes, subnet=None):
    association = {"SubnetId": subnet, "Main": False} if subnet else {"Main": True}
    return {"VpcId": "vpc-1", "Routes": [LOCAL, *routes], "Associations": [association]}


IGW, NAT, TGW = {"GatewayId": "igw-1"}, {"NatGatewayId": "nat-1"}, {"TransitGatewayId": "tgw-1"}
EIGW = {"EgressOnlyInternetGatewayId": "eigw-1"}
BOTH = [endpoint("ssm"), endpoint("ssmmessages")]
CLOSED = table()
GROUPS = (group(), IN)


def reasons(  # noqa: PLR0913, one for each kind of fact
    endpoints=(),
    tables=(CLOSED,),
    *,
    groups=GROUPS,
    dns=True,
    lists=None,
    owner=OURS,
    interfaces=True,
    dns64=False,
    **place,
):
    network = read_network(
        endpoints,
        tables,
        groups,
        {"vpc-1": dns},
        subnets=[{"SubnetId": "subnet-1", "OwnerId": owner, "EnableDns64": dns64}] if owner else [],
        interfaces=[interface(one) for one in ("ssm", "ssmmessages", "ec2messages")] if interfaces else None,
        lists=lists,
    )
    place = {"public": False, "address": "10.0.0.5", "ipv6": (), "account": OURS, "groups": ["sg-1"], **place}
    return network_reasons(network, vpc="vpc-1", subnet="subnet-1", region="eu-west-1", instance="i-1", **place)


def codes(*args, **more):
    return [f"{'' if one.severity == 'blocking' else '?'}{one.reason}" for one in reasons(*args, **more)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tables": [table(route(NAT))]}, []),
        ({"tables": [table(route(IGW))], "public": True}, []),
        ({"tables": [table(route(IGW))]}, ["no_egress"]),
        ({"tables": [table(route(NAT, state="blackhole"))]}, ["no_egress"]),
        ({}, ["no_egress"]),
        # The subnet's own table counts, and the main one only without it.
        ({"tables": [table(route(NAT)), table(subnet="subnet-1")]}, ["no_egress"]),
        ({"tables": [CLOSED, table(route(NAT), subnet="subnet-1")]}, []),
        ({"tables": [table(route(NAT)), table(subnet="subnet-2")]}, []),
        # In parts, and by a prefix list.
        ({"tables": [table(route(NAT, "0.0.0.0/1"), route(NAT, "128.0.0.0/1"))]}, []),
        ({"tables": [table(route(NAT, "0.0.0.0/1"))]}, ["?network_unclear"]),
        ({"tables": [table(route(NAT, "pl-0123456789abcdef0"))]}, ["?network_unclear"]),
        ({"tables": [table(route(NAT, "pl-0123456789abcdef0"))], "lists": {"pl-0123456789abcdef0": ["0.0.0.0/0"]}}, []),
        # A gateway endpoint is a way to S3 alone.
        ({"tables": [table(route({"GatewayId": "vpce-1"}, S3_LIST))]}, ["no_egress"]),
        # Where these lead can't be seen.
        ({"tables": [table(route(TGW))]}, ["?network_unclear"]),
        ({"tables": [table(route({"GatewayId": "vgw-1"}))]}, ["?network_unclear"]),
        ({"tables": [table(route({"GatewayId": "vpce-1"}))]}, ["?network_unclear"]),
        ({"tables": [table(route({"InstanceId": "i-2", "NetworkInterfaceId": "eni-2"}))]}, ["?network_unclear"]),
        (
            {"tables": [table(route({"CoreNetworkArn": "arn:aws:networkmanager::1:core-network/c"}))]},
            ["?network_unclear"],
        ),
        ({"tables": [table(route(TGW, "10.0.0.0/8"))]}, ["?network_unclear"]),
        ({"tables": [table(route({"VpcPeeringConnectionId": "pcx-1"}, "10.1.0.0/16"))]}, ["?network_unclear"]),
        ({"tables": [table(route(NAT), route(TGW, "10.0.0.0/8"))]}, []),
        # The halves differ: which one has Systems Manager's addresses is not known.
        ({"tables": [table(route(NAT, "0.0.0.0/1"), route(TGW, "128.0.0.0/1"))]}, ["?network_unclear"]),
        # What the instance does not see.
        ({"tables": []}, ["?network_unclear"]),
        ({"owner": THEIRS}, ["?network_unclear"]),
        ({"owner": ""}, ["?network_unclear"]),
        ({"account": ""}, ["?network_unclear"]),
        ({"owner": THEIRS, "tables": [table(route(NAT))]}, []),
    ],
)
def test_routes(given, expected):
    assert codes(**given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"endpoints": BOTH}, []),
        ({"endpoints": BOTH, "dns": False}, ["private_dns_off"]),
        ({"endpoints": [endpoint("ssm", dns=False), endpoint("ssmmessages")]}, ["?private_dns_off"]),
        ({"endpoints": [endpoint("ssm")]}, ["missing_vpc_endpoints"]),
        ({"endpoints": [endpoint("ssm", dns=False)]}, ["?private_dns_off", "missing_vpc_endpoints"]),
        ({"endpoints": [endpoint("ssm"), endpoint("ssmmessages", state="pending")]}, ["?endpoint_not_ready"]),
        ({"endpoints": [endpoint("ssm"), endpoint("ssmmessages", state="failed")]}, ["endpoint_not_ready"]),
        ({"endpoints": [endpoint("ssm"), endpoint("ssmmessages", state="Available")]}, []),
        ({"endpoints": [endpoint("ssm"), endpoint("ssmmessages", state="partial")]}, []),
        ({"endpoints": [endpoint("ssm", vpc="vpc-2"), endpoint("ssmmessages", vpc="vpc-2")]}, ["no_egress"]),
        # A second endpoint for the same service, with private DNS, is enough.
        ({"endpoints": [*BOTH, endpoint("ssm", dns=False)]}, []),
        ({"endpoints": [endpoint("s3")]}, ["no_egress"]),
        ({"endpoints": [endpoint("ssm", dns=False)], "tables": [table(route(NAT))]}, []),
        ({"endpoints": [endpoint("ssm", NetworkInterfaceIds=[]), BOTH[1]]}, ["endpoint_not_ready"]),
        # Private DNS wins over any route.
        (
            {"endpoints": BOTH, "tables": [table(route(NAT))], "groups": [group(), group("sg-e")]},
            ["endpoint_group_closed"],
        ),
        # What was not read is not taken for closed.
        ({"endpoints": BOTH, "groups": [group()]}, ["?network_unclear", "?network_unclear"]),
        ({"endpoints": BOTH, "interfaces": False}, []),
        ({"endpoints": BOTH, "address": "", "groups": [group(), IN]}, ["?network_unclear", "?network_unclear"]),
        # An instance with IPv6 alone does not get to an endpoint with IPv4 alone by what is known.
        ({"endpoints": BOTH, "address": "", "ipv6": ("2600::1",)}, ["?network_unclear", "?network_unclear"]),
    ],
)
def test_endpoints(given, expected):
    assert codes(**given) == expected


@pytest.mark.parametrize(
    ("egress", "expected"),
    [
        ([EVERY], []),
        ([{**HTTPS, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}], []),
        ([{**HTTPS, "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}], []),
        ([{**HTTPS, "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}], ["no_egress"]),
        ([{**HTTPS, "IpProtocol": "udp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}], ["no_egress"]),
        ([], ["no_egress"]),
        ([{**HTTPS, "IpRanges": [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]}], []),
        ([{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}], ["no_egress"]),
        ([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}], ["no_egress"]),
        ([{**HTTPS, "IpRanges": [{"CidrIp": "52.0.0.0/8"}]}], ["?network_unclear"]),
        ([{**HTTPS, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}], ["no_egress"]),
        ([{**HTTPS, "UserIdGroupPairs": [{"GroupId": "sg-2"}]}], ["no_egress"]),
        ([{**HTTPS, "PrefixListIds": [{"PrefixListId": S3_LIST}]}], ["no_egress"]),
        ([{**HTTPS, "PrefixListIds": [{"PrefixListId": "pl-0123456789abcdef0"}]}], ["?network_unclear"]),
        ([{**HTTPS, "PrefixListIds": [{"PrefixListId": "pl-every"}]}], []),
    ],
)
def test_egress_counts_by_protocol_port_and_destination(egress, expected):
    given = {"tables": [table(route(NAT))], "groups": [group(egress=egress)], "lists": {"pl-every": ["0.0.0.0/0"]}}
    assert codes(**given) == expected


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ({"IpRanges": [{"CidrIp": "10.0.1.0/24"}]}, []),
        ({"IpRanges": [{"CidrIp": "10.0.1.9/32"}]}, []),
        ({"IpRanges": [{"CidrIp": "10.0.2.0/24"}]}, ["no_egress", "no_egress"]),
        ({"UserIdGroupPairs": [{"GroupId": "sg-e"}]}, []),
        ({"PrefixListIds": [{"PrefixListId": "pl-vpc"}]}, []),
        ({"PrefixListIds": [{"PrefixListId": "pl-0123456789abcdef0"}]}, ["?network_unclear", "?network_unclear"]),
    ],
)
def test_egress_to_an_endpoint(to, expected):
    groups = [group(egress=[{**HTTPS, **to}]), IN]
    assert codes(BOTH, [table(route(NAT))], groups=groups, lists={"pl-vpc": ["10.0.0.0/16"]}) == expected


def test_egress_to_central_endpoints_needs_no_way_to_public_addresses():
    groups = [group(egress=[{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])]
    assert codes(tables=[table(route(NAT), route(TGW, "10.1.0.0/16"))], groups=groups) == ["?network_unclear"]
    assert codes(tables=[table(route(NAT), route(TGW, "172.16.0.0/12"))], groups=groups) == ["no_egress"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"IpRanges": [{"CidrIp": "10.0.0.5/32"}]}, []),
        ({"IpRanges": [{"CidrIp": "10.0.0.6/32"}]}, ["endpoint_group_closed"]),
        ({"UserIdGroupPairs": [{"GroupId": "sg-1"}]}, []),
        ({"UserIdGroupPairs": [{"GroupId": "sg-2"}]}, ["endpoint_group_closed"]),
        ({"PrefixListIds": [{"PrefixListId": "pl-vpc"}]}, []),
        ({"FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, ["endpoint_group_closed"]),
    ],
)
def test_ingress_of_an_endpoint(source, expected):
    groups = [group(), group("sg-e", ingress=[{**HTTPS, **source}])]
    assert codes(BOTH, groups=groups, lists={"pl-vpc": ["10.0.0.0/16"]}) == expected


def allow(**more):
    return {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **more}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow()], []),
        ([allow(Action="ssm:*")], []),
        ([allow(Action="ssm:GetParameter")], ["endpoint_policy_denies"]),
        ([], ["endpoint_policy_denies"]),
        ([allow(), allow(Effect="Deny", Action="ssm:Update*")], ["endpoint_policy_denies"]),
        ([allow(), allow(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})], ["?network_unclear"]),
        ([allow(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})], ["?network_unclear"]),
        ([allow(Condition={"StringEquals": {"aws:PrincipalAccount": OURS}})], []),
        ([allow(Condition={"StringEquals": {"aws:PrincipalAccount": THEIRS}})], ["endpoint_policy_denies"]),
        ([allow(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})], []),
        ([allow(Principal={"AWS": "*"})], []),
        ([allow(Principal={"AWS": OURS})], []),
        ([allow(Principal={"AWS": f"arn:aws:iam::{OURS}:root"})], []),
        ([allow(Principal={"AWS": f"arn:aws:iam::{THEIRS}:root"})], ["endpoint_policy_denies"]),
        ([allow(), allow(Effect="Deny", Principal={"AWS": THEIRS})], []),
        ([allow(Principal={"AWS": f"arn:aws:iam::{OURS}:role/Web"})], ["?network_unclear"]),
        ([allow(Principal={"Service": "ec2.amazonaws.com"})], ["endpoint_policy_denies"]),
        ([allow(NotPrincipal={"AWS": OURS}, Principal=None)], ["?network_unclear"]),
        ([allow(Resource=f"arn:aws:ec2:eu-west-1:{OURS}:instance/*")], []),
        ([allow(Resource=f"arn:aws:ec2:eu-west-1:{OURS}:instance/i-1")], []),
        ([allow(Resource=f"arn:aws:ec2:us-east-1:{OURS}:instance/*")], ["endpoint_policy_denies"]),
        ([allow(Resource="arn:aws:ssm:*:*:parameter/*")], ["endpoint_policy_denies"]),
    ],
)
def test_the_policy_of_an_endpoint(statements, expected):
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    assert codes([endpoint("ssm", PolicyDocument=policy), BOTH[1]]) == expected


def test_a_policy_that_is_none_can_not_be_told():
    for text in ("nonsense", "[]"):
        assert codes([endpoint("ssm", PolicyDocument=text), BOTH[1]]) == ["?network_unclear"]


SIX = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


@pytest.mark.parametrize(
    ("routes", "place", "expected"),
    [
        ([route(NAT, "64:ff9b::/96")], {"dns64": True}, []),
        ([route(NAT, "64:ff9b::/96")], {}, ["?network_unclear"]),
        ([route(NAT, "64:ff9b::/96")], {"dns64": True, "ipv6": None}, ["?network_unclear"]),
        ([route(NAT, "64:ff9b::/96")], {"dns64": True, "ipv6": ()}, ["no_egress"]),
        ([route(NAT, "64:ff9b::/96")], {"dns64": True, "groups_": [group()]}, ["no_egress"]),
        ([route(EIGW, "::/0")], {}, ["?network_unclear"]),
        ([route(IGW, "::/0")], {}, ["?network_unclear"]),
        ([route(EIGW, "::/1"), route(EIGW, "8000::/1")], {}, ["?network_unclear"]),
        ([route(EIGW, "::/0")], {"ipv6": ()}, ["no_egress"]),
    ],
)
def test_ipv6(routes, place, expected):
    place = {"ipv6": ("2600::1",), **place}
    groups = place.pop("groups_", [group(egress=[EVERY, SIX])])
    assert codes(tables=[table(*routes)], groups=groups, **place) == expected


@pytest.mark.parametrize(
    ("version", "needed"),
    [
        ((), ("ssm", "ssmmessages")),
        ((3, 3, 40, 0), ("ssm", "ssmmessages")),
        ((999,), ("ssm", "ssmmessages")),
        ((3, 3, 39, 9), ("ssm", "ssmmessages", "ec2messages")),
        ((3, 2, 1705, 0), ("ssm", "ssmmessages", "ec2messages")),
    ],
)
def test_what_an_agent_needs_depends_on_its_version(version, needed):
    assert needed_services(version) == needed
    assert bool(codes(BOTH, agent=version)) is ("ec2messages" in needed)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"tables": [table(route(IGW))]},
            ["to an internet gateway, but it has no public address", "subnet-1", "vpc-1"],
        ),
        ({"tables": [table(route(NAT, state="blackhole"))]}, ["blackhole", "NAT gateway nat-1"]),
        ({"tables": [table(route(TGW))]}, ["There is a default route (0.0.0.0/0)", "transit gateway tgw-1"]),
        (
            {"tables": [table(route(TGW, "0.0.0.0/1"), route(TGW, "128.0.0.0/1"))]},
            ["default route (0.0.0.0/1, 128.0.0.0/1)"],
        ),
        ({"tables": [table(route(TGW, "10.0.0.0/8"))]}, ["10.0.0.0/8", "hosted zones", "Route 53 Profiles"]),
        ({"owner": THEIRS}, [f"shared by the account {THEIRS}"]),
        (
            {"tables": [table(route(IGW))], "endpoints": [BOTH[0]]},
            ["no public address", "no VPC endpoint for ssmmessages"],
        ),
    ],
)
def test_the_words_name_what_there_is(given, words):
    (found,) = reasons(**given)
    assert [word for word in words if word not in found.message] == []
    assert "{" not in found.message + found.row()["fix"]
    if any("internet gateway" in word for word in words):
        assert "subnet-1" in found.row()["fix"]


def test_a_fix_names_the_endpoints_group_and_the_instances():
    (found,) = reasons(BOTH, groups=[group(), group("sg-e")])
    assert "--group-id sg-e" in found.row()["command"]
    assert "--source-group sg-1" in found.row()["command"]
    assert "ssm and ssmmessages" in found.message


def test_only_lists_that_may_lead_there_are_read():
    new = "pl-0123456789abcdef0"
    tables = [table(route(TGW, new), route({"GatewayId": "vpce-1"}, S3_LIST))]
    groups = [
        group(egress=[{**HTTPS, "PrefixListIds": [{"PrefixListId": "pl-1"}, {"PrefixListId": S3_LIST}]}]),
        group(ingress=[{**HTTPS, "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-ssh"}]}]),
    ]
    assert lists_of(tables, groups) == {new, "pl-1"}


cidrs = st.builds(
    lambda number, bits: IPv4Network((number >> (32 - bits) << (32 - bits) if bits else 0, bits)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
PUBLIC = [IPv4Address(one) for one in ("1.1.1.1", "52.46.141.158", "3.0.0.1", "100.63.255.255", "223.255.255.255")]


@given(st.integers(0, 6), st.randoms())
def test_a_range_that_is_cut_in_parts_covers_the_same(cuts, random):
    parts = [IPv4Network("0.0.0.0/0")]
    for _cut in range(cuts):
        one = parts.pop(random.randrange(len(parts)))
        parts += one.subnets()
    random.shuffle(parts)
    assert covers_public(parts)
    # Without a part it does not, unless there is nothing public in the part.
    gone = parts.pop()
    assert covers_public(parts) is not touches_public([gone])


@given(st.lists(cidrs, max_size=6))
def test_what_covers_all_public_addresses_holds_each(found):
    if covers_public(found):
        assert all(any(address in one for one in found) for address in PUBLIC)
        assert touches_public(found)
    if not touches_public(found):
        assert not any(address in one for address in PUBLIC for one in found)


@given(cidrs, cidrs)
def test_ranges_overlap_as_their_addresses_do(one, other):
    assert overlap([one], [other]) == (one.subnet_of(other) or other.subnet_of(one))
    assert holds([one], [str(one.network_address)])


def test_what_is_no_range_is_left_out():
    assert [str(one) for one in ranges(["10.0.0.1/8", "nonsense", "::/0"])] == ["10.0.0.0/8", "::/0"]
