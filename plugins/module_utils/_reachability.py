# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether an instance's network has a way to Systems Manager. Pure.

Facts: AWS Systems Manager User Guide, "Improve the security of EC2 instances by using VPC endpoints for Systems
Manager", and Amazon VPC User Guide, "Route tables". Network ACLs, firewalls, proxies and IPv6 are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import BLOCKING, Reason, reason

# Since SSM Agent 3.3.40.0 ec2messages is not needed any more.
NEEDED = ("ssm", "ssmmessages")
_HTTPS = 443


@dataclass(frozen=True)
class Vpc:
    """What a VPC has of Systems Manager: the services (C(ssm), C(ssmmessages)) by whether their private DNS is on."""

    id: str
    dns: bool = True
    endpoints: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """The networks of one region: the default route's kind by subnet (or C(main VPC)), the groups that let 443 out."""

    vpcs: Mapping[str, Vpc]
    routes: Mapping[str, str]
    open_groups: frozenset[str]


DIRECT = "igw"
INDIRECT = "other"
NONE = ""


def read_network(
    endpoints: Iterable[Mapping[str, Any]],
    tables: Iterable[Mapping[str, Any]],
    groups: Iterable[Mapping[str, Any]],
    dns: Mapping[str, bool],
) -> Network:
    """From DescribeVpcEndpoints, DescribeRouteTables and DescribeSecurityGroups; C(dns) by VPC: both attributes on."""
    services: dict[str, dict[str, bool]] = {}
    for endpoint in endpoints:
        # cn.com.amazonaws.REGION.ssm in China, so only the end counts.
        service = endpoint["ServiceName"].rpartition(".")[2]
        if service in NEEDED and endpoint.get("State", "").lower() == "available":
            of_vpc = services.setdefault(endpoint["VpcId"], {})
            of_vpc[service] = of_vpc.get(service, False) or bool(endpoint.get("PrivateDnsEnabled"))
    routes = {}
    for table in tables:
        kind = _default_route(table.get("Routes", ()))
        for association in table.get("Associations", ()):
            key = f"main {table['VpcId']}" if association.get("Main") else association.get("SubnetId")
            if key:
                routes[key] = kind
    vpcs = {vpc: Vpc(vpc, dns.get(vpc, True), services.get(vpc, {})) for vpc in {*services, *dns}}
    opened = frozenset(group["GroupId"] for group in groups if _lets_https_out(group.get("IpPermissionsEgress", ())))
    return Network(vpcs, routes, opened)


def _default_route(routes: Iterable[Mapping[str, Any]]) -> str:
    for route in routes:
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("State", "active") == "active":
            return DIRECT if str(route.get("GatewayId", "")).startswith("igw-") else INDIRECT
    return NONE


def _lets_https_out(permissions: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        permission.get("IpProtocol") == "-1"
        or (
            permission.get("IpProtocol") in ("tcp", "6")
            and permission.get("FromPort", 0) <= _HTTPS <= permission.get("ToPort", 65535)
        )
        for permission in permissions
    )


def network_reasons(
    network: Network, *, vpc: str, subnet: str, groups: Sequence[str], public: bool, **names: str
) -> list[Reason]:
    """Why an instance can't reach Systems Manager; nothing if it can, or if its network was not read."""
    names = {**names, "vpc": vpc, "subnet": subnet}
    if groups and not network.open_groups.intersection(groups):
        message = f"No security group of it ({', '.join(groups)}) lets TCP 443 out."
        return [reason("no_egress", BLOCKING, message, **names)]
    route = network.routes.get(subnet, network.routes.get(f"main {vpc}", NONE))
    if route == INDIRECT or (route == DIRECT and public):
        return []
    found = network.vpcs.get(vpc, Vpc(vpc))
    missing = [service for service in NEEDED if service not in found.endpoints]
    if len(missing) == len(NEEDED):
        why = "the default route is to an internet gateway, but it has no public address"
        why = why if route == DIRECT else "its subnet has no default route"
        message = f"There is no way out of {subnet}: {why}, and {vpc} has no VPC endpoints for Systems Manager."
        return [reason("no_egress", BLOCKING, message, **names)]
    hidden = [service for service in found.endpoints if not (found.dns and found.endpoints[service])]
    reasons = []
    if missing:
        message = f"{subnet} has no default route, and {vpc} has no VPC endpoint for {', '.join(missing)}."
        reasons.append(reason("missing_vpc_endpoints", BLOCKING, message, **names))
    if hidden:
        why = "of the endpoints" if found.dns else "of the VPC (enableDnsSupport, enableDnsHostnames)"
        message = f"Private DNS {why} for {', '.join(sorted(hidden))} is off in {vpc}."
        reasons.append(reason("private_dns_off", BLOCKING, message, **names))
    return reasons
