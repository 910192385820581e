# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2: instance profiles, metadata options and their defaults, pages and filters."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def ec2(client):
    return client("ec2")


def shown(ec2, instance):
    """The profile that DescribeInstances shows."""
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return found.get("IamInstanceProfile")


def only(ec2, **kwargs):
    found = ec2.describe_iam_instance_profile_associations(**kwargs)["IamInstanceProfileAssociations"]
    assert len(found) == 1
    return found[0]


def test_launch_with_profile_gives_it_to_all(aws, ec2):
    """EC2 API Reference, RunInstances: the profile of the request belongs to each instance it launches."""
    profile = aws.iam.get_instance_profile(InstanceProfileName=aws.profile("P"))["InstanceProfile"]
    ids = aws.instances(3, IamInstanceProfile={"Arn": profile["Arn"]})
    wanted = {"Arn": profile["Arn"], "Id": profile["InstanceProfileId"]}
    assert [shown(ec2, instance) for instance in ids] == [wanted] * 3
    assert len(ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]) == 3


def test_associate_replace_disassociate(aws, ec2):
    """EC2 API Reference, Replace...: a new association id; DescribeInstances shows what is attached."""
    aws.profile("A")
    aws.profile("B")
    instance = aws.instance()
    made = ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": "A"})
    assert made["IamInstanceProfileAssociation"]["State"] == "associating"
    first = only(ec2, Filters=[{"Name": "instance-id", "Values": [instance]}])
    assert first["State"] == "associated"
    assert shown(ec2, instance) == first["IamInstanceProfile"]
    replaced = ec2.replace_iam_instance_profile_association(
        AssociationId=first["AssociationId"], IamInstanceProfile={"Name": "B"}
    )["IamInstanceProfileAssociation"]
    assert replaced["AssociationId"] != first["AssociationId"]
    assert replaced["State"] == "associating"
    assert shown(ec2, instance)["Arn"].endswith("instance-profile/B")
    gone = ec2.disassociate_iam_instance_profile(AssociationId=replaced["AssociationId"])
    assert gone["IamInstanceProfileAssociation"]["State"] == "disassociating"
    assert shown(ec2, instance) is None
    assert ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"] == []


def test_association_errors(aws, ec2, refused):
    """EC2 API Reference, error codes; hashicorp/terraform-provider-aws and aws/aws-cli issues 2570 and 5251."""
    aws.profile("P")
    aws.iam.create_instance_profile(InstanceProfileName="Empty")
    associate = ec2.associate_iam_instance_profile
    profile = {"Name": "P"}
    instance = aws.instance()
    error = refused("InvalidParameterValue", associate, InstanceId=instance, IamInstanceProfile={"Name": "None"})
    assert "Value (None) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name" in str(
        error
    )
    error = refused("InvalidParameterValue", associate, InstanceId=instance, IamInstanceProfile={"Name": "Empty"})
    assert "has no associated IAM Roles" in str(error)
    refused("InvalidInstanceID.NotFound", associate, InstanceId="i-0123456789abcdef0", IamInstanceProfile=profile)
    refused("InvalidInstanceID.Malformed", associate, InstanceId="web", IamInstanceProfile=profile)
    associate(InstanceId=instance, IamInstanceProfile=profile)
    error = refused("IncorrectState", associate, InstanceId=instance, IamInstanceProfile=profile)
    assert f"There is an existing association for instance {instance}" in str(error)
    ids = only(ec2)["AssociationId"]
    ec2.stop_instances(InstanceIds=[instance])
    replace = ec2.replace_iam_instance_profile_association
    error = refused("IncorrectState", replace, AssociationId=ids, IamInstanceProfile=profile)
    assert f"The association {ids} is not the active association" in str(error)
    gone = "iip-assoc-0123456789abcdef0"
    refused("InvalidAssociationID.NotFound", ec2.disassociate_iam_instance_profile, AssociationId=gone)
    refused("InvalidParameterValue", ec2.disassociate_iam_instance_profile, AssociationId=instance)
    ec2.terminate_instances(InstanceIds=[instance])
    error = refused("IncorrectInstanceState", associate, InstanceId=instance, IamInstanceProfile=profile)
    assert "is not in the 'running' or 'stopped' states" in str(error)


def test_stopped_instance_takes_a_profile(aws, ec2):
    """EC2 API Reference, AssociateIamInstanceProfile: a running or stopped instance."""
    aws.profile("P")
    instance = aws.instance()
    ec2.stop_instances(InstanceIds=[instance])
    ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": "P"})
    assert shown(ec2, instance)


def test_association_pages(aws, ec2, refused):
    """EC2 API Reference, DescribeIamInstanceProfileAssociations: MaxResults 5 to 1000, not together with ids."""
    aws.profile("P")
    aws.instances(12, IamInstanceProfile={"Name": "P"})
    describe = ec2.describe_iam_instance_profile_associations
    pages = ec2.get_paginator("describe_iam_instance_profile_associations").paginate(PaginationConfig={"PageSize": 5})
    sizes = [len(page["IamInstanceProfileAssociations"]) for page in pages]
    assert sizes == [5, 5, 2]
    assert len(describe(Filters=[{"Name": "state", "Values": ["associated"]}])["IamInstanceProfileAssociations"]) == 12
    ids = [describe(MaxResults=5)["IamInstanceProfileAssociations"][0]["AssociationId"]]
    refused("InvalidParameterCombination", describe, AssociationIds=ids, MaxResults=5)


def test_instance_pages_and_filters(aws, ec2):
    """EC2 API Reference, DescribeInstances: MaxResults counts instances; filters on profile and metadata options."""
    aws.profile("P")
    with_profile = aws.instances(4, IamInstanceProfile={"Name": "P"})
    strict = aws.instances(3, MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2})

    def found(*filters, **kwargs):
        pages = ec2.get_paginator("describe_instances").paginate(Filters=list(filters), **kwargs)
        return [i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]]

    arn = shown(ec2, with_profile[0])["Arn"]
    assert found({"Name": "iam-instance-profile.arn", "Values": [arn]}) == with_profile
    assert found({"Name": "metadata-options.http-tokens", "Values": ["required"]}) == strict
    assert found({"Name": "metadata-options.http-put-response-hop-limit", "Values": ["2"]}) == strict
    assert found({"Name": "instance-state-name", "Values": ["running"]}) == with_profile + strict
    both = [
        {"Name": "instance-state-name", "Values": ["running"]},
        {"Name": "iam-instance-profile.arn", "Values": ["*/P"]},
    ]
    assert found(*both) == with_profile
    page = ec2.describe_instances(MaxResults=5)
    assert sum(len(reservation["Instances"]) for reservation in page["Reservations"]) == 5
    assert found(PaginationConfig={"PageSize": 5}) == with_profile + strict


def test_metadata_options_keep_what_is_not_given(aws, ec2, refused):
    """EC2 API Reference, ModifyInstanceMetadataOptions: unspecified parameters keep their value; State is pending."""
    instance = aws.instance(MetadataOptions={"HttpPutResponseHopLimit": 3})
    answer = ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    options = answer["InstanceMetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"], options["State"]) == ("required", 3, "pending")
    now = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["MetadataOptions"]
    assert (now["HttpTokens"], now["HttpPutResponseHopLimit"], now["State"]) == ("required", 3, "applied")
    change = ec2.modify_instance_metadata_options
    refused("DryRunOperation", change, InstanceId=instance, HttpTokens="optional", DryRun=True)
    refused("InvalidParameterValue", change, InstanceId=instance, HttpTokens="maybe")
    refused("InvalidParameterValue", change, InstanceId=instance, HttpPutResponseHopLimit=65)


def test_metadata_defaults(aws, client, ec2, refused):
    """EC2 API Reference, ModifyInstanceMetadataDefaults; EC2 User Guide: launch parameters win over the defaults."""
    assert "HttpTokens" not in ec2.get_instance_metadata_defaults()["AccountLevel"]
    old = aws.instance()
    assert ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=2)["Return"] is True
    level = ec2.get_instance_metadata_defaults()["AccountLevel"]
    assert (level["HttpTokens"], level["HttpPutResponseHopLimit"], level["ManagedBy"]) == ("required", 2, "account")
    assert "HttpTokens" not in client("ec2", "eu-west-1").get_instance_metadata_defaults()["AccountLevel"]
    new, own = aws.instance(), aws.instance(MetadataOptions={"HttpTokens": "optional"})
    found = ec2.describe_instances(InstanceIds=[old, new, own])["Reservations"]
    tokens = {i["InstanceId"]: i["MetadataOptions"]["HttpTokens"] for r in found for i in r["Instances"]}
    assert tokens == {old: "optional", new: "required", own: "optional"}
    ec2.modify_instance_metadata_defaults(HttpTokens="no-preference", HttpPutResponseHopLimit=-1)
    assert "HttpTokens" not in ec2.get_instance_metadata_defaults()["AccountLevel"]
    refused("InvalidParameterValue", ec2.modify_instance_metadata_defaults, HttpPutResponseHopLimit=65)
    refused("DryRunOperation", ec2.modify_instance_metadata_defaults, HttpTokens="required", DryRun=True)


def test_a_change_of_metadata_options_is_pending_for_as_long_as_a_rule_says(account, aws, control, ec2):
    """EC2 API Reference, ModifyInstanceMetadataOptions: State changes to applied in subsequent DescribeInstances."""
    instance = aws.instance()
    control.set_faults([{"service": "ec2", "operation": "ModifyInstanceMetadataOptions", "propagation": 1}], account)
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")

    def options():
        found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["MetadataOptions"]
        return found["HttpTokens"], found["State"]

    assert options() == ("required", "pending")
    time.sleep(1.1)
    assert options() == ("required", "applied")


def test_a_declarative_policy_sets_the_defaults_of_a_region(account, aws, client, control, ec2, refused):
    """EC2 API Reference, InstanceMetadataDefaultsResponse: managed by a policy, the account can't modify them."""
    ec2.modify_instance_metadata_defaults(HttpTokens="optional")
    control.set_declarative_policy({"HttpTokens": "required"}, account, "us-east-1", "Ask the platform team.")
    wanted = {
        "HttpTokens": "required",
        "ManagedBy": "declarative-policy",
        "ManagedExceptionMessage": "Ask the platform team.",
    }
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == wanted
    refused("OperationNotPermitted", ec2.modify_instance_metadata_defaults, HttpTokens="optional")
    new = ec2.describe_instances(InstanceIds=[aws.instance()])["Reservations"][0]["Instances"][0]
    assert new["MetadataOptions"]["HttpTokens"] == "required"
    assert client("ec2", "eu-west-1").get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}
    control.reset(account)
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}


def test_where_imdsv2_is_enforced_no_instance_can_go_back_to_imdsv1(account, aws, control, ec2, refused):
    """AWS Organizations User Guide, declarative policies for EC2: http_tokens_enforced."""
    instance = aws.instance(MetadataOptions={"HttpTokens": "required"})
    control.set_declarative_policy({"HttpTokensEnforced": "enabled"}, account, "us-east-1")
    refused("UnsupportedOperation", ec2.modify_instance_metadata_options, InstanceId=instance, HttpTokens="optional")
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required", HttpPutResponseHopLimit=2)
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["MetadataOptions"]
    assert (found["HttpTokens"], found["HttpPutResponseHopLimit"]) == ("required", 2)


def test_run_instances_up_to_max_count(aws, client):
    """EC2 API Reference, RunInstances: the largest possible number of instances up to MaxCount."""
    answer = client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=3)
    assert len(answer["Instances"]) == 3


def test_recreated_profile_keeps_the_old_id(aws, ec2):
    """IAM User Guide, Troubleshooting IAM roles: an instance goes on showing the id of the profile that is gone."""
    aws.profile("P")
    instance = aws.instance(IamInstanceProfile={"Name": "P"})
    before = shown(ec2, instance)
    aws.iam.remove_role_from_instance_profile(InstanceProfileName="P", RoleName="P")
    aws.iam.delete_instance_profile(InstanceProfileName="P")
    new = aws.iam.create_instance_profile(InstanceProfileName="P")["InstanceProfile"]
    assert new["InstanceProfileId"] != before["Id"]
    assert shown(ec2, instance) == before
    assert only(ec2)["IamInstanceProfile"] == before


def test_an_association_is_under_way_for_as_long_as_a_rule_says(account, aws, control, ec2):
    """EC2 API Reference, IamInstanceProfileAssociation: state associating; the instance has no credentials yet."""
    instance = aws.instance()
    aws.profile("P", "ssm:UpdateInstanceInformation")
    rule = {"service": "ec2", "operation": "DescribeIamInstanceProfileAssociations", "propagation": 60}
    control.set_faults([rule], account)
    ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": "P"})
    assert only(ec2, Filters=[{"Name": "state", "Values": ["associating"]}])["InstanceId"] == instance
    done = ec2.describe_iam_instance_profile_associations(Filters=[{"Name": "state", "Values": ["associated"]}])
    assert done["IamInstanceProfileAssociations"] == []
    assert shown(ec2, instance)
    assert aws.managed() == {}
    control.clear_faults(account)
    assert only(ec2)["State"] == "associated"
    assert aws.managed() == {instance: "Online"}


def test_launch_time(aws, client, ec2):
    """EC2 API Reference, Instance, and SSM API Reference, InstanceProperty: LaunchTime; here a tag may change it."""
    aws.role("Dhmc", actions="ssm:UpdateInstanceInformation")
    aws.dhmc("Dhmc")
    now = datetime.now(UTC)
    new = aws.instance()
    old = aws.instance(tags={"fleet:launched": (now - timedelta(hours=2)).isoformat(timespec="seconds")})

    def times():
        found = ec2.describe_instances(InstanceIds=[new, old])["Reservations"]
        return {i["InstanceId"]: i["LaunchTime"] for r in found for i in r["Instances"]}

    assert abs((times()[new] - now).total_seconds()) < 30
    assert abs((now - times()[old]).total_seconds() - 7200) < 30
    nodes = client("ssm").describe_instance_properties()["InstanceProperties"]
    assert {node["InstanceId"]: int(node["LaunchTime"].timestamp()) for node in nodes} == {
        instance: int(time.timestamp()) for instance, time in times().items()
    }


def test_unknown_instances(aws, ec2, refused):
    """EC2 API Reference, Error codes: InvalidInstanceID.NotFound and InvalidInstanceID.Malformed."""
    describe, known = ec2.describe_instances, aws.instance()
    refused("InvalidInstanceID.NotFound", describe, InstanceIds=[known, "i-0123456789abcdef0"])
    refused("InvalidInstanceID.Malformed", describe, InstanceIds=["web"])
    refused("DryRunOperation", describe, DryRun=True)
