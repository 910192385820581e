# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as people build them, made with plain boto3."""

from __future__ import annotations

import json
import secrets

REGION = "us-east-1"
ANYWHERE = "0.0.0.0/0"
HALVES = ("0.0.0.0/1", "128.0.0.0/1")
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
NOWHERE = [{"Key": "fleet:leads-to", "Value": "nowhere"}]
SSM = ("ssm", "ssmmessages")


def allow(**more):
    """A policy for an endpoint."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **more}
    return json.dumps({"Statement": [statement]})


class Net:
    """A VPC with a subnet and a security group that lets everything out, and what is put into it."""

    def __init__(self, account, cidr="10.9.0.0/16", *, ipv6=False):
        self.account, self.ec2, self.cidr = account, account.client("ec2", REGION), cidr
        self.vpc = self.ec2.create_vpc(CidrBlock=cidr, AmazonProvidedIpv6CidrBlock=ipv6)["Vpc"]["VpcId"]
        more = {}
        if ipv6:
            (block,) = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
            more["Ipv6CidrBlock"] = block["Ipv6CidrBlock"].replace("/56", "/64")
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr.replace("/16", "/24"), **more)["Subnet"][
            "SubnetId"
        ]
        own = [{"Name": "vpc-id", "Values": [self.vpc]}]
        self.table = self.ec2.describe_route_tables(Filters=own)["RouteTables"][0]["RouteTableId"]
        self.group = self.new_group()
        self.more = {"Ipv6AddressCount": 1} if ipv6 else {}
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            self.ec2.modify_vpc_attribute(VpcId=self.vpc, **{name: {"Value": True}})

    def launch(self, **tags):
        """An instance that was started long ago."""
        tags = {"fleet:launched": "2026-01-01T00:00:00+00:00", **tags}
        return self.ec2.run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
            SubnetId=self.subnet,
            SecurityGroupIds=[self.group],
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            ],
            **self.more,
        )["Instances"][0]["InstanceId"]

    def new_group(self):
        name = secrets.token_hex(8)
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]

    def only_out(self, **to):
        """Nothing out but TCP 443 to somewhere."""
        every = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}]
        self.ec2.revoke_security_group_egress(GroupId=self.group, IpPermissions=every)
        self.ec2.authorize_security_group_egress(GroupId=self.group, IpPermissions=[{**HTTPS, **to}])
        return self

    def route(self, *destinations, **target):
        for text in destinations or (ANYWHERE,):
            key = "DestinationCidrBlock"
            key = "DestinationPrefixListId" if text.startswith("pl-") else key
            key = "DestinationIpv6CidrBlock" if ":" in text else key
            self.ec2.create_route(RouteTableId=self.table, **{key: text}, **target)
        return self

    def nat(self):
        made = self.ec2.create_nat_gateway(SubnetId=self.subnet, ConnectivityType="private")
        return {"NatGatewayId": made["NatGateway"]["NatGatewayId"]}

    def internet(self):
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        return {"GatewayId": gateway}

    def transit(self, *others, tags=()):
        """A transit gateway that this VPC and the others are attached to."""
        more = {"TagSpecifications": [{"ResourceType": "transit-gateway", "Tags": tags}]} if tags else {}
        gateway = self.ec2.create_transit_gateway(**more)["TransitGateway"]["TransitGatewayId"]
        for one in (self, *others):
            self.ec2.create_transit_gateway_vpc_attachment(
                TransitGatewayId=gateway, VpcId=one.vpc, SubnetIds=[one.subnet]
            )
        return {"TransitGatewayId": gateway}

    def peering(self, other):
        made = self.ec2.create_vpc_peering_connection(VpcId=self.vpc, PeerVpcId=other.vpc)["VpcPeeringConnection"]
        name = made["VpcPeeringConnectionId"]
        self.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=name)
        return {"VpcPeeringConnectionId": name}

    def appliance(self):
        """The interface of an instance that leads nowhere."""
        instance = self.launch(**{"fleet:agent": "none"})
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        interface = found["NetworkInterfaces"][0]["NetworkInterfaceId"]
        self.ec2.create_tags(Resources=[interface], Tags=NOWHERE)
        return {"NetworkInterfaceId": interface}

    def firewall(self):
        """A gateway load balancer endpoint that leads nowhere."""
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            VpcEndpointType="GatewayLoadBalancer",
            ServiceName=f"com.amazonaws.vpce.{REGION}.vpce-svc-0123456789abcdef0",
            SubnetIds=[self.subnet],
            TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": NOWHERE}],
        )
        return {"VpcEndpointId": made["VpcEndpoint"]["VpcEndpointId"]}

    def prefix_list(self, *entries):
        return self.ec2.create_managed_prefix_list(
            PrefixListName=secrets.token_hex(4),
            MaxEntries=9,
            AddressFamily="IPv4",
            Entries=[{"Cidr": entry} for entry in entries],
        )["PrefixList"]["PrefixListId"]

    def endpoints(self, *services, dns=True, group=None, policy=None, state=None):
        """Interface endpoints, by service, whose group lets the whole of the 10/8 in."""
        if group is None:
            group = self.new_group()
            rule = [{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rule)
        more = {"PolicyDocument": policy} if policy else {}
        if state:
            tags = [{"Key": "fleet:state", "Value": state}]
            more["TagSpecifications"] = [{"ResourceType": "vpc-endpoint", "Tags": tags}]
        return {
            service: self.ec2.create_vpc_endpoint(
                VpcId=self.vpc,
                VpcEndpointType="Interface",
                ServiceName=f"com.amazonaws.{REGION}.{service}",
                SubnetIds=[self.subnet],
                SecurityGroupIds=[group],
                PrivateDnsEnabled=dns,
                **more,
            )["VpcEndpoint"]["VpcEndpointId"]
            for service in services
        }

    def zones_for(self, other, endpoints):
        """Private hosted zones of one's own, by which names lead from another VPC to the endpoints of this one."""
        dns = self.account.client("route53", REGION)
        for service, endpoint in endpoints.items():
            name = f"{service}.{REGION}.amazonaws.com"
            interfaces = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
            found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=interfaces["NetworkInterfaceIds"])
            values = [{"Value": one["PrivateIpAddress"]} for one in found["NetworkInterfaces"]]
            zone = dns.create_hosted_zone(
                Name=name,
                CallerReference=secrets.token_hex(8),
                VPC={"VPCRegion": REGION, "VPCId": other.vpc},
                HostedZoneConfig={"Comment": "central endpoints", "PrivateZone": True},
            )["HostedZone"]["Id"]
            record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": values}
            change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
            dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
