# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""moto's EC2 corrected where its objects differ from AWS's, and made quick where it counts every resource.

All of it is patched into moto's classes once, before the first call of EC2.
"""

from __future__ import annotations

from typing import Any

from localstack.utils.patch import patch
from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidInstanceIdError
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from fleet_emulator.agent_paths import ANYWHERE


def apply_patches() -> None:
    """Called once."""
    _default_vpc()
    _security_groups()
    _endpoints()
    _speed()


def _default_vpc() -> None:
    @patch(VPCBackend.create_default_vpc)
    def create(original: Any, self: Any) -> Any:
        """Amazon VPC User Guide, "Default VPCs": with an internet gateway, and the main route table's way to it."""
        vpc = original(self)
        gateway = self.create_internet_gateway()
        self.attach_internet_gateway(gateway.id, vpc.id)
        main = next(table for table in self.route_tables.values() if table.vpc_id == vpc.id)
        self.create_route(main.id, ANYWHERE, gateway_id=gateway.id)
        return vpc


def _security_groups() -> None:
    @patch(SecurityGroup.__init__)
    def init(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        """Amazon VPC User Guide, "Default security groups": members of the group reach one another."""
        original(self, *args, **kwargs)
        if self.is_default:
            member = {"GroupId": self.id, "OwnerId": self.owner_id, "UserId": self.owner_id}
            rule = SecurityGroupRule(self.ec2_backend, "-1", self.id, None, None, None, member, is_egress=False)
            self.ingress_rules.append(rule)

    # An instance's groups are those of its primary network interface (EC2 API Reference, Instance); moto keeps two
    # lists, shows none when the groups were not given, and never takes one away from the interface.
    def groups(instance: Any) -> list[Any]:
        primary = instance.__dict__.get("nics", {}).get(0)
        return instance._launch_groups if primary is None else primary._group_set

    def set_groups(instance: Any, value: list[Any]) -> None:
        primary = instance.__dict__.get("nics", {}).get(0)
        if primary is None:
            instance._launch_groups = list(value)
        else:
            primary._group_set = list(value)

    Instance.security_groups = property(groups, set_groups)
    NetworkInterface.group_set = property(lambda interface: list(dict.fromkeys(interface._group_set)))


def _endpoints() -> None:
    @patch(VPCBackend.delete_vpc_endpoints)
    def delete(original: Any, self: Any, vpce_ids: list[str] | None = None) -> None:
        """A deleted endpoint is gone; moto lists it for ever."""
        original(self, vpce_ids)
        for endpoint_id in vpce_ids or []:
            self.vpc_end_points.pop(endpoint_id, None)


def _speed() -> None:
    @patch(TaggedEC2Resource.get_tags)
    def get_tags(original: Any, self: Any) -> list[dict[str, str]]:
        """moto goes through the tags of all resources there are."""
        if not self.id:
            return []
        kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "")
        tags = dict(self.ec2_backend.tags.get(self.id) or {})
        return [
            {"resource_id": self.id, "key": key, "value": value, "resource_type": kind} for key, value in tags.items()
        ]

    @patch(InstanceBackend.get_instance_by_id)
    def get_instance_by_id(original: Any, self: Any, instance_id: str) -> Any | None:
        """moto goes through all instances, which makes a launch of many slower the more there are."""
        index = self.__dict__.setdefault("_fleet_index", {})
        if instance_id not in index:
            for reservation in list(self.reservations.values()):
                index.update((instance.id, instance) for instance in list(reservation.instances))
        return index.get(instance_id)

    @patch(InstanceBackend.get_instance)
    def get_instance(original: Any, self: Any, instance_id: str) -> Any:
        found = self.get_instance_by_id(instance_id)
        if found is None:
            raise InvalidInstanceIdError(instance_id)
        return found

    @patch(InstanceResponse.run_instances)
    def run_instances(original: Any, self: Any) -> ActionResult:
        """The reservation's id is enough: fleet_emulator.ec2_instances writes the answer."""
        return ActionResult({"ReservationId": original(self).result.id})
