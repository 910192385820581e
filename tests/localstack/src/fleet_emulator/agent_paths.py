# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a packet from an instance to an address and port 443 arrives, and at which network interface.

Amazon VPC User Guide, "Route tables" (the most specific route counts), "Security group rules", "Internet gateways",
"Egress-only internet gateways", "DNS64 and NAT64", "VPC peering" (no way to the internet through a peer); AWS Transit
Gateway, "How transit gateways work". Network ACLs are left out.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

HTTPS = 443
ANYWHERE = "0.0.0.0/0"
# A tag of a transit gateway, an appliance, an endpoint ...: "nowhere" where what is behind it has no way out.
TAG_LEADS = "fleet:leads-to"
_NAT64 = ip_network("64:ff9b::/96")
_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))


class Paths:
    """The routes and groups of one region, as they are now."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self._tables: dict[str, Any] = {}
        for table in list(backend.route_tables.values()):
            self._tables.update((target, table) for target in list(table.associations.values()))
            if table.main_association_id is not None:
                self._tables[table.vpc_id] = table
        self._by_address: dict[tuple[str, str], Any] = {
            (interface.subnet.vpc_id, interface.private_ip_address): interface
            for interface in list(backend.enis.values())
        }

    def arrives(self, source: Any, address: str) -> tuple[bool, Any]:
        """Whether a packet arrives, and the interface in a VPC that has the address (None for what is public)."""
        route = self._route(source, address)
        if route is None or not is_active(route, source.vpc_id):
            return False, None
        target = self._interface(route, source.vpc_id, address)
        if not any(self._allows(rule, address, target) for group in source.group_set for rule in group.egress_rules):
            return False, None
        if target is not None:
            rules = [rule for group in target.group_set for rule in group.ingress_rules]
            return any(self._allows(rule, source.private_ip_address, source) for rule in rules), target
        return not is_private(address) and self._leaves(source, route, address), None

    def _route(self, source: Any, address: str) -> Any | None:
        table = self._tables.get(source.subnet.id) or self._tables.get(source.vpc_id)
        found: tuple[int, Any] = (-1, None)
        for route in list(table.routes.values()) if table is not None else ():
            for text in destinations(route):
                if contains(text, address) and ip_network(text).prefixlen > found[0]:
                    found = (ip_network(text).prefixlen, route)
        return found[1]

    def _interface(self, route: Any, vpc_id: str, address: str) -> Any | None:
        """The interface with the address in one of the VPCs that the route leads to."""
        if route.local:
            vpcs = [vpc_id]
        elif route.vpc_pcx is not None:
            ends = (route.vpc_pcx.vpc.id, route.vpc_pcx.peer_vpc.id)
            vpcs = [one for one in ends if one != vpc_id] if vpc_id in ends else []
        elif route.transit_gateway is not None:
            attached = [
                one.resource_id
                for one in list(self.backend.transit_gateway_attachments.values())
                if one.transit_gateway_id == route.transit_gateway.id and one.resource_type == "vpc"
            ]
            vpcs = attached if vpc_id in attached else []
        else:
            return None
        return next((self._by_address[one, address] for one in vpcs if (one, address) in self._by_address), None)

    def _leaves(self, source: Any, route: Any, address: str) -> bool:
        """Whether the target of the route brings a packet to a public address."""
        six = ":" in address
        if route.local or route.vpc_pcx is not None:
            return False
        if is_internet_gateway(route.gateway):
            # It translates public addresses only; all other targets bring their own.
            return bool(source.ipv6_addresses if six else source.public_ip)
        if route.egress_only_igw is not None:
            return six and bool(source.ipv6_addresses)
        if route.nat_gateway is not None:
            return not six or (ip_address(address) in _NAT64 and bool(source.ipv6_addresses))
        names = [target.id for target in (route.transit_gateway, route.instance, route.interface) if target is not None]
        names += [target.id for target in (route.gateway, route.carrier_gateway) if target is not None]
        names += [route.vpc_endpoint_id] if route.vpc_endpoint_id else []
        return all(self.backend.tags.get(name, {}).get(TAG_LEADS) != "nowhere" for name in names)

    def _allows(self, rule: Any, address: str, other: Any | None) -> bool:
        """Whether a rule lets HTTPS pass to, or from, an address and the interface that has it."""
        if rule.ip_protocol != "-1" and not (rule.ip_protocol == "tcp" and rule.from_port <= HTTPS <= rule.to_port):
            return False
        texts = [text for text in (rule.cidr_ipv4, rule.cidr_ipv6) if text]
        texts += entries(self.backend.managed_prefix_lists.get(rule.prefix_list_id))
        if any(contains(text, address) for text in texts):
            return True
        wanted = (rule.source_group or {}).get("GroupId")
        return bool(wanted) and other is not None and any(group.id == wanted for group in other.group_set)


def destinations(route: Any) -> list[str]:
    """The ranges that a route is for."""
    texts = [text for text in (route.destination_cidr_block, route.destination_ipv6_cidr_block) if text]
    return texts + entries(route.destination_prefix_list)


def entries(prefix_list: Any | None) -> list[str]:
    """The ranges of a prefix list's newest version."""
    if prefix_list is None or not prefix_list.entries:
        return []
    return [entry["Cidr"] for entry in list(prefix_list.entries.values())[-1]]


@lru_cache(maxsize=65536)
def contains(text: str, address: str) -> bool:
    """Whether the range holds the address."""
    return ip_address(address) in ip_network(text, strict=False)


@lru_cache(maxsize=1024)
def is_private(address: str) -> bool:
    """Whether the address is of use inside networks only."""
    return any(ip_address(address) in one for one in _PRIVATE)


def is_internet_gateway(gateway: Any) -> bool:
    """Whether a gateway of moto's is one to the internet."""
    return gateway is not None and gateway.id.startswith("igw-")


def is_active(route: Any, vpc_id: str) -> bool:
    """EC2 API Reference, Route: blackhole when the target isn't available, not attached, or gone."""
    if route.local:
        return True
    if (gateway := route.gateway) is not None:
        if is_internet_gateway(gateway):
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
