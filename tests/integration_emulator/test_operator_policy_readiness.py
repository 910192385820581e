# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policy for the report on readiness holds what is seen to be called, on what, and nothing else."""

from __future__ import annotations

import json

import pytest
from iam_zoo import CORE, PING, Zoo, document, statement
from operator_needs import REGIONS, ROLE, Need, Needs, denied, include, render, unused

EU, US = REGIONS
NETWORK = {
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEndpoints",
    "ec2:GetManagedPrefixListEntries",
}
ONE_BY_ONE = {
    "iam:GetInstanceProfile",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
}
AT_ONCE = {"iam:GetAccountAuthorizationDetails", "iam:GetAccountSummary"}


@pytest.fixture
def zoo(account, aws_trust):
    """DHMC is on in one region, in a VPC with half of the endpoints and a prefix list; a profile in the other."""
    account.add_role(
        ROLE, aws_trust("ssm.amazonaws.com"), "AmazonSSMManagedEC2InstanceDefaultPolicy", path="/service-role/"
    )
    account.put(f"service-role/{ROLE}", US)
    found = Zoo(account, aws_trust)
    found.add("Web", CORE, inline={"ping": document(statement(PING))})
    found.start(EU, "Web")
    ec2 = account.client("ec2", US)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{US}.ssm", VpcEndpointType="Interface")
    private = ec2.create_managed_prefix_list(
        PrefixListName="private", MaxEntries=1, AddressFamily="IPv4", Entries=[{"Cidr": "10.0.0.0/8"}]
    )["PrefixList"]["PrefixListId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    table = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationPrefixListId=private, TransitGatewayId=transit)
    ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
    )
    return found


def report(account, **more):
    variables = {f"readiness_report_{name}": value for name, value in {"regions": REGIONS, **more}.items()}
    run = include(account, "readiness_report", **variables).ok()
    assert run.writes == []
    return run


def actions(needs):
    return {need.action for need in needs}


def deny(*operations):
    error = {"code": "AccessDenied", "message": "not you"}
    return [{"operation": operation, "error": error} for operation in operations]


def test_the_whole_account_one_by_one_a_network_and_the_smaller_pages(account, zoo):
    policies = render(account, "readiness")
    needs = Needs(account.id, {ROLE: f"service-role/{ROLE}"})

    whole = report(account)
    assert actions(needs.of(whole)) >= NETWORK | AT_ONCE
    account.faults(*deny("GetAccountAuthorizationDetails"))
    few = report(account)
    assert actions(needs.of(few)) >= NETWORK | ONE_BY_ONE
    for number in range(5):
        zoo.add(f"More{number}", CORE)
        zoo.start(EU, f"More{number}")
    account.faults(*deny("GetAccountAuthorizationDetails", "DescribeInstanceProperties"))
    many = report(account)
    assert actions(needs.of(many)) >= {"iam:ListInstanceProfiles", "ssm:DescribeInstanceInformation"}

    every = needs.of(whole, few, many)
    assert denied(policies["readiness"], every) == []
    assert unused(policies["readiness"], every) == []
    assert denied(policies["read_only"], every) == []
    # In another region nothing of a region is allowed, and nothing of another account.
    regional = {need for need in every if not need.action.startswith("iam:")}
    elsewhere = {
        Need(
            need.action,
            need.resource.replace(EU, "ap-south-1").replace(US, "ap-south-1"),
            tuple((key, "ap-south-1") for key, _region in need.context),
        )
        for need in regional
    }
    assert len(elsewhere) == len(actions(regional))
    assert set(denied(policies["readiness"], elsewhere)) == elsewhere
    foreign = [
        Need(need.action, need.resource.replace(account.id, "999999999999"))
        for need in every
        if account.id in need.resource
    ]
    assert actions(foreign) >= {*ONE_BY_ONE - {"iam:GetPolicy", "iam:GetPolicyVersion"}, "ssm:GetServiceSetting"}
    assert denied(policies["readiness"], foreign) == foreign


def test_the_playbook_over_every_region(account, zoo):
    policies = render(account, "readiness", regions="all")
    named = render(account, "readiness")
    run = account.command("ansible-playbook", "fleet.aws_ssm.audit_ssm", "-e", json.dumps({"ssm_regions": "all"})).ok()
    every = Needs(account.id, {ROLE: f"service-role/{ROLE}"}).of(run)
    assert denied(policies["readiness"], every) == []
    assert denied(policies["read_only"], every) == []
    missing = denied(named["readiness"], every)
    assert "ec2:DescribeRegions" in actions(missing)
    others = {value for need in missing for key, value in need.context if need.action == "ec2:DescribeInstances"}
    assert len(others) > 10
    assert others.isdisjoint(REGIONS)


def test_few_instances_are_asked_for_by_their_ids(account, zoo):
    policies = render(account, "readiness")
    instance = zoo.start(EU, "Web")
    run = account.module("ssm_managed_instance_info", regions=REGIONS, instance_ids=[instance]).ok(changed=False)
    every = Needs(account.id, {ROLE: f"service-role/{ROLE}"}).of(run)
    assert "ssm:DescribeInstanceInformation" in actions(every)
    assert denied(policies["readiness"], every) == []
