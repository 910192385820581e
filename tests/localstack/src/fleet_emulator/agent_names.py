# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""To which addresses the names of Systems Manager lead, seen from a subnet.

AWS PrivateLink User Guide, "Access an AWS service using an interface VPC endpoint" (private DNS names); Amazon Route 53
Developer Guide, "Considerations when working with a private hosted zone"; Amazon VPC User Guide, "DNS64 and NAT64".
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

from moto.route53.models import route53_backends

from fleet_emulator.regions import partition_of

# Where Systems Manager is for everybody: any address will do that is in no range of anything else here.
PUBLIC_IPV4 = "52.46.141.158"
PUBLIC_IPV6 = "2600:1f18:4a3:6900::1"
_NAT64 = IPv6Address("64:ff9b::")


class Names:
    """The names of one account in one region."""

    def __init__(self, backend: Any, account: str, region: str) -> None:
        self.backend, self.region = backend, region
        partition = partition_of(region) or "aws"
        self.zones = [zone for zone in list(route53_backends[account][partition].zones.values()) if zone.private_zone]
        self.suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"

    def resolve(self, service: str, subnet: Any, *, dual_stack: bool) -> list[str]:
        """The addresses, the ones that an agent tries first at the front; none where the name does not resolve."""
        vpc = self.backend.vpcs[subnet.vpc_id]
        if resolves_private_names(vpc):
            for endpoint in list(self.backend.vpc_end_points.values()):
                if endpoint.vpc_id == vpc.id and self._is_named(endpoint, service):
                    return addresses_of(self.backend, endpoint)
            found = self._in_zones(f"{service}.{self.region}.{self.suffix}", vpc.id)
            if found is not None:
                return found
        public = [PUBLIC_IPV4]
        if getattr(subnet, "fleet_dns64", False):
            public.append(str(_NAT64 + int(IPv4Address(PUBLIC_IPV4))))
        return [PUBLIC_IPV6, *public] if dual_stack else public

    def is_private(self, vpc_id: str) -> bool:
        """Whether anything in the VPC may lead to a private address."""
        return bool(self.zones) or any(one.vpc_id == vpc_id for one in list(self.backend.vpc_end_points.values()))

    def _is_named(self, endpoint: Any, service: str) -> bool:
        """Whether the endpoint has the service's name: it has private DNS, and serves."""
        marker, _, last = (endpoint.service_name or "").rpartition(".")
        return (
            last == service
            and marker.endswith(f".{self.region}")
            and str(endpoint.vpc_endpoint_type).lower() == "interface"
            and is_true(endpoint.private_dns_enabled)
            and state_of(self.backend, endpoint) == "available"
        )

    def _in_zones(self, name: str, vpc_id: str) -> list[str] | None:
        """What the most specific zone of the VPC says; None without one, so that the public one is asked."""
        zones = [
            zone
            for zone in self.zones
            if any(one.get("vpc_id") == vpc_id for one in zone.vpcs)
            and f".{name}".endswith(f".{zone.name.rstrip('.')}")
        ]
        if not zones:
            return None
        zone = max(zones, key=lambda one: len(one.name))
        found: list[str] = []
        for record in zone.rrsets:
            if record.name.rstrip(".") == name and record.type_ == "A":
                found += self._alias(record.alias_target) if record.alias_target else _values(record)
        return found

    def _alias(self, target: Any) -> list[str]:
        """An alias names an endpoint's own DNS name, which begins with its id."""
        name = str(target.get("DNSName", ""))
        for endpoint in list(self.backend.vpc_end_points.values()):
            if name.startswith(f"{endpoint.id}-") or name.startswith(f"{endpoint.id}."):
                return addresses_of(self.backend, endpoint)
        return []


def _values(record: Any) -> list[str]:
    return [one["Value"] if isinstance(one, dict) else str(one) for one in record.records]


def addresses_of(backend: Any, endpoint: Any) -> list[str]:
    """The addresses of an endpoint's network interfaces, one in each of its subnets."""
    found = [backend.enis.get(one) for one in endpoint.network_interface_ids]
    return [interface.private_ip_address for interface in found if interface is not None]


def state_of(backend: Any, endpoint: Any) -> str:
    """An endpoint's state, which a tag may set: here none fails by itself."""
    return str(backend.tags.get(endpoint.id, {}).get("fleet:state", endpoint.state))


def resolves_private_names(vpc: Any) -> bool:
    """Private hosted zones need both DNS attributes."""
    return is_true(vpc.enable_dns_support) and is_true(vpc.enable_dns_hostnames)


def is_true(value: Any) -> bool:
    """moto keeps some booleans as it got them, as text."""
    return str(value).lower() == "true"
