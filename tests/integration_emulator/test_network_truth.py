# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of networks, against agents that decide for themselves whether they get to Systems Manager.

All situations are made in one account and region, and the module is asked once.
"""

from __future__ import annotations

from collections import Counter

import pytest
from conftest import DHMC
from network_zoo import ANYWHERE, HALVES, HTTPS, NOWHERE, REGION, SSM, Net, allow

NAME = "ssm_managed_instance_info"
ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
OWNER = "999988887777"

# Where the agent is online there is nothing to say. Where it is not: the codes that block, or else those that warn.
ONLINE = None
SITUATIONS = {}


def situation(codes, *words):
    """The codes that must be said, and words that the first of them has."""

    def remember(make):
        SITUATIONS[make.__name__] = (make, codes, words)
        return make

    return remember


def unclear(*words, code="network_unclear"):
    return situation({code}, *words)


def blocked(code, *words):
    return situation({f"blocking {code}"}, *words)


# Routes.


@situation(ONLINE)
def nat(account):
    net = Net(account)
    return net.route(**net.nat()).launch()


@situation(ONLINE)
def halves_to_nat(account):
    net = Net(account)
    return net.route(*HALVES, **net.nat()).launch()


@situation(ONLINE)
def prefix_list_to_nat(account):
    net = Net(account)
    return net.route(net.prefix_list(*HALVES), **net.nat()).launch()


@unclear("default route (0.0.0.0/1, 128.0.0.0/1)", "network interface eni-")
def halves_to_appliance(account):
    net = Net(account)
    return net.route(*HALVES, **net.appliance()).launch()


@unclear("default route (pl-", "transit gateway tgw-")
def prefix_list_to_transit_gateway(account):
    net = Net(account)
    return net.route(net.prefix_list(*HALVES), **net.transit(tags=NOWHERE)).launch()


@unclear("There is a default route (0.0.0.0/0)", "transit gateway tgw-", "It is unclear where that leads")
def transit_gateway(account):
    net = Net(account)
    return net.route(**net.transit(tags=NOWHERE)).launch()


@situation(ONLINE)
def transit_gateway_that_leads_out(account):
    net = Net(account)
    return net.route(**net.transit()).launch()


@unclear("default route", "gateway load balancer endpoint vpce-")
def firewall_endpoint(account):
    net = Net(account)
    return net.route(**net.firewall()).launch()


@unclear("route for 52.0.0.0/8", "Whether Systems Manager's addresses are among them")
def a_part_of_the_public_addresses(account):
    net = Net(account)
    return net.route("52.0.0.0/8", **net.transit(tags=NOWHERE)).launch()


@blocked("no_egress", "internet gateway, but it has no public address")
def internet_gateway_without_public_address(account):
    net = Net(account)
    return net.route(**net.internet()).launch()


@blocked("no_egress", "no default route for IPv4")
def local_routes_only(account):
    return Net(account).launch()


@blocked("no_egress", "blackhole")
def blackhole(account):
    net = Net(account)
    target = net.nat()
    net.route(**target).ec2.delete_nat_gateway(**target)
    return net.launch()


# Central endpoints.


def hub(account):
    net = Net(account, "10.1.0.0/16")
    return net, net.endpoints(*SSM, dns=False)


@situation(ONLINE)
def central_endpoints_behind_a_transit_gateway(account):
    net = Net(account)
    central, endpoints = hub(account)
    central.zones_for(net, endpoints)
    return net.route("10.0.0.0/8", **net.transit(central)).launch()


@situation(ONLINE)
def central_endpoints_behind_a_peering(account):
    net = Net(account)
    central, endpoints = hub(account)
    central.zones_for(net, endpoints)
    return net.route(central.cidr, **net.peering(central)).launch()


@unclear("route for 10.0.0.0/8", "central VPC endpoints", "private hosted zones (and Route 53 Profiles)")
def a_hub_without_hosted_zones(account):
    net = Net(account)
    return net.route("10.0.0.0/8", **net.transit(hub(account)[0])).launch()


@unclear("VPC peering connection pcx-")
def a_peering_without_hosted_zones(account):
    net = Net(account)
    central, _endpoints = hub(account)
    return net.route(central.cidr, **net.peering(central)).launch()


@unclear(f"shared by the account {OWNER}", "VPC endpoints can't be seen")
def participant_of_a_shared_vpc(account):
    net = Net(account)
    net.endpoints(*SSM, policy=allow(Effect="Deny"))
    instance = net.launch()
    net.ec2.create_tags(Resources=[net.vpc], Tags=[{"Key": "fleet:owner", "Value": OWNER}])
    return instance


# Egress.


@blocked("no_egress", "nothing out to public addresses", "NAT gateway nat-")
def egress_to_private_addresses(account):
    net = Net(account)
    return net.only_out(IpRanges=[{"CidrIp": "10.0.0.0/8"}]).route(**net.nat()).launch()


@blocked("no_egress")
def egress_to_another_group(account):
    net = Net(account)
    return net.only_out(UserIdGroupPairs=[{"GroupId": net.new_group()}]).route(**net.nat()).launch()


@blocked("no_egress")
def egress_to_a_prefix_list_of_aws(account):
    net = Net(account)
    lists = net.ec2.describe_managed_prefix_lists()["PrefixLists"]
    (s3,) = [one["PrefixListId"] for one in lists if one["PrefixListName"].endswith(".s3")]
    return net.only_out(PrefixListIds=[{"PrefixListId": s3}]).route(**net.nat()).launch()


@blocked("no_egress")
def egress_by_ipv6_alone(account):
    net = Net(account)
    return net.only_out(Ipv6Ranges=[{"CidrIpv6": "::/0"}]).route(**net.nat()).launch()


@situation(ONLINE)
def egress_in_halves(account):
    net = Net(account)
    return net.only_out(IpRanges=[{"CidrIp": half} for half in HALVES]).route(**net.nat()).launch()


@situation(ONLINE)
def egress_to_a_prefix_list(account):
    net = Net(account)
    every = net.prefix_list(*HALVES)
    return net.only_out(PrefixListIds=[{"PrefixListId": every}]).route(**net.nat()).launch()


@situation(ONLINE)
def egress_to_the_right_part(account):
    net = Net(account)
    return net.only_out(IpRanges=[{"CidrIp": "52.46.0.0/16"}]).route(**net.nat()).launch()


@unclear("a part of the public addresses")
def egress_to_another_part(account):
    net = Net(account)
    return net.only_out(IpRanges=[{"CidrIp": "3.0.0.0/8"}]).route(**net.nat()).launch()


# Endpoints.


@situation(ONLINE)
def endpoints_and_narrow_egress(account):
    net = Net(account)
    net.endpoints(*SSM)
    return net.only_out(IpRanges=[{"CidrIp": net.cidr}]).launch()


@situation(ONLINE)
def endpoints_and_egress_to_their_group(account):
    net = Net(account)
    group = net.new_group()
    net.ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{**HTTPS, "UserIdGroupPairs": [{"GroupId": net.group}]}]
    )
    net.endpoints(*SSM, group=group)
    return net.only_out(UserIdGroupPairs=[{"GroupId": group}]).launch()


@blocked("no_egress", "lets TCP 443 out to the VPC endpoint vpce-")
def egress_past_the_endpoints(account):
    net = Net(account)
    net.endpoints(*SSM)
    return net.only_out(IpRanges=[{"CidrIp": "192.168.0.0/16"}]).route(**net.nat()).launch()


@blocked("endpoint_group_closed", "ssm and ssmmessages", "lets TCP 443 in")
def endpoints_that_let_nobody_in(account):
    net = Net(account)
    net.endpoints(*SSM, group=net.new_group())
    return net.launch()


@blocked("endpoint_group_closed")
def private_dns_wins_over_nat(account):
    net = Net(account)
    net.endpoints("ssm", group=net.new_group())
    return net.route(**net.nat()).launch()


@blocked("endpoint_not_ready", "no network interface")
def endpoint_without_subnets(account):
    net = Net(account)
    made = net.endpoints(*SSM)
    net.ec2.modify_vpc_endpoint(VpcEndpointId=made["ssm"], RemoveSubnetIds=[net.subnet])
    return net.launch()


@unclear("is pending", code="endpoint_not_ready")
def endpoint_that_is_pending(account):
    net = Net(account)
    net.endpoints("ssm")
    net.endpoints("ssmmessages", state="pending")
    return net.launch()


@blocked("endpoint_not_ready", "is failed")
def endpoint_that_failed(account):
    net = Net(account)
    net.endpoints("ssm")
    net.endpoints("ssmmessages", state="failed")
    return net.launch()


@situation(ONLINE)
def endpoint_that_is_pending_beside_nat(account):
    net = Net(account)
    net.endpoints(*SSM, state="pending")
    return net.route(**net.nat()).launch()


@blocked("endpoint_policy_denies", "ssm:UpdateInstanceInformation")
def policy_for_other_actions(account):
    net = Net(account)
    net.endpoints("ssm", policy=allow(Action=["ssm:GetParameter*", "ssm:DescribeDocument"]))
    return net.route(**net.nat()).launch()


@blocked("endpoint_policy_denies")
def policy_for_another_account(account):
    net = Net(account)
    net.endpoints("ssm", policy=allow(Principal={"AWS": f"arn:aws:iam::{OWNER}:root"}))
    return net.route(**net.nat()).launch()


@unclear("by a condition")
def policy_with_a_condition(account):
    net = Net(account)
    net.endpoints("ssm", policy=allow(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}))
    return net.route(**net.nat()).launch()


@situation(ONLINE)
def policy_for_this_account(account):
    net = Net(account)
    net.endpoints(*SSM, policy=allow(Principal={"AWS": account.id}))
    return net.launch()


@unclear("private hosted zone", code="private_dns_off")
def private_dns_off(account):
    net = Net(account)
    net.endpoints(*SSM, dns=False)
    return net.launch()


@situation(ONLINE)
def own_hosted_zones_in_the_same_vpc(account):
    net = Net(account)
    net.zones_for(net, net.endpoints(*SSM, dns=False))
    return net.launch()


@blocked("private_dns_off", "enableDnsHostnames")
def private_dns_off_by_the_vpc(account):
    net = Net(account)
    net.endpoints(*SSM)
    net.ec2.modify_vpc_attribute(VpcId=net.vpc, EnableDnsHostnames={"Value": False})
    return net.launch()


@blocked("missing_vpc_endpoints", "no VPC endpoint for ssmmessages", "no public address")
def half_of_the_endpoints(account):
    net = Net(account)
    net.endpoints("ssm")
    return net.route(**net.internet()).launch()


# IPv6.


@situation(ONLINE)
def nat64(account):
    net = Net(account, ipv6=True)
    net.ec2.modify_subnet_attribute(SubnetId=net.subnet, EnableDns64={"Value": True})
    return net.route("64:ff9b::/96", **net.nat()).launch()


@unclear("NAT64", "EnableDns64")
def nat64_without_dns64(account):
    net = Net(account, ipv6=True)
    return net.route("64:ff9b::/96", **net.nat()).launch()


def egress_only(account, **tags):
    net = Net(account, ipv6=True)
    gateway = net.ec2.create_egress_only_internet_gateway(VpcId=net.vpc)["EgressOnlyInternetGateway"]
    target = {"EgressOnlyInternetGatewayId": gateway["EgressOnlyInternetGatewayId"]}
    return net.route("::/0", **target).launch(**tags)


@unclear("default route for IPv6 to egress-only internet gateway", "dual-stack")
def egress_only_gateway(account):
    return egress_only(account)


@situation(ONLINE)
def egress_only_gateway_and_dual_stack_agent(account):
    return egress_only(account, **{"fleet:agent-dual-stack": "true"})


def dhmc_on(account, aws_trust):
    account.add_role(
        ROLE, aws_trust("ssm.amazonaws.com"), "AmazonSSMManagedEC2InstanceDefaultPolicy", path="/service-role/"
    )
    account.put(f"service-role/{ROLE}", REGION)
    account.control.set_setting_age(DHMC, 7 * 86400, account.id, REGION)


def online(account):
    pages = account.client("ssm", REGION).get_paginator("describe_instance_information").paginate()
    return {
        row["InstanceId"] for page in pages for row in page["InstanceInformationList"] if row["PingStatus"] == "Online"
    }


def ask(account):
    run = account.module(NAME, region=REGION).ok(changed=False)
    assert run.writes == []
    return run, {row["instance_id"]: row for row in run.result["instances"]}


def by_severity(row):
    """The codes of a row: those that block, or else those that warn."""
    found = {f"blocking {one['reason']}" for one in row["reasons"] if one["severity"] == "blocking"}
    return found - {"blocking agent_silent"} or {
        one["reason"] for one in row["reasons"] if one["severity"] == "warning"
    }


def test_every_situation(account, aws_trust):
    dhmc_on(account, aws_trust)
    instances = {name: make(account) for name, (make, _codes, _words) in SITUATIONS.items()}
    there = online(account)
    run, rows = ask(account)
    wrong = []
    for name, (_make, codes, words) in SITUATIONS.items():
        row = rows[instances[name]]
        text = " ".join(one["message"] for one in row["reasons"])
        wanted = (codes is ONLINE, "managed" if codes is ONLINE else "not_managed", codes or set())
        seen = (instances[name] in there, row["verdict"], by_severity(row))
        if seen != wanted or [word for word in words if word not in text] or "{" in text:
            wrong.append(f"{name}: {seen}, not {wanted} {words}: {row['reasons']}")
    assert not wrong, "\n".join(wrong)
    # Once for the region, however many networks it has; the attributes and the entries have no other way.
    calls = Counter(call["operation"] for call in run.calls if call["service"] == "ec2")
    one_by_one = {"DescribeVpcAttribute", "GetManagedPrefixListEntries"}
    assert {name: count for name, count in calls.items() if name not in one_by_one and count > 1} == {}
    assert not [call for call in run.calls if call["service"] == "route53"]


def test_an_agent_that_needs_ec2messages(account, aws_trust):
    """Its version is known from when it was online; without that nothing is said of ec2messages."""
    dhmc_on(account, aws_trust)
    net = Net(account)
    made = net.endpoints(*SSM, "ec2messages")
    old = net.launch(**{"fleet:agent-version": "3.2.1705.0"})
    new = net.launch(**{"fleet:agent-version": "3.3.40.0"})
    assert online(account) == {old, new}
    net.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["ec2messages"]])
    never_seen = net.launch(**{"fleet:agent-version": "3.2.1705.0"})
    rows = ask(account)[1]
    assert rows[new]["verdict"] == "managed"
    assert by_severity(rows[old]) == {"blocking missing_vpc_endpoints"}
    (reason,) = rows[old]["reasons"]
    assert "no VPC endpoint for ec2messages" in reason["message"]
    assert "3.3.40.0" in reason["fix"]
    assert [one["reason"] for one in rows[never_seen]["reasons"]] == ["agent_silent"]


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("DescribeSubnets", "local_routes_only"),
        ("DescribeManagedPrefixLists", "prefix_list_to_transit_gateway"),
        ("GetManagedPrefixListEntries", "prefix_list_to_transit_gateway"),
        ("DescribeNetworkInterfaces", "egress_past_the_endpoints"),
    ],
)
def test_what_may_not_be_read_is_not_taken_for_absent(account, aws_trust, operation, name):
    dhmc_on(account, aws_trust)
    instance = SITUATIONS[name][0](account)
    account.faults({"operation": operation, "error": {"code": "UnauthorizedOperation", "message": "not you"}})
    row = ask(account)[1][instance]
    assert row["verdict"] == "not_managed"
    assert by_severity(row) == {"network_unclear"}, row["reasons"]


def test_networks_are_not_read_where_everybody_is_managed(account, aws_trust):
    dhmc_on(account, aws_trust)
    net = Net(account)
    net.route(ANYWHERE, **net.nat()).launch()
    run, rows = ask(account)
    assert [row["verdict"] for row in rows.values()] == ["managed"]
    names = ("Subnet", "RouteTable", "SecurityGroup", "VpcEndpoint", "PrefixList", "NetworkInterface")
    assert [call for call in run.calls if any(name in call["operation"] for name in names)] == []
