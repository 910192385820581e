# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2: networks as AWS shows them."""

from __future__ import annotations

import pytest

ANYWHERE = "0.0.0.0/0"
SSM = "com.amazonaws.us-east-1.ssm"


@pytest.fixture
def ec2(client):
    return client("ec2")


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]


def attributes(ec2, vpc):
    return {
        name: ec2.describe_vpc_attribute(VpcId=vpc, Attribute=f"enable{name}")[f"Enable{name}"]["Value"]
        for name in ("DnsSupport", "DnsHostnames")
    }


def one(ec2, instance):
    return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


def test_default_vpc(aws, ec2):
    """VPC User Guide, Default VPCs: internet gateway, route to it in the main table, public subnets, DNS host names."""
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    [gateway] = ec2.describe_internet_gateways()["InternetGateways"]
    assert gateway["Attachments"] == [{"State": "available", "VpcId": vpc}]
    [table] = ec2.describe_route_tables()["RouteTables"]
    assert table["Associations"][0]["Main"] is True
    routes = {route["DestinationCidrBlock"]: (route["GatewayId"], route["State"]) for route in table["Routes"]}
    assert routes == {"172.31.0.0/16": ("local", "active"), ANYWHERE: (gateway["InternetGatewayId"], "active")}
    assert all(subnet["MapPublicIpOnLaunch"] for subnet in ec2.describe_subnets()["Subnets"])
    assert attributes(ec2, vpc) == {"DnsSupport": True, "DnsHostnames": True}
    [group] = ec2.describe_security_groups()["SecurityGroups"]
    assert [(rule["IpProtocol"], rule["IpRanges"]) for rule in group["IpPermissionsEgress"]] == [
        ("-1", [{"CidrIp": ANYWHERE}])
    ]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    instance = one(ec2, aws.instance())
    assert instance["VpcId"] == vpc
    assert instance["PublicIpAddress"]
    assert instance["SecurityGroups"] == [{"GroupId": group["GroupId"], "GroupName": "default"}]


def test_other_vpcs(ec2, vpc):
    """VPC User Guide, DNS attributes for your VPC; Configure route tables: only the local route is there."""
    assert attributes(ec2, vpc) == {"DnsSupport": True, "DnsHostnames": False}
    [table] = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    assert [route["GatewayId"] for route in table["Routes"]] == ["local"]


def test_public_addresses_of_default_subnets(aws, ec2):
    """EC2 User Guide, Public IPv4 addresses: the subnet's attribute decides; one is released when it stops."""
    instance = aws.instance()
    subnet = one(ec2, instance)["SubnetId"]
    ec2.stop_instances(InstanceIds=[instance])
    assert "PublicIpAddress" not in one(ec2, instance)
    ec2.start_instances(InstanceIds=[instance])
    assert one(ec2, instance)["PublicIpAddress"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": False})
    hidden = aws.instance()
    assert "PublicIpAddress" not in one(ec2, hidden)
    ec2.stop_instances(InstanceIds=[hidden])
    ec2.start_instances(InstanceIds=[hidden])
    assert "PublicIpAddress" not in one(ec2, hidden)


def test_network_interface_of_an_instance(ec2, vpc):
    """EC2 API Reference, Instance: subnet, VPC and groups are those of the primary network interface."""
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="web", Description="-", VpcId=vpc)["GroupId"]
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": True}
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, NetworkInterfaces=[interface])
    assert made["Instances"][0]["State"] == {"Code": 0, "Name": "pending"}
    instance = one(ec2, made["Instances"][0]["InstanceId"])
    assert (instance["SubnetId"], instance["VpcId"]) == (subnet, vpc)
    assert instance["SecurityGroups"] == [{"GroupId": group, "GroupName": "web"}]
    [shown] = instance["NetworkInterfaces"]
    assert (shown["SubnetId"], shown["VpcId"], shown["Groups"]) == (subnet, vpc, instance["SecurityGroups"])
    assert shown["Association"]["PublicIp"] == instance["PublicIpAddress"]
    assert shown["PrivateIpAddress"] == instance["PrivateIpAddress"]
    assert shown["Attachment"]["DeviceIndex"] == 0
    found = ec2.describe_instances(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Reservations"]
    assert [i["InstanceId"] for r in found for i in r["Instances"]] == [instance["InstanceId"]]
    found = ec2.describe_instances(Filters=[{"Name": "instance.group-id", "Values": [group]}])["Reservations"]
    assert len(found) == 1


def test_blackhole(ec2):
    """EC2 API Reference, Route: State is blackhole when the gateway isn't attached to the VPC."""
    [gateway] = ec2.describe_internet_gateways()["InternetGateways"]
    vpc = gateway["Attachments"][0]["VpcId"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    [table] = ec2.describe_route_tables()["RouteTables"]
    assert [route["State"] for route in table["Routes"]] == ["active", "blackhole"]


def test_route_tables_by_association(ec2, vpc):
    """EC2 API Reference, DescribeRouteTables: filters association.subnet-id, association.main and vpc-id; pages."""
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(6)]
    ec2.associate_route_table(RouteTableId=tables[2], SubnetId=subnet)

    def found(**filters):
        given = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
        pages = ec2.get_paginator("describe_route_tables").paginate(Filters=given, PaginationConfig={"PageSize": 5})
        return [table["RouteTableId"] for page in pages for table in page["RouteTables"]]

    assert found(**{"association.subnet_id": subnet}) == [tables[2]]
    assert len(found(vpc_id=vpc)) == 7
    main = found(vpc_id=vpc, **{"association.main": "true"})
    assert len(main) == 1
    assert main[0] not in tables


def test_pages(ec2, vpc, refused):
    """EC2 API Reference, DescribeSecurityGroups, DescribeSubnets, DescribeRouteTables: pages from 5 items on."""
    ids = [
        ec2.create_security_group(GroupName=f"g{number}", Description="-", VpcId=vpc)["GroupId"] for number in range(11)
    ]
    pages = ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5})
    assert [len(page["SecurityGroups"]) for page in pages] == [5, 5, 3]
    found = ec2.describe_security_groups(GroupIds=ids[3:5])["SecurityGroups"]
    assert {group["GroupId"] for group in found} == set(ids[3:5])
    subnets = ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5})
    assert len([subnet for page in subnets for subnet in page["Subnets"]]) == 6
    refused("InvalidParameterValue", ec2.describe_route_tables, MaxResults=101)
    refused("InvalidParameterValue", ec2.describe_security_groups, MaxResults=1001)
    refused("InvalidNextToken", ec2.describe_security_groups, NextToken="nonsense")


def test_endpoints(ec2, vpc, refused):
    """EC2 API Reference, CreateVpcEndpoint, DescribeVpcEndpoints: fields, filters, private DNS only when asked for."""
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    create, interface = ec2.create_vpc_endpoint, {"VpcId": vpc, "VpcEndpointType": "Interface", "SubnetIds": [subnet]}
    default = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0]
    error = refused("InvalidParameter", create, **interface, ServiceName=SSM, PrivateDnsEnabled=True)
    assert "requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true" in str(error)
    made = create(**interface, ServiceName=SSM)["VpcEndpoint"]
    gateway = create(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")["VpcEndpoint"]
    assert (gateway["VpcEndpointType"], gateway["PrivateDnsEnabled"]) == ("Gateway", False)
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "service-name", "Values": [SSM]}]
    [shown] = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    wanted = {
        "VpcEndpointId": made["VpcEndpointId"],
        "ServiceName": SSM,
        "State": "available",
        "VpcEndpointType": "Interface",
        "PrivateDnsEnabled": False,
        "SubnetIds": [subnet],
        "Groups": [{"GroupId": default["GroupId"], "GroupName": "default"}],
    }
    assert {name: shown[name] for name in wanted} == wanted
    assert len(ec2.describe_vpc_endpoints(MaxResults=1)["VpcEndpoints"]) == 1
    other = ec2.create_security_group(GroupName="https", Description="-", VpcId=vpc)["GroupId"]
    change = {"VpcEndpointId": made["VpcEndpointId"]}
    ec2.modify_vpc_endpoint(**change, AddSecurityGroupIds=[other], RemoveSecurityGroupIds=[default["GroupId"]])
    [shown] = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    assert [group["GroupId"] for group in shown["Groups"]] == [other]
    refused("InvalidParameter", ec2.modify_vpc_endpoint, **change, PrivateDnsEnabled=True)
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    ec2.modify_vpc_endpoint(**change, PrivateDnsEnabled=True)
    [shown] = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    assert shown["PrivateDnsEnabled"] is True
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    assert ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"] == []
