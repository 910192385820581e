# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ssm_managed_instance_info: every reason, made in the emulator, whose agents decide who is managed."""

from __future__ import annotations

import pytest
from conftest import DHMC
from iam_zoo import CORE, PING, Zoo, document, statement

NAME = "ssm_managed_instance_info"
US, EU = "us-east-1", "eu-west-1"
ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
OLD = "2026-01-01T00:00:00+00:00"
V2 = {"HttpTokens": "required", "HttpEndpoint": "enabled"}


class Fleet(Zoo):
    """Instances in one region, launched long ago unless something else is said, with IMDSv2."""

    def on(self, value=f"service-role/{ROLE}", *, seconds=7 * 86400, service="ssm.amazonaws.com", policy=POLICY):
        """Turn DHMC on with a role of that path and name, so many seconds ago."""
        path, _slash, name = f"/{value}".rpartition("/")
        self.account.add_role(name, self._trust(service), path=f"{path}/")
        if policy:
            self.account.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        self.account.put(value, US)
        self.account.control.set_setting_age(DHMC, seconds, self.account.id, US)

    def launch(self, profile=None, *, metadata=None, launched=OLD, **given):
        """An instance; C(given) are more parameters of RunInstances, or tags of the agent."""
        tags = {"fleet:launched": launched, **given.pop("tags", {})}
        if profile:
            given["IamInstanceProfile"] = {"Name": profile}
        made = self.ec2.run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            MetadataOptions=metadata or V2,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items() if v]}
            ],
            **given,
        )
        return made["Instances"][0]["InstanceId"]

    @property
    def ec2(self):
        return self.account.client("ec2", US)

    @property
    def nodes(self):
        """Ids of the nodes that ping."""
        rows = self.account.client("ssm", US).describe_instance_information()["InstanceInformationList"]
        return [row["InstanceId"] for row in rows if row["PingStatus"] == "Online"]

    def private_subnet(self):
        """A VPC without a way out, and a subnet and a group in it."""
        vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
        return vpc, subnet

    def endpoint(self, vpc, service, *, dns=True):
        self.ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{US}.{service}",
            VpcEndpointType="Interface",
            PrivateDnsEnabled=dns,
        )


@pytest.fixture
def fleet(account, aws_trust):
    return Fleet(account, aws_trust)


def seen(fleet, *, verdict, way=""):
    """The reasons of the only instance, whose verdict and way must be these, and must be what its agent says."""
    run = fleet.account.module(NAME, region=US).ok(changed=False)
    assert run.writes == []
    (row,) = run.result["instances"]
    assert (row["verdict"], row["way"]) == (verdict, way), row
    assert (verdict == "managed") is (fleet.nodes == [row["instance_id"]])
    for reason in row["reasons"]:
        assert "{" not in reason["fix"]
    return [reason["reason"] for reason in row["reasons"]]


def test_dhmc_off(fleet):
    fleet.launch()
    assert seen(fleet, verdict="not_managed") == ["dhmc_off"]


def test_managed_by_dhmc_and_by_a_profile(fleet):
    fleet.on()
    fleet.launch()
    assert seen(fleet, verdict="managed", way="dhmc") == []


def test_managed_by_a_profile(fleet):
    fleet.add("Core", CORE)
    fleet.launch("Core")
    assert seen(fleet, verdict="managed", way="profile") == []


def test_profile_blocks_dhmc(fleet):
    fleet.on()
    fleet.add("Core", CORE)
    fleet.launch("Core")
    assert seen(fleet, verdict="managed", way="profile") == ["profile_blocks_dhmc"]


def test_profile_half_grants(fleet):
    fleet.add("Half", inline={"ping": document(statement(PING))})
    fleet.launch("Half")
    assert seen(fleet, verdict="managed", way="profile") == ["profile_half_grants"]


def test_imds_off(fleet):
    fleet.on()
    fleet.launch(metadata={"HttpEndpoint": "disabled"})
    assert seen(fleet, verdict="not_managed") == ["imds_off"]


def test_imdsv1_allowed(fleet):
    fleet.on()
    fleet.launch(metadata={"HttpTokens": "optional", "HttpEndpoint": "enabled"})
    assert seen(fleet, verdict="managed", way="dhmc") == ["imdsv1_allowed"]


def test_dhmc_role_missing(fleet):
    fleet.on()
    iam = fleet.account.iam
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    iam.delete_role(RoleName=ROLE)
    fleet.launch()
    assert seen(fleet, verdict="not_managed") == ["dhmc_role_missing"]


def test_dhmc_role_at_another_path(fleet):
    fleet.account.add_role(ROLE, fleet._trust("ssm.amazonaws.com"), "AmazonSSMManagedEC2InstanceDefaultPolicy")
    fleet.account.put(f"service-role/{ROLE}", US)
    fleet.launch()
    assert seen(fleet, verdict="not_managed") == ["dhmc_role_missing"]


def test_dhmc_role_untrusted(fleet):
    fleet.on(service="ec2.amazonaws.com")
    fleet.launch()
    assert seen(fleet, verdict="not_managed") == ["dhmc_role_untrusted"]


def test_dhmc_role_unpermitted(fleet):
    fleet.on(policy=None)
    fleet.launch()
    assert seen(fleet, verdict="not_managed") == ["dhmc_role_unpermitted"]


def test_dhmc_role_foreign(fleet):
    fleet.on(f"AWS-QuickSetup-SSM-DefaultEC2MgmtRole-{US}")
    fleet.launch()
    assert seen(fleet, verdict="managed", way="dhmc") == ["dhmc_role_foreign"]


def test_profile_without_role(fleet):
    fleet.on()
    fleet.add("Empty", CORE)
    fleet.launch("Empty")
    fleet.account.iam.remove_role_from_instance_profile(InstanceProfileName="Empty", RoleName="Empty")
    assert seen(fleet, verdict="managed", way="dhmc") == ["profile_without_role"]
    fleet.account.iam.delete_instance_profile(InstanceProfileName="Empty")
    assert seen(fleet, verdict="managed", way="dhmc") == ["profile_without_role"]


def test_profile_recreated(fleet):
    fleet.on()
    fleet.add("Core", CORE)
    fleet.launch("Core")
    iam = fleet.account.iam
    iam.remove_role_from_instance_profile(InstanceProfileName="Core", RoleName="Core")
    iam.delete_instance_profile(InstanceProfileName="Core")
    iam.create_instance_profile(InstanceProfileName="Core")
    iam.add_role_to_instance_profile(InstanceProfileName="Core", RoleName="Core")
    assert seen(fleet, verdict="managed", way="dhmc") == ["profile_recreated"]


def test_agent_too_old(fleet):
    fleet.on()
    fleet.add("Core", CORE)
    instance = fleet.launch("Core", tags={"fleet:agent-version": "3.1.1927.0"})
    assert fleet.nodes == [instance]
    fleet.account.iam.detach_role_policy(RoleName="Core", PolicyArn=CORE)
    assert seen(fleet, verdict="connection_lost") == ["agent_too_old"]


def test_no_egress(fleet):
    fleet.on()
    _vpc, subnet = fleet.private_subnet()
    fleet.launch(SubnetId=subnet)
    assert seen(fleet, verdict="not_managed") == ["no_egress"]


def test_no_egress_by_security_group(fleet):
    fleet.on()
    vpc = fleet.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    group = fleet.ec2.create_security_group(GroupName="shut", Description="shut", VpcId=vpc)["GroupId"]
    every = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    fleet.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=every)
    fleet.launch(SecurityGroupIds=[group])
    assert seen(fleet, verdict="not_managed") == ["no_egress"]


def test_missing_vpc_endpoints(fleet):
    fleet.on()
    vpc, subnet = fleet.private_subnet()
    fleet.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    fleet.endpoint(vpc, "ssm")
    fleet.launch(SubnetId=subnet)
    assert seen(fleet, verdict="not_managed") == ["missing_vpc_endpoints"]
    fleet.endpoint(vpc, "ssmmessages")
    assert seen(fleet, verdict="managed", way="dhmc") == []


def test_private_dns_off(fleet):
    fleet.on()
    vpc, subnet = fleet.private_subnet()
    fleet.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    for service in ("ssm", "ssmmessages"):
        fleet.endpoint(vpc, service, dns=False)
    fleet.launch(SubnetId=subnet)
    # Hosted zones of one's own could lead to them, so that it is a warning for each.
    assert seen(fleet, verdict="not_managed") == ["agent_silent", "private_dns_off", "private_dns_off"]


def test_private_dns_off_by_the_vpc(fleet):
    fleet.on()
    vpc, subnet = fleet.private_subnet()
    fleet.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    for service in ("ssm", "ssmmessages"):
        fleet.endpoint(vpc, service)
    fleet.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    fleet.launch(SubnetId=subnet)
    assert seen(fleet, verdict="not_managed") == ["private_dns_off"]


def test_changed_recently_and_agent_silent(fleet):
    fleet.on()
    fleet.launch(launched=None, tags={"fleet:agent": "none"})
    assert seen(fleet, verdict="pending") == ["changed_recently"]
    # Set a moment ago, and set long ago.
    fleet.account.control.reset(fleet.account.id)
    fleet.on(seconds=60)
    fleet.launch(tags={"fleet:agent": "none"})
    assert seen(fleet, verdict="pending") == ["changed_recently"]
    fleet.account.control.set_setting_age(DHMC, 36 * 60, fleet.account.id, US)
    assert seen(fleet, verdict="not_managed") == ["agent_silent"]


def test_connection_lost(fleet):
    fleet.on()
    instance = fleet.launch()
    assert fleet.nodes == [instance]
    fleet.ec2.create_tags(Resources=[instance], Tags=[{"Key": "fleet:agent", "Value": "stopped"}])
    assert seen(fleet, verdict="connection_lost") == ["agent_silent"]


def test_not_running(fleet):
    fleet.on()
    instance = fleet.launch()
    fleet.ec2.stop_instances(InstanceIds=[instance])
    assert seen(fleet, verdict="out_of_scope") == ["not_running"]


def test_service_managed(fleet, rewriting):
    """The emulator's instances are nobody's, so that EC2's answer is given an operator on its way."""
    fleet.on()
    instance = fleet.launch()
    with rewriting({instance: "eks.amazonaws.com"}) as endpoint:
        run = fleet.account.module(NAME, region=US, env={"AWS_ENDPOINT_URL": endpoint}).ok()
    (row,) = run.result["instances"]
    assert (row["verdict"], [one["reason"] for one in row["reasons"]]) == ("out_of_scope", ["service_managed"])
    assert (run.result["totals"]["in_scope"], run.result["totals"]["coverage"]) == (0, None)
