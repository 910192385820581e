# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The simulated agents: which instances are managed, and why."""

from __future__ import annotations

import json

import pytest
from conftest import DHMC, EC2_TRUST

PING = "ssm:UpdateInstanceInformation"
DHMC_ROLE = "service-role/Dhmc"


@pytest.fixture
def dhmc(aws):
    """DHMC is on with a good role."""
    aws.role("Dhmc", path="/service-role/", actions=PING)
    aws.dhmc(DHMC_ROLE)


def test_nothing_set_nothing_managed(aws):
    """Systems Manager User Guide: an instance needs permissions, by profile or by DHMC, to be managed."""
    aws.instance()
    assert aws.managed() == {}


def test_by_dhmc(aws, dhmc):
    """Systems Manager User Guide, DHMC: manages instances without an instance profile, in its Region only."""
    here, there = aws.instance(), aws.instance(region="eu-west-1")
    assert aws.managed() == {here: "Online"}
    assert aws.managed("eu-west-1") == {}
    aws.dhmc(DHMC_ROLE, "eu-west-1")
    assert aws.managed("eu-west-1") == {there: "Online"}


@pytest.mark.parametrize("actions", [PING, "ssm:*", "*", "SSM:updateinstance*", "ssm:UpdateInstanceInformatio?"])
def test_by_profile(aws, actions):
    """amazon-ssm-agent, ec2_role_provider: profile credentials that may call UpdateInstanceInformation are used."""
    instance = aws.instance(IamInstanceProfile={"Name": aws.profile("P", actions)})
    assert aws.managed() == {instance: "Online"}


def test_profile_without_the_permission_falls_back(aws, dhmc):
    """amazon-ssm-agent: AccessDeniedException with the profile's credentials falls back to DHMC."""
    instance = aws.instance(IamInstanceProfile={"Name": aws.profile("P", "s3:GetObject")})
    assert aws.managed() == {instance: "Online"}
    aws.client("ssm").reset_service_setting(SettingId=DHMC)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_profile_wins_over_dhmc(aws, dhmc):
    """Systems Manager User Guide, DHMC: not used when the profile allows ssm:UpdateInstanceInformation."""
    instance = aws.instance(IamInstanceProfile={"Name": aws.profile("P", PING)})
    aws.client("ssm").reset_service_setting(SettingId=DHMC)
    assert aws.managed() == {instance: "Online"}


def test_managed_policies_and_their_default_version(aws):
    """IAM User Guide, Versioning IAM policies: the default version counts; AWS's own Core policy grants the call."""
    role = aws.profile("P")
    instance = aws.instance(IamInstanceProfile={"Name": role})
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    aws.iam.attach_role_policy(RoleName=role, PolicyArn=core)
    assert aws.managed() == {instance: "Online"}
    aws.iam.detach_role_policy(RoleName=role, PolicyArn=core)
    allow = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": PING, "Resource": "*"}})
    arn = aws.iam.create_policy(PolicyName="own", PolicyDocument=allow)["Policy"]["Arn"]
    aws.iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert aws.managed() == {instance: "Online"}
    other = allow.replace(PING, "s3:GetObject")
    aws.iam.create_policy_version(PolicyArn=arn, PolicyDocument=other, SetAsDefault=True)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_explicit_deny(aws, dhmc):
    """IAM User Guide, Policy evaluation logic: an explicit deny wins; the agent then falls back to DHMC."""
    role = aws.profile("P", "*")
    instance = aws.instance(IamInstanceProfile={"Name": role})
    aws.client("ssm").reset_service_setting(SettingId=DHMC)
    aws.inline(role, "deny", {"Effect": "Deny", "Action": PING, "Resource": "*"})
    assert aws.managed() == {instance: "ConnectionLost"}
    aws.dhmc(DHMC_ROLE)
    assert aws.managed() == {instance: "Online"}


def test_not_action(aws):
    """IAM User Guide, NotAction: matches everything except the listed actions."""
    role = aws.profile("P")
    aws.inline(role, "a", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
    instance = aws.instance(IamInstanceProfile={"Name": role})
    assert aws.managed() == {instance: "Online"}


def test_condition_on_instance_tags(aws):
    """Service Authorization Reference, Systems Manager: UpdateInstanceInformation knows aws:ResourceTag."""
    role = aws.profile("P")
    condition = {"StringEquals": {"aws:ResourceTag/Ssm": "yes"}}
    aws.inline(role, "a", {"Effect": "Allow", "Action": PING, "Resource": "*", "Condition": condition})
    profile = {"Name": role}
    tagged = aws.instance(IamInstanceProfile=profile, tags={"Ssm": "yes"})
    aws.instance(IamInstanceProfile=profile, tags={"Ssm": "no"})
    assert aws.managed() == {tagged: "Online"}


SAME_ACCOUNT = {"StringNotEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}


@pytest.mark.parametrize(
    ("condition", "managed"),
    [
        (SAME_ACCOUNT, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"BoolIfExists": {"aws:ViaAWSService": "false"}}, False),
        ({"StringNotEquals": {"aws:PrincipalTag/team": "web"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "web"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/P"}}, False),
        # Credentials of before 2020 are long gone.
        ({"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
        ({"Null": {"ec2:SourceInstanceARN": "false"}}, False),
        ({"Null": {"ssm:SourceInstanceARN": "false"}}, True),
    ],
)
def test_keys_of_every_call(aws, condition, managed):
    """IAM User Guide, AWS global condition context keys: what the call of an instance's role has."""
    role = aws.profile("P", PING)
    aws.iam.tag_role(RoleName=role, Tags=[{"Key": "team", "Value": "web"}])
    aws.inline(role, "d", {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
    instance = aws.instance(IamInstanceProfile={"Name": role})
    assert (aws.managed() == {instance: "Online"}) is managed


def test_the_source_instance_of_dhmc(aws, dhmc):
    """Service Authorization Reference, Systems Manager: ssm:SourceInstanceARN is there unless by a profile."""
    condition = {"Null": {"ssm:SourceInstanceARN": "true"}}
    aws.inline("Dhmc", "d", {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
    instance = aws.instance()
    assert aws.managed() == {instance: "Online"}
    aws.inline("Dhmc", "d", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    condition = {"Null": {"ec2:SourceInstanceARN": "false"}}
    aws.inline("Dhmc", "e", {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
    assert aws.managed() == {instance: "Online"}


def test_permissions_boundary(aws):
    """IAM User Guide, Permissions boundaries: the boundary must allow the action as well."""
    role = aws.profile("P", PING)
    instance = aws.instance(IamInstanceProfile={"Name": role})
    boundary = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    aws.iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
    assert aws.managed() == {instance: "ConnectionLost"}
    aws.iam.delete_role_permissions_boundary(RoleName=role)
    assert aws.managed() == {instance: "Online"}


def test_dhmc_role_must_be_there(aws):
    """The DHMC value is path and name: a role of that name under another path is not it."""
    aws.role("Dhmc", path="/", actions=PING)
    aws.instance()
    aws.dhmc(DHMC_ROLE)
    assert aws.managed() == {}
    aws.dhmc("Dhmc")
    assert list(aws.managed().values()) == ["Online"]


def test_dhmc_role_must_trust_ssm(aws):
    """Systems Manager User Guide, DHMC: the role must be assumable by ssm.amazonaws.com."""
    aws.role("Dhmc", EC2_TRUST, path="/service-role/", actions=PING)
    aws.dhmc(DHMC_ROLE)
    aws.instance()
    assert aws.managed() == {}


def test_dhmc_role_must_allow(aws):
    """Systems Manager User Guide, DHMC: AmazonSSMManagedEC2InstanceDefaultPolicy gives the role its permissions."""
    aws.role("Dhmc", path="/service-role/")
    aws.dhmc(DHMC_ROLE)
    instance = aws.instance()
    assert aws.managed() == {}
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
    aws.iam.attach_role_policy(RoleName="Dhmc", PolicyArn=arn)
    assert aws.managed() == {instance: "Online"}


@pytest.mark.parametrize(("version", "managed"), [("3.2.582.0", True), ("3.2.581.9", False), ("3.10.0.0", True)])
def test_dhmc_needs_a_new_agent(aws, dhmc, version, managed):
    """Systems Manager User Guide, DHMC: SSM Agent 3.2.582.0 or later."""
    aws.instance(tags={"fleet:agent-version": version})
    assert bool(aws.managed()) is managed


def test_old_agent_with_profile(aws):
    """The minimum version holds for DHMC alone."""
    aws.instance(tags={"fleet:agent-version": "2.3.0.0"}, IamInstanceProfile={"Name": aws.profile("P", PING)})
    assert list(aws.managed().values()) == ["Online"]


@pytest.mark.parametrize("state", ["stopped", "none"])
def test_agent_not_running(aws, dhmc, state):
    """Without a running agent there is no node; one that stops loses its connection."""
    aws.instance(tags={"fleet:agent": state})
    assert aws.managed() == {}
    other = aws.instance()
    aws.client("ec2").create_tags(Resources=[other], Tags=[{"Key": "fleet:agent", "Value": state}])
    assert aws.managed() == {other: "ConnectionLost"}


def test_metadata_service_off(aws, dhmc):
    """Systems Manager User Guide, SSM Agent technical details: the agent needs the instance metadata service."""
    instance = aws.instance()
    ec2 = aws.client("ec2")
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpEndpoint="disabled")
    assert aws.managed() == {instance: "ConnectionLost"}
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpEndpoint="enabled")
    assert aws.managed() == {instance: "Online"}
    aws.instance(MetadataOptions={"HttpEndpoint": "disabled"})
    assert list(aws.managed()) == [instance]


def test_stopped_and_terminated_are_left_out(aws, dhmc):
    """SSM API Reference, DescribeInstanceInformation: no stopped or terminated nodes."""
    stopped, terminated = aws.instances(2)
    assert len(aws.managed()) == 2
    aws.client("ec2").stop_instances(InstanceIds=[stopped])
    aws.client("ec2").terminate_instances(InstanceIds=[terminated])
    assert aws.managed() == {}
    aws.client("ec2").start_instances(InstanceIds=[stopped])
    assert aws.managed() == {stopped: "Online"}


def test_profile_without_role_falls_back(aws, dhmc):
    """amazon-ssm-agent: no credentials from the metadata service is EC2RoleRequestError, which falls back to DHMC."""
    role = aws.profile("P", PING)
    instance = aws.instance(IamInstanceProfile={"Name": role})
    aws.iam.remove_role_from_instance_profile(InstanceProfileName="P", RoleName=role)
    assert aws.managed() == {instance: "Online"}
    aws.client("ssm").reset_service_setting(SettingId=DHMC)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_recreated_profile_is_not_the_attached_one(aws):
    """IAM User Guide, Troubleshooting IAM roles: a profile made anew under the same name has another id."""
    role = aws.profile("P", PING)
    instance = aws.instance(IamInstanceProfile={"Name": "P"})
    aws.iam.remove_role_from_instance_profile(InstanceProfileName="P", RoleName=role)
    aws.iam.delete_instance_profile(InstanceProfileName="P")
    aws.iam.create_instance_profile(InstanceProfileName="P")
    aws.iam.add_role_to_instance_profile(InstanceProfileName="P", RoleName=role)
    assert aws.managed() == {instance: "ConnectionLost"}


def test_replaced_profile(aws):
    """EC2 User Guide, IAM roles for Amazon EC2: a replaced association changes the credentials."""
    instance = aws.instance(IamInstanceProfile={"Name": aws.profile("Good", PING)})
    aws.profile("Bad", "s3:*")
    ec2 = aws.client("ec2")
    old = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"][0]["AssociationId"]
    ec2.replace_iam_instance_profile_association(AssociationId=old, IamInstanceProfile={"Name": "Bad"})
    assert aws.managed() == {instance: "ConnectionLost"}


def test_fields(aws, dhmc):
    """SSM API Reference, InstanceInformation: IamRole and ActivationId belong to hybrid nodes."""
    instance = aws.instance()
    node = aws.client("ssm").describe_instance_information()["InstanceInformationList"][0]
    assert (node["InstanceId"], node["ResourceType"], node["PlatformType"]) == (instance, "EC2Instance", "Linux")
    assert node["IsLatestVersion"] is True
    assert "IamRole" not in node
    assert "ActivationId" not in node
    more = aws.client("ssm").describe_instance_properties()["InstanceProperties"][0]
    assert (more["InstanceId"], more["InstanceState"], more["PingStatus"]) == (instance, "running", "Online")


def test_pages_and_filters(aws, dhmc, refused):
    """SSM API Reference, DescribeInstanceInformation: MaxResults 5 to 50, 10 by default; its filters and errors."""
    ids = aws.instances(12, tags={"Team": "a"})
    other = aws.instance(tags={"fleet:agent-version": "3.2.582.0"})
    ssm = aws.client("ssm")
    first = ssm.describe_instance_information()
    assert len(first["InstanceInformationList"]) == 10
    rest = ssm.describe_instance_information(NextToken=first["NextToken"])
    assert len(rest["InstanceInformationList"]) == 3
    assert "NextToken" not in rest

    def found(*filters, **kwargs):
        answer = ssm.describe_instance_information(MaxResults=50, Filters=list(filters), **kwargs)
        return {node["InstanceId"] for node in answer["InstanceInformationList"]}

    assert found({"Key": "InstanceIds", "Values": ids[:2]}) == set(ids[:2])
    assert found({"Key": "tag:Team", "Values": ["a"]}) == set(ids)
    assert found({"Key": "AgentVersion", "Values": ["3.2.582.0"]}) == {other}
    assert found({"Key": "PingStatus", "Values": ["ConnectionLost"]}) == set()
    old = [{"key": "InstanceIds", "valueSet": [other]}]
    assert len(ssm.describe_instance_information(InstanceInformationFilterList=old)["InstanceInformationList"]) == 1
    refused("ValidationException", ssm.describe_instance_information, MaxResults=51)
    refused("InvalidNextToken", ssm.describe_instance_information, NextToken="x")
    refused("InvalidFilterKey", found, {"Key": "Colour", "Values": ["red"]})
    mixed = [{"Key": "tag:Team", "Values": ["a"]}, {"Key": "PingStatus", "Values": ["Online"]}]
    refused("InvalidFilterKey", found, *mixed)
    both = {"Filters": [{"Key": "PingStatus", "Values": ["Online"]}], "InstanceInformationFilterList": old}
    refused("ValidationException", ssm.describe_instance_information, **both)


def test_pages_of_properties(aws, dhmc, refused):
    """SSM API Reference, DescribeInstanceProperties: MaxResults 5 to 1000; fields of InstanceProperty."""
    ids = aws.instances(12)
    ssm = aws.client("ssm")
    pages = list(ssm.get_paginator("describe_instance_properties").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["InstanceProperties"]) for page in pages] == [5, 5, 2]
    nodes = [node for page in pages for node in page["InstanceProperties"]]
    assert [node["InstanceId"] for node in nodes] == ids
    assert (nodes[0]["PingStatus"], nodes[0]["PlatformType"]) == ("Online", "Linux")
    assert {"AgentVersion", "LastPingDateTime", "LaunchTime"} <= set(nodes[0])
    only = [{"Key": "InstanceIds", "Values": ids[3:5], "Operator": "Equal"}]
    found = ssm.describe_instance_properties(FiltersWithOperator=only)["InstanceProperties"]
    assert [node["InstanceId"] for node in found] == ids[3:5]
    refused("ValidationException", ssm.describe_instance_properties, MaxResults=1001)


def test_a_change_shows_in_the_next_call(aws, dhmc):
    """The emulator keeps a look at its agents for the pages of a list; a write in between ends that."""
    first, second = aws.instances(2)
    assert aws.managed() == {first: "Online", second: "Online"}
    aws.client("ec2").terminate_instances(InstanceIds=[first])
    assert aws.managed() == {second: "Online"}
    aws.client("ssm").reset_service_setting(SettingId=DHMC)
    assert aws.managed() == {second: "ConnectionLost"}
    third = aws.instance(IamInstanceProfile={"Name": aws.profile("P", PING)})
    assert aws.managed() == {second: "ConnectionLost", third: "Online"}
