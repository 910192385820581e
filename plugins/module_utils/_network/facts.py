# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the facts from what EC2 answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.addresses import Range, ranges
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.types import (
    HTTPS,
    Endpoint,
    Group,
    Network,
    Route,
    Rule,
    Subnet,
)

SERVICES = ("ssm", "ssmmessages", "ec2messages")
LOCAL = "local"
INTERNET, NAT, EGRESS_ONLY = "internet gateway", "NAT gateway", "egress-only internet gateway"
_BY_KEY = (
    ("NatGatewayId", NAT),
    ("EgressOnlyInternetGatewayId", EGRESS_ONLY),
    ("TransitGatewayId", "transit gateway"),
    ("VpcPeeringConnectionId", "VPC peering connection"),
    # A route to an instance names its network interface, too.
    ("InstanceId", "instance"),
    ("NetworkInterfaceId", "network interface"),
    ("LocalGatewayId", "local gateway"),
    ("CarrierGatewayId", "carrier gateway"),
    ("CoreNetworkArn", "core network"),
)
_BY_PREFIX = (("igw-", INTERNET), ("vgw-", "virtual private gateway"), ("vpce-", "gateway load balancer endpoint"))
# Prefix lists of customers came after the longer ids, so the short ones are AWS's own: of S3, DynamoDB and so on.
_OLD_ID = re.compile(r"pl-[0-9a-f]{8}\Z")


def service_of(endpoint: Mapping[str, Any]) -> str:
    """`ssm` of `com.amazonaws.REGION.ssm`; in China some names begin otherwise, so only the end counts."""
    return str(endpoint["ServiceName"]).rpartition(".")[2]


def concerns_agents(endpoint: Mapping[str, Any]) -> bool:
    """Whether it is an interface endpoint of a service that agents call."""
    return service_of(endpoint) in SERVICES and endpoint.get("VpcEndpointType", "Interface") == "Interface"


def read_network(  # noqa: PLR0913, one for each of EC2's answers
    endpoints: Iterable[Mapping[str, Any]],
    tables: Iterable[Mapping[str, Any]],
    groups: Iterable[Mapping[str, Any]],
    dns: Mapping[str, bool],
    *,
    subnets: Iterable[Mapping[str, Any]] = (),
    interfaces: Iterable[Mapping[str, Any]] | None = None,
    lists: Mapping[str, Iterable[str]] | None = None,
) -> Network:
    """From what EC2 describes. `interfaces` are those of the endpoints, `lists` the entries of prefix lists."""
    known = {key: ranges(entries) for key, entries in (lists or {}).items()}
    addresses = None if interfaces is None else {row["NetworkInterfaceId"]: _addresses(row) for row in interfaces}
    of_vpc: dict[str, list[Endpoint]] = {}
    for row in endpoints:
        if concerns_agents(row):
            of_vpc.setdefault(row["VpcId"], []).append(_endpoint(row, addresses))
    routes: dict[str, tuple[Route, ...]] = {}
    for table in tables:
        found = tuple(_route(row, known) for row in table.get("Routes", ()))
        for association in table.get("Associations", ()):
            key = f"main {table['VpcId']}" if association.get("Main") else association.get("SubnetId")
            if key:
                routes[key] = found
    return Network(
        routes,
        {row["GroupId"]: _group(row) for row in groups},
        {vpc: tuple(rows) for vpc, rows in of_vpc.items()},
        dict(dns),
        {row["SubnetId"]: Subnet(row.get("OwnerId", ""), bool(row.get("EnableDns64"))) for row in subnets},
        known,
    )


def _endpoint(row: Mapping[str, Any], interfaces: Mapping[str, list[str]] | None) -> Endpoint:
    ids = row.get("NetworkInterfaceIds")
    addresses: tuple[str, ...] | None = None
    if ids is not None and not ids:
        addresses = ()
    elif ids and interfaces is not None and all(one in interfaces for one in ids):
        addresses = tuple(address for one in ids for address in interfaces[one])
    groups = row.get("Groups")
    return Endpoint(
        id=row.get("VpcEndpointId", "ID"),
        service=service_of(row),
        state=str(row.get("State", "available")).lower(),
        private_dns=bool(row.get("PrivateDnsEnabled")),
        groups=None if groups is None else tuple(group["GroupId"] for group in groups),
        addresses=addresses,
        policy=row.get("PolicyDocument") or "",
    )


def _addresses(interface: Mapping[str, Any]) -> list[str]:
    own = interface.get("PrivateIpAddress")
    return [*([own] if own else []), *(one["Ipv6Address"] for one in interface.get("Ipv6Addresses", ()))]


def _route(row: Mapping[str, Any], lists: Mapping[str, tuple[Range, ...]]) -> Route:
    kind, target = _target(row)
    text = row.get("DestinationCidrBlock") or row.get("DestinationIpv6CidrBlock")
    found: tuple[Range, ...] | None
    if text:
        found = ranges([text])
    else:
        text = row.get("DestinationPrefixListId", "")
        found = entries_of(text, lists)
    return Route(text, found, kind, target, row.get("State", "active") == "active")


def _target(row: Mapping[str, Any]) -> tuple[str, str]:
    gateway = str(row.get("GatewayId") or row.get("VpcEndpointId") or "")
    if gateway == LOCAL:
        return LOCAL, ""
    for prefix, kind in _BY_PREFIX:
        if gateway.startswith(prefix):
            return kind, gateway
    return next(((kind, str(row[key])) for key, kind in _BY_KEY if row.get(key)), ("gateway", gateway))


def entries_of(prefix_list: str, lists: Mapping[str, tuple[Range, ...]]) -> tuple[Range, ...] | None:
    """What a prefix list has of public services' or customers' addresses; None where that was not read."""
    if prefix_list in lists:
        return lists[prefix_list]
    return () if is_old(prefix_list) else None


def is_old(prefix_list: str) -> bool:
    """Whether the list is one of AWS's first ones. None of AWS's lists is of Systems Manager."""
    return _OLD_ID.match(prefix_list) is not None


def lists_of(tables: Iterable[Mapping[str, Any]], groups: Iterable[Mapping[str, Any]]) -> set[str]:
    """The prefix lists that routes and rules for TCP 443 name, but for those of which it is known what they are."""
    named = {route.get("DestinationPrefixListId", "") for table in tables for route in table.get("Routes", ())}
    for group in groups:
        for rule in (*_group(group).egress, *_group(group).ingress):
            named.update(rule.lists)
    return {one for one in named if one and not is_old(one)}


def _group(row: Mapping[str, Any]) -> Group:
    return Group(_rules(row.get("IpPermissionsEgress", ())), _rules(row.get("IpPermissions", ())))


def _rules(permissions: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Those that let TCP 443 pass."""
    return tuple(
        Rule(
            ranges(
                [
                    *(one["CidrIp"] for one in permission.get("IpRanges", ())),
                    *(one["CidrIpv6"] for one in permission.get("Ipv6Ranges", ())),
                ]
            ),
            tuple(one["PrefixListId"] for one in permission.get("PrefixListIds", ())),
            frozenset(one["GroupId"] for one in permission.get("UserIdGroupPairs", ()) if one.get("GroupId")),
        )
        for permission in permissions
        if permission.get("IpProtocol") == "-1"
        or (
            permission.get("IpProtocol") in ("tcp", "6")
            and permission.get("FromPort", 0) <= HTTPS <= permission.get("ToPort", 65535)
        )
    )
