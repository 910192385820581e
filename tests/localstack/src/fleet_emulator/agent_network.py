# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an agent's calls arrive at Systems Manager: by the internet, or by the endpoints of its VPC.

AWS Systems Manager User Guide, "Troubleshooting managed node availability" and "Improve the security of EC2 instances
by using VPC endpoints for Systems Manager"; Amazon VPC User Guide, "Route tables", "Internet gateways", "DNS attributes
for your VPC"; AWS PrivateLink User Guide, "Access an AWS service using an interface VPC endpoint".

Network ACLs, the endpoints' own security groups and policies, and what lies behind a NAT or transit gateway are left
out.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

ANYWHERE = "0.0.0.0/0"
HTTPS = 443
SERVICES = ("ssm", "ssmmessages")
# aws/amazon-ssm-agent, release notes: since this version ec2messages is not needed where ssmmessages is reached.
LAST_WITH_EC2MESSAGES = (3, 3, 40, 0)


class Network:
    """The ways of one region, as they are now; an answer is computed once for all instances that are placed alike."""

    def __init__(self, backend: Any, region: str) -> None:
        self.backend, self.region = backend, region
        self._answers: dict[tuple[Any, ...], bool] = {}

    def reaches(self, instance: Any, version: tuple[int, ...]) -> bool:
        """Whether the instance's agent, of this version, can call all services it needs."""
        primary = instance.nics.get(0)
        if primary is None:
            return False
        groups = primary.group_set
        old = version < LAST_WITH_EC2MESSAGES
        key = (primary.subnet.id, tuple(group.id for group in groups), bool(primary.public_ip), old)
        if key not in self._answers:
            services = (*SERVICES, "ec2messages") if old else SERVICES
            self._answers[key] = self._compute(primary, groups, services)
        return self._answers[key]

    def _compute(self, primary: Any, groups: list[Any], services: tuple[str, ...]) -> bool:
        """With private DNS on, a service's name leads to its endpoint, whatever the route table says."""
        private = self._private.get(primary.vpc_id, set())
        for service in services:
            if service in private:
                if not any(_allows(rule) for group in groups for rule in group.egress_rules):
                    return False
            elif not self._internet(primary) or not any(
                _allows(rule) and rule.cidr_ipv4 == ANYWHERE for group in groups for rule in group.egress_rules
            ):
                return False
        return True

    def _internet(self, primary: Any) -> bool:
        table = self._tables.get(primary.subnet.id) or self._tables.get(primary.vpc_id)
        for route in list(table.routes.values()) if table is not None else ():
            if route.destination_cidr_block == ANYWHERE and is_active(route, primary.vpc_id):
                # An internet gateway translates public addresses only; all other targets bring their own.
                return bool(primary.public_ip) or not _is_internet_gateway(route.gateway)
        return False

    @cached_property
    def _tables(self) -> dict[str, Any]:
        """Route tables under the subnets they are associated with, and main ones under their VPC."""
        found: dict[str, Any] = {}
        for table in list(self.backend.route_tables.values()):
            found.update((target, table) for target in list(table.associations.values()))
            if table.main_association_id is not None:
                found[table.vpc_id] = table
        return found

    @cached_property
    def _private(self) -> dict[str, set[str]]:
        """The services whose names resolve to an endpoint, for each VPC."""
        found: dict[str, set[str]] = {}
        for endpoint in list(self.backend.vpc_end_points.values()):
            vpc = self.backend.vpcs.get(endpoint.vpc_id)
            marker, _, service = (endpoint.service_name or "").rpartition(".")
            if (
                str(endpoint.vpc_endpoint_type).lower() == "interface"
                and endpoint.state == "available"
                and is_true(endpoint.private_dns_enabled)
                and marker.endswith(f".{self.region}")
                and vpc is not None
                and resolves_private_names(vpc)
            ):
                found.setdefault(vpc.id, set()).add(service)
        return found


def resolves_private_names(vpc: Any) -> bool:
    """Private hosted zones need both DNS attributes."""
    return is_true(vpc.enable_dns_support) and is_true(vpc.enable_dns_hostnames)


def is_true(value: Any) -> bool:
    """moto keeps some booleans as it got them, as text."""
    return str(value).lower() == "true"


def is_active(route: Any, vpc_id: str) -> bool:
    """EC2 API Reference, Route: blackhole when the target isn't available, not attached, or gone."""
    if route.local:
        return True
    if (gateway := route.gateway) is not None:
        if _is_internet_gateway(gateway):
            return gateway.vpc is not None and gateway.vpc.id == vpc_id
        if gateway.id.startswith("vgw-"):
            attachment = gateway.attachments.get(vpc_id)
            return attachment is not None and attachment.state == "attached"
        return getattr(gateway, "state", "available") == "available"
    if route.nat_gateway is not None:
        return bool(route.nat_gateway.state == "available")
    if (transit := route.transit_gateway) is not None:
        return transit.id in transit.ec2_backend.transit_gateways
    if route.vpc_pcx is not None:
        return bool(route.vpc_pcx._status.code == "active")
    if route.instance is not None:
        return bool(route.instance.state == "running")
    if route.interface is not None:
        owner = route.interface.instance
        return owner is not None and owner.state == "running"
    return any(target is not None for target in (route.egress_only_igw, route.carrier_gateway, route.vpc_endpoint_id))


def _is_internet_gateway(gateway: Any) -> bool:
    return gateway is not None and gateway.id.startswith("igw-")


def _allows(rule: Any) -> bool:
    """Whether an egress rule lets HTTPS out over IPv4 to anything."""
    if not (rule.cidr_ipv4 or rule.source_group or rule.prefix_list_id):
        return False
    if rule.ip_protocol == "-1":
        return True
    return rule.ip_protocol == "tcp" and rule.from_port <= HTTPS <= rule.to_port
