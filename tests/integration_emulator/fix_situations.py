# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A situation for every reason why an instance is not managed, or why that may change, made with plain boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from conftest import DHMC
from iam_zoo import CORE, PING, document, statement
from network_zoo import NOWHERE, SSM, Net, allow
from test_ssm_managed_instance_info import POLICY, US, Fleet

EU, CLOSED = "eu-west-1", "sa-east-1"
# Those of the situations of regions.
REGIONS = (US, EU, "eu-west-2", "us-west-2", "us-east-2", "ap-southeast-2", "eu-north-1")
V1 = {"HttpTokens": "optional", "HttpEndpoint": "enabled"}
SOMEWHERE = {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}


@dataclass(frozen=True)
class Situation:
    """What has a reason: `make` returns an instance or a region. `command`: whether the fix has one."""

    code: str
    command: bool
    make: Callable


SITUATIONS: dict[str, list[Situation]] = {"network": [], "instance": [], "region": []}


def situation(group, code, *, command=False):
    def remember(make):
        SITUATIONS[group].append(Situation(code, command, make))
        return make

    return remember


# Networks. All are in one region, where DHMC works.


@situation("network", "private_dns_off", command=True)
def endpoints_without_private_dns(fleet):
    net = Net(fleet.account)
    net.endpoints(*SSM, dns=False)
    return net.launch()


@situation("network", "private_dns_off", command=True)
def a_vpc_without_dns(fleet):
    net = Net(fleet.account)
    net.endpoints(*SSM)
    for name in ("EnableDnsHostnames", "EnableDnsSupport"):
        net.ec2.modify_vpc_attribute(VpcId=net.vpc, **{name: {"Value": False}})
    return net.launch()


@situation("network", "missing_vpc_endpoints")
def one_endpoint_of_two(fleet):
    net = Net(fleet.account)
    net.endpoints("ssm")
    return net.launch()


@situation("network", "no_egress")
def no_route(fleet):
    return Net(fleet.account).launch()


@situation("network", "no_egress")
def a_group_that_lets_nothing_out(fleet):
    net = Net(fleet.account)
    every = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    net.ec2.revoke_security_group_egress(GroupId=net.group, IpPermissions=every)
    return net.route(**net.nat()).launch()


@situation("network", "no_egress", command=True)
def a_group_that_lets_nothing_out_to_public_addresses(fleet):
    net = Net(fleet.account)
    return net.route(**net.nat()).only_out(IpRanges=[{"CidrIp": "10.0.0.0/8"}]).launch()


@situation("network", "endpoint_not_ready")
def endpoints_that_failed(fleet):
    net = Net(fleet.account)
    net.endpoints(*SSM, state="failed")
    return net.launch()


@situation("network", "endpoint_not_ready")
def endpoints_that_are_pending(fleet):
    net = Net(fleet.account)
    net.endpoints(*SSM, state="pending")
    return net.launch()


@situation("network", "endpoint_not_ready", command=True)
def endpoints_without_a_subnet(fleet):
    net = Net(fleet.account)
    for endpoint in net.endpoints(*SSM).values():
        net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=[net.subnet])
    return net.launch()


@situation("network", "endpoint_group_closed", command=True)
def endpoints_with_a_closed_group(fleet):
    net = Net(fleet.account)
    net.endpoints(*SSM, group=net.new_group())
    return net.launch()


@situation("network", "endpoint_policy_denies")
def endpoints_for_something_else(fleet):
    net = Net(fleet.account)
    net.endpoints(*SSM, policy=allow(Action="s3:*"))
    return net.launch()


@situation("network", "network_unclear")
def a_transit_gateway(fleet):
    net = Net(fleet.account)
    return net.route(**net.transit(tags=NOWHERE)).launch()


# Instances. DHMC works here, too.


@situation("instance", "imdsv1_allowed", command=True)
def with_the_first_version_of_metadata(fleet):
    return fleet.launch(metadata=V1)


def add(fleet, name, path="/web/"):
    """A profile and its role, both at a path."""
    iam = fleet.account.iam
    iam.create_instance_profile(InstanceProfileName=name, Path=path)
    fleet.account.add_role(name, fleet._trust("ec2.amazonaws.com"), "AmazonSSMManagedInstanceCore", path=path)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


@situation("instance", "profile_blocks_dhmc", command=True)
def a_profile_that_is_used_instead_of_dhmc(fleet):
    add(fleet, "Blocks")
    return fleet.launch("Blocks")


@situation("instance", "profile_half_grants", command=True)
def a_profile_that_registers_only(fleet):
    # All that a name may have.
    name = "Half,+=.@_-"
    fleet.add(name, inline={"ping": document(statement(PING))})
    return fleet.launch(name)


@situation("instance", "profile_without_role")
def a_profile_without_a_role(fleet):
    fleet.add("Empty", CORE)
    instance = fleet.launch("Empty")
    fleet.account.iam.remove_role_from_instance_profile(InstanceProfileName="Empty", RoleName="Empty")
    return instance


@situation("instance", "profile_untrusted", command=True)
def a_profile_whose_role_is_for_something_else(fleet):
    add(fleet, "Untrusted")
    text = json.dumps(fleet._trust("rds.amazonaws.com"))
    fleet.account.iam.update_assume_role_policy(RoleName="Untrusted", PolicyDocument=text)
    return fleet.launch("Untrusted")


@situation("instance", "profile_unclear")
def a_profile_with_a_condition(fleet):
    fleet.add("Maybe", inline={"ping": document(statement(PING, **SOMEWHERE))})
    return fleet.launch("Maybe")


@situation("instance", "profile_recreated", command=True)
def a_profile_that_was_made_again(fleet):
    add(fleet, "Again")
    instance, iam = fleet.launch("Again"), fleet.account.iam
    iam.remove_role_from_instance_profile(InstanceProfileName="Again", RoleName="Again")
    iam.delete_instance_profile(InstanceProfileName="Again")
    iam.create_instance_profile(InstanceProfileName="Again", Path="/web/")
    iam.add_role_to_instance_profile(InstanceProfileName="Again", RoleName="Again")
    return instance


@situation("instance", "agent_too_old")
def an_old_agent(fleet):
    fleet.add("Old", CORE)
    instance = fleet.launch("Old", tags={"fleet:agent-version": "3.1.1927.0"})
    assert instance in fleet.nodes
    fleet.account.iam.detach_role_policy(RoleName="Old", PolicyArn=CORE)
    return instance


@situation("instance", "changed_recently")
def a_new_instance(fleet):
    return fleet.launch(launched=None, tags={"fleet:agent": "none"})


@situation("instance", "agent_silent")
def no_agent(fleet):
    return fleet.launch(tags={"fleet:agent": "none"})


@situation("instance", "not_running")
def a_stopped_instance(fleet):
    instance = fleet.launch()
    fleet.ec2.stop_instances(InstanceIds=[instance])
    return instance


@situation("instance", "service_managed")
def an_instance_of_a_service(fleet):
    """EC2's answer is given an operator on its way to the module."""
    fleet.operated = fleet.launch()
    return fleet.operated


# Regions, each with an instance.


def dhmc_by(fleet, region, value, *, service="ssm.amazonaws.com", policy=POLICY):
    """DHMC with a role, and an instance that needs it."""
    path, _slash, name = f"/{value}".rpartition("/")
    fleet.account.add_role(name, fleet._trust(service), path=f"{path}/")
    if policy:
        fleet.account.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    fleet.account.put(value, region)
    fleet.account.control.set_setting_age(DHMC, 7 * 86400, fleet.account.id, region)
    return launch(fleet, region)


def launch(fleet, region, profile=None, **given):
    return Fleet.launch(Elsewhere(fleet, region), profile, **given)


class Elsewhere:
    """A fleet's EC2 of another region."""

    def __init__(self, fleet, region):
        self.ec2 = fleet.account.client("ec2", region)


@situation("region", "dhmc_off", command=True)
def no_dhmc(fleet):
    return launch(fleet, EU)


@situation("region", "imds_off", command=True)
def without_metadata(fleet):
    return launch(fleet, EU, metadata={"HttpEndpoint": "disabled"})


@situation("region", "dhmc_role_missing", command=True)
def a_role_that_is_gone(fleet):
    fleet.account.put("service-role/Gone", "eu-west-2")
    return launch(fleet, "eu-west-2")


@situation("region", "dhmc_role_untrusted", command=True)
def a_role_for_something_else(fleet):
    return dhmc_by(fleet, "us-west-2", "team/eu,west/Untrusted", service="ec2.amazonaws.com")


@situation("region", "dhmc_role_unpermitted", command=True)
def a_role_without_permissions(fleet):
    return dhmc_by(fleet, "us-east-2", "Powerless", policy=None)


@situation("region", "dhmc_role_foreign", command=True)
def a_role_of_quick_setup(fleet):
    return dhmc_by(fleet, US, f"AWS-QuickSetup-SSM-DefaultEC2MgmtRole-{US}")


@situation("region", "dhmc_unclear")
def a_role_with_a_condition(fleet):
    maybe = json.dumps(document(statement(PING, **SOMEWHERE)))
    instance = dhmc_by(fleet, "ap-southeast-2", "Maybe", policy=None)
    fleet.account.iam.put_role_policy(RoleName="Maybe", PolicyName="own", PolicyDocument=maybe)
    return instance


@situation("region", "region_off")
def a_region_that_is_not_enabled(_fleet):
    return "af-south-1"


@situation("region", "region_forbidden")
def a_region_that_the_organization_closes(fleet):
    fleet.account.faults({"region": CLOSED, "denied": "scp"})
    return CLOSED


@situation("region", "association_stuck")
def an_association_that_takes_its_time(fleet):
    """It stands here because all associations of its account are late."""
    fleet.add("Late", CORE)
    late = {"operation": "DescribeIamInstanceProfileAssociations", "propagation": 3600}
    fleet.account.faults({"region": CLOSED, "denied": "scp"}, late)
    return launch(fleet, "eu-north-1", "Late")


@situation("region", "node_quota_near")
def a_region_with_as_many_nodes_as_may_be(_fleet):
    return US
