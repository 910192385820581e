# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The simulated agents' way to Systems Manager: by the internet, or by the endpoints of the VPC."""

from __future__ import annotations

import pytest

PING = "ssm:UpdateInstanceInformation"
OLD_AGENT = {"fleet:agent-version": "3.2.2303.0"}
ANYWHERE = "0.0.0.0/0"


@pytest.fixture
def ec2(client):
    return client("ec2")


@pytest.fixture
def node(aws):
    """Launches an instance whose permissions are good."""
    profile = {"Name": aws.profile("P", PING)}

    def launch(**kwargs):
        return aws.instance(IamInstanceProfile=profile, **kwargs)

    return launch


class Vpc:
    """A VPC with one subnet, as CreateVpc leaves it: no way out, and DNS host names off."""

    def __init__(self, ec2):
        self.ec2 = ec2
        self.id = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.id, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
        filters = [{"Name": "vpc-id", "Values": [self.id]}]
        self.main = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
        self.group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]

    def gateway(self):
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.id)
        return gateway

    def default_route(self, table=None, **target):
        self.ec2.create_route(RouteTableId=table or self.main, DestinationCidrBlock=ANYWHERE, **target)

    def public(self, value=True):
        self.ec2.modify_subnet_attribute(SubnetId=self.subnet, MapPublicIpOnLaunch={"Value": value})

    def dns(self, **attributes):
        for name, value in attributes.items():
            self.ec2.modify_vpc_attribute(VpcId=self.id, **{name: {"Value": value}})

    def endpoints(self, *services, private=True):
        return [
            self.ec2.create_vpc_endpoint(
                VpcId=self.id,
                VpcEndpointType="Interface",
                ServiceName=f"com.amazonaws.us-east-1.{service}",
                SubnetIds=[self.subnet],
                PrivateDnsEnabled=private,
            )["VpcEndpoint"]["VpcEndpointId"]
            for service in services
        ]


@pytest.fixture
def vpc(ec2):
    return Vpc(ec2)


def test_no_way_out(aws, node, vpc):
    """Systems Manager User Guide, Troubleshooting managed node availability: needs a way to the service endpoints."""
    node(SubnetId=vpc.subnet)
    assert aws.managed() == {}


def test_internet_gateway_needs_a_public_address(aws, node, vpc):
    """VPC User Guide, Internet gateways: a route to it, and a public IPv4 address on the instance."""
    vpc.default_route(GatewayId=vpc.gateway())
    node(SubnetId=vpc.subnet)
    assert aws.managed() == {}
    vpc.public()
    assert aws.managed() == {}
    public = node(SubnetId=vpc.subnet)
    assert aws.managed() == {public: "Online"}


def test_an_elastic_address_is_a_public_one(aws, ec2, node, vpc):
    """VPC User Guide, Internet gateways: a public IPv4 address or an Elastic IP address."""
    vpc.default_route(GatewayId=vpc.gateway())
    instance = node(SubnetId=vpc.subnet)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    association = ec2.associate_address(InstanceId=instance, AllocationId=address)["AssociationId"]
    assert aws.managed() == {instance: "Online"}
    ec2.disassociate_address(AssociationId=association)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_nat_gateway(aws, ec2, node, vpc):
    """VPC User Guide, NAT gateways: instances without a public address reach services outside the VPC."""
    nat = ec2.create_nat_gateway(SubnetId=vpc.subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    vpc.default_route(NatGatewayId=nat)
    instance = node(SubnetId=vpc.subnet)
    assert aws.managed() == {instance: "Online"}
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_transit_and_virtual_private_gateways(aws, ec2, node, vpc):
    """VPC User Guide, Example routing options: a default route to a transit or a virtual private gateway."""
    transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    vpc.default_route(TransitGatewayId=transit)
    instance = node(SubnetId=vpc.subnet)
    assert aws.managed() == {instance: "Online"}
    private = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=private, VpcId=vpc.id)
    ec2.replace_route(RouteTableId=vpc.main, DestinationCidrBlock=ANYWHERE, GatewayId=private)
    assert aws.managed() == {instance: "Online"}
    ec2.detach_vpn_gateway(VpnGatewayId=private, VpcId=vpc.id)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_nat_instance(aws, ec2, node, vpc):
    """EC2 API Reference, Route: a target that isn't available makes the route a blackhole."""
    nat = aws.instance(SubnetId=vpc.subnet)
    vpc.default_route(InstanceId=nat)
    instance = node(SubnetId=vpc.subnet)
    assert aws.managed() == {instance: "Online"}
    ec2.stop_instances(InstanceIds=[nat])
    assert aws.managed() == {instance: "ConnectionLost"}


def test_losing_the_default_vpc_s_way_out(aws, ec2, node):
    """VPC User Guide, Route tables: what was managed loses its connection when the route is taken away."""
    instance = node()
    table = ec2.describe_route_tables()["RouteTables"][0]["RouteTableId"]
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE)
    assert aws.managed() == {instance: "ConnectionLost"}
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway["InternetGatewayId"])
    assert aws.managed() == {instance: "Online"}
    ec2.detach_internet_gateway(
        InternetGatewayId=gateway["InternetGatewayId"], VpcId=gateway["Attachments"][0]["VpcId"]
    )
    assert aws.managed() == {instance: "ConnectionLost"}


def test_the_subnet_s_own_route_table_wins(aws, ec2, node, vpc):
    """VPC User Guide, Subnet route tables: the main table holds for subnets without an explicit association."""
    gateway = vpc.gateway()
    vpc.default_route(GatewayId=gateway)
    vpc.public()
    instance = node(SubnetId=vpc.subnet)
    assert aws.managed() == {instance: "Online"}
    own = ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    association = ec2.associate_route_table(RouteTableId=own, SubnetId=vpc.subnet)["AssociationId"]
    assert aws.managed() == {instance: "ConnectionLost"}
    vpc.default_route(own, GatewayId=gateway)
    assert aws.managed() == {instance: "Online"}
    ec2.replace_route(RouteTableId=own, DestinationCidrBlock=ANYWHERE, TransitGatewayId="tgw-0123456789abcdef0")
    assert aws.managed() == {instance: "ConnectionLost"}
    ec2.disassociate_route_table(AssociationId=association)
    assert aws.managed() == {instance: "Online"}


def test_endpoints(aws, ec2, node, vpc):
    """Systems Manager User Guide, VPC endpoints: ssm and ssmmessages, with private DNS, do without the internet."""
    vpc.dns(EnableDnsHostnames=True)
    instance = node(SubnetId=vpc.subnet)
    ssm = vpc.endpoints("ssm")
    assert aws.managed() == {}
    vpc.endpoints("ssmmessages")
    assert aws.managed() == {instance: "Online"}
    ec2.delete_vpc_endpoints(VpcEndpointIds=ssm)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_endpoints_of_another_region_or_vpc_do_not_help(aws, ec2, node, vpc):
    """PrivateLink User Guide: an endpoint serves its own VPC, and the names of its own Region."""
    other = Vpc(ec2)
    other.dns(EnableDnsHostnames=True)
    other.endpoints("ssm", "ssmmessages")
    node(SubnetId=vpc.subnet)
    assert aws.managed() == {}


def test_endpoints_need_private_dns(aws, ec2, node, vpc):
    """PrivateLink User Guide, Private DNS names: the service's name leads to the endpoint only with private DNS."""
    vpc.dns(EnableDnsHostnames=True)
    ids = vpc.endpoints("ssm", "ssmmessages", private=False)
    instance = node(SubnetId=vpc.subnet)
    assert aws.managed() == {}
    for endpoint in ids:
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)
    assert aws.managed() == {instance: "Online"}
    ec2.modify_vpc_endpoint(VpcEndpointId=ids[1], PrivateDnsEnabled=False)
    assert aws.managed() == {instance: "ConnectionLost"}


@pytest.mark.parametrize("attribute", ["EnableDnsHostnames", "EnableDnsSupport"])
def test_private_dns_needs_both_attributes_of_the_vpc(aws, ec2, node, vpc, attribute):
    """VPC User Guide, DNS attributes for your VPC: private hosted zones need both set to true."""
    vpc.dns(EnableDnsHostnames=True)
    vpc.endpoints("ssm", "ssmmessages")
    instance = node(SubnetId=vpc.subnet)
    vpc.dns(**{attribute: False})
    assert aws.managed() == {instance: "ConnectionLost"}
    vpc.dns(**{attribute: True})
    assert aws.managed() == {instance: "Online"}


def test_old_agents_need_ec2messages(aws, node, vpc):
    """amazon-ssm-agent, release notes 3.3.40.0: from there on ec2messages is off where ssmmessages is connected."""
    vpc.dns(EnableDnsHostnames=True)
    vpc.endpoints("ssm", "ssmmessages")
    new = node(SubnetId=vpc.subnet, tags={"fleet:agent-version": "3.3.40.0"})
    old = node(SubnetId=vpc.subnet, tags=OLD_AGENT)
    assert aws.managed() == {new: "Online"}
    vpc.endpoints("ec2messages")
    assert aws.managed() == {new: "Online", old: "Online"}


def test_a_service_without_endpoint_goes_by_the_internet(aws, node, vpc):
    """PrivateLink User Guide: private DNS redirects the names of that service alone."""
    vpc.dns(EnableDnsHostnames=True)
    vpc.endpoints("ssm")
    vpc.default_route(GatewayId=vpc.gateway())
    vpc.public()
    instance = node(SubnetId=vpc.subnet)
    assert aws.managed() == {instance: "Online"}


def test_egress_of_the_security_groups(aws, ec2, node):
    """Systems Manager User Guide, Troubleshooting: outbound HTTPS (443) must be allowed; any group may allow it."""
    instance = node()
    shown = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    group = shown["SecurityGroups"][0]["GroupId"]
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everything])
    assert aws.managed() == {instance: "ConnectionLost"}

    def allow(**rule):
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])

    allow(IpProtocol="udp", FromPort=0, ToPort=65535, IpRanges=[{"CidrIp": ANYWHERE}])
    allow(IpProtocol="tcp", FromPort=80, ToPort=442, IpRanges=[{"CidrIp": ANYWHERE}])
    allow(IpProtocol="tcp", FromPort=443, ToPort=443, IpRanges=[{"CidrIp": "10.0.0.0/8"}])
    assert aws.managed() == {instance: "ConnectionLost"}
    allow(IpProtocol="tcp", FromPort=400, ToPort=500, IpRanges=[{"CidrIp": ANYWHERE}])
    assert aws.managed() == {instance: "Online"}


def test_egress_to_endpoints_may_be_narrow(aws, ec2, node, vpc):
    """VPC User Guide, Security group rules: egress to a group or a range is enough for endpoints inside the VPC."""
    vpc.dns(EnableDnsHostnames=True)
    vpc.endpoints("ssm", "ssmmessages")
    group = ec2.create_security_group(GroupName="narrow", Description="-", VpcId=vpc.id)["GroupId"]
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everything])
    instance = node(SubnetId=vpc.subnet, SecurityGroupIds=[group])
    assert aws.managed() == {}
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": vpc.group}]}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    assert aws.managed() == {}
    ec2.authorize_security_group_ingress(
        GroupId=vpc.group, IpPermissions=[{**rule, "UserIdGroupPairs": [{"GroupId": group}]}]
    )
    assert aws.managed() == {instance: "Online"}


def test_other_security_groups(aws, ec2, node):
    """EC2 API Reference, ModifyInstanceAttribute: the groups given replace those of the instance."""
    instance = node()
    default = ec2.describe_security_groups()["SecurityGroups"][0]
    shut = ec2.create_security_group(GroupName="shut", Description="-", VpcId=default["VpcId"])["GroupId"]
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
    ec2.revoke_security_group_egress(GroupId=shut, IpPermissions=[everything])
    ec2.modify_instance_attribute(InstanceId=instance, Groups=[shut])
    assert aws.managed() == {instance: "ConnectionLost"}
    shown = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert shown["SecurityGroups"] == [{"GroupId": shut, "GroupName": "shut"}]
    assert shown["NetworkInterfaces"][0]["Groups"] == shown["SecurityGroups"]
    ec2.modify_instance_attribute(InstanceId=instance, Groups=[shut, default["GroupId"]])
    assert aws.managed() == {instance: "Online"}


def test_the_way_comes_before_the_credentials(aws, node, vpc):
    """amazon-ssm-agent: with neither network nor credentials a node never registers, whatever DHMC says."""
    aws.role("Dhmc", path="/service-role/", actions=PING)
    aws.dhmc("service-role/Dhmc")
    aws.instance(SubnetId=vpc.subnet)
    assert aws.managed() == {}
