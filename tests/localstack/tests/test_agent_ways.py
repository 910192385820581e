# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The simulated agents' way: prefix lists, other VPCs, IPv6, and what endpoints let in."""

from __future__ import annotations

import ipaddress
import json

import pytest

PING = "ssm:UpdateInstanceInformation"
REGION = "us-east-1"
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


@pytest.fixture
def ec2(client):
    return client("ec2")


class Vpc:
    """A VPC with one subnet and a group that lets everything out and in."""

    def __init__(self, ec2, cidr="10.7.0.0/16", **more):
        self.ec2 = ec2
        made = ec2.create_vpc(CidrBlock=cidr, **more)["Vpc"]
        self.id, self.more = made["VpcId"], {}
        extra = {}
        for block in made.get("Ipv6CidrBlockAssociationSet") or []:
            extra["Ipv6CidrBlock"] = block["Ipv6CidrBlock"].replace("/56", "/64")
            self.more = {"Ipv6AddressCount": 1}
        made = ec2.create_subnet(VpcId=self.id, CidrBlock=cidr.replace("/16", "/24"), **extra)
        self.subnet = made["Subnet"]["SubnetId"]
        filters = [{"Name": "vpc-id", "Values": [self.id]}]
        self.table = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
        self.group = ec2.create_security_group(GroupName="open", Description="-", VpcId=self.id)["GroupId"]
        rule = {**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[rule])
        ec2.modify_vpc_attribute(VpcId=self.id, EnableDnsHostnames={"Value": True})

    def route(self, text, **target):
        key = "DestinationPrefixListId" if text.startswith("pl-") else "DestinationCidrBlock"
        key = "DestinationIpv6CidrBlock" if ":" in text else key
        self.ec2.create_route(RouteTableId=self.table, **{key: text}, **target)

    def nat(self):
        made = self.ec2.create_nat_gateway(SubnetId=self.subnet, ConnectivityType="private")
        return {"NatGatewayId": made["NatGateway"]["NatGatewayId"]}

    def endpoints(self, *, private=True, **more):
        return {
            service: self.ec2.create_vpc_endpoint(
                VpcId=self.id,
                VpcEndpointType="Interface",
                ServiceName=f"com.amazonaws.{REGION}.{service}",
                SubnetIds=[self.subnet],
                SecurityGroupIds=[self.group],
                PrivateDnsEnabled=private,
                **more,
            )["VpcEndpoint"]["VpcEndpointId"]
            for service in ("ssm", "ssmmessages")
        }

    def addresses(self, endpoint):
        shown = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]["NetworkInterfaceIds"]
        found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=shown)["NetworkInterfaces"] if shown else []
        return [(one["PrivateIpAddress"], [group["GroupId"] for group in one["Groups"]]) for one in found]


@pytest.fixture
def vpc(ec2):
    return Vpc(ec2)


@pytest.fixture
def node(aws):
    profile = {"Name": aws.profile("P", PING)}

    def launch(vpc, **tags):
        return aws.instance(
            IamInstanceProfile=profile, SubnetId=vpc.subnet, SecurityGroupIds=[vpc.group], tags=tags, **vpc.more
        )

    return launch


def zone(client, vpc, name, *values):
    dns = client("route53")
    made = dns.create_hosted_zone(
        Name=name,
        CallerReference=f"{vpc.id} {name}",
        VPC={"VPCRegion": REGION, "VPCId": vpc.id},
        HostedZoneConfig={"Comment": "-", "PrivateZone": True},
    )
    record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value} for value in values]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    dns.change_resource_record_sets(HostedZoneId=made["HostedZone"]["Id"], ChangeBatch=change)


def test_the_most_specific_route_counts(aws, node, ec2, vpc):
    """VPC User Guide, Route priority: the longest prefix, whether in the table or in a prefix list."""
    every = ec2.create_managed_prefix_list(
        PrefixListName="halves",
        MaxEntries=2,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "0.0.0.0/1"}, {"Cidr": "128.0.0.0/1"}],
    )["PrefixList"]["PrefixListId"]
    vpc.route(every, **vpc.nat())
    instance = node(vpc)
    assert aws.managed() == {instance: "Online"}
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc.id)
    vpc.route("0.0.0.0/0", GatewayId=gateway)
    assert aws.managed() == {instance: "Online"}
    vpc.route("52.0.0.0/8", GatewayId=gateway)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_an_endpoint_has_an_interface_in_each_of_its_subnets(ec2, vpc):
    """PrivateLink User Guide, Subnets and Availability Zones: with an address of it, and the endpoint's groups."""
    endpoint = vpc.endpoints()["ssm"]
    ((address, groups),) = vpc.addresses(endpoint)
    assert ipaddress.ip_address(address) in ipaddress.ip_network("10.7.0.0/24")
    assert groups == [vpc.group]
    other = ec2.create_subnet(VpcId=vpc.id, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddSubnetIds=[other], RemoveSubnetIds=[vpc.subnet])
    ((address, _groups),) = vpc.addresses(endpoint)
    assert ipaddress.ip_address(address) in ipaddress.ip_network("10.7.1.0/24")
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=[other])
    assert vpc.addresses(endpoint) == []


def test_an_endpoint_lets_in_whom_its_groups_and_policy_let(aws, node, ec2, vpc):
    """PrivateLink User Guide, Security groups; Control access to VPC endpoints using endpoint policies."""
    made = vpc.endpoints()
    vpc.route("0.0.0.0/0", **vpc.nat())
    instance = node(vpc)
    assert aws.managed() == {instance: "Online"}
    shut = ec2.create_security_group(GroupName="shut", Description="-", VpcId=vpc.id)["GroupId"]
    change = {"AddSecurityGroupIds": [shut], "RemoveSecurityGroupIds": [vpc.group]}
    ec2.modify_vpc_endpoint(VpcEndpointId=made["ssm"], **change)
    assert aws.managed() == {instance: "ConnectionLost"}
    member = {**HTTPS, "UserIdGroupPairs": [{"GroupId": vpc.group}]}
    ec2.authorize_security_group_ingress(GroupId=shut, IpPermissions=[member])
    assert aws.managed() == {instance: "Online"}
    for principal, wanted in (("999988887777", "ConnectionLost"), (aws.account, "Online")):
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "*", "Resource": "*"}
        ec2.modify_vpc_endpoint(VpcEndpointId=made["ssm"], PolicyDocument=json.dumps({"Statement": [statement]}))
        assert aws.managed() == {instance: wanted}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ssm:GetParameter", "Resource": "*"}
    ec2.modify_vpc_endpoint(VpcEndpointId=made["ssm"], PolicyDocument=json.dumps({"Statement": [statement]}))
    assert aws.managed() == {instance: "ConnectionLost"}
    ec2.modify_vpc_endpoint(VpcEndpointId=made["ssm"], ResetPolicy=True)
    assert aws.managed() == {instance: "Online"}


def test_central_endpoints(aws, client, node, ec2, vpc):
    """VPC whitepaper, Centralized access to VPC private endpoints: hosted zones of one's own, and a way to the VPC."""
    hub = Vpc(ec2, "10.1.0.0/16")
    made = hub.endpoints(private=False)
    instance = node(vpc)
    transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    vpc.route("10.0.0.0/8", TransitGatewayId=transit)
    for service, endpoint in made.items():
        zone(
            client, vpc, f"{service}.{REGION}.amazonaws.com", *[address for address, _groups in hub.addresses(endpoint)]
        )
    assert aws.managed() == {}
    for one in (vpc, hub):
        ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=transit, VpcId=one.id, SubnetIds=[one.subnet])
    assert aws.managed() == {instance: "Online"}


def test_a_hosted_zone_hides_the_public_name(aws, client, node, vpc):
    """Route 53 Developer Guide, Private hosted zones: a zone without the record does not ask for the public name."""
    vpc.route("0.0.0.0/0", **vpc.nat())
    instance = node(vpc)
    assert aws.managed() == {instance: "Online"}
    zone(client, vpc, f"other.{REGION}.amazonaws.com", "10.7.0.99")
    assert aws.managed() == {instance: "Online"}
    zone(client, vpc, f"ssm.{REGION}.amazonaws.com", "10.7.0.99")
    assert aws.managed() == {instance: "ConnectionLost"}


def test_ipv6(aws, node, ec2):
    """VPC User Guide, DNS64 and NAT64, Egress-only internet gateways; SSM Agent, UseDualStackEndpoint."""
    vpc = Vpc(ec2, AmazonProvidedIpv6CidrBlock=True)
    gateway = ec2.create_egress_only_internet_gateway(VpcId=vpc.id)["EgressOnlyInternetGateway"]
    vpc.route("::/0", EgressOnlyInternetGatewayId=gateway["EgressOnlyInternetGatewayId"])
    plain, dual = node(vpc), node(vpc, **{"fleet:agent-dual-stack": "true"})
    assert aws.managed() == {dual: "Online"}
    vpc.route("64:ff9b::/96", **vpc.nat())
    assert aws.managed() == {dual: "Online"}
    ec2.modify_subnet_attribute(SubnetId=vpc.subnet, EnableDns64={"Value": True})
    assert ec2.describe_subnets(SubnetIds=[vpc.subnet])["Subnets"][0]["EnableDns64"] is True
    assert aws.managed() == {plain: "Online", dual: "Online"}


def test_what_a_participant_of_a_shared_vpc_sees(aws, node, ec2, vpc):
    """VPC User Guide, Share your VPC subnets: the owner's id; not the owner's endpoints, which serve all the same."""
    vpc.endpoints()
    ec2.create_tags(Resources=[vpc.id], Tags=[{"Key": "fleet:owner", "Value": "999988887777"}])
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    assert ec2.describe_subnets(SubnetIds=[vpc.subnet])["Subnets"][0]["OwnerId"] == "999988887777"
    assert ec2.describe_vpcs(VpcIds=[vpc.id])["Vpcs"][0]["OwnerId"] == "999988887777"
    instance = node(vpc)
    assert aws.managed() == {instance: "Online"}


def test_pages_of_prefix_lists(ec2, refused):
    """EC2 API Reference, DescribeManagedPrefixLists and GetManagedPrefixListEntries: pages of up to 100."""
    entries = [{"Cidr": f"10.{number}.0.0/16"} for number in range(3)]
    made = ec2.create_managed_prefix_list(PrefixListName="x", MaxEntries=3, AddressFamily="IPv4", Entries=entries)
    name = made["PrefixList"]["PrefixListId"]
    pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(
        PrefixListId=name, PaginationConfig={"PageSize": 2}
    )
    assert [[entry["Cidr"] for entry in page["Entries"]] for page in pages] == [
        ["10.0.0.0/16", "10.1.0.0/16"],
        ["10.2.0.0/16"],
    ]
    refused("InvalidPrefixListID.NotFound", ec2.get_managed_prefix_list_entries, PrefixListId="pl-0123456789abcdef0")
    refused("InvalidParameterValue", ec2.describe_managed_prefix_lists, MaxResults=101)
