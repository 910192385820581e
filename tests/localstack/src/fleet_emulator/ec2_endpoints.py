# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network interfaces of interface endpoints, which moto gives addresses and groups of their own making.

AWS PrivateLink User Guide, "Access an AWS service using an interface VPC endpoint": one in each subnet, with an address
of the subnet and the endpoint's security groups; AWS manages them.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any


def one_in_each_zone(backend: Any, vpc_id: str) -> list[str]:
    """The first subnet of the VPC in each zone."""
    found: dict[str, str] = {}
    for zone in list(backend.subnets.values()):
        for subnet in list(zone.values()):
            if subnet.vpc_id == vpc_id:
                found.setdefault(subnet.availability_zone, subnet.id)
    return list(found.values())


def settle(backend: Any, endpoint: Any) -> None:
    """Give an endpoint the interfaces of its subnets."""
    if str(endpoint.vpc_endpoint_type).lower() != "interface":
        return
    there = {backend.enis[one].subnet.id: backend.enis[one] for one in endpoint.network_interface_ids}
    for subnet_id in [one for one in there if one not in endpoint.subnet_ids]:
        backend.enis.pop(there.pop(subnet_id).id)
    for subnet_id in endpoint.subnet_ids or []:
        if subnet_id not in there:
            subnet = backend.get_subnet(subnet_id)
            there[subnet_id] = backend.create_network_interface(subnet_id, subnet.get_available_subnet_ip(endpoint))
    groups = [backend.get_security_group_from_id(one) for one in endpoint.security_group_ids]
    for interface in there.values():
        if interface.interface_type != "vpc_endpoint":
            _adopt(interface, endpoint)
        interface._group_set = list(groups)
    endpoint.network_interface_ids = [interface.id for interface in there.values()]


def _adopt(interface: Any, endpoint: Any) -> None:
    interface.interface_type = "vpc_endpoint"
    interface.requester_managed = True
    interface.status = "in-use"
    interface.description = f"VPC Endpoint Interface {endpoint.id}"
    subnet = interface.subnet
    if ip_address(interface.private_ip_address) not in subnet.cidr:
        address = subnet.get_available_subnet_ip(endpoint)
        interface.private_ip_address = address
        interface.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
