# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How EC2 shows its instances (Amazon EC2 API Reference, "Instance", "DescribeInstances").

The tag ``fleet:launched`` (an ISO time) changes when an instance was launched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from moto.ec2.utils import passes_filter_dict

from fleet_emulator.ec2_errors import Ec2Error
from fleet_emulator.ec2_profiles import INSTANCE_ID

TAG_LAUNCHED = "fleet:launched"

# Filters that moto does not know: how to read the value off an instance.
_OWN_FILTERS: dict[str, Any] = {
    "iam-instance-profile.arn": lambda instance: (instance.iam_instance_profile or {}).get("Arn"),
    "iam-instance-profile.id": lambda instance: (instance.iam_instance_profile or {}).get("Id"),
    "metadata-options.http-tokens": lambda instance: instance.metadata_options.http_tokens,
    "metadata-options.http-endpoint": lambda instance: instance.metadata_options.http_endpoint,
    "metadata-options.http-put-response-hop-limit": lambda instance: str(
        instance.metadata_options.http_put_response_hop_limit
    ),
    "metadata-options.http-protocol-ipv4": lambda instance: instance.metadata_options.http_endpoint,
    "metadata-options.http-protocol-ipv6": lambda instance: instance.metadata_options.http_protocol_ipv6,
    "metadata-options.instance-metadata-tags": lambda instance: instance.metadata_options.instance_metadata_tags,
}
# What a RunInstances answers for an instance that is running by the next call.
_PENDING = {"Code": 0, "Name": "pending"}


def launch_time(instance: Any, tags: Mapping[str, str]) -> datetime:
    """When the instance was launched, or is to look as if it had been."""
    if given := tags.get(TAG_LAUNCHED):
        try:
            time = datetime.fromisoformat(given)
        except ValueError:
            time = instance.launch_time
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    launched: datetime = instance.launch_time
    return launched.replace(tzinfo=UTC)


def settle(instance: Any, request: Mapping[str, Any]) -> None:
    """Give or keep the public address by the subnet's MapPublicIpOnLaunch when the launch named no subnet.

    moto takes a default subnet then, but always gives an address.
    """
    primary = instance.nics.get(0)
    if request.get("SubnetId") or request.get("NetworkInterfaces") or primary is None:
        return
    if str(primary.subnet.map_public_ip_on_launch).lower() != "true":
        primary.public_ip = None
        primary.public_ip_auto_assign = False


def select(backend: Any, request: Mapping[str, Any]) -> list[Any]:
    """The instances that a DescribeInstances names and its filters let pass, in the order of their launches."""
    own: list[tuple[Any, Sequence[str]]] = []
    filters: dict[str, Sequence[str]] = {}
    for item in request.get("Filters") or []:
        name, values = item["Name"], item.get("Values") or []
        if name in _OWN_FILTERS:
            own.append((_OWN_FILTERS[name], values))
        else:
            filters[name] = values
    return [
        instance
        for instance in _named(backend, request.get("InstanceIds") or [])
        if (not filters or passes_filter_dict(instance, filters))
        and all(any(fnmatchcase(str(read(instance)), value) for value in values) for read, values in own)
    ]


def _named(backend: Any, ids: Sequence[str]) -> Iterator[Any]:
    if not ids:
        for reservation in list(backend.reservations.values()):
            yield from list(reservation.instances)
        return
    for instance_id in dict.fromkeys(ids):
        if not INSTANCE_ID.fullmatch(instance_id):
            raise Ec2Error("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        instance = backend.get_instance_by_id(instance_id)
        if instance is None:
            raise Ec2Error("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
        yield instance


def reservations(backend: Any, instances: Iterable[Any]) -> list[dict[str, Any]]:
    """The instances in their reservations."""
    wanted = {instance.id for instance in instances}
    found = []
    for reservation in list(backend.reservations.values()):
        members = [instance for instance in list(reservation.instances) if instance.id in wanted]
        if members:
            found.append(reservation_view(reservation, members, backend.tags))
    return found


def reservation_view(
    reservation: Any, members: Iterable[Any], tags: Mapping[str, Mapping[str, str]], pending: bool = False
) -> dict[str, Any]:
    """A Reservation; right after the launch its instances are pending."""
    views = [view(instance, dict(tags.get(instance.id) or {})) for instance in members]
    if pending:
        for item in views:
            item["State"] = _PENDING
    return {"ReservationId": reservation.id, "OwnerId": reservation.owner_id, "Groups": [], "Instances": views}


def view(instance: Any, tags: Mapping[str, str]) -> dict[str, Any]:
    """An Instance."""
    interfaces = [_interface(interface) for interface in instance.nics.values()]
    options = instance.metadata_options
    return {
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "State": {"Code": instance.state_code, "Name": instance.state},
        "StateTransitionReason": instance.state_transition_reason,
        "StateReason": {"Code": instance.state_reason.code, "Message": instance.state_reason.message},
        "PrivateDnsName": instance.private_dns_name,
        "PublicDnsName": instance.public_dns_name,
        "PrivateIpAddress": instance.private_ip,
        "PublicIpAddress": instance.public_ip,
        "SubnetId": instance.subnet_id,
        "VpcId": instance.vpc_id,
        "SecurityGroups": _groups(instance.security_groups),
        "NetworkInterfaces": interfaces,
        "SourceDestCheck": instance.source_dest_check,
        "KeyName": instance.key_name,
        "AmiLaunchIndex": instance.ami_launch_index,
        "ProductCodes": [],
        "InstanceType": instance.instance_type,
        "InstanceLifecycle": instance.lifecycle,
        "LaunchTime": launch_time(instance, tags),
        "Placement": {
            "AvailabilityZone": instance._placement.zone,
            "GroupName": instance._placement.group_name,
            "Tenancy": instance._placement.tenancy,
            "HostId": instance._placement.host_id,
        },
        "Platform": instance.platform,
        "Monitoring": {"State": instance.monitoring_state},
        "Architecture": instance.architecture,
        "RootDeviceType": instance.root_device_type,
        "RootDeviceName": instance.root_device_name,
        "BlockDeviceMappings": [_device(name, block) for name, block in instance.get_block_device_mapping],
        "VirtualizationType": instance.virtualization_type,
        "Hypervisor": "xen",
        "ClientToken": instance.client_token,
        "EbsOptimized": instance.ebs_optimized,
        "SriovNetSupport": instance.sriov_net_support,
        "IamInstanceProfile": instance.iam_instance_profile,
        "HibernationOptions": instance.hibernation_options or None,
        "MetadataOptions": {
            "State": options.state,
            "HttpTokens": options.http_tokens,
            "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
            "HttpEndpoint": options.http_endpoint,
            "HttpProtocolIpv6": options.http_protocol_ipv6,
            "InstanceMetadataTags": options.instance_metadata_tags,
        },
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()] or None,
    }


def _groups(groups: Iterable[Any]) -> list[dict[str, str]]:
    return [{"GroupId": group.id, "GroupName": group.name} for group in dict.fromkeys(groups)]


def _interface(interface: Any) -> dict[str, Any]:
    association = None
    if interface.public_ip:
        association = {
            "IpOwnerId": interface.owner_id,
            "PublicDnsName": interface.association["publicDnsName"],
            "PublicIp": interface.public_ip,
        }
    return {
        "NetworkInterfaceId": interface.id,
        "SubnetId": interface.subnet_id,
        "VpcId": interface.vpc_id,
        "Description": interface.description,
        "OwnerId": interface.owner_id,
        "Status": interface.status,
        "MacAddress": interface.mac_address,
        "PrivateIpAddress": interface.private_ip_address,
        "PrivateDnsName": getattr(interface, "private_dns_name", None),
        "SourceDestCheck": interface.source_dest_check,
        "Groups": _groups(interface.group_set),
        "Association": association,
        "Attachment": {
            "AttachmentId": interface.attachment_id,
            "AttachTime": interface.attach_time,
            "DeleteOnTermination": interface.delete_on_termination,
            "DeviceIndex": interface.device_index,
            "NetworkCardIndex": 0,
            "Status": "attached",
        },
        "Ipv6Addresses": interface.instance_ipv6_address_list,
        "PrivateIpAddresses": [
            {
                "PrivateIpAddress": address.get("PrivateIpAddress"),
                "Primary": address.get("PrivateIpAddress") == interface.private_ip_address,
                "Association": association if address.get("PrivateIpAddress") == interface.private_ip_address else None,
            }
            for address in interface.private_ip_addresses
        ],
        "InterfaceType": interface.interface_type,
    }


def _device(name: str, block: Any) -> dict[str, Any]:
    ebs = {
        "VolumeId": block.volume_id,
        "Status": "attached" if block.status == "in-use" else block.status,
        "AttachTime": block.attach_time,
        "DeleteOnTermination": block.delete_on_termination,
    }
    return {"DeviceName": name, "Ebs": ebs}
