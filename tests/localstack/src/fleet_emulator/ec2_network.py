# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2's networks: what LocalStack gets wrong of route tables, security groups and VPC endpoints."""

from __future__ import annotations

import json
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext, handler
from localstack.services.ec2.models import get_ec2_backend
from localstack.services.ec2.provider import Ec2Provider
from localstack.services.moto import call_moto, call_moto_with_request

from fleet_emulator import agent_names, agent_paths, ec2_endpoints, ec2_paging
from fleet_emulator.ec2_errors import Ec2Error

# A tag of a VPC with the id of another account: the VPC is that account's, which shares its subnets with this one.
TAG_OWNER = "fleet:owner"


class NetworkProvider(Ec2Provider):
    """The part of the EC2 provider that deals with networks."""

    @handler("DescribeRouteTables", expand=False)
    def describe_route_tables(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeRouteTables", "Route": pages of 5 to 100; a route may be a blackhole."""
        answer = call_moto(context)
        backend = get_ec2_backend(context.account_id, context.region)
        for view in answer.get("RouteTables") or []:
            table = backend.route_tables[view["RouteTableId"]]
            for item, route in zip(view.get("Routes") or [], table.routes.values(), strict=False):
                item["State"] = "active" if agent_paths.is_active(route, table.vpc_id) else "blackhole"
                item.setdefault("Origin", "CreateRoute")
        return ec2_paging.page(answer, "RouteTables", request, high=100)

    @handler("DescribeSecurityGroups", expand=False)
    def describe_security_groups(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeSecurityGroups": pages of 5 to 1000."""
        return ec2_paging.page(call_moto(context), "SecurityGroups", request)

    @handler("DescribeSubnets", expand=False)
    def describe_subnets(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeSubnets", "Subnet": pages of 5 to 1000; the owner, and DNS64."""
        answer = super().describe_subnets(context, request)
        backend = get_ec2_backend(context.account_id, context.region)
        for view in answer.get("Subnets") or []:
            view["OwnerId"] = owner_of(backend, view["VpcId"])
            view["EnableDns64"] = getattr(backend.get_subnet(view["SubnetId"]), "fleet_dns64", False)
        return ec2_paging.page(answer, "Subnets", request)

    @handler("ModifySubnetAttribute", expand=False)
    def modify_subnet_attribute(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Amazon EC2 API Reference, "ModifySubnetAttribute": LocalStack leaves DNS64 as it is."""
        if "EnableDns64" not in request:
            super().modify_subnet_attribute(context, request)
            return
        backend = get_ec2_backend(context.account_id, context.region)
        backend.get_subnet(request["SubnetId"]).fleet_dns64 = bool(request["EnableDns64"].get("Value"))

    @handler("DescribeVpcs", expand=False)
    def describe_vpcs(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeVpcs": pages of 5 to 1000."""
        answer = call_moto(context)
        backend = get_ec2_backend(context.account_id, context.region)
        for view in answer.get("Vpcs") or []:
            view["OwnerId"] = owner_of(backend, view["VpcId"])
        return ec2_paging.page(answer, "Vpcs", request)

    @handler("DescribeNetworkInterfaces", expand=False)
    def describe_network_interfaces(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeNetworkInterfaces": pages of 5 to 1000."""
        return ec2_paging.page(call_moto(context), "NetworkInterfaces", request)

    @handler("DescribeManagedPrefixLists", expand=False)
    def describe_managed_prefix_lists(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeManagedPrefixLists": pages of up to 100."""
        return ec2_paging.page(call_moto(context), "PrefixLists", request, high=100, low=1)

    @handler("GetManagedPrefixListEntries", expand=False)
    def get_managed_prefix_list_entries(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "GetManagedPrefixListEntries": pages of up to 100."""
        name = request["PrefixListId"]
        if name not in get_ec2_backend(context.account_id, context.region).managed_prefix_lists:
            raise Ec2Error("InvalidPrefixListID.NotFound", f"The prefix list ID '{name}' does not exist.")
        return ec2_paging.page(call_moto(context), "Entries", request, high=100, low=1)

    @handler("DescribeVpcEndpoints", expand=False)
    def describe_vpc_endpoints(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeVpcEndpoints": pages of up to 1000.

        AWS PrivateLink User Guide, "Shared subnets": who takes part in a shared VPC can't describe its endpoints.
        """
        answer = super().describe_vpc_endpoints(context, request)
        backend = get_ec2_backend(context.account_id, context.region)
        own = [view for view in answer["VpcEndpoints"] if owner_of(backend, view["VpcId"]) == context.account_id]
        for view in own:
            view["State"] = agent_names.state_of(backend, backend.vpc_end_points[view["VpcEndpointId"]])
        return ec2_paging.page({**answer, "VpcEndpoints": own}, "VpcEndpoints", request, low=1)

    @handler("CreateVpcEndpoint", expand=False)
    def create_vpc_endpoint(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "CreateVpcEndpoint": a gateway unless said otherwise, without private DNS.

        Private DNS needs a VPC with both DNS attributes. Without groups an interface has the VPC's default one.
        Without subnets it gets one in each zone here, for want of a documented answer.
        """
        kind = request.get("VpcEndpointType") or "Gateway"
        private = kind == "Interface" and bool(request.get("PrivateDnsEnabled"))
        changed = {**request, "VpcEndpointType": kind, "PrivateDnsEnabled": private}
        backend = get_ec2_backend(context.account_id, context.region)
        vpc = backend.vpcs.get(request["VpcId"])
        if vpc is not None and kind == "Interface":
            if private:
                _check_dns(vpc)
            if not request.get("SecurityGroupIds"):
                changed["SecurityGroupIds"] = [backend.get_default_security_group(vpc.id).id]
            if not request.get("SubnetIds"):
                changed["SubnetIds"] = ec2_endpoints.one_in_each_zone(backend, vpc.id)
        answer = call_moto_with_request(context, changed)
        endpoint = backend.vpc_end_points[answer["VpcEndpoint"]["VpcEndpointId"]]
        ec2_endpoints.settle(backend, endpoint)
        answer["VpcEndpoint"]["NetworkInterfaceIds"] = list(endpoint.network_interface_ids)
        return answer

    @handler("ModifyVpcEndpoint", expand=False)
    def modify_vpc_endpoint(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "ModifyVpcEndpoint": LocalStack leaves groups and interfaces as they are."""
        backend = get_ec2_backend(context.account_id, context.region)
        endpoint = backend.vpc_end_points.get(request["VpcEndpointId"])
        if endpoint is not None:
            if request.get("PrivateDnsEnabled"):
                _check_dns(backend.vpcs[endpoint.vpc_id])
            groups = [*endpoint.security_group_ids, *(request.get("AddSecurityGroupIds") or [])]
            removed = request.get("RemoveSecurityGroupIds") or []
            endpoint.security_group_ids = [group for group in dict.fromkeys(groups) if group not in removed]
        names = ("PolicyDocument", "AddRouteTableIds", "RemoveRouteTableIds", "AddSubnetIds", "RemoveSubnetIds")
        values = {name: request[name] for name in (*names, "PrivateDnsEnabled") if name in request}
        endpoint_id = request["VpcEndpointId"]
        answer: dict[str, Any] = super().modify_vpc_endpoint(
            context,
            vpc_endpoint_id=endpoint_id,
            policy_document=values.get("PolicyDocument"),
            add_route_table_ids=values.get("AddRouteTableIds"),
            remove_route_table_ids=values.get("RemoveRouteTableIds"),
            add_subnet_ids=values.get("AddSubnetIds"),
            remove_subnet_ids=values.get("RemoveSubnetIds"),
            private_dns_enabled=values.get("PrivateDnsEnabled"),
        )
        if request.get("ResetPolicy"):
            endpoint.policy_document = json.dumps(endpoint.DEFAULT_POLICY)
        ec2_endpoints.settle(backend, endpoint)
        return answer


def owner_of(backend: Any, vpc_id: str) -> str:
    """The account that owns a VPC."""
    return str(backend.tags.get(vpc_id, {}).get(TAG_OWNER, backend.account_id))


def _check_dns(vpc: Any) -> None:
    """AWS PrivateLink User Guide, "Access an AWS service": private DNS needs both attributes of the VPC."""
    if not agent_names.resolves_private_names(vpc):
        raise CommonServiceException(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}",
            400,
            True,
        )
