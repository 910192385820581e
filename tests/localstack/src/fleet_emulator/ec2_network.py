# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2's networks: what LocalStack gets wrong of route tables, security groups and VPC endpoints."""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext, handler
from localstack.services.ec2.models import get_ec2_backend
from localstack.services.ec2.provider import Ec2Provider
from localstack.services.moto import call_moto, call_moto_with_request

from fleet_emulator import agent_network, ec2_paging


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
                item["State"] = "active" if agent_network.is_active(route, table.vpc_id) else "blackhole"
                item.setdefault("Origin", "CreateRoute")
        return ec2_paging.page(answer, "RouteTables", request, high=100)

    @handler("DescribeSecurityGroups", expand=False)
    def describe_security_groups(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeSecurityGroups": pages of 5 to 1000."""
        return ec2_paging.page(call_moto(context), "SecurityGroups", request)

    @handler("DescribeSubnets", expand=False)
    def describe_subnets(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeSubnets": pages of 5 to 1000."""
        return ec2_paging.page(super().describe_subnets(context, request), "Subnets", request)

    @handler("DescribeVpcs", expand=False)
    def describe_vpcs(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeVpcs": pages of 5 to 1000."""
        return ec2_paging.page(call_moto(context), "Vpcs", request)

    @handler("DescribeVpcEndpoints", expand=False)
    def describe_vpc_endpoints(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeVpcEndpoints": pages of up to 1000."""
        return ec2_paging.page(super().describe_vpc_endpoints(context, request), "VpcEndpoints", request, low=1)

    @handler("CreateVpcEndpoint", expand=False)
    def create_vpc_endpoint(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "CreateVpcEndpoint": a gateway unless said otherwise, without private DNS.

        Private DNS needs a VPC with both DNS attributes. Without groups an interface has the VPC's default one.
        """
        kind = request.get("VpcEndpointType") or "Gateway"
        private = kind == "Interface" and bool(request.get("PrivateDnsEnabled"))
        changed = {**request, "VpcEndpointType": kind, "PrivateDnsEnabled": private}
        backend = get_ec2_backend(context.account_id, context.region)
        vpc = backend.vpcs.get(request["VpcId"])
        if vpc is not None:
            if private:
                _check_dns(vpc)
            if kind == "Interface" and not request.get("SecurityGroupIds"):
                changed["SecurityGroupIds"] = [backend.get_default_security_group(vpc.id).id]
        return call_moto_with_request(context, changed)

    @handler("ModifyVpcEndpoint", expand=False)
    def modify_vpc_endpoint(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "ModifyVpcEndpoint": LocalStack leaves the security groups as they are."""
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
        return answer


def _check_dns(vpc: Any) -> None:
    """AWS PrivateLink User Guide, "Access an AWS service": private DNS needs both attributes of the VPC."""
    if not agent_network.resolves_private_names(vpc):
        raise CommonServiceException(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}",
            400,
            True,
        )
